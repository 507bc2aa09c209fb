"""The trust figure for paper."""

from __future__ import annotations

from typing import Any

from esclab.figures.text import shorten
from esclab.figures.theme import COLOURS, GRID, PRINT_MARKERS, SOFT_INK, TWO_COLUMNS_IN, new_print_figure, print_style
from esclab.figures.trust import BETTER, SIDES, Y_TITLE, TrustPlan, scale_column, select_dots, title_trust, wrap_title
from esclab.results import TrustResult

LETTERS_PER_IN = 17
ROW_IN = 0.19
STRIPE = "#f4f4f4"


def draw_print(result: TrustResult, plan: TrustPlan) -> Any:
    """Return the figure as a `matplotlib.figure.Figure`; the arguments come checked from `trust_figure`."""
    from matplotlib.lines import Line2D

    names = [shorten(method, 24) for method in plan.methods]
    column_in = (TWO_COLUMNS_IN - 0.35 - 0.06 * max(map(len, names))) / max(len(plan.measures), 3)
    titles = [wrap_title(title, max(9, int(column_in * LETTERS_PER_IN))) for _, title, _ in plan.measures]
    head_in = 0.75 + 0.12 * max(map(len, titles)) + 0.18 * (len(plan.models) > 1)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, head_in + 0.3 + ROW_IN * (plan.places[-1] + 1))
        figure.get_layout_engine().set(w_pad=0.035, wspace=0.0)
        columns = figure.subplots(1, len(plan.measures), sharey=True, squeeze=False)[0]
        for axes, (measure, _, better), lines in zip(columns, plan.measures, titles, strict=True):
            _draw_stripes(axes, plan)
            for number, model in enumerate(plan.models):
                _draw_dots(axes, result, plan, (number, model, measure))
            axes.set_title(BETTER[better], loc=SIDES[better], color=SOFT_INK)
            axes.set_xlabel("\n".join(lines))
            limits, ticks = scale_column(result, measure)
            axes.set_xlim(limits)
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.grid(True, axis="x", color=GRID)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        columns[0].set_yticks(plan.places, names)
        columns[0].set_ylim(plan.places[-1] + 0.5, -0.5)
        columns[0].set_ylabel(Y_TITLE)
        figure.suptitle("\n".join(title_trust(result)), x=0.01, ha="left")
        if len(plan.models) > 1:
            keys = [Line2D([], [], **_style_model(number)) for number in range(len(plan.models))]
            models = [shorten(model, 40) for model in plan.models]
            figure.legend(keys, models, loc="outside lower center", ncols=min(4, len(keys)), handlelength=2)
    return figure


def _style_model(number: int) -> dict[str, Any]:
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": PRINT_MARKERS[number % len(PRINT_MARKERS)],
        "markersize": 3.6,
        "linewidth": 1.0,
    }


def _draw_stripes(axes: Any, plan: TrustPlan) -> None:
    """Shade every other row to lead the eye, and draw a line over the references."""
    for place in plan.places[: plan.references_from : 2]:
        axes.axhspan(place - 0.5, place + 0.5, color=STRIPE, linewidth=0, zorder=0)
    if 0 < plan.references_from < len(plan.methods):
        above = (plan.places[plan.references_from - 1] + plan.places[plan.references_from]) / 2
        axes.axhline(above, color=SOFT_INK, linewidth=0.6)


def _draw_dots(axes: Any, result: TrustResult, plan: TrustPlan, which: tuple[int, str, str]) -> None:
    number, model, measure = which
    dots, style = select_dots(result, plan, model=model, measure=measure), _style_model(number)
    y = plan.places + plan.shifts[number]
    axes.hlines(y, dots["low"], dots["high"], color=style["color"], linewidth=style["linewidth"])
    axes.plot(dots["mean"], y, linestyle="none", zorder=3, **style)
