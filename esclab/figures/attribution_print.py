"""The attribution figure for paper."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np

from esclab.figures.attribution import (
    GREY_FROM,
    GREY_TO,
    PALE_GREY_TO,
    SHARE_TITLE,
    SPECTROGRAM_TITLE,
    has_models,
    note_map,
    sample_importance_colours,
    share_importance,
    title_attribution,
    title_map,
)
from esclab.figures.events import draw_events
from esclab.figures.scale import find_edges, place_band_ticks, title_bands
from esclab.figures.spectrogram import X_TITLE, draw_mesh, label_values
from esclab.figures.theme import ONE_COLUMN_IN, SOFT_INK, TWO_COLUMNS_IN, new_print_figure, print_style
from esclab.results import AttributionMap, AttributionResult

LETTERS_PER_IN = 16.5
# Grid cells a panel: the two colour bars split the row below in halves, with a gap between them.
PANEL_CELLS = 8
PANEL_IN, HEAD_IN, FOOT_IN = 0.92, 0.34, 0.78


def draw_print(result: AttributionResult, colours: tuple[float, float], *, columns: int, overlay: bool) -> Any:
    """Return the figure as a `matplotlib.figure.Figure`; the arguments come checked from `attribution_figure`."""
    rows = math.ceil((1 + len(result.maps)) / columns)
    width_in = TWO_COLUMNS_IN if columns > 2 else ONE_COLUMN_IN
    longest = int((width_in - 0.5) / columns * LETTERS_PER_IN)
    with print_style():
        words_in = FOOT_IN + HEAD_IN if width_in == TWO_COLUMNS_IN else FOOT_IN + 2 * HEAD_IN
        figure = new_print_figure(width_in, rows * (PANEL_IN + HEAD_IN) + words_in)
        figure.get_layout_engine().set(h_pad=0.03, w_pad=0.03, hspace=0.02, wspace=0.01)
        grid = figure.add_gridspec(rows + 1, columns * PANEL_CELLS, height_ratios=[1] * rows + [0.07])
        meshes = _draw_panels(figure, result, colours, (grid, columns, longest), overlay=overlay)
        half = columns * PANEL_CELLS // 2
        bars = grid[rows, : half - 1], grid[rows, half + 1 :]
        share_title = SHARE_TITLE if width_in == TWO_COLUMNS_IN else SHARE_TITLE.replace(" (", "\n(")
        for place, mesh, label in zip(bars, meshes, (label_values(result.spectrogram), share_title), strict=True):
            figure.colorbar(mesh, cax=figure.add_subplot(place), label=label, orientation="horizontal")
        lines = [line for text in title_attribution(result) for line in textwrap.wrap(text, int(width_in * 14))]
        figure.suptitle("\n".join(lines), x=0.01, ha="left")
    return figure


def _draw_panels(
    figure: Any,
    result: AttributionResult,
    colours: tuple[float, float],
    plan: tuple[Any, int, int],
    *,
    overlay: bool,
) -> tuple[Any, Any]:
    """Draw the spectrogram and every map; `plan` is the grid, panels in a row and letters in a title line."""
    grid, columns, longest = plan
    panels = 1 + len(result.maps)
    share_mesh = level_mesh = first = None
    for number in range(panels):
        row, col = divmod(number, columns)
        place = grid[row, col * PANEL_CELLS : (col + 1) * PANEL_CELLS]
        axes = figure.add_subplot(place, sharex=first, sharey=first)
        if number == 0:
            first, level_mesh = axes, _draw_spectrogram(axes, result, colours, GREY_TO)
            axes.set_title(SPECTROGRAM_TITLE, fontsize="medium")
        else:
            attribution = result.maps[number - 1]
            if overlay:
                _draw_spectrogram(axes, result, colours, PALE_GREY_TO)
            share_mesh = _draw_map(axes, result, attribution)
            title = title_map(attribution, longest, model=has_models(result))
            axes.set_title("\n".join(title), fontsize="medium")
        draw_events(axes, result.spectrogram, result.events)
        lowest, leftmost = number >= panels - columns, col == 0
        axes.set(xlabel=X_TITLE if lowest else "", ylabel=title_bands(result.spectrogram) if leftmost else "")
        axes.tick_params(labelbottom=lowest, labelleft=leftmost)
    assert first is not None
    first.set_yticks(*place_band_ticks(result.spectrogram, gap=0.17))  # last, as every mesh sets those of all panels
    return level_mesh, share_mesh


def _draw_spectrogram(axes: Any, result: AttributionResult, colours: tuple[float, float], darkest: float) -> Any:
    from matplotlib.colors import ListedColormap

    mesh = draw_mesh(axes, result.spectrogram, colours)
    shades = np.linspace(GREY_FROM, darkest, 256)
    mesh.set_cmap(ListedColormap(np.repeat(shades[:, None], 3, axis=1)))
    return mesh


def _draw_map(axes: Any, result: AttributionResult, attribution: AttributionMap) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    bands = len(result.spectrogram.frequency_hz)
    mesh = axes.pcolormesh(
        find_edges(result.spectrogram.time_s),
        np.arange(bands + 1) - 0.5,
        share_importance(attribution).T * 100,
        vmin=0,
        vmax=100,
        cmap=LinearSegmentedColormap.from_list("esclab_importance", sample_importance_colours()),
        rasterized=True,
    )
    note = note_map(attribution)
    if note:
        box = {"boxstyle": "round,pad=0.25", "fc": "white", "ec": "none", "alpha": 0.85}
        place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, note, color=SOFT_INK, bbox=box, **place)
    return mesh
