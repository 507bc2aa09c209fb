"""Attention: where each layer looks in time and frequency, around the spectrogram that it looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import check_map, choose_color_range, name_band_column, pick_scale_values
from esclab.figures.spectrogram import spectrogram_data
from esclab.figures.theme import Hand, choose_hand
from esclab.results import AttentionLayer, AttentionResult


def attention_figure(
    result: AttentionResult, *, color_range: tuple[float, float] | None = None, hand: Hand = "plotly"
) -> Any:
    """Draw one clip's spectrogram with each layer's temporal weights above it and its spectral weights beside it.

    A layer has one strip over the shared time axis and one over the shared frequency axis. Each strip has its own
    scale, because layers differ in range: its two numbers are the lowest and the highest weight, and it never spans
    less than 0.01, so that noise is not blown up. The bars at the top right show each layer's mixture of branches. A
    layer that weighs each cell has a picture of its weights over the same axes, on a scale of its own too, whose ends
    stand beside its name.

    Parameters
    ----------
    result : AttentionResult
    color_range : (float, float) or None
        Lowest and highest value of the spectrogram's colour scale; None takes its own range.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the model records no attention, a layer's weights do not fit its axes, or an option is unknown.
    """
    from esclab.figures.attention_plotly import draw_plotly
    from esclab.figures.attention_print import draw_print
    from esclab.figures.attention_strips import plan_strips

    check_map(result.spectrogram)
    layers = [x for x in result.layers if any(w is not None for w in (x.temporal, x.spectral, x.spatial)) or x.mixture]
    if not layers:
        model = result.model or "the model"
        raise OptionError(model, "it records no attention", "choose a model with attention gates")
    for layer in layers:
        _check_layer(layer)
    colours = choose_color_range(pick_scale_values(result.spectrogram), color_range)
    return choose_hand(hand, plotly=draw_plotly, paper=draw_print)(result, plan_strips(layers), colours)


def attention_data(result: AttentionResult) -> pd.DataFrame:
    """Return one row a value: `layer`, `kind`, `branch`, `time_s`, `frequency_hz`, `value`.

    `kind` is "spectrogram" (layer "input"), "temporal", "spectral", "spatial", "mixture" (then `branch` is its name) or
    "channel" (then `branch` is its number); what a kind does not have is empty.
    """
    bands = name_band_column(result.spectrogram)
    parts = [spectrogram_data(result.spectrogram).assign(layer="input", kind="spectrogram", branch="")]
    for layer in result.layers:
        tables: dict[str, dict[str, Any]] = {
            "temporal": {"time_s": layer.time_s, "value": layer.temporal},
            "spectral": {bands: layer.frequency_hz, "value": layer.spectral},
            "mixture": {"branch": list(layer.mixture), "value": list(layer.mixture.values()) or None},
        }
        if layer.spatial is not None:
            place = {"time_s": np.repeat(layer.time_s, len(layer.frequency_hz))}
            place[bands] = np.tile(layer.frequency_hz, len(layer.time_s))
            tables["spatial"] = place | {"value": layer.spatial.ravel()}
        if layer.channel is not None:
            tables["channel"] = {"branch": [str(n) for n in range(len(layer.channel))], "value": layer.channel}
        for kind, columns in tables.items():
            if columns["value"] is not None:
                parts.append(pd.DataFrame(columns).assign(layer=layer.name, kind=kind))
    data = pd.concat(parts, ignore_index=True)
    data["branch"] = data["branch"].fillna("")
    return data[["layer", "kind", "branch", "time_s", bands, "value"]]


def _check_layer(layer: AttentionLayer) -> None:
    frames, bands = len(layer.time_s), len(layer.frequency_hz)
    for name, weights, shape in (
        ("temporal", layer.temporal, (frames,)),
        ("spectral", layer.spectral, (bands,)),
        ("spatial", layer.spatial, (frames, bands)),
    ):
        if weights is not None and (weights.shape != shape or 0 in shape):
            axes = "axes" if name == "spatial" else "axis"
            cause = f"{name} weights of shape {weights.shape} do not fit its {axes} of shape {shape}"
            raise OptionError(f"AttentionLayer {layer.name!r}", cause, "give one weight for each place on the axis")
        if weights is not None and not np.isfinite(weights).all():
            cause = f"some {name} weights are not finite"
            raise OptionError(f"AttentionLayer {layer.name!r}", cause, "look whether the training diverged")
