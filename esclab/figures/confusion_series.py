"""Confusion while learning: the matrices after several epochs side by side, on one colour scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.confusion import X_TITLE, Y_TITLE, confusion_data
from esclab.figures.text import class_words, plotly_text, shorten
from esclab.figures.theme import (
    GRID,
    PRINT_FONT_PT,
    SCREEN_FONT_PX,
    SCREEN_WIDTH_PX,
    SOFT_INK,
    TWO_COLUMNS_IN,
    Hand,
    build_color_bar,
    choose_hand,
    new_print_figure,
    print_style,
    rate_colours_for_plotly,
    rate_colours_for_print,
    register_template,
)
from esclab.results import ConfusionResult, ConfusionSeriesResult

BAR_TITLE = "Share of the true class (%)"
LONGEST_NAME = 16
NUMBER_STEP = 10
BAR_IN, LETTER_IN = 0.62, 0.056
TOP_PX, LETTER_PX, SHORTEST_BAR_PX = 76, 7.4, 210


def confusion_series_figure(result: ConfusionSeriesResult, *, columns: int = 4, hand: Hand = "plotly") -> Any:
    """Draw one confusion matrix an epoch, each row in shares of its true class; zero cells stay blank.

    Class names stand once, beside the first matrix of a row and under the lowest. Where they have no room, numbers in
    the order of the classes take their place.

    Parameters
    ----------
    result : ConfusionSeriesResult
    columns : int
        Matrices in a row.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When there is no matrix, epochs and matrices differ in number, classes differ between matrices, counts do not
        fit their class names, or `hand` is unknown.
    """
    _check_series(result)
    columns = max(1, min(columns, len(result.matrices)))
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, columns)


def confusion_series_data(result: ConfusionSeriesResult) -> pd.DataFrame:
    """Return one row an epoch and cell: `epoch`, `true`, `predicted`, `count`, `rate` (share of the row, 0..1)."""
    tables = [
        confusion_data(matrix).assign(epoch=epoch) for epoch, matrix in zip(result.epochs, result.matrices, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)[["epoch", "true", "predicted", "count", "rate"]]


def _check_series(result: ConfusionSeriesResult) -> None:
    where = "ConfusionSeriesResult"
    if not result.matrices:
        raise OptionError(where, "it holds no matrix", "give at least one")
    if len(result.epochs) != len(result.matrices):
        cause = f"{len(result.epochs)} epochs do not fit {len(result.matrices)} matrices"
        raise OptionError(where, cause, "give one epoch for each matrix")
    names = result.matrices[0].class_names
    for epoch, matrix in zip(result.epochs, result.matrices, strict=True):
        if matrix.class_names != names:
            raise OptionError(where, f"epoch {epoch} has other classes", "give matrices of the same classes")
        if not names or matrix.counts.shape != (len(names), len(names)):
            cause = f"counts of shape {matrix.counts.shape} at epoch {epoch} do not fit {len(names)} class names"
            raise OptionError(where, cause, "give one row and one column for each class")


def _shade(matrix: ConfusionResult) -> np.ndarray:
    """Return the cells in % of their row, NaN where nothing was counted."""
    rates = confusion_data(matrix)["rate"].to_numpy().reshape(matrix.counts.shape) * 100
    return np.where(matrix.counts > 0, rates, np.nan)


def _title_matrix(epoch: int, matrix: ConfusionResult) -> str:
    total = int(matrix.counts.sum())
    return f"Epoch {epoch}: {np.trace(matrix.counts) / total * 100:.1f} % right" if total else f"Epoch {epoch}"


def _label_classes(names: tuple[str, ...], *, fit: bool) -> tuple[list[int], list[str], str]:
    """Return places, labels and what to add to the axis titles: names where they fit, otherwise numbers."""
    if fit:
        return list(range(len(names))), [shorten(class_words(name), LONGEST_NAME) for name in names], ""
    places = [0, *range(NUMBER_STEP - 1, len(names), NUMBER_STEP)]
    return places, [str(place + 1) for place in places], " (number)"


def _draw_plotly(result: ConfusionSeriesResult, columns: int) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    names = result.matrices[0].class_names
    rows = math.ceil(len(result.matrices) / columns)
    names_px = LETTER_PX * max(len(shorten(name, LONGEST_NAME)) for name in names)
    panel_px = min(420.0, (SCREEN_WIDTH_PX - names_px - 190) / columns)
    fit = panel_px / len(names) >= SCREEN_FONT_PX
    places, labels, suffix = _label_classes(names, fit=fit)
    panel_px = panel_px if fit else min(420.0, (SCREEN_WIDTH_PX - 230) / columns)
    below_px = names_px + 40 if fit else 60
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=(0.06 if fit else 0.16) / columns,
        vertical_spacing=40 / (rows * panel_px + (rows - 1) * 40) if rows > 1 else 0,
        subplot_titles=[_title_matrix(*pair) for pair in zip(result.epochs, result.matrices, strict=True)],
    )
    figure.update_annotations(font_size=SCREEN_FONT_PX)
    for number, (epoch, matrix) in enumerate(zip(result.epochs, result.matrices, strict=True)):
        heatmap = go.Heatmap(
            z=_shade(matrix),
            customdata=_write_hover(matrix),
            coloraxis="coloraxis",
            name=f"epoch {epoch}",
            xgap=0.5,
            ygap=0.5,
            hoverongaps=False,
            hovertemplate="true %{customdata[0]}<br>predicted %{customdata[1]}<br>%{customdata[2]} clips, %{z:.3~g} %"
            "<extra>%{fullData.name}</extra>",
        )
        figure.add_trace(heatmap, row=number // columns + 1, col=number % columns + 1)
    ticks = {"tickvals": places, "ticktext": [plotly_text(label, LONGEST_NAME) for label in labels], "showgrid": False}
    ends = [-0.5, len(names) - 0.5]
    figure.update_xaxes(tickangle=0 if suffix else -90, range=ends, mirror=True, **ticks)
    figure.update_yaxes(range=ends[::-1], mirror=True, **ticks)
    for number in range(max(0, len(result.matrices) - columns), len(result.matrices)):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        figure.update_xaxes(title_text=X_TITLE + suffix, showticklabels=True, **place)
    figure.update_yaxes(title_text=Y_TITLE + suffix, col=1)
    figure.update_layout(
        template=register_template(),
        title=plotly_text(result.label or "Confusion while learning", 90),
        width=round(min(SCREEN_WIDTH_PX, columns * panel_px + names_px + 200)),
        height=rows * panel_px + (rows - 1) * 40 + TOP_PX + below_px,
        margin={"t": TOP_PX, "b": below_px},
        coloraxis={
            "colorscale": rate_colours_for_plotly(),
            "cmin": 0,
            "cmax": 100,
            "colorbar": build_color_bar(BAR_TITLE)
            | {"lenmode": "pixels", "len": max(rows * panel_px, SHORTEST_BAR_PX)},
        },
    )
    return figure


def _write_hover(matrix: ConfusionResult) -> np.ndarray:
    """Return true class, predicted class and "n of row" for each cell, shape (class, class, 3)."""
    names = np.array([plotly_text(class_words(name)) for name in matrix.class_names], dtype=object)
    hover = np.empty((*matrix.counts.shape, 3), dtype=object)
    hover[..., 0], hover[..., 1] = names[:, None], names[None, :]
    hover[..., 2] = [[f"{n} of {row.sum()}" for n in row] for row in matrix.counts]
    return hover


def _draw_print(result: ConfusionSeriesResult, columns: int) -> Any:
    names = result.matrices[0].class_names
    rows = math.ceil(len(result.matrices) / columns)
    names_in = LETTER_IN * max(len(shorten(name, LONGEST_NAME)) for name in names)
    with_names_in = min(2.6, (TWO_COLUMNS_IN - BAR_IN - names_in - 0.3) / columns - 0.06)
    fit = with_names_in / len(names) >= PRINT_FONT_PT / 72
    places, labels, suffix = _label_classes(names, fit=fit)
    panel_in = with_names_in if fit else min(2.6, (TWO_COLUMNS_IN - BAR_IN - 0.5) / columns - 0.06)
    foot_in = names_in if fit else 0.15
    width_in = min(TWO_COLUMNS_IN, columns * (panel_in + 0.06) + BAR_IN + 0.35 + foot_in)
    with print_style():
        figure = new_print_figure(width_in, rows * (panel_in + 0.24) + foot_in + 0.32)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(result.matrices) :]:
            axes.set_visible(False)
        for number, (axes, epoch, matrix) in enumerate(zip(grid.flat, result.epochs, result.matrices, strict=False)):
            mesh = _draw_matrix(axes, matrix)
            axes.set_title(_title_matrix(epoch, matrix), fontsize="medium")
            lowest = number + columns >= len(result.matrices)
            axes.set_xlabel(X_TITLE + suffix if lowest else "")
            axes.set_ylabel(Y_TITLE + suffix if number % columns == 0 else "")
            axes.set_xticks(places, labels)
            axes.set_yticks(places, labels)
            axes.tick_params(axis="x", labelbottom=lowest, labelrotation=0 if suffix else 90)
            axes.tick_params(length=2 if suffix else 0, pad=2)
        # Beside the first row only: a bar beside all of them would be taller than the matrices.
        beside = grid[0, -1].inset_axes((1 + 0.1 / panel_in, 0, 0.09 / panel_in, 1))
        bar = figure.colorbar(mesh, cax=beside, label=BAR_TITLE)
        bar.outline.set_visible(False)
        figure.suptitle(shorten(result.label or "Confusion while learning", 90), x=0.01, ha="left")
    return figure


def _draw_matrix(axes: Any, matrix: ConfusionResult) -> Any:
    edges = np.arange(len(matrix.class_names) + 1) - 0.5
    shades = np.ma.masked_invalid(_shade(matrix))
    grid = {"edgecolors": GRID, "linewidth": 0.2} if len(edges) <= 30 else {}
    mesh = axes.pcolormesh(edges, edges, shades, vmin=0, vmax=100, cmap=rate_colours_for_print(), **grid)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(edges[-1], edges[0]), box_aspect=1, anchor="S")
    for side in axes.spines.values():
        side.set(visible=True, color=SOFT_INK)
    return mesh
