"""The attribution figure for the screen."""

from __future__ import annotations

import math
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
from esclab.figures.events import outline_events
from esclab.figures.methods import title_method
from esclab.figures.scale import find_edges, place_band_ticks, title_bands, write_band
from esclab.figures.spectrogram import X_TITLE, label_values
from esclab.figures.text import plotly_text
from esclab.figures.theme import SCREEN_FONT_PX, SCREEN_WIDTH_PX, SOFT_INK, build_color_bar, register_template
from esclab.results import AttributionMap, AttributionResult

PANEL_PX, TITLE_PX, TOP_PX, BOTTOM_PX = 150, 62, 118, 150
LETTER_PX = 7.2


def draw_plotly(result: AttributionResult, colours: tuple[float, float], *, columns: int, overlay: bool) -> Any:
    """Return the figure as a `plotly.graph_objects.Figure`; the arguments come checked from `attribution_figure`."""
    from plotly.subplots import make_subplots

    panels = 1 + len(result.maps)
    rows = math.ceil(panels / columns)
    area_px = rows * PANEL_PX + (rows - 1) * TITLE_PX
    longest = int((SCREEN_WIDTH_PX - 130) / columns / LETTER_PX)
    titles = (_write_title(attribution, longest, model=has_models(result)) for attribution in result.maps)
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.05 / columns,
        vertical_spacing=TITLE_PX / area_px if rows > 1 else 0,
        subplot_titles=[f"<b>{SPECTROGRAM_TITLE}</b><br> ", *titles],
    )
    figure.update_annotations(font_size=SCREEN_FONT_PX, align="center")
    for number in range(panels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        if number == 0 or overlay:
            figure.add_trace(_build_spectrogram(result, first=number == 0), **place)
        if number:
            _add_map(figure, result, result.maps[number - 1], place)
        for outline in outline_events(result.spectrogram, result.events):
            figure.add_trace(outline, **place)
    # The bar stands on the page, whatever its colour: it shows the maps' colours as they look on white.
    swatch = {"color": [0], "coloraxis": "coloraxis4"}
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=swatch, showlegend=False, hoverinfo="skip")
    _label_axes(figure, result, panels, columns)
    title, key = title_attribution(result)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": key}},
        height=area_px + TOP_PX + BOTTOM_PX,
        margin={"t": TOP_PX, "b": BOTTOM_PX},
        showlegend=False,
        **_build_color_axes(result, colours, area_px, pale=overlay),
    )
    return figure


def _write_title(attribution: AttributionMap, longest: int, *, model: bool) -> str:
    first, second = (plotly_text(line, longest) for line in title_map(attribution, longest, model=model))
    return f"<b>{first}</b><br>{second}"


def _build_spectrogram(result: AttributionResult, *, first: bool) -> Any:
    import plotly.graph_objects as go

    spectrogram = result.spectrogram
    return go.Heatmap(
        x=np.asarray(spectrogram.time_s, dtype=float),
        y=np.arange(len(spectrogram.frequency_hz)),
        z=np.where(np.isfinite(spectrogram.values), spectrogram.values, np.nan).T.astype(np.float32),
        customdata=_spread_bands(result) if first else None,
        coloraxis="coloraxis" if first else "coloraxis3",
        hovertemplate=f"%{{x:.3f}} s, {write_band(spectrogram)}<br>%{{z:.4~g}} {plotly_text(spectrogram.unit)}"
        "<extra></extra>"
        if first
        else None,
        hoverinfo=None if first else "skip",
    )


def _spread_bands(result: AttributionResult) -> np.ndarray:
    bands_hz, frames = np.asarray(result.spectrogram.frequency_hz, dtype=np.float32), len(result.spectrogram.time_s)
    return np.repeat(bands_hz[:, None], frames, axis=1)


def _add_map(figure: Any, result: AttributionResult, attribution: AttributionMap, place: dict[str, int]) -> None:
    import plotly.graph_objects as go

    levels, unit = result.spectrogram.values.T, plotly_text(result.spectrogram.unit)
    band = write_band(result.spectrogram, "%{customdata[0]:.0f}")
    trace = go.Heatmap(
        x=np.asarray(result.spectrogram.time_s, dtype=float),
        y=np.arange(len(result.spectrogram.frequency_hz)),
        z=(share_importance(attribution) * 100).T.astype(np.float32),
        customdata=np.dstack([_spread_bands(result), attribution.values.T, levels]).astype(np.float32),
        coloraxis="coloraxis2",
        name=plotly_text(title_method(attribution.method)),
        hovertemplate=f"%{{x:.3f}} s, {band}<br>%{{z:.0f}} % of the maximum, value %{{customdata[1]:.3~g}}"
        f"<br>level %{{customdata[2]:.4~g}} {unit}<extra>%{{fullData.name}}</extra>",
    )
    figure.add_trace(trace, **place)
    note = note_map(attribution)
    if note:
        plot = figure.get_subplot(**place)
        xref, yref = (axis.plotly_name.replace("axis", "") + " domain" for axis in (plot.xaxis, plot.yaxis))
        style = {"showarrow": False, "bgcolor": "rgba(255,255,255,0.85)", "font": {"color": SOFT_INK}}
        figure.add_annotation(text=note, x=0.5, y=0.5, xref=xref, yref=yref, **style)


def _label_axes(figure: Any, result: AttributionResult, panels: int, columns: int) -> None:
    positions, labels = place_band_ticks(result.spectrogram, gap=0.12)
    edges_s, bands = find_edges(result.spectrogram.time_s), len(result.spectrogram.frequency_hz)
    figure.update_yaxes(tickvals=positions, ticktext=labels, range=[-0.5, bands - 0.5], showgrid=False)
    figure.update_xaxes(range=[edges_s[0], edges_s[-1]], showgrid=False, zeroline=False)
    for number in range(max(0, panels - columns), panels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        figure.update_xaxes(title_text=X_TITLE, showticklabels=True, **place)
    for row in range(1, math.ceil(panels / columns) + 1):
        figure.update_yaxes(title_text=title_bands(result.spectrogram), row=row, col=1)


def _build_color_axes(
    result: AttributionResult, colours: tuple[float, float], area_px: int, *, pale: bool
) -> dict[str, Any]:
    """Return the layout's colour axes: the spectrogram, the maps, and (without a bar) the spectrogram under them."""
    below = {"orientation": "h", "len": 0.44, "y": -76 / area_px, "yanchor": "top", "xanchor": "left"}
    level_bar = build_color_bar(plotly_text(label_values(result.spectrogram))) | below | {"x": 0}
    share_bar = build_color_bar(SHARE_TITLE) | below | {"x": 0.54}
    for bar in (level_bar, share_bar):
        bar["title"]["side"] = "bottom"
        bar |= {"outlinewidth": 1, "outlinecolor": SOFT_INK}
    veils, on_white = [], []
    for place, (*colour, alpha) in sample_importance_colours():
        veils.append([place, "rgba({:.0f},{:.0f},{:.0f},{:.3f})".format(*(255 * c for c in colour), alpha)])
        on_white.append([place, "rgb({:.0f},{:.0f},{:.0f})".format(*(255 * (1 + alpha * (c - 1)) for c in colour))])
    shares = {"cmin": 0, "cmax": 100}
    limits = {"cmin": colours[0], "cmax": colours[1]}
    axes: dict[str, Any] = {
        "coloraxis": {"colorscale": _grey_scale(GREY_TO), "colorbar": level_bar, **limits},
        "coloraxis2": {"colorscale": veils, "showscale": False, **shares},
        "coloraxis4": {"colorscale": on_white, "colorbar": share_bar, **shares},
    }
    if pale:
        axes["coloraxis3"] = {"colorscale": _grey_scale(PALE_GREY_TO), "showscale": False, **limits}
    return axes


def _grey_scale(darkest: float) -> list[list[Any]]:
    shades = (f"rgb({shade},{shade},{shade})" for shade in (round(255 * GREY_FROM), round(255 * darkest)))
    return [[position, shade] for position, shade in zip((0, 1), shades, strict=True)]
