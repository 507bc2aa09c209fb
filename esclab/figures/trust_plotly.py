"""The trust figure for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import COLOURS, PLOTLY_MARKERS, SCREEN_FONT_PX, SCREEN_WIDTH_PX, SOFT_INK, register_template
from esclab.figures.trust import BETTER, SIDES, Y_TITLE, TrustPlan, scale_column, select_dots, title_trust, wrap_title
from esclab.results import TrustResult

ROW_PX, LETTER_PX = 30, 7.6
STRIPE = "#f4f4f4"


def draw_plotly(result: TrustResult, plan: TrustPlan) -> Any:
    """Return the figure as a `plotly.graph_objects.Figure`; the arguments come checked from `trust_figure`."""
    from plotly.subplots import make_subplots

    count = len(plan.measures)
    figure = make_subplots(rows=1, cols=count, shared_yaxes=True, horizontal_spacing=0.12 / count)
    names_px = LETTER_PX * max(len(shorten(method, 24)) for method in plan.methods)
    letters = max(9, int((SCREEN_WIDTH_PX - 90 - names_px) / max(count, 3) / LETTER_PX))
    for col, (measure, title, better) in enumerate(plan.measures, start=1):
        for number, model in enumerate(plan.models):
            figure.add_trace(_build_dots(result, plan, (number, model, measure), first=col == 1), row=1, col=col)
        words = "<br>".join(plotly_text(line, letters) for line in wrap_title(title, letters))
        limits, places = scale_column(result, measure)
        labels = [f"{place:g}" for place in places]
        figure.update_xaxes(
            title_text=words, range=limits, tickvals=places, ticktext=labels, tickangle=0, row=1, col=col
        )
        side = SIDES[better]
        axis = figure.get_subplot(1, col).xaxis.plotly_name.replace("axis", "")
        figure.add_annotation(
            text=BETTER[better],
            x={"left": 0.0, "center": 0.5, "right": 1.0}[side],
            xref=f"{axis} domain",
            xanchor=side,
            y=1,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            font={"color": SOFT_INK, "size": SCREEN_FONT_PX},
        )
    _shade_rows(figure, plan)
    figure.update_yaxes(range=[plan.places[-1] + 0.5, -0.5], showgrid=False, ticks="", showline=False)
    names = [plotly_text(method, 24) for method in plan.methods]
    figure.update_yaxes(title_text=Y_TITLE, tickvals=plan.places, ticktext=names, row=1, col=1)
    title, key = title_trust(result)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": plotly_text(key, 100)}},
        height=320 + ROW_PX * (plan.places[-1] + 1),
        margin={"t": 150 if len(plan.models) > 1 else 110},
        showlegend=len(plan.models) > 1,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "yref": "paper"},
    )
    figure.update_layout(legend_y=1 + 26 / (ROW_PX * (plan.places[-1] + 1)))
    return figure


def _build_dots(result: TrustResult, plan: TrustPlan, which: tuple[int, str, str], *, first: bool) -> Any:
    import plotly.graph_objects as go

    number, model, measure = which
    dots, colour = select_dots(result, plan, model=model, measure=measure), COLOURS[number % len(COLOURS)]
    names = np.array([plotly_text(method, 60) for method in plan.methods], dtype=object)
    return go.Scatter(
        x=dots["mean"],
        y=plan.places + plan.shifts[number],
        error_x={
            "array": dots["high"] - dots["mean"],
            "arrayminus": dots["mean"] - dots["low"],
            "thickness": 1.8,
            "width": 0,
            "color": colour,
        },
        customdata=np.column_stack([names, dots["low"], dots["high"], dots["clips"]]),
        mode="markers",
        name=plotly_text(model),
        legendgroup=str(number),
        showlegend=first,
        marker={"size": 9, "color": colour, "symbol": PLOTLY_MARKERS[number % len(PLOTLY_MARKERS)]},
        hovertemplate="%{customdata[0]}<br>%{x:.3~g} [%{customdata[1]:.3~g}, %{customdata[2]:.3~g}], "
        "%{customdata[3]} clips<extra>%{fullData.name}</extra>",
    )


def _shade_rows(figure: Any, plan: TrustPlan) -> None:
    """Shade every other row to lead the eye, and draw a line over the references."""
    for place in plan.places[: plan.references_from : 2]:
        ends = {"y0": place - 0.5, "y1": place + 0.5, "x0": 0, "x1": 1}
        figure.add_shape(
            type="rect", xref="paper", yref="y", layer="below", fillcolor=STRIPE, line={"width": 0}, **ends
        )
    if 0 < plan.references_from < len(plan.methods):
        above = (plan.places[plan.references_from - 1] + plan.places[plan.references_from]) / 2
        line = {"color": SOFT_INK, "width": 1}
        figure.add_shape(type="line", xref="paper", yref="y", x0=0, x1=1, y0=above, y1=above, line=line)
