"""Erasing or weakening what lies in a region."""

from __future__ import annotations

import math

import numpy as np

from esclab.errors import OptionError
from esclab.noise.check import check_waveform
from esclab.noise.cut import cut_samples, place_region
from esclab.results import Region


def attenuate_region(
    waveform: np.ndarray, sample_rate: int, region: Region, *, gain_db: float = -math.inf
) -> np.ndarray:
    """Return a waveform whose part in a region is weaker, or gone.

    The result is `x - (1 - g) * cut_region(x)` with `g = 10 ** (gain_db / 20)`: away from the region's edges, what is
    inside falls by `gain_db`; outside, all stays.

    Parameters
    ----------
    waveform : ndarray of float32 or float64, shape (sample,)
    sample_rate : int
        In Hz.
    region : Region
    gain_db : float
        At most 0; minus infinity erases.

    Returns
    -------
    ndarray of the same type and shape

    Raises
    ------
    OptionError
        When the gain is above 0 or not a number, the waveform is bad, or the region lies outside it.
    """
    if not gain_db <= 0:
        raise OptionError(f"gain_db={gain_db:g}", "is not 0 or below", "give 0 to minus infinity")
    samples = check_waveform(waveform)
    inside = cut_samples(samples, place_region(len(samples), sample_rate, region))
    return (samples - (1.0 - 10.0 ** (gain_db / 20.0)) * inside).astype(samples.dtype)
