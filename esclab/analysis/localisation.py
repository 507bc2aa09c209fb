"""Does an explanation point at the sound itself? Scores of a map against the true place of the events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.errors import OptionError


def event_mask(events: pd.DataFrame, time_s: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Return which cells of a map lie inside an event.

    Parameters
    ----------
    events : DataFrame
        One row an event of this clip: `onset_s`, `offset_s`, `low_hz`, `high_hz`.
    time_s : ndarray of shape (frame,)
        Centre of each frame, in s, rising.
    frequency_hz : ndarray of shape (band,)
        Centre of each band, in Hz, rising.

    Returns
    -------
    mask : ndarray of bool, shape (frame, band)
        A cell is inside when its centre is. An event that falls between two centres takes the nearest frame or band;
        one that lies outside of the map takes none.
    """
    mask = np.zeros((len(time_s), len(frequency_hz)), dtype=bool)
    for event in events[["onset_s", "offset_s", "low_hz", "high_hz"]].to_numpy(dtype=float):
        mask |= np.outer(_find_centres(time_s, event[0], event[1]), _find_centres(frequency_hz, event[2], event[3]))
    return mask


def pointing_game(importance: np.ndarray, mask: np.ndarray) -> float:
    """Return 1 when the largest value of a map lies inside an event, else 0.

    Parameters
    ----------
    importance : ndarray of shape (frame, band)
    mask : ndarray of bool, shape (frame, band)
        As `event_mask` gives it.

    Returns
    -------
    score : float
        With several equal maxima the share of them that lies inside, so that a constant map scores what chance scores:
        the share of the clip that the events fill. NaN where the mask is empty.

    Raises
    ------
    OptionError
        When shapes differ or a value is not finite.

    Notes
    -----
    Zhang et al. 2018, "Top-down neural attention by excitation backprop", section 4.1, without their tolerance of 15
    pixels.
    """
    importance, mask = _check(importance, mask)
    if not mask.any():
        return float("nan")
    return float(mask[importance == importance.max()].mean())


def energy_inside(importance: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of a map's evidence (its values above 0) that lies inside an event.

    Parameters, chance and errors as `pointing_game`; a map without evidence scores what chance scores.

    Notes
    -----
    The energy-based pointing game of Wang et al. 2020, "Score-CAM", section 4.3.
    """
    importance, mask = _check(importance, mask)
    if not mask.any():
        return float("nan")
    evidence = np.maximum(importance, 0.0)
    # Divided first: a map of very small or very large values still has a finite sum.
    peak = float(evidence.max())
    if peak == 0:
        return float(mask.mean())
    evidence = evidence / peak
    return float(evidence[mask].sum() / evidence.sum())


def average_precision(importance: np.ndarray, mask: np.ndarray) -> float:
    """Return how well a map ranks the cells inside events before those outside, in 0..1.

    Parameters, chance and errors as `pointing_game`. The area under precision over recall, as a sum of steps
    (`sklearn.metrics.average_precision_score`).
    """
    from sklearn.metrics import average_precision_score

    importance, mask = _check(importance, mask)
    if not mask.any():
        return float("nan")
    return float(average_precision_score(mask.ravel(), importance.ravel()))


def _find_centres(centres: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return which centres lie in low..high, or the nearest one where the range falls between two."""
    inside = (centres >= low) & (centres <= high)
    if inside.any() or high < centres[0] or low > centres[-1]:
        return inside
    inside[np.abs(centres - (low + high) / 2).argmin()] = True
    return inside


def _check(importance: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    importance, mask = np.asarray(importance, dtype=float), np.asarray(mask, dtype=bool)
    if importance.ndim != 2 or importance.shape != mask.shape:
        raise OptionError(
            "map", f"of shape {importance.shape} does not fit a mask of {mask.shape}", "give both on the same cells"
        )
    if not np.isfinite(importance).all():
        raise OptionError("map", "holds a value that is not finite", "find out where it comes from")
    return importance, mask
