"""Noise on the cells of a feature, as the forerunner of TS-CNN did it."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from esclab.errors import OptionError


class CellRanges(TypedDict):
    """Half-open ranges of frames and of bands; None is all."""

    frames: tuple[int, int] | None
    bands: tuple[int, int] | None


PUBLISHED_FEATURE_NOISE: dict[str, CellRanges] = {
    "time": {"frames": (50, 63), "bands": None},
    "frequency": {"frames": None, "bands": (25, 30)},
}


def inject_feature_noise(
    features: np.ndarray,
    *,
    frames: tuple[int, int] | None = (50, 63),
    bands: tuple[int, int] | None = None,
    spread: float = 3.0,
    seed: int = 0,
) -> np.ndarray:
    """Return features with normal noise added to some of their cells.

    This is the variant of the figure code published with TFNet, TS-CNN's forerunner: it adds normal noise with a
    standard deviation of 3 (in dB, on log-mel cells) to frames 50 to 62 of all bands, or to bands 25 to 29 of all
    frames. `PUBLISHED_FEATURE_NOISE["time"]` and `["frequency"]` are these two settings. That code has the names
    swapped: its "fre_noise" is the noise on frames, its "time_noise" the one on bands. Such noise adds decibels, so
    unlike `inject_noise` it has no SNR and lowers half of its cells.

    Parameters
    ----------
    features : ndarray of float32 or float64, shape (..., frame, band)
        Each clip gets its own noise.
    frames, bands : tuple of int, optional
        Half-open ranges; None is all.
    spread : float
        Standard deviation, in the features' unit.
    seed : int

    Returns
    -------
    ndarray of the same type and shape
        A copy.

    Raises
    ------
    OptionError
        When the features have fewer than two axes or are not float, a range is empty or outside, or the spread is
        negative or not finite.
    """
    features = np.asarray(features)
    if features.ndim < 2 or features.dtype not in (np.float32, np.float64):
        raise OptionError(
            "features",
            f"have the shape {features.shape} and type {features.dtype}",
            "give float32 of shape (..., frame, band)",
        )
    if not 0 <= spread < np.inf:
        raise OptionError(f"spread={spread:g}", "is not 0 or above and finite", "give a standard deviation")
    rows = _slice_axis("frames", frames, features.shape[-2])
    columns = _slice_axis("bands", bands, features.shape[-1])
    noisy = features.copy()
    cells = noisy[..., rows, columns]
    noise = np.random.default_rng(seed).normal(0.0, spread, cells.shape)
    noisy[..., rows, columns] = cells + noise
    return noisy


def _slice_axis(name: str, limits: tuple[int, int] | None, count: int) -> slice:
    first, last = limits or (0, count)
    if not 0 <= first < last <= count:
        raise OptionError(
            f"{name} {first} to {last}", f"are not a range within 0 to {count}", f"give (first, last) within {count}"
        )
    return slice(first, last)
