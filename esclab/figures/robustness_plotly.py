"""The robustness figure for the screen."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from esclab.figures.robustness import CLEAN_LABEL, X_TITLE, Y_TITLE, RobustnessPlan
from esclab.figures.text import plotly_text
from esclab.figures.theme import COLOURS, GRID, PLOTLY_MARKERS, SCREEN_FONT_PX, register_template
from esclab.figures.wrap import wrap_plotly

DASHES = ("solid", "dash", "dashdot", "longdash", "dot")
PANEL_PX, GAP_PX = 280, 66


def draw_plotly(plan: RobustnessPlan) -> Any:
    """Return the figure as a `plotly.graph_objects.Figure`; the plan comes from `robustness_figure`."""
    from plotly.subplots import make_subplots

    rows = math.ceil(len(plan.panels) / plan.columns)
    area_px = rows * PANEL_PX + (rows - 1) * GAP_PX
    top = 84 + 17 * max(len(panel.titles) for panel in plan.panels)
    letters = max(19, 100 // plan.columns)
    figure = make_subplots(
        rows,
        plan.columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.02,
        vertical_spacing=GAP_PX / area_px,
        subplot_titles=["<br>".join(wrap_plotly(line, letters) for line in panel.titles) for panel in plan.panels],
    )
    figure.update_annotations(font_size=SCREEN_FONT_PX)
    for number, panel in enumerate(plan.panels):
        place = {"row": number // plan.columns + 1, "col": number % plan.columns + 1}
        for i, model in enumerate(plan.models):
            if model in panel.curves:
                trace = _build_curve(panel.curves[model], model, i)
                figure.add_trace(trace.update(showlegend=number == 0), **place)
        if plan.border is not None:
            figure.add_vline(plan.border, line={"color": GRID, "width": 2}, **place)
        if number >= len(plan.panels) - plan.columns:
            figure.update_xaxes(title_text=X_TITLE, showticklabels=True, **place)
    for row in range(1, rows + 1):
        figure.update_yaxes(title_text=Y_TITLE, row=row, col=1)
    figure.update_xaxes(tickvals=plan.ticks, ticktext=plan.tick_labels, range=plan.x_range, showgrid=False)
    figure.update_yaxes(range=plan.y_range)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(plan.title, 90), "subtitle": {"text": plotly_text(plan.key, 140)}},
        legend={"orientation": "h", "x": 0, "y": -62 / area_px, "yanchor": "top"},
        margin={"t": top, "b": 110},
        height=top + 110 + area_px,
    )
    return figure


def _build_curve(rows: pd.DataFrame, model: str, number: int) -> Any:
    import plotly.graph_objects as go

    colour = COLOURS[number % len(COLOURS)]
    words = [_describe(row) for row in rows.itertuples(index=False)]
    # An empty place after the clean clips breaks the line there.
    rows = rows.astype(dict.fromkeys(("x", "mean", "low", "high"), float))
    clean = int((rows["kind"] == CLEAN_LABEL).sum())
    x, mean, low, high = (
        [*rows[name].iloc[:clean], *[None] * bool(clean), *rows[name].iloc[clean:]]
        for name in ("x", "mean", "low", "high")
    )
    up, down = (
        [None if value is None else abs(value - middle) for value, middle in zip(ends, mean, strict=True)]
        for ends in (high, low)
    )
    return go.Scatter(
        x=x,
        y=mean,
        error_y={"array": up, "arrayminus": down, "color": colour, "thickness": 1.5, "width": 0},
        customdata=[*words[:clean], *[""] * bool(clean), *words[clean:]],
        mode="lines+markers",
        name=plotly_text(model),
        legendgroup=str(number),
        line={"color": colour, "width": 2, "dash": DASHES[number % len(DASHES)]},
        marker={"symbol": PLOTLY_MARKERS[number % len(PLOTLY_MARKERS)], "size": 10},
        hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
    )


def _describe(row: Any) -> str:
    where = CLEAN_LABEL if row.kind == CLEAN_LABEL else f"{plotly_text(row.kind)}, {row.snr_db:g} dB"
    interval = "" if math.isnan(row.low + row.high) else f" [{row.low:.1f}, {row.high:.1f}]"
    return f"{where}<br>{row.mean:.1f} %{interval}"
