"""Sensitivity: what a burst of noise costs in each place, below the spectrogram that it hits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import check_map, choose_color_range, find_edges, locate_bands, place_band_ticks, title_bands
from esclab.figures.spectrogram import X_TITLE, build_heatmap, draw_mesh, label_values, spectrogram_data
from esclab.figures.text import class_words, plotly_text
from esclab.figures.theme import (
    ONE_COLUMN_IN,
    SCREEN_FONT_PX,
    Hand,
    build_color_bar,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.figures.wrap import wrap_lines
from esclab.results import SensitivityResult

VALUES = {"score": "score of the class", "accuracy": "accuracy"}
# Orange for what noise costs, purple for what it gains: told apart with every kind of colour blindness.
DROP_COLOURS = "PuOr_r"
SMALLEST_LIMIT = 0.01
MOST_SLOTS_WITH_TEXT, MOST_RANGES_WITH_TEXT = 10, 10
DARK_FROM = 0.62
MAP_PX, GAP_PX = 280, 24
PRINT_LETTERS = 54


@dataclass(frozen=True)
class DropMap:
    """What both hands draw below the spectrogram.

    Attributes
    ----------
    drop : ndarray of shape (slot, range)
        Without noise less with noise, in percentage points.
    edges_s, edges_band : ndarray of shape (slot + 1,) and (range + 1,)
        Borders of the cells, in s and as positions on the spectrogram's band axis.
    texts : list of list of str
        What stands in each cell, by slot and range.
    limit : float
        The colour scale runs from -limit to limit, in percentage points.
    bar_title, title, key : str
    """

    drop: np.ndarray
    edges_s: np.ndarray
    edges_band: np.ndarray
    texts: list[list[str]]
    limit: float
    bar_title: str
    title: str
    key: str


def sensitivity_figure(
    result: SensitivityResult,
    *,
    value: str = "score",
    color_range: tuple[float, float] | None = None,
    largest_drop: float | None = None,
    hand: Hand = "plotly",
) -> Any:
    """Draw the spectrogram and, below it on the same axes, what a burst of noise in each cell of the grid costs.

    The drop is the value without noise less the value with the burst, in percentage points: orange and positive where
    noise costs, purple and negative where it helps. Up to 10 slots and 10 ranges have their number in the cell; a
    finer grid has a dash where noise helps by half a point or more, so that it can be read in grey.

    Parameters
    ----------
    result : SensitivityResult
    value : {"score", "accuracy"}
        Mean probability of the true class, or share of clips answered rightly.
    color_range : (float, float) or None
        Lowest and highest value of the spectrogram's colour scale; None takes its own range.
    largest_drop : float or None
        In 0..1: the colour scale of drops runs from -`largest_drop` to it, so that figures can share it; None takes
        the largest drop or gain.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the grid does not fit its borders or lies outside the spectrogram, the spectrogram has no frequencies, or
        an option is unknown.
    """
    check_map(result.spectrogram)
    if value not in VALUES:
        raise OptionError("value", f"{value!r} is not known", f"choose {' or '.join(map(repr, VALUES))}")
    if largest_drop is not None and not 0 < largest_drop <= 1:
        raise OptionError("largest_drop", f"{largest_drop:g} is not a share above 0", "give at most 1, e.g. 0.5")
    drops = _plan_drops(result, value, largest_drop)
    colours = choose_color_range(result.spectrogram.values, color_range)
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, colours, drops)


def sensitivity_data(result: SensitivityResult) -> pd.DataFrame:
    """Return one row a value.

    Columns: `quantity` ("spectrogram", "score" or "accuracy"), `time_s` and `frequency_hz` (of the spectrogram),
    `onset_s`, `offset_s`, `low_hz` and `high_hz` (of the burst), `value`, and `drop` (without noise less with it,
    rates in 0..1); what a quantity does not have is empty.
    """
    slots, ranges = len(result.slot_edges_s) - 1, len(result.band_edges_hz) - 1
    parts = [spectrogram_data(result.spectrogram).assign(quantity="spectrogram")]
    for name, values, clean in (
        ("score", result.score, result.clean_score),
        ("accuracy", result.accuracy, result.clean_accuracy),
    ):
        cells = {
            "onset_s": np.repeat(result.slot_edges_s[:-1], ranges),
            "offset_s": np.repeat(result.slot_edges_s[1:], ranges),
            "low_hz": np.tile(result.band_edges_hz[:-1], slots),
            "high_hz": np.tile(result.band_edges_hz[1:], slots),
            "value": values.ravel(),
            "drop": clean - values.ravel(),
        }
        parts.append(pd.DataFrame(cells).assign(quantity=name))
    columns = ["quantity", "time_s", "frequency_hz", "onset_s", "offset_s", "low_hz", "high_hz", "value", "drop"]
    return pd.concat(parts, ignore_index=True)[columns]


def _plan_drops(result: SensitivityResult, value: str, largest_drop: float | None) -> DropMap:
    noisy, clean = {
        "score": (result.score, result.clean_score),
        "accuracy": (result.accuracy, result.clean_accuracy),
    }[value]
    edges_s, edges_band = _place_cells(result, noisy)
    drop = 100 * (clean - noisy)
    limit = largest_drop or max(float(np.nanmax(np.abs(drop), initial=0)) / 100, SMALLEST_LIMIT)
    clips = f"{result.clips} clip{'s' if result.clips != 1 else ''}"
    clips += f" of {class_words(result.class_name)}" if result.class_name else ""
    noise = f"{result.kind} noise, {result.snr_db:g} dB SNR".replace(" -", " −")
    return DropMap(
        drop=drop,
        edges_s=edges_s,
        edges_band=edges_band,
        texts=_write_cells(drop),
        limit=100 * limit,
        bar_title=f"Drop of {'score' if value == 'score' else 'accuracy'} (points)",
        title=" · ".join(part for part in (result.model, result.label or clips) if part),
        key=f"{noise}; {VALUES[value]} without noise {100 * clean:.0f} %; above 0 (orange): noise costs",
    )


def _place_cells(result: SensitivityResult, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the borders of the cells on the axes of the spectrogram, cut at its ends."""
    shape = (len(result.slot_edges_s) - 1, len(result.band_edges_hz) - 1)
    if values.shape != shape or min(shape) < 1:
        cause = f"values of shape {values.shape} do not fit {shape[0]} slots and {shape[1]} ranges"
        raise OptionError("SensitivityResult", cause, "give one more border than there are slots and ranges")
    if result.spectrogram.axis != "frequency":
        cause = f"its spectrogram has no frequencies, but {result.spectrogram.axis} numbers"
        raise OptionError("SensitivityResult", cause, "show a front end with bands in Hz")
    limits_s = find_edges(result.spectrogram.time_s)[[0, -1]]
    edges_s = np.clip(result.slot_edges_s, *limits_s)
    edges_band = locate_bands(result.band_edges_hz, result.spectrogram.frequency_hz)
    for name, edges in (("slot_edges_s", edges_s), ("band_edges_hz", edges_band)):
        if not (np.diff(edges) > 0).all():
            raise OptionError(name, "they do not rise within the spectrogram", "give borders that lie inside it")
    return edges_s, edges_band


def _write_cells(drop: np.ndarray) -> list[list[str]]:
    """Return what stands in each cell: its number where there is room, otherwise a dash where noise helps."""
    slots, ranges = drop.shape
    decimals = 0 if np.nanmax(np.abs(drop), initial=0) >= 1.5 else 1
    if slots > MOST_SLOTS_WITH_TEXT or ranges > MOST_RANGES_WITH_TEXT:
        return [["-" if cell <= -0.5 else "" for cell in row] for row in drop]
    return [["" if math.isnan(cell) else _write_number(cell, decimals) for cell in row] for row in drop]


def _write_number(value: float, decimals: int) -> str:
    # Adding 0 turns -0 into 0.
    return f"{round(float(value), decimals) + 0.0:.{decimals}f}".replace("-", "−")


def _draw_plotly(result: SensitivityResult, colours: tuple[float, float], drops: DropMap) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    area_px = 2 * MAP_PX + GAP_PX
    figure = make_subplots(2, 1, shared_xaxes="all", shared_yaxes="all", vertical_spacing=GAP_PX / area_px)
    half = {"len": MAP_PX / area_px, "lenmode": "fraction", "ypad": 0, "yanchor": "top"}
    level = build_color_bar(plotly_text(label_values(result.spectrogram))) | half | {"y": 1}
    figure.add_trace(build_heatmap(result.spectrogram, colours, colorbar=level), row=1, col=1)
    cells = go.Heatmap(
        x=drops.edges_s,
        y=drops.edges_band,
        z=drops.drop.T,
        zmin=-drops.limit,
        zmax=drops.limit,
        colorscale=DROP_COLOURS,
        xgap=1,
        ygap=1,
        text=[list(column) for column in zip(*drops.texts, strict=True)],
        texttemplate="%{text}",
        textfont={"size": SCREEN_FONT_PX},
        customdata=np.array(_describe_cells(result)).T,
        hovertemplate="%{customdata}<br>drop %{z:.1f} points<extra></extra>",
        colorbar=build_color_bar(drops.bar_title) | half | {"y": MAP_PX / area_px},
    )
    figure.add_trace(cells, row=2, col=1)
    positions, labels = place_band_ticks(result.spectrogram)
    limits = [-0.5, len(result.spectrogram.frequency_hz) - 0.5]
    figure.update_xaxes(range=find_edges(result.spectrogram.time_s)[[0, -1]], showgrid=False)
    figure.update_xaxes(title_text=X_TITLE, row=2)
    figure.update_yaxes(
        title_text=title_bands(result.spectrogram), tickvals=positions, ticktext=labels, range=limits, showgrid=False
    )
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(drops.title, 100), "subtitle": {"text": plotly_text(drops.key, 140)}},
        margin={"t": 80},
        height=150 + area_px,
    )
    return figure


def _describe_cells(result: SensitivityResult) -> list[list[str]]:
    """Return each cell's place and values in words, by slot and range."""
    slots, ranges = (list(pairwise(e)) for e in (result.slot_edges_s, result.band_edges_hz))
    return [
        [
            f"{slot[0]:.2f}-{slot[1]:.2f} s, {band[0]:.0f}-{band[1]:.0f} Hz<br>"
            f"score {100 * result.score[i, j]:.1f} %, accuracy {100 * result.accuracy[i, j]:.1f} %"
            for j, band in enumerate(ranges)
        ]
        for i, slot in enumerate(slots)
    ]


def _draw_print(result: SensitivityResult, colours: tuple[float, float], drops: DropMap) -> Any:
    with print_style():
        figure = new_print_figure(ONE_COLUMN_IN, 4.0)
        above, below = figure.subplots(2, 1, sharex=True, sharey=True)
        mesh = draw_mesh(above, result.spectrogram, colours)
        cells = below.pcolormesh(
            drops.edges_s,
            drops.edges_band,
            np.ma.masked_invalid(drops.drop.T),
            vmin=-drops.limit,
            vmax=drops.limit,
            cmap=DROP_COLOURS,
            edgecolors="white",
            linewidth=0.4,
        )
        _write_drops(below, drops)
        below.set_yticks(*place_band_ticks(result.spectrogram))
        below.set_xlim(find_edges(result.spectrogram.time_s)[[0, -1]])
        below.set_ylim(-0.5, len(result.spectrogram.frequency_hz) - 0.5)
        below.set(xlabel=X_TITLE, ylabel=title_bands(result.spectrogram))
        above.set_xlabel("")
        for axes, drawn, title in ((above, mesh, label_values(result.spectrogram)), (below, cells, drops.bar_title)):
            bar = figure.colorbar(drawn, ax=axes, label=title, aspect=20, pad=0.02)
            bar.outline.set_visible(False)
        lines = [*wrap_lines(drops.title, PRINT_LETTERS), *wrap_lines(drops.key, PRINT_LETTERS)]
        figure.suptitle("\n".join(lines), x=0.01, ha="left", linespacing=1.3)
    return figure


def _write_drops(axes: Any, drops: DropMap) -> None:
    centres_s, centres_band = ((e[:-1] + e[1:]) / 2 for e in (drops.edges_s, drops.edges_band))
    for x, column, words in zip(centres_s, drops.drop, drops.texts, strict=True):
        for y, cell, word in zip(centres_band, column, words, strict=True):
            colour = "white" if abs(cell) > DARK_FROM * drops.limit else "black"
            axes.text(x, y, word, color=colour, ha="center", va="center")
