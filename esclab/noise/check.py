"""Checks of what comes in, each failing with a sentence."""

from __future__ import annotations

import numpy as np

from esclab.clips.decode import HIGHEST_HZ, LOWEST_HZ
from esclab.errors import OptionError


def check_waveform(waveform: np.ndarray, name: str = "waveform") -> np.ndarray:
    """Return the waveform as an array, unchanged.

    Parameters
    ----------
    waveform : ndarray of float32 or float64, shape (sample,)
    name : str
        What the message calls it.

    Raises
    ------
    OptionError
        When it is not one-dimensional, not float32 or float64, empty, or holds NaN or Inf.
    """
    samples = np.asarray(waveform)
    if samples.ndim != 1:
        raise OptionError(name, f"has the shape {samples.shape}", "give one mono waveform of shape (sample,)")
    if samples.dtype not in (np.float32, np.float64):
        raise OptionError(name, f"holds {samples.dtype}", "give float32 with full scale at 1")
    if len(samples) == 0:
        raise OptionError(name, "is empty", "give at least one sample")
    if not np.isfinite(samples).all():
        raise OptionError(name, "holds NaN or Inf", "mend or leave out this clip")
    return samples


def check_sample_rate(sample_rate: int) -> int:
    """Return the sample rate as an int.

    Raises
    ------
    OptionError
        When it is not whole or outside 1-384 kHz.
    """
    if not LOWEST_HZ <= sample_rate <= HIGHEST_HZ or sample_rate != int(sample_rate):
        raise OptionError(
            f"sample_rate={sample_rate}", "out of range", f"give whole Hz from {LOWEST_HZ} to {HIGHEST_HZ}"
        )
    return int(sample_rate)
