"""Where a network attends in a clip: its recorded gates over s and Hz."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from esclab.analysis.cells import count_pooled
from esclab.results import AttentionLayer, AttentionResult, TimeFrequencyMap

if TYPE_CHECKING:
    from esclab.features import Feature
    from esclab.models.base import SoundClassifier


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
    return TimeFrequencyMap(values, feature.time_s(len(values)), feature.frequency_hz, label, feature.unit)


def attend_clip(
    model: SoundClassifier, feature: Feature, samples: np.ndarray, *, label: str = "", name: str = ""
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

    Returns
    -------
    AttentionResult
        One entry a layer with attention, shallow to deep; none for a model without. A layer's frames and bands are
        averages of the input's, so its axes are their means.
    """
    import torch

    from esclab.models.attention import record_attention

    spectrogram = transform_clip(samples, feature, label=label)
    with torch.inference_mode(), record_attention(model) as maps:
        model(torch.from_numpy(spectrogram.values.copy())[None, None])
    frames, bands = spectrogram.values.shape
    layers = []
    for layer, recorded in maps.items():
        frames_here = None if recorded.temporal is None else recorded.temporal.shape[1]
        bands_here = None if recorded.spectral is None else recorded.spectral.shape[1]
        pooled = count_pooled(frames, frames_here) if frames_here else count_pooled(bands, bands_here or bands)
        layers.append(
            AttentionLayer(
                name=layer,
                time_s=_pool_axis(spectrogram.time_s, pooled),
                frequency_hz=_pool_axis(spectrogram.frequency_hz, pooled),
                temporal=None if recorded.temporal is None else recorded.temporal[0].numpy(),
                spectral=None if recorded.spectral is None else recorded.spectral[0].numpy(),
                mixture=recorded.mixture,
            )
        )
    return AttentionResult(spectrogram, tuple(layers), name)


def _pool_axis(axis: np.ndarray, size: int) -> np.ndarray:
    """Return the mean of every `size` positions; an incomplete group at the end is dropped, as pooling drops it."""
    whole = len(axis) // size * size
    return axis[:whole].reshape(-1, size).mean(axis=1)
