"""Where a network attends in a clip: its recorded gates over s and Hz."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from esclab.analysis.cells import count_pooled, locate_cells, needs_padding
from esclab.results import AttentionLayer, AttentionResult, TimeFrequencyMap

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.features import Feature
    from esclab.models.base import Ranges, SoundClassifier
    from esclab.models.recording import LayerAttention


def transform_clip(samples: np.ndarray, feature: Feature, *, label: str = "") -> TimeFrequencyMap:
    """Return a waveform's features as a picture with axes.

    Parameters
    ----------
    samples : ndarray of float32, shape (sample,)
        At the feature's sample rate.
    feature : Feature
    label : str
    """
    import torch

    with torch.inference_mode():
        values = feature(torch.from_numpy(samples)[None])[0, 0].numpy()
    axes = feature.time_s(len(values)), feature.frequency_hz
    return TimeFrequencyMap(values, *axes, label=label, unit=feature.unit, axis=feature.axis)


def attend_clip(
    model: SoundClassifier,
    feature: Feature,
    samples: np.ndarray,
    *,
    label: str = "",
    name: str = "",
    frames: int | None = None,
) -> AttentionResult:
    """Record the attention that a trained model gives to one clip.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode.
    feature : Feature
        The front end it was trained on.
    samples : ndarray of float32, shape (sample,)
    label, name : str
        What the clip and the model are called in the figure.
    frames : int, optional
        The clip's own, where its padding is hidden from the network (`Run.count_own_frames`).

    Returns
    -------
    AttentionResult
        One entry a layer that weighs frames, bands or cells, shallow to deep; none for a model without. The frames and
        bands of a layer behind poolings are averages of the input's, so its axes are their means; those behind padded
        convolutions of stride 2 lie around every second, fourth ... of the input's. Weights of bands that are not
        those of the whole picture (of networks that see a part of it) are left out. The picture ends with `frames`.
    """
    import torch

    from esclab.models.recording import record_attention

    whole = transform_clip(samples, feature, label=label)
    spectrogram = replace(whole, values=whole.values[:frames], time_s=whole.time_s[:frames])
    with torch.inference_mode(), record_attention(model) as maps:
        model(torch.from_numpy(spectrogram.values.copy())[None, None])
    layers = [
        _describe_layer(layer, recorded, spectrogram, ranges=model.layer_bands(layer))
        for layer, recorded in maps.items()
        if recorded.cells is not None  # weights of channels alone have no place in the picture
    ]
    return AttentionResult(spectrogram, tuple(layers), name)


def _describe_layer(
    name: str, recorded: LayerAttention, spectrogram: TimeFrequencyMap, *, ranges: Ranges
) -> AttentionLayer:
    """Return what a layer did to the one clip, over s and Hz; `ranges` are the bands that it covers."""
    frames, bands = spectrogram.values.shape
    high = ranges[0][1] - ranges[0][0]
    covers = sum(last - first for first, last in ranges) == bands
    frames_here, bands_here = _count_cells(recorded)
    known = [(length, here) for length, here in ((frames, frames_here), (high, bands_here)) if here]
    padded = any(needs_padding(length, here) for length, here in known)
    pooled = count_pooled(*known[0]) << padded
    bands_hz = [
        _place_cells(spectrogram.frequency_hz[first:last], bands_here, pooled, padded=padded) for first, last in ranges
    ]
    return AttentionLayer(
        name=name,
        time_s=_place_cells(spectrogram.time_s, frames_here, pooled, padded=padded),
        frequency_hz=np.concatenate(bands_hz),
        temporal=_take_clip(recorded.temporal),
        spectral=_take_clip(recorded.spectral, copies=len(ranges)) if covers else None,
        mixture=recorded.mixture,
        spatial=_take_clip(recorded.spatial, copies=len(ranges)) if covers else None,
        channel=_take_clip(recorded.channel),
    )


def _take_clip(weights: Tensor | None, *, copies: int = 1) -> np.ndarray | None:
    """Return the weights of the one clip, repeated along bands for representations that share them."""
    return None if weights is None else np.concatenate([weights[0].numpy()] * copies, axis=-1)


def _count_cells(recorded: LayerAttention) -> tuple[int, int]:
    """Return a layer's frames and bands; 0 along an axis that none of its gates tells of."""
    if recorded.spatial is not None:
        return recorded.spatial.shape[1], recorded.spatial.shape[2]
    return (
        0 if recorded.temporal is None else recorded.temporal.shape[1],
        0 if recorded.spectral is None else recorded.spectral.shape[1],
    )


def _place_cells(axis: np.ndarray, cells: int, pooled: int, *, padded: bool) -> np.ndarray:
    """Return where a layer's cells lie on an axis of the input, in its unit.

    Parameters
    ----------
    axis : ndarray of shape (place,)
    cells : int
        How many there are; 0 where the layer does not tell, and `pooled` counts.
    pooled : int
        Places of the input in a cell.
    padded : bool
        Whether padded convolutions made them, not poolings, which drop an incomplete cell at the end.
    """
    if padded:
        cells = cells or -(-len(axis) // pooled)
        return np.interp(locate_cells(len(axis), cells, padded=True), np.arange(len(axis)), axis)
    pooled = count_pooled(len(axis), cells) if cells else pooled
    whole = len(axis) // pooled * pooled
    if cells not in (0, whole // pooled):
        return np.interp(locate_cells(len(axis), cells), np.arange(len(axis)), axis)
    return axis[:whole].reshape(-1, pooled).mean(axis=1)
