"""Spectrogram: a map over time and frequency, with the known events of the clip where there are some."""

from __future__ import annotations

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
    write_band,
)
from esclab.figures.text import label_unit, plotly_text, shorten
from esclab.figures.theme import (
    MAP_COLOURS,
    ONE_COLUMN_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import TimeFrequencyMap

X_TITLE = "Time (s)"
EVENT_COLUMNS = ("onset_s", "offset_s", "low_hz", "high_hz")


def spectrogram_figure(
    result: TimeFrequencyMap,
    *,
    color_range: tuple[float, float] | None = None,
    events: pd.DataFrame | None = None,
    hand: Hand = "plotly",
) -> Any:
    """Draw a map over time (s) and frequency (Hz), or over what else its bands are.

    Each band has the same height, as the model sees it, however wide it is in Hz; round frequencies are placed on the
    axis by interpolating over the band index, so their labels are true and unevenly spaced.

    Parameters
    ----------
    result : TimeFrequencyMap
    color_range : (float, float) or None
        Lowest and highest value of the colour scale, so that figures can share it; None takes the map's own range
        (see `pick_scale_values` for bands without frequencies).
    events : DataFrame or None
        Boxes to draw: `onset_s`, `offset_s`, `low_hz`, `high_hz`; a NaN reaches to the edge of the map.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the map's shape does not fit its axes, a column of `events` is missing, or an option is unknown.
    """
    check_map(result)
    colours = choose_color_range(pick_scale_values(result), color_range)
    boxes = [] if events is None else place_boxes(result, events)
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, colours, boxes)


def spectrogram_data(result: TimeFrequencyMap) -> pd.DataFrame:
    """Return one row a frame and band: `time_s`, `frequency_hz`, `value`.

    Bands without a frequency are numbers, in a column `coefficient` or `band_row`.
    """
    frames, bands = result.values.shape
    return pd.DataFrame(
        {
            "time_s": np.repeat(result.time_s, bands),
            name_band_column(result): np.tile(result.frequency_hz, frames),
            "value": result.values.ravel(),
        }
    )


def label_values(result: TimeFrequencyMap) -> str:
    """Return the title of the colour bar."""
    return label_unit("Level", shorten(result.unit)) if result.unit else "Weight"


def build_heatmap(result: TimeFrequencyMap, colours: tuple[float, float], **options: Any) -> Any:
    """Return the map as a plotly trace over time (s) and band index; `options` go to `go.Heatmap`."""
    import plotly.graph_objects as go

    bands = len(result.frequency_hz)
    shape = (bands, len(result.time_s))
    return go.Heatmap(
        x=np.asarray(result.time_s, dtype=float),
        y=np.arange(bands),
        z=np.where(np.isfinite(result.values), result.values, np.nan).T,
        customdata=np.ascontiguousarray(np.broadcast_to(np.asarray(result.frequency_hz)[:, None], shape)),
        zmin=colours[0],
        zmax=colours[1],
        colorscale=MAP_COLOURS,
        hovertemplate=f"%{{x:.3f}} s, {write_band(result)}<br>%{{z:.4~g}} {plotly_text(result.unit)}<extra></extra>",
        **options,
    )


def draw_mesh(axes: Any, result: TimeFrequencyMap, colours: tuple[float, float]) -> Any:
    """Draw the map into matplotlib axes over time (s) and band index, label its bands, and return the mesh."""
    mesh = axes.pcolormesh(
        find_edges(result.time_s),
        np.arange(len(result.frequency_hz) + 1) - 0.5,
        np.ma.masked_invalid(result.values.T),
        vmin=colours[0],
        vmax=colours[1],
        cmap=MAP_COLOURS,
        rasterized=True,
    )
    axes.set_yticks(*place_band_ticks(result))
    axes.set(xlabel=X_TITLE, ylabel=title_bands(result))
    return mesh


def place_boxes(result: TimeFrequencyMap, events: pd.DataFrame) -> list[tuple[float, float, float, float]]:
    """Return the events as (left, right, bottom, top) in s and band index, cut at the edges of the map."""
    missing = [column for column in EVENT_COLUMNS if column not in events.columns]
    if missing:
        raise OptionError("events", f"column {missing[0]!r} is missing", f"give the columns {', '.join(EVENT_COLUMNS)}")
    edges_s = find_edges(result.time_s)
    times = [(events["onset_s"], edges_s[0]), (events["offset_s"], edges_s[-1])]
    left, right = (np.clip(column.fillna(edge).to_numpy(float), edges_s[0], edges_s[-1]) for column, edge in times)
    low_hz, high_hz = (events[column].fillna(edge) for column, edge in (("low_hz", -np.inf), ("high_hz", np.inf)))
    bottom, top = locate_range(result, low_hz.to_numpy(float), high_hz.to_numpy(float))
    return [tuple(map(float, box)) for box in zip(left, right, bottom, top, strict=True)]  # type: ignore[misc]


def _draw_plotly(
    result: TimeFrequencyMap, colours: tuple[float, float], boxes: list[tuple[float, float, float, float]]
) -> Any:
    import plotly.graph_objects as go

    bar = {
        "title": {"text": plotly_text(label_values(result)), "side": "right"},
        "thickness": 14,
        "outlinewidth": 0,
    }
    figure = go.Figure(build_heatmap(result, colours, colorbar=bar))
    outline_x: list[float | None] = []
    outline_y: list[float | None] = []
    for left, right, bottom, top in boxes:
        outline_x += [left, right, right, left, left, None]
        outline_y += [bottom, bottom, top, top, bottom, None]
    # White on black is seen on every colour of the map.
    for colour, width in (("black", 3.5), ("white", 1.5)) if boxes else ():
        line = {"color": colour, "width": width}
        outline = go.Scatter(x=outline_x, y=outline_y, mode="lines", line=line, hoverinfo="skip", name="event")
        figure.add_trace(outline.update(showlegend=False))
    positions, labels = place_band_ticks(result)
    edges_s = find_edges(result.time_s)
    figure.update_xaxes(title_text=X_TITLE, range=[edges_s[0], edges_s[-1]], showgrid=False)
    figure.update_yaxes(
        title_text=title_bands(result),
        tickvals=positions,
        ticktext=labels,
        range=[-0.5, len(result.frequency_hz) - 0.5],
        showgrid=False,
    )
    title = plotly_text(result.label, 90)
    subtitle = "Boxes: known events" if boxes else ""
    figure.update_layout(
        template=register_template(), title={"text": title, "subtitle": {"text": subtitle}}, height=400
    )
    return figure


def _draw_print(
    result: TimeFrequencyMap, colours: tuple[float, float], boxes: list[tuple[float, float, float, float]]
) -> Any:
    from matplotlib.patches import Rectangle

    with print_style():
        figure = new_print_figure(ONE_COLUMN_IN, 2.3)
        axes = figure.subplots()
        mesh = draw_mesh(axes, result, colours)
        for left, right, bottom, top in boxes:
            for colour, width in (("black", 1.8), ("white", 0.8)):
                box = Rectangle((left, bottom), right - left, top - bottom, fill=False, ec=colour, lw=width)
                axes.add_patch(box)
        bar = figure.colorbar(mesh, ax=axes, label=label_values(result), aspect=28, pad=0.02)
        bar.outline.set_visible(False)
        title = shorten(result.label, 60)
        axes.set_title(f"{title} (boxes: known events)" if boxes else title)
    return figure
