"""Gallery: several clips' maps side by side on one colour scale, or one clip's through several front ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import (
    check_map,
    choose_color_range,
    find_edges,
    name_band_column,
    pick_scale_values,
    place_band_ticks,
    title_bands,
)
from esclab.figures.spectrogram import X_TITLE, build_heatmap, draw_mesh, label_values, spectrogram_data
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
from esclab.results import GalleryResult, TimeFrequencyMap

ColorRange = tuple[float, float]


def gallery_figure(
    result: GalleryResult,
    *,
    color_range: tuple[float, float] | None = None,
    columns: int = 5,
    own_scales: bool = False,
    hand: Hand = "plotly",
) -> Any:
    """Draw several maps over time (s) and frequency (Hz), or what else their bands are, as a grid of small pictures.

    Parameters
    ----------
    result : GalleryResult
        Maps with the same bands, unless each has a scale of its own.
    color_range : (float, float) or None
        Lowest and highest value of the one colour scale; None takes the range over all maps.
    columns : int
        Pictures in a row.
    own_scales : bool
        Give each map its own bands and colours, which are not to be compared then: one clip through several front ends.
        The ends of each colour scale stand below the title.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When there is no map, maps on one scale differ in their bands or unit, or maps on scales of their own are given
        one range of colours.
    """
    maps = result.maps
    if not maps:
        raise OptionError("gallery", "holds no map", "give at least one")
    for picture in maps:
        check_map(picture)
        if not own_scales and not _are_alike(picture, maps[0]):
            raise OptionError(
                "gallery", "its maps differ in bands or unit", "make them with one front end, or set own_scales"
            )
    if own_scales and color_range is not None:
        raise OptionError("gallery", "own_scales and color_range exclude each other", "give one of them")
    if own_scales:
        colours = [choose_color_range(pick_scale_values(picture), None) for picture in maps]
    else:
        values = np.concatenate([pick_scale_values(picture).ravel() for picture in maps])
        colours = [choose_color_range(values, color_range)]
    columns = max(1, min(columns, len(maps)))
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, colours, columns, own_scales=own_scales)


def gallery_data(result: GalleryResult) -> pd.DataFrame:
    """Return one row a map, frame and band: `map`, `time_s`, `frequency_hz`, `value`.

    Bands without a frequency are numbers, in a column `coefficient` or `band_row`.
    """
    tables = [spectrogram_data(picture).assign(map=picture.label) for picture in result.maps]
    bands = dict.fromkeys(name_band_column(picture) for picture in result.maps)
    return pd.concat(tables, ignore_index=True)[["map", "time_s", *bands, "value"]]


def _are_alike(one: TimeFrequencyMap, other: TimeFrequencyMap) -> bool:
    return np.array_equal(one.frequency_hz, other.frequency_hz) and (one.unit, one.axis) == (other.unit, other.axis)


def _write_title(picture: TimeFrequencyMap, colours: ColorRange | None, longest: int = 24) -> list[str]:
    """Return the lines over a picture: its label and, where it has a colour scale of its own, the ends of that."""
    label = shorten(picture.label, longest)
    if colours is None:
        return [label]
    span = " to ".join(f"{bound:.3g}".replace("-", "−") for bound in colours)
    return [label, f"{span} {shorten(picture.unit)}".rstrip()]


def _draw_plotly(result: GalleryResult, colours: list[ColorRange], columns: int, *, own_scales: bool) -> Any:
    from plotly.subplots import make_subplots

    rows = math.ceil(len(result.maps) / columns)
    own = colours if own_scales else [None] * len(result.maps)
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes=False if own_scales else "all",
        horizontal_spacing=0.3 / columns if own_scales else 0.015,
        vertical_spacing=0.3 / rows,
        subplot_titles=[
            "<br>".join(map(plotly_text, _write_title(picture, span)))
            for picture, span in zip(result.maps, own, strict=True)
        ],
    )
    figure.update_xaxes(showgrid=False)
    for number, picture in enumerate(result.maps):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        scale = {"showscale": False} if own_scales else {"coloraxis": "coloraxis"}
        figure.add_trace(build_heatmap(picture, colours[number if own_scales else 0], **scale), **place)
        positions, labels = place_band_ticks(picture, gap=0.12)
        figure.update_yaxes(tickvals=positions, ticktext=labels, showgrid=False, **place)
        if own_scales or place["col"] == 1:
            figure.update_yaxes(title_text=title_bands(picture), **place)
    for number in _lowest(len(result.maps), columns):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        figure.update_xaxes(title_text=X_TITLE, showticklabels=True, **place)
    figure.update_layout(
        template=register_template(),
        title=plotly_text(result.label, 90),
        height=120 + (220 if own_scales else 190) * rows,
        showlegend=False,
    )
    if own_scales:
        figure.update_layout(margin={"t": 110})  # two lines over each picture, below the title
    else:
        bar = {"title": {"text": plotly_text(label_values(result.maps[0])), "side": "right"}, "thickness": 14}
        low, high = colours[0]
        figure.update_layout(coloraxis={"colorscale": MAP_COLOURS, "cmin": low, "cmax": high, "colorbar": bar})
    return figure


def _draw_print(result: GalleryResult, colours: list[ColorRange], columns: int, *, own_scales: bool) -> Any:
    rows = math.ceil(len(result.maps) / columns)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 0.5 + (1.4 if own_scales else 1.2) * rows)
        grid = figure.subplots(rows, columns, sharex=True, sharey=not own_scales, squeeze=False)
        for axes in grid.flat[len(result.maps) :]:
            axes.set_visible(False)
        for number, (axes, picture) in enumerate(zip(grid.flat, result.maps, strict=False)):
            span = colours[number if own_scales else 0]
            mesh = draw_mesh(axes, picture, span)
            axes.set_title("\n".join(_write_title(picture, span if own_scales else None, 22)))
            axes.set_xlim(*find_edges(picture.time_s)[[0, -1]])
            if own_scales:
                axes.set_yticks(*place_band_ticks(picture, gap=0.12))
                axes.tick_params(labelbottom=False)
                axes.set_xlabel("")
            else:
                axes.label_outer()
        for number in _lowest(len(result.maps), columns):
            grid.flat[number].tick_params(labelbottom=True)
            grid.flat[number].set_xlabel(X_TITLE)
        if not own_scales:
            grid[0, 0].set_yticks(*place_band_ticks(result.maps[0], gap=0.12))
            bar = figure.colorbar(mesh, ax=grid, label=label_values(result.maps[0]), aspect=40, pad=0.01)
            bar.outline.set_visible(False)
        if result.label:
            figure.suptitle(shorten(result.label, 90), x=0.01, ha="left")
    return figure


def _lowest(count: int, columns: int) -> range:
    """Return the numbers of the pictures that have none below them."""
    return range(max(0, count - columns), count)
