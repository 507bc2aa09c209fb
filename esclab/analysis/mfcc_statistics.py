"""Clips as the mean and the spread of their MFCCs and zero-crossing rate, which leaves out the order of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from esclab.clips.dataset import ClipDataset
    from esclab.features import Feature

COEFFICIENTS = 12  # after the 0th, which is the level
MEL_BANDS = 40
WINDOW_S, HOP_S = 0.040, 0.020


def measure_statistics(dataset: ClipDataset, *, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
    """Describe each clip by 26 numbers: mean and standard deviation over time of 12 MFCCs and the zero-crossing rate.

    Parameters
    ----------
    dataset : ClipDataset
    progress : callable, optional
        Called with (clips done, clips in all), first for the MFCCs, then for the zero crossings.

    Returns
    -------
    statistics : ndarray of float64, shape (clip, 26)
        Means, then standard deviations: MFCCs 1 to 12 (the 0th, which is the level, is left out) and the rate.

    Raises
    ------
    DatasetError
        When clips cannot be read.

    Notes
    -----
    Frames of 40 ms every 20 ms at the recordings' own rate, 40 mel bands under the MFCCs, clips padded or cut to the
    dataset's length (our reading).
    """
    from esclab.clips import read_clip
    from esclab.features.store import load_features

    feature = _build_mfcc(dataset)
    coefficients = load_features(dataset, feature, dtype="float32", progress=progress)[:, 0, :, 1:]
    config = feature.config
    rows = np.empty((len(dataset), 2 * (COEFFICIENTS + 1)))
    for row in range(len(dataset)):
        samples = read_clip(dataset, row, sample_rate=config.sample_rate)
        crossings = measure_crossings(samples, config.window_samples, config.hop_samples)
        means = [*coefficients[row].mean(axis=0, dtype=np.float64), crossings.mean()]
        rows[row] = [*means, *coefficients[row].std(axis=0, dtype=np.float64), crossings.std()]
        if progress is not None:
            progress(row + 1, len(dataset))
    return rows


def measure_crossings(samples: np.ndarray, window_samples: int, hop_samples: int) -> np.ndarray:
    """Return how often a signal changes its sign in each frame.

    Parameters
    ----------
    samples : ndarray of shape (sample,)
        At least two; zero counts as positive.
    window_samples, hop_samples : int
        Length of a frame and step between two; a signal shorter than a frame is one frame.

    Returns
    -------
    rates : ndarray of float, shape (frame,)
        Changes per pair of neighbouring samples, in 0..1; a tone of f Hz has 2 f / sample rate.
    """
    window = min(window_samples, len(samples))
    total = np.concatenate([[0], np.cumsum(np.diff(samples < 0))])
    starts = np.arange(0, len(samples) - window + 1, hop_samples)
    return (total[starts + window - 1] - total[starts]) / (window - 1)


def describe_statistics(dataset: ClipDataset) -> dict[str, Any]:
    """Return the settings of `measure_statistics` as plain values."""
    from esclab.features import describe_feature

    return {"feature": describe_feature(_build_mfcc(dataset)), "duration_s": dataset.duration_s}


def _build_mfcc(dataset: ClipDataset) -> Feature:
    from esclab.features import build_feature

    return build_feature(
        "mfcc",
        sample_rate=dataset.sample_rate,
        window_samples=round(WINDOW_S * dataset.sample_rate),
        hop_samples=round(HOP_S * dataset.sample_rate),
        bands=COEFFICIENTS + 1,
        mel_bands=MEL_BANDS,
    )
