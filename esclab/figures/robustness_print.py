"""The robustness figure for paper."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from esclab.figures.robustness import CLEAN_LABEL, X_TITLE, Y_TITLE, RobustnessPlan
from esclab.figures.text import shorten
from esclab.figures.theme import (
    COLOURS,
    GRID,
    ONE_COLUMN_IN,
    PRINT_MARKERS,
    TWO_COLUMNS_IN,
    new_print_figure,
    print_style,
)
from esclab.figures.wrap import wrap_lines

DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (8, 1.5)), (0, (1, 1.2)))
LETTERS_PER_IN = 16


def draw_print(plan: RobustnessPlan) -> Any:
    """Return the figure as a `matplotlib.figure.Figure`; the plan comes from `robustness_figure`."""
    from matplotlib.ticker import MaxNLocator

    count, columns = len(plan.panels), plan.columns
    rows = math.ceil(count / columns)
    width_in = ONE_COLUMN_IN if count == 1 else TWO_COLUMNS_IN
    letters, letters_here = int(LETTERS_PER_IN * width_in), int(LETTERS_PER_IN * (width_in - 0.4) / columns)
    names = [shorten(model) for model in plan.models]
    in_a_row = max(1, min(len(names), int(width_in * 72 / (36 + 4.3 * max(map(len, names))))))
    key_rows = math.ceil(len(names) / in_a_row)
    with print_style():
        figure = new_print_figure(width_in, 0.9 + (1.9 if count == 1 else 1.5) * rows + 0.14 * key_rows)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[count:]:
            axes.set_visible(False)
        for number, (axes, panel) in enumerate(zip(grid.flat, plan.panels, strict=False)):
            for i, model in enumerate(plan.models):
                if model in panel.curves:
                    _draw_curve(axes, panel.curves[model], i)
            if plan.border is not None:
                axes.axvline(plan.border, color=GRID, linewidth=1.2)
            axes.set_title("\n".join(line for words in panel.titles for line in wrap_lines(words, letters_here)))
            axes.grid(True, axis="y")
            axes.label_outer()
            if number >= count - columns:
                axes.set_xlabel(X_TITLE)
                axes.tick_params(labelbottom=True)
        grid[0, 0].set_xticks(plan.ticks, plan.tick_labels)
        grid[0, 0].yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        grid[0, 0].set_xlim(plan.x_range)
        grid[0, 0].set_ylim(plan.y_range)
        for axes in grid[:, 0]:
            axes.set_ylabel(Y_TITLE)
        figure.legend(*_build_key(plan, names), loc="outside lower center", ncols=in_a_row, handlelength=3.2)
        title = [*wrap_lines(plan.title, letters), *wrap_lines(plan.key, letters)]
        figure.suptitle("\n".join(title), x=0.01, ha="left", linespacing=1.3)
    return figure


def _draw_curve(axes: Any, rows: pd.DataFrame, number: int) -> None:
    style = {"color": COLOURS[number % len(COLOURS)], "marker": PRINT_MARKERS[number % len(PRINT_MARKERS)]}
    clean = rows["kind"] == CLEAN_LABEL
    for part, dash in ((rows[clean], "none"), (rows[~clean], DASHES[number % len(DASHES)])):
        x, mean, low, high = (part[name].to_numpy(float) for name in ("x", "mean", "low", "high"))
        axes.plot(x, mean, linestyle=dash, zorder=3, **style)
        axes.vlines(x, low, high, color=style["color"], linewidth=1)


def _build_key(plan: RobustnessPlan, names: list[str]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    keys = [
        Line2D(
            [],
            [],
            color=COLOURS[i % len(COLOURS)],
            marker=PRINT_MARKERS[i % len(PRINT_MARKERS)],
            linestyle=DASHES[i % len(DASHES)],
        )
        for i in range(len(names))
    ]
    return keys, names
