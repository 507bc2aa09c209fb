"""Gallery: several clips' maps side by side, on one colour scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import check_map, choose_color_range, find_edges, place_frequency_ticks
from esclab.figures.spectrogram import X_TITLE, Y_TITLE, build_heatmap, draw_mesh, label_values, spectrogram_data
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    MAP_COLOURS,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import GalleryResult


def gallery_figure(
    result: GalleryResult,
    *,
    color_range: tuple[float, float] | None = None,
    columns: int = 5,
    hand: Hand = "plotly",
) -> Any:
    """Draw several maps over time (s) and frequency (Hz) as a grid of small pictures.

    Parameters
    ----------
    result : GalleryResult
        Maps with the same bands.
    color_range : (float, float) or None
        Lowest and highest value of the one colour scale; None takes the range over all maps.
    columns : int
        Pictures in a row.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When there is no map, or maps differ in their bands or unit.
    """
    maps = result.maps
    if not maps:
        raise OptionError("gallery", "holds no map", "give at least one")
    for picture in maps:
        check_map(picture)
        if not np.array_equal(picture.frequency_hz, maps[0].frequency_hz) or picture.unit != maps[0].unit:
            raise OptionError("gallery", "its maps differ in bands or unit", "make them with one front end")
    colours = choose_color_range(np.concatenate([picture.values.ravel() for picture in maps]), color_range)
    columns = max(1, min(columns, len(maps)))
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, colours, columns)


def gallery_data(result: GalleryResult) -> pd.DataFrame:
    """Return one row a map, frame and band: `map`, `time_s`, `frequency_hz`, `value`."""
    tables = [spectrogram_data(picture).assign(map=picture.label) for picture in result.maps]
    return pd.concat(tables, ignore_index=True)[["map", "time_s", "frequency_hz", "value"]]


def _draw_plotly(result: GalleryResult, colours: tuple[float, float], columns: int) -> Any:
    from plotly.subplots import make_subplots

    rows = math.ceil(len(result.maps) / columns)
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.015,
        vertical_spacing=0.3 / rows,
        subplot_titles=[plotly_text(shorten(picture.label, 24)) for picture in result.maps],
    )
    for number, picture in enumerate(result.maps):
        heatmap = build_heatmap(picture, colours, coloraxis="coloraxis")
        figure.add_trace(heatmap, row=number // columns + 1, col=number % columns + 1)
    positions, labels = place_frequency_ticks(result.maps[0].frequency_hz, gap=0.12)
    figure.update_yaxes(tickvals=positions, ticktext=labels, showgrid=False)
    figure.update_xaxes(showgrid=False)
    for number in _lowest(len(result.maps), columns):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        figure.update_xaxes(title_text=X_TITLE, showticklabels=True, **place)
    for row in range(1, rows + 1):
        figure.update_yaxes(title_text=Y_TITLE, row=row, col=1)
    figure.update_layout(
        template=register_template(),
        title=plotly_text(result.label, 90),
        height=120 + 190 * rows,
        coloraxis={
            "colorscale": MAP_COLOURS,
            "cmin": colours[0],
            "cmax": colours[1],
            "colorbar": {
                "title": {"text": plotly_text(label_values(result.maps[0])), "side": "right"},
                "thickness": 14,
            },
        },
    )
    return figure


def _draw_print(result: GalleryResult, colours: tuple[float, float], columns: int) -> Any:
    rows = math.ceil(len(result.maps) / columns)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 0.5 + 1.2 * rows)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(result.maps) :]:
            axes.set_visible(False)
        for axes, picture in zip(grid.flat, result.maps, strict=False):
            mesh = draw_mesh(axes, picture, colours)
            axes.set_title(shorten(picture.label, 22))
            axes.set_xlim(*find_edges(picture.time_s)[[0, -1]])
            axes.label_outer()
        for number in _lowest(len(result.maps), columns):
            grid.flat[number].tick_params(labelbottom=True)
            grid.flat[number].set_xlabel(X_TITLE)
        positions, labels = place_frequency_ticks(result.maps[0].frequency_hz, gap=0.12)
        grid[0, 0].set_yticks(positions, labels)
        bar = figure.colorbar(mesh, ax=grid, label=label_values(result.maps[0]), aspect=40, pad=0.01)
        bar.outline.set_visible(False)
        if result.label:
            figure.suptitle(shorten(result.label, 90), x=0.01, ha="left")
    return figure


def _lowest(count: int, columns: int) -> range:
    """Return the numbers of the pictures that have none below them."""
    return range(max(0, count - columns), count)
