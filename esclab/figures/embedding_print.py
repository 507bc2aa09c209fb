"""The embedding figure for paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from esclab.figures.embedding import (
    WRONG,
    PointGroup,
    find_limits,
    list_epochs,
    title_axes,
    title_embedding,
    write_quality,
)
from esclab.figures.text import shorten
from esclab.figures.theme import INK, ONE_COLUMN_IN, TWO_COLUMNS_IN, new_print_figure, print_style
from esclab.results import EmbeddingResult

FEW_GROUPS = 12
LINE_IN, LETTER_IN = 0.155, 0.062
RING = {"facecolors": "none", "edgecolors": INK, "linewidths": 0.55}


def draw_print(result: EmbeddingResult, groups: list[PointGroup], *, columns: int, rings: bool) -> Any:
    """Return the figure as a `matplotlib.figure.Figure`; the arguments come checked from `embedding_figure`."""
    epochs = list_epochs(result)
    columns = max(1, min(columns, len(epochs)))
    rows = math.ceil(len(epochs) / columns)
    beside = columns == 1 and len(groups) > FEW_GROUPS
    width_in = ONE_COLUMN_IN if columns == 1 and not beside else TWO_COLUMNS_IN
    panel_in = (3.4 if beside else width_in - 0.3) / columns
    entries, names_in = len(groups) + rings, LETTER_IN * max(len(shorten(g.name, 20)) for g in groups) + 0.3
    across = max(1, int((width_in - 3.6 if beside else width_in - 0.1) / names_in))
    lines = math.ceil(entries / across)
    across, legend_in = math.ceil(entries / lines), LINE_IN * lines
    height_in = max(rows * (min(panel_in, 3.0) + 0.42) + (0 if beside else legend_in), beside * legend_in) + 0.45
    with print_style():
        figure = new_print_figure(width_in, height_in)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(epochs) :]:
            axes.set_visible(False)
        for number, (axes, epoch) in enumerate(zip(grid.flat, epochs, strict=False)):
            keys = _draw_epoch(axes, result, groups, (epoch, rings))
            _label_panel(axes, result, epoch, several=len(epochs) > 1)
            x_title, y_title = title_axes(result)
            axes.set_xlabel(x_title if number + columns >= len(epochs) else "")
            axes.set_ylabel(y_title if number % columns == 0 else "")
        names = [*(shorten(group.name, 20) for group in groups), *([WRONG] if rings else [])]
        place = "outside right upper" if beside else "outside lower center"
        figure.legend(keys, names, loc=place, ncols=min(across, entries), handletextpad=0.2, columnspacing=0.9)
        figure.suptitle(title_embedding(result), x=0.01, ha="left")
    return figure


def _draw_epoch(axes: Any, result: EmbeddingResult, groups: list[PointGroup], what: tuple[int, bool]) -> list[Any]:
    """Draw the points of one epoch, and return what the legend shows."""
    epoch, rings = what
    now = (result.table["epoch"] == epoch).to_numpy()
    size = 11.0 if now.sum() <= 250 else 7.0 if now.sum() <= 800 else 4.0
    x, y = result.table["x"].to_numpy(float), result.table["y"].to_numpy(float)
    keys = []
    for group in groups:
        dots = group.member & now
        look = {"color": group.colour, "marker": group.print_marker}
        axes.scatter(x[dots], y[dots], s=size, linewidths=0.25, edgecolors="white", **look)
        keys.append(axes.scatter([], [], s=13, linewidths=0, **look))
    if rings:
        wrong = now & ~result.table["correct"].to_numpy(bool)
        axes.scatter(x[wrong], y[wrong], s=2.4 * size, marker="o", zorder=3, **RING)
        keys.append(axes.scatter([], [], s=26, marker="o", **RING))
    return keys


def _label_panel(axes: Any, result: EmbeddingResult, epoch: int, *, several: bool) -> None:
    words = write_quality(result, epoch)
    lines = [", ".join(words)]
    if several:
        accuracy = [word for word in words if word.endswith("right")]
        lines = [": ".join([f"Epoch {epoch}", *accuracy]), ", ".join(word for word in words if word not in accuracy)]
    axes.set_title("\n".join(line for line in lines if line), fontsize="medium")
    x_limits, y_limits = find_limits(result)
    axes.set(xlim=x_limits, ylim=y_limits, box_aspect=1)
    axes.set_xticks(np.array([]))
    axes.set_yticks(np.array([]))
    axes.spines[["top", "right"]].set_visible(True)
