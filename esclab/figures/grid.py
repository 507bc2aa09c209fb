"""Grid: what is shown in rows, under which condition in columns, and the region that each column is about."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import (
    check_map,
    choose_color_range,
    find_edges,
    locate_range,
    name_band_column,
    pick_scale_values,
    place_band_ticks,
    title_bands,
)
from esclab.figures.spectrogram import X_TITLE, build_heatmap, draw_mesh, label_values, spectrogram_data
from esclab.figures.text import plotly_text
from esclab.figures.theme import (
    SCREEN_FONT_PX,
    TWO_COLUMNS_IN,
    Hand,
    build_color_bar,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.figures.wrap import wrap_lines, wrap_plotly
from esclab.results import GridResult, Region, TimeFrequencyMap

ColorRanges = dict[str, tuple[float, float]]
ACTIVATION_UNIT = "activation"
ROW_PX, GAP_PX = 180, 16
LABEL_LETTERS, PRINT_LABEL_LETTERS = 24, 20
WIDTH_LETTERS = 100
# Around each map on the screen, as a share of its sides, so that an outline at its edge is seen whole.
RIM = 0.012


def grid_figure(
    result: GridResult, *, color_range: dict[str, tuple[float, float] | None] | None = None, hand: Hand = "plotly"
) -> Any:
    """Draw maps over time (s) and frequency (Hz) in rows and columns.

    Rows with the same unit share one colour scale. All maps share the time axis; each row has bands of its own. A
    column's region is outlined in every map of the column, cut at the map's edges, and left out where the map shows
    nothing of it; maps without frequencies have outlines of full height.

    Parameters
    ----------
    result : GridResult
        Within a row, maps have the same bands and unit.
    color_range : dict of str to (float, float) or None
        Lowest and highest value of a unit's colour scale, e.g. {"dB": (-80, 0)}; a unit that is missing or None takes
        the range of its own maps.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the grid is empty or ragged, the maps of a row do not fit together, a region does not rise, or an option
        is unknown.

    Notes
    -----
    TS-CNN, Figure 4, is such a grid.
    """
    _check_grid(result)
    colours = _choose_color_ranges(result, color_range or {})
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, colours)


def grid_data(result: GridResult) -> pd.DataFrame:
    """Return one row a map, frame and band: `row`, `column`, `region`, `unit`, `time_s`, `frequency_hz`, `value`.

    `region` is the column's region in words, empty where nothing is outlined. Bands without a frequency are numbers, in
    a column `coefficient` or `band_row`.
    """
    parts = []
    for row in result.rows:
        for column, region, tfmap in zip(result.columns, result.regions, row.maps, strict=True):
            words = "" if region is None else str(region)
            named = spectrogram_data(tfmap).assign(row=row.label, column=column, region=words, unit=tfmap.unit)
            parts.append(named)
    data = pd.concat(parts, ignore_index=True)
    bands = dict.fromkeys(name_band_column(row.maps[0]) for row in result.rows)
    return data[["row", "column", "region", "unit", "time_s", *bands, "value"]]


def place_region(region: Region, tfmap: TimeFrequencyMap) -> tuple[float, float, float, float] | None:
    """Return where a region lies on a map's axes.

    Returns
    -------
    box : (float, float, float, float) or None
        Left and right (s), bottom and top (band index), cut at the map's edges; None when the map shows nothing of it.
    """
    edges_s = find_edges(tfmap.time_s)
    left, right = np.clip([region.onset_s, region.offset_s], edges_s[0], edges_s[-1])
    bottom, top = locate_range(tfmap, region.low_hz, region.high_hz)
    return (float(left), float(right), float(bottom), float(top)) if left < right and bottom < top else None


def _check_grid(result: GridResult) -> None:
    if not result.rows or not result.columns:
        raise OptionError("GridResult", "it holds no map", "give at least one row and one column")
    counts = [len(result.regions), *(len(row.maps) for row in result.rows)]
    if set(counts) != {len(result.columns)}:
        cause = f"{len(result.columns)} columns do not fit {counts[0]} regions and rows of {counts[1:]} maps"
        raise OptionError("GridResult", cause, "give one region (or None) and, in each row, one map a column")
    for row in result.rows:
        first = row.maps[0]
        for tfmap in row.maps:
            check_map(tfmap)
            alike = np.array_equal(tfmap.frequency_hz, first.frequency_hz) and tfmap.axis == first.axis
            if not alike or tfmap.unit != first.unit:
                raise OptionError(
                    f"row {row.label!r}", "its maps differ in bands or unit", "give each kind its own row"
                )
    for region in result.regions:
        if region is not None:
            region.fit(math.inf, math.inf)


def _choose_color_ranges(result: GridResult, asked: dict[str, tuple[float, float] | None]) -> ColorRanges:
    units = list(dict.fromkeys(row.maps[0].unit for row in result.rows))
    for unit in asked:
        if unit not in units:
            raise OptionError("color_range", f"no map is in {unit!r}", f"choose among {', '.join(map(repr, units))}")
    found = {}
    for unit in units:
        maps = [tfmap for row in result.rows if row.maps[0].unit == unit for tfmap in row.maps]
        found[unit] = choose_color_range(
            np.concatenate([pick_scale_values(tfmap).ravel() for tfmap in maps]), asked.get(unit)
        )
    return found


def _bar_runs(result: GridResult) -> list[tuple[int, int]]:
    """Return the first and last row beside each colour bar: one bar for neighbouring rows of one unit."""
    runs = groupby(enumerate(result.rows), key=lambda item: item[1].maps[0].unit)
    numbers = [[i for i, _ in run] for _, run in runs]
    return [(rows[0], rows[-1]) for rows in numbers]


def _bar_title(tfmap: TimeFrequencyMap) -> str:
    return "Activation" if tfmap.unit == ACTIVATION_UNIT else label_values(tfmap)


def _time_range(result: GridResult) -> tuple[float, float]:
    edges = [find_edges(tfmap.time_s) for row in result.rows for tfmap in row.maps]
    return min(edge[0] for edge in edges), max(edge[-1] for edge in edges)


def _draw_plotly(result: GridResult, colours: ColorRanges) -> Any:
    from plotly.subplots import make_subplots

    rows, columns = len(result.rows), len(result.columns)
    titles = [wrap_plotly(title, max(12, WIDTH_LETTERS // columns)) for title in result.columns]
    top = 60 + 18 * max(1 + title.count("<br>") for title in titles)
    area_px = rows * ROW_PX + (rows - 1) * GAP_PX
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=GAP_PX / area_px,
        column_titles=titles,
    )
    figure.update_annotations(font_size=SCREEN_FONT_PX)
    bars = _plan_bars(result, area_px)
    for i, row in enumerate(result.rows, start=1):
        for j, tfmap in enumerate(row.maps, start=1):
            bar = {"colorbar": bars[i - 1]} if j == columns and i - 1 in bars else {"showscale": False}
            figure.add_trace(build_heatmap(tfmap, colours[tfmap.unit], **bar), row=i, col=j)
            _outline(figure, result.regions[j - 1], tfmap, (i, j))
        _label_row(figure, row.label, i)
        positions, labels = place_band_ticks(row.maps[0], gap=0.12)
        limits = _widen(-0.5, len(row.maps[0].frequency_hz) - 0.5)
        figure.update_yaxes(tickvals=positions, ticktext=labels, range=limits, showgrid=False, row=i)
        figure.update_yaxes(title_text=title_bands(row.maps[0]), row=i, col=1)
    figure.update_xaxes(range=_widen(*_time_range(result)), showgrid=False, nticks=6)
    figure.update_xaxes(title_text=X_TITLE, row=rows)
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(result.label or "Maps under each condition", 90),
        showlegend=False,
        margin={"l": 120, "t": top, "b": 60},
        height=top + 60 + area_px,
    )
    return figure


def _plan_bars(result: GridResult, area_px: int) -> dict[int, dict[str, Any]]:
    """Return each colour bar, by the row whose last map carries it."""
    pitch = (ROW_PX + GAP_PX) / area_px
    bars = {}
    for first, last in _bar_runs(result):
        top, bottom = 1 - first * pitch, 1 - last * pitch - ROW_PX / area_px
        place = {
            "y": (top + bottom) / 2,
            "len": top - bottom,
            "lenmode": "fraction",
            "x": 1.01,
            "ypad": 0,
            "ticksuffix": "  ",
        }
        bars[first] = build_color_bar(plotly_text(_bar_title(result.rows[first].maps[0]))) | place
    return bars


def _widen(low: float, high: float) -> list[float]:
    rim = RIM * (high - low)
    return [low - rim, high + rim]


def _label_row(figure: Any, label: str, row: int) -> None:
    axis = figure.get_subplot(row, 1).yaxis.plotly_name.replace("axis", "")
    figure.add_annotation(
        text=f"<b>{wrap_plotly(label, LABEL_LETTERS)}</b>",
        x=0,
        xref="paper",
        xshift=-66,
        xanchor="right",
        y=0.5,
        yref=f"{axis} domain",
        textangle=-90,
        showarrow=False,
    )


def _outline(figure: Any, region: Region | None, tfmap: TimeFrequencyMap, place: tuple[int, int]) -> None:
    import plotly.graph_objects as go

    box = None if region is None else place_region(region, tfmap)
    if box is None:
        return
    left, right, bottom, top = box
    x, y = [left, right, right, left, left], [bottom, bottom, top, top, bottom]
    # White on black is seen on every colour of the map.
    for colour, width in (("black", 3.5), ("white", 1.5)):
        line = {"color": colour, "width": width}
        outline = go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name="region")
        figure.add_trace(outline, row=place[0], col=place[1])


def _draw_print(result: GridResult, colours: ColorRanges) -> Any:
    rows, columns = len(result.rows), len(result.columns)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 0.8 + 1.2 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        meshes = [_draw_row(grid[i], result, i, colours) for i in range(rows)]
        for axes, title in zip(grid[0], result.columns, strict=True):
            axes.set_title("\n".join(wrap_lines(title, max(12, WIDTH_LETTERS // columns - 2))))
        for first, last in _bar_runs(result):
            title = _bar_title(result.rows[first].maps[0])
            beside = grid[first : last + 1].ravel().tolist()
            bar = figure.colorbar(meshes[first], ax=beside, label=title, aspect=14 * (last - first + 1), pad=0.01)
            bar.outline.set_visible(False)
        if result.label:
            figure.suptitle("\n".join(wrap_lines(result.label, WIDTH_LETTERS)), x=0.01, ha="left")
    return figure


def _draw_row(axes_of_row: Any, result: GridResult, number: int, colours: ColorRanges) -> Any:
    """Draw one row's maps with their outlines and labels, and return a mesh for the colour bar."""
    from matplotlib.patches import Rectangle

    row = result.rows[number]
    for axes, tfmap, region in zip(axes_of_row, row.maps, result.regions, strict=True):
        mesh = draw_mesh(axes, tfmap, colours[tfmap.unit])
        axes.set_yticks(*place_band_ticks(tfmap, gap=0.12))
        axes.set_xlim(_time_range(result))
        axes.locator_params(axis="x", nbins=5)
        axes.label_outer()
        box = None if region is None else place_region(region, tfmap)
        if box is not None:
            left, right, bottom, top = box
            for colour, width in (("black", 1.8), ("white", 0.8)):
                corner, size = (left, bottom), (right - left, top - bottom)
                outline = Rectangle(corner, *size, fill=False, ec=colour, lw=width, zorder=3)
                axes.add_patch(outline).set_clip_on(False)
    axes_of_row[0].annotate(
        "\n".join(wrap_lines(row.label, PRINT_LABEL_LETTERS)),
        (0, 0.5),
        xycoords=axes_of_row[0].yaxis.label,
        xytext=(-3, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="center",
        fontweight="bold",
        multialignment="center",
    )
    return mesh
