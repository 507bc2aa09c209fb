"""Accuracy against cost, for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.figures.cost import PANELS, Y_TITLE, CostPlan, describe_figure, plan_figure
from esclab.figures.text import plotly_text
from esclab.figures.theme import COLOURS, GRID, PLOTLY_MARKERS, SCREEN_FONT_PX, SOFT_INK, register_template
from esclab.figures.wrap import wrap_plotly
from esclab.results.cost import CostResult

LINE_PX, TOP_PX, BOTTOM_PX, LEAST_PX = 19, 105, 60, 260
DOMAINS = ((0.0, 0.235), (0.27, 0.505), (0.54, 0.775), (0.775, 1.0))
BEND, MARK, TEXT = 0.1, 0.15, 0.21  # where a line to a name ends, its marker and the name stand, in 0..1


def draw(result: CostResult, accuracy_range: tuple[float, float] | None) -> Any:
    """Draw for the screen; see `esclab.figures.cost.cost_figure`."""
    import plotly.graph_objects as go

    height = max(LEAST_PX, LINE_PX * (len(result.table) + 1))
    plan = plan_figure(result, accuracy_range, line_share=LINE_PX / height)
    figure = go.Figure()
    last = len(PANELS)
    for place, (column, _, title) in enumerate(PANELS, start=1):
        _add_points(figure, plan, column, title, place=place)
        figure.update_layout({f"xaxis{_end(place)}": _build_axis(plan, title, place=place)})
    _add_names(figure, plan, place=last + 1)
    bare = {"visible": False, "fixedrange": True}
    figure.update_layout(
        {
            f"xaxis{last + 1}": bare | {"domain": DOMAINS[last], "range": [0, 1], "anchor": "y2"},
            "yaxis": {"title": {"text": Y_TITLE}, "range": list(plan.y_range)},
            # Of its own, so that no grid runs through the names; it follows where the reader zooms.
            "yaxis2": bare | {"matches": "y", "anchor": f"x{last + 1}"},
        }
    )
    title, key = describe_figure(result, plan)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": wrap_plotly(key, 120)}},
        showlegend=False,
        height=height + TOP_PX + BOTTOM_PX,
        margin={"t": TOP_PX, "b": BOTTOM_PX, "r": 10},
    )
    return figure


def _end(place: int) -> str:
    return "" if place == 1 else str(place)


def _build_axis(plan: CostPlan, title: str, *, place: int) -> dict[str, Any]:
    ticks = plan.ticks[place - 1]
    return {
        "type": "log", "domain": DOMAINS[place - 1], "range": np.log10(plan.ranges[place - 1]).tolist(),
        "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks], "title": {"text": title}, "anchor": "y",
    }  # fmt: skip


def _build_marker(plan: CostPlan) -> dict[str, Any]:
    numbers = plan.models["number"]
    return {
        "size": 11,
        "color": [COLOURS[n % len(COLOURS)] for n in numbers],
        "symbol": [PLOTLY_MARKERS[n % len(PLOTLY_MARKERS)] for n in numbers],
        "line": {"width": 1, "color": "white"},
    }


def _add_points(figure: Any, plan: CostPlan, column: str, title: str, *, place: int) -> None:
    models = plan.models
    names = [plotly_text(name, 60) for name in models["model"]]
    across = title.rpartition(" (")[2].rstrip(")")
    quartiles = {
        "array": models["ms_high"] - models["ms"], "arrayminus": models["ms"] - models["ms_low"],
        "thickness": 1.5, "width": 3, "color": SOFT_INK,
    }  # fmt: skip
    figure.add_scatter(
        x=models[column], y=models["accuracy"], customdata=names, mode="markers", marker=_build_marker(plan),
        error_x=quartiles if column == "ms" else None, xaxis=f"x{_end(place)}", yaxis="y",
        hovertemplate=f"%{{customdata}}<br>%{{x:.3~g}} {across}<br>%{{y:.1f}} %<extra></extra>",
    )  # fmt: skip


def _add_names(figure: Any, plan: CostPlan, *, place: int) -> None:
    """Add lines from the last panel's points to the names, then the names with their markers."""
    models, right = plan.models, plan.ranges[-1][1]
    line = {"color": GRID, "width": 1.2}
    level: tuple[list[Any], list[Any]] = ([], [])
    bent: tuple[list[Any], list[Any]] = ([], [])
    for x, y, label_y in models[["ms", "accuracy", "label_y"]].itertuples(index=False):
        level[0].extend([x, right, None])
        level[1].extend([y, y, None])
        bent[0].extend([0.0, BEND, None])
        bent[1].extend([y, label_y, None])
    places = ((level, f"x{_end(place - 1)}", "y"), (bent, f"x{place}", "y2"))
    for (xs, ys), across, up in places:
        figure.add_scatter(x=xs, y=ys, mode="lines", line=line, xaxis=across, yaxis=up, hoverinfo="skip")
    figure.add_scatter(
        x=[MARK] * len(models), y=models["label_y"], mode="markers", marker=_build_marker(plan), xaxis=f"x{place}",
        yaxis="y2", hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip
    figure.data = figure.data[-3:-1] + figure.data[:-3] + figure.data[-1:]  # lines below points
    for name, label_y in models[["model", "label_y"]].itertuples(index=False):
        figure.add_annotation(
            x=TEXT, y=label_y, xref=f"x{place}", yref="y2", text=plotly_text(name, 24), showarrow=False, xanchor="left",
            font={"size": SCREEN_FONT_PX},
        )  # fmt: skip
