"""What attention layers did to one clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from esclab.results.pictures import TimeFrequencyMap


@dataclass(frozen=True)
class AttentionLayer:
    """Attention that one layer gave to one clip.

    Attributes
    ----------
    name : str
        Name of the layer, e.g. "block1".
    time_s, frequency_hz : ndarray of shape (frame,) and (band,)
        Centres of the layer's own frames (s) and bands (Hz), coarser than the input's after pooling.
    temporal : ndarray of shape (frame,) or None
        One weight per frame, in (0, 1).
    spectral : ndarray of shape (band,) or None
        One weight per band, in (0, 1).
    mixture : dict of str to float
        Weights of parallel branches, e.g. {"alpha": 0.4, "beta": 0.3, "gamma": 0.3}; empty where a layer has none.
    spatial : ndarray of shape (frame, band) or None
        One weight per cell, in (0, 1).
    channel : ndarray of shape (channel,) or None
        One weight per channel, of a layer that weighs frames, bands or cells too.
    """

    name: str
    time_s: np.ndarray
    frequency_hz: np.ndarray
    temporal: np.ndarray | None
    spectral: np.ndarray | None
    mixture: dict[str, float] = field(default_factory=dict)
    spatial: np.ndarray | None = None
    channel: np.ndarray | None = None


@dataclass(frozen=True)
class AttentionResult:
    """Where a model attends in one clip: its spectrogram and each layer's attention."""

    spectrogram: TimeFrequencyMap
    layers: tuple[AttentionLayer, ...]
    model: str = ""
