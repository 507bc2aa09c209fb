"""Attribution: which frames and bands of a clip counted for a class, by several methods, layers or models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.methods import title_method
from esclab.figures.scale import check_map, choose_color_range, name_band_column, pick_scale_values
from esclab.figures.spectrogram import spectrogram_data
from esclab.figures.text import class_words, shorten
from esclab.figures.theme import MAP_COLOURS, Hand, choose_hand
from esclab.results import AttributionMap, AttributionResult

SHARE_TITLE = "Importance (% of the map's maximum)"
SPECTROGRAM_TITLE = "Spectrogram"
# The spectrogram alone may go to black; under a map it stays pale, so that in grey too only the map is dark.
GREY_FROM, GREY_TO, PALE_GREY_TO = 1.0, 0.05, 0.66
COLOURS_FROM, COLOURS_TO, MOST_OPAQUE, OPACITY_SLOPE = 0.86, 0.12, 0.94, 2.0
COLUMNS = ["kind", "map", "method", "layer", "model", "class_name", "probability", "time_s"]


def attribution_figure(
    result: AttributionResult,
    *,
    overlay: bool = True,
    columns: int = 4,
    color_range: tuple[float, float] | None = None,
    hand: Hand = "plotly",
) -> Any:
    """Draw a clip's spectrogram in grey, and for each map a panel that colours what counted for the class.

    Each map is scaled to its own maximum, because methods differ in unit; what speaks against the class (below 0) is
    left out. Colour stands for importance alone: the darker and the less transparent, the more a cell counted. Known
    events are outlined.

    Parameters
    ----------
    result : AttributionResult
        Maps on the frames and bands of the spectrogram.
    overlay : bool
        Lay each map over the pale spectrogram; otherwise over white.
    columns : int
        Panels in a row, the spectrogram's included.
    color_range : (float, float) or None
        Lowest and highest level of the spectrogram's grey scale; None takes its own range.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When there is no map, a map does not fit the spectrogram or is not finite, or an option is unknown.
    """
    from esclab.figures.attribution_plotly import draw_plotly
    from esclab.figures.attribution_print import draw_print

    check_map(result.spectrogram)
    if not result.maps:
        raise OptionError("AttributionResult.maps", "it holds no map", "give at least one")
    for attribution in result.maps:
        _check_attribution(attribution, result.spectrogram.values.shape)
    colours = choose_color_range(pick_scale_values(result.spectrogram), color_range)
    columns = max(1, min(columns, len(result.maps) + 1))
    draw = choose_hand(hand, plotly=draw_plotly, paper=draw_print)
    return draw(result, colours, columns=columns, overlay=overlay)


def attribution_data(result: AttributionResult) -> pd.DataFrame:
    """Return one row a picture, frame and band: what it shows, `time_s`, `frequency_hz`, `value`, `share`.

    `kind` is "spectrogram" (`map` 0, without a method) or "map" (`map` from 1 on, with its `method`, `layer`, `model`,
    `class_name` and `probability`); `share` is a map's importance as a share of its maximum, 0..1, as the figure
    colours it.
    """
    spectrogram = spectrogram_data(result.spectrogram)
    names = {"method": "", "layer": "", "model": "", "class_name": ""}
    parts = [spectrogram.assign(kind="spectrogram", map=0, probability=np.nan, share=np.nan, **names)]
    for number, attribution in enumerate(result.maps, start=1):
        names = {name: getattr(attribution, name) for name in names}
        values = {"value": attribution.values.ravel(), "share": share_importance(attribution).ravel()}
        parts.append(spectrogram.assign(kind="map", map=number, probability=attribution.probability, **names, **values))
    bands = name_band_column(result.spectrogram)
    return pd.concat(parts, ignore_index=True)[[*COLUMNS, bands, "value", "share"]]


def share_importance(attribution: AttributionMap) -> np.ndarray:
    """Return the evidence for the class as a share of its maximum, 0..1; all 0 where there is none."""
    importance = attribution.importance
    top = importance.max()
    return importance / top if top > 0 else np.zeros(importance.shape)


def note_map(attribution: AttributionMap) -> str:
    """Return what to write over a map that shows nothing, otherwise ""."""
    if attribution.values.max() <= 0:
        return "no evidence for the class"
    return "the same everywhere" if np.ptp(attribution.values) == 0 else ""


def title_map(attribution: AttributionMap, longest: int, *, model: bool) -> tuple[str, str]:
    """Return the two lines over a map: method and layer, then (model,) class and its probability."""
    method = ", ".join(part for part in (title_method(attribution.method), attribution.layer) if part)
    percent = f"{attribution.probability * 100:.0f} %"
    who = f"{shorten(attribution.model, longest // 3)}: " if model and attribution.model else ""
    answer = shorten(class_words(attribution.class_name), max(6, longest - len(who) - len(percent) - 1))
    return shorten(method, longest), f"{who}{answer} {percent}"


def title_attribution(result: AttributionResult) -> tuple[str, str]:
    """Return the figure's title, with the model where there is just one, and the key of what it shows."""
    boxes = "; boxes: known events" if result.events is not None and len(result.events) else ""
    title = shorten(result.spectrogram.label or "Attribution", 60)
    model = "" if has_models(result) else shorten(result.maps[0].model, 30)
    return " · ".join(part for part in (title, model) if part), f"Percentages: probability of the class{boxes}"


def has_models(result: AttributionResult) -> bool:
    """Return whether the maps come from more than one model."""
    return len({attribution.model for attribution in result.maps}) > 1


def sample_importance_colours(steps: int = 33) -> list[tuple[float, tuple[float, float, float, float]]]:
    """Return the colour scale of importance as pairs of position (0..1) and RGBA (each 0..1).

    It starts transparent, grows opaque and darkens, so that it reads in grey and over a pale spectrogram.
    """
    from plotly.colors import sample_colorscale, unlabel_rgb

    positions = np.linspace(0, 1, steps)
    places = COLOURS_FROM + (COLOURS_TO - COLOURS_FROM) * positions
    rgb = [[part / 255 for part in unlabel_rgb(colour)] for colour in sample_colorscale(MAP_COLOURS, list(places))]
    alphas = np.minimum(OPACITY_SLOPE * positions, 1) * MOST_OPAQUE
    return [(float(p), (*c, float(a))) for p, c, a in zip(positions, rgb, alphas, strict=True)]  # type: ignore[misc]


def _check_attribution(attribution: AttributionMap, shape: tuple[int, ...]) -> None:
    where = f"AttributionMap {attribution.method!r}"
    if attribution.values.shape != shape:
        cause = f"shape {attribution.values.shape} does not fit the spectrogram's {shape}"
        raise OptionError(where, cause, "put the map on the frames and bands of the spectrogram")
    if not np.isfinite(attribution.values).all():
        raise OptionError(where, "some of its values are not finite", "look whether the training diverged")
