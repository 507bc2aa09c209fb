"""Levels: the SNR of a noisy clip, and one gain for clips that are played side by side."""

from __future__ import annotations

import difflib
import math

import numpy as np

from esclab.errors import OptionError
from esclab.noise.check import check_waveform
from esclab.noise.cut import Cut, cut_samples, place_region
from esclab.results import WHOLE_CLIP, Region

REFERENCES = ("clip", "region")
# Power re the whole, below which a part counts as silent: single precision's own rounding lies at 2e-15.
SILENCE = 1e-15


def measure_snr(
    clean: np.ndarray, noisy: np.ndarray, sample_rate: int, *, region: Region = WHOLE_CLIP, reference: str = "clip"
) -> float:
    """Return the SNR of a noisy clip, in dB.

    SNR = 10 log10(sum(s**2) / sum((noisy - clean)**2)), where `s` is the clean clip for the reference "clip", and what
    `cut_region` leaves of it for the reference "region". Both are energies, so the noise's counts in full however
    short it is: at the same SNR a short burst is louder than a long one.

    Parameters
    ----------
    clean, noisy : ndarray of float32 or float64, shape (sample,)
    sample_rate : int
        In Hz.
    region : Region
        Where the noise is; the whole clip by default. Only the reference "region" looks at it.
    reference : {"clip", "region"}

    Returns
    -------
    float
        Infinite when both clips are the same.

    Raises
    ------
    OptionError
        When a waveform is bad, the two differ in length, or the reference is unknown or silent.
    """
    clean, noisy = check_waveform(clean, "clean"), check_waveform(noisy, "noisy")
    if len(clean) != len(noisy):
        raise OptionError("noisy", f"has {len(noisy)} samples, clean has {len(clean)}", "give two of one length")
    signal = reference_energy(clean, place_region(len(clean), sample_rate, region), reference)
    noise = energy(noisy.astype(np.float64) - clean)
    return 10.0 * math.log10(signal / noise) if noise > 0 else math.inf


def reference_energy(samples: np.ndarray, cut: Cut, reference: str) -> float:
    """Return the energy that the SNR refers to.

    Parameters
    ----------
    samples : ndarray of shape (sample,)
        The clean clip, checked.
    cut : Cut
        The region in it.
    reference : {"clip", "region"}

    Raises
    ------
    OptionError
        When the reference is unknown, or silent.
    """
    if reference not in REFERENCES:
        near = difflib.get_close_matches(str(reference), REFERENCES, n=1)
        raise OptionError(
            f"reference {reference!r}", "is not known", f"choose {near[0] if near else ' or '.join(REFERENCES)}"
        )
    whole = energy(samples)
    if whole == 0:
        raise OptionError(f"reference {reference}", "the clip is silent, so it has no SNR", "choose another clip")
    if reference == "clip":
        return whole
    inside = energy(cut_samples(samples, cut))
    if inside / cut.count <= SILENCE * whole / len(samples):
        raise OptionError(
            "reference region",
            "the clip is silent in the region, so it has no SNR there",
            'choose another region, or the reference "clip"',
        )
    return inside


def common_gain(*waveforms: np.ndarray) -> float:
    """Return the one gain, at most 1, that keeps the peaks of all waveforms within full scale.

    Noise is never scaled or cut to fit, for that would change what the network hears; a file or a loudspeaker holds
    no more than full scale, so multiply all clips that are compared by this gain when they are written or played.

    Parameters
    ----------
    *waveforms : ndarray of float32 or float64, shape (sample,)

    Raises
    ------
    OptionError
        When a waveform is bad.
    """
    peaks = [float(np.abs(check_waveform(waveform)).max()) for waveform in waveforms]
    peak = max(peaks, default=0.0)
    # One step of single precision less, so that rounding lifts no product over 1.
    return 1.0 if peak <= 1.0 else float(np.nextafter(np.float32(1.0 / peak), np.float32(0.0)))


def energy(samples: np.ndarray) -> float:
    """Return the sum of squares, in double precision."""
    # Not a dot product, whose rounding depends on the number of threads.
    return float(np.square(samples, dtype=np.float64).sum())
