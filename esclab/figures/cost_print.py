"""Accuracy against cost, for paper."""

from __future__ import annotations

from typing import Any

from esclab.figures.cost import PANELS, Y_TITLE, CostPlan, describe_figure, plan_figure
from esclab.figures.text import shorten
from esclab.figures.theme import (
    COLOURS,
    PRINT_MARKERS,
    SOFT_INK,
    TWO_COLUMNS_IN,
    new_print_figure,
    print_style,
)
from esclab.figures.wrap import wrap_lines
from esclab.results.cost import CostResult

LINE_IN, MARGINS_IN, LEAST_IN = 0.135, 1.0, 1.9
BEND, MARK, TEXT = 0.1, 0.15, 0.21  # where a line to a name ends, its marker and the name stand, in 0..1
FAINT = "#b4b4b4"


def draw(result: CostResult, accuracy_range: tuple[float, float] | None) -> Any:
    """Draw for paper; see `esclab.figures.cost.cost_figure`."""
    height = max(LEAST_IN, LINE_IN * (len(result.table) + 1))
    plan = plan_figure(result, accuracy_range, line_share=LINE_IN / height)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, height + MARGINS_IN)
        figure.get_layout_engine().set(w_pad=0.02, wspace=0)
        *panels, names = figure.subplots(1, len(PANELS) + 1, width_ratios=(1, 1, 1, 0.8), sharey=True)
        for axes, ends, ticks, (column, _, title) in zip(panels, plan.ranges, plan.ticks, PANELS, strict=True):
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xlim(ends)
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.set_xlabel(title)
            axes.grid(True)
            _draw_points(axes, plan, column)
        panels[0].set_ylim(plan.y_range)
        panels[0].set_ylabel(Y_TITLE)
        for axes in panels[1:]:
            axes.tick_params(labelleft=False)
        _draw_names(panels[-1], names, plan)
        title, key = describe_figure(result, plan)
        figure.suptitle("\n".join([shorten(title, 100), *wrap_lines(key, 115)]), x=0.01, ha="left", linespacing=1.4)
    return figure


def _draw_points(axes: Any, plan: CostPlan, column: str) -> None:
    model: Any
    for model in plan.models.itertuples(index=False):
        if column == "ms":
            axes.plot([model.ms_low, model.ms_high], [model.accuracy] * 2, color=SOFT_INK, linewidth=0.8)
        _draw_marker(axes, getattr(model, column), model.accuracy, model.number)


def _draw_marker(axes: Any, x: float, y: float, number: int) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], PRINT_MARKERS[number % len(PRINT_MARKERS)]
    axes.plot(
        x, y, marker, color=colour, markersize=5.5, markeredgecolor="white", markeredgewidth=0.3, clip_on=False,
        zorder=3,
    )  # fmt: skip


def _draw_names(last: Any, axes: Any, plan: CostPlan) -> None:
    """Draw lines from the last panel's points to the names, and the names with their markers."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    right = plan.ranges[-1][1]
    model: Any
    for model in plan.models.itertuples(index=False):
        last.plot([model.ms, right], [model.accuracy] * 2, color=FAINT, linewidth=0.6, zorder=1)
        axes.plot([0, BEND], [model.accuracy, model.label_y], color=FAINT, linewidth=0.6, clip_on=False)
        _draw_marker(axes, MARK, model.label_y, model.number)
        axes.text(TEXT, model.label_y, shorten(model.model, 24), va="center")
