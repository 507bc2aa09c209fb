"""The part of a signal that lies in a region: a zero-phase band filter, then a tapered window in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from esclab.errors import OptionError
from esclab.noise.check import check_sample_rate, check_waveform
from esclab.results import Region

# An edge of the band is a Gaussian's integral: short in time as well as in frequency. It is -0.05 dB on the border,
# -6 dB 5 Hz outside, -120 dB 15 Hz outside, and the filter's response has died away (e^-19) after 0.5 s.
EDGE_WIDTH_HZ = 2.0
EDGE_DISTANCE_HZ = 5.0
REACH_S = 0.5
# Farther from the border an edge is 0 or 1 to the last bit, and most of a spectrum lies there.
EDGE_REACH_HZ = 85.0
# An edge in time is a Kaiser window's integral. This length and shape keep what the band filter passes 90 dB down in
# all that lies 45 Hz and more beyond it, for ranges of time from 0.1 s on; shorter ranges have shorter edges.
FADE_S = 0.08
FADE_SHARE = 0.8
KAISER_BETA = 9.0
# Without a band there is no spectrum to keep together, only a click to avoid.
SHORT_FADE_S = 0.01
FEWEST_SAMPLES = 8
ROUNDING = 1e-6  # of a sample, so that 0.3 s at 44.1 kHz is sample 13,230 whatever binary fractions make of it


@dataclass(frozen=True)
class Cut:
    """A region in the samples of one clip.

    Attributes
    ----------
    first, last : int
        Half-open range of samples.
    low_hz, high_hz : float
    sample_rate : int
    has_start, has_end : bool
        Whether the region starts after the clip does, and ends before it does.
    """

    first: int
    last: int
    low_hz: float
    high_hz: float
    sample_rate: int
    has_start: bool
    has_end: bool

    @property
    def count(self) -> int:
        """Number of samples in the region."""
        return self.last - self.first

    @property
    def has_band(self) -> bool:
        """Whether the region leaves out any frequency."""
        return self.low_hz > 0 or self.high_hz < self.sample_rate / 2

    @property
    def is_whole(self) -> bool:
        """Whether the region is the whole clip."""
        return not (self.has_start or self.has_end or self.has_band)

    @property
    def reach(self) -> int:
        """How many samples the band filter looks to each side."""
        return math.ceil(REACH_S * self.sample_rate) if self.has_band else 0


def cut_region(samples: np.ndarray, sample_rate: int, region: Region) -> np.ndarray:
    """Return the part of a signal that lies in a region; a linear operation.

    The signal passes a zero-phase filter (full gain from `low_hz` to `high_hz`, -120 dB from 15 Hz outside on), then a
    window that is exactly 0 outside the time range and rises and falls inside it, within 80 ms where the region has a
    band and 10 ms where it has none. An axis without limits is left alone, and so is a side of the time range that
    reaches the clip's own end: the whole clip comes back as it is. The filter takes the clip to lie in silence, so
    within about 1 / bandwidth of the clip's ends a band is not full.

    Parameters
    ----------
    samples : ndarray of float32 or float64, shape (sample,)
    sample_rate : int
        In Hz.
    region : Region

    Returns
    -------
    ndarray of the same type and shape

    Raises
    ------
    OptionError
        When the samples are not one finite waveform, or the region lies outside it or is shorter than 8 samples.
    """
    samples = check_waveform(samples, "samples")
    return cut_samples(samples, place_region(len(samples), sample_rate, region)).astype(samples.dtype)


def place_region(count: int, sample_rate: int, region: Region) -> Cut:
    """Return where a region lies in a clip of `count` samples; errors as in `cut_region`."""
    sample_rate = check_sample_rate(sample_rate)
    duration_s = count / sample_rate
    fitted = region.fit(duration_s, sample_rate)
    has_start, has_end = fitted.onset_s > 0, fitted.offset_s < duration_s
    first = math.ceil(fitted.onset_s * sample_rate - ROUNDING)
    last = math.floor(fitted.offset_s * sample_rate + ROUNDING) if has_end else count
    if last - first < FEWEST_SAMPLES and (has_start or has_end):
        raise OptionError(
            f"region {region}", f"holds {max(0, last - first)} samples", f"choose a range of {FEWEST_SAMPLES} or more"
        )
    return Cut(first, last, fitted.low_hz, fitted.high_hz, sample_rate, has_start, has_end)


def cut_samples(samples: np.ndarray, cut: Cut) -> np.ndarray:
    """Return the part of checked samples that lies in a placed region, as float64."""
    if cut.is_whole:
        return samples.astype(np.float64)
    before, after = max(0, cut.first - cut.reach), min(len(samples), cut.last + cut.reach)
    part = samples[before:after].astype(np.float64)
    if cut.has_band:
        padding = cut.reach - (cut.first - before), cut.reach - (after - cut.last)
        part = filter_band(np.pad(part, padding), cut)[padding[0] :]
    inside = np.zeros(len(samples))
    inside[cut.first : cut.last] = part[cut.first - before : cut.last - before]
    inside[cut.first : cut.last] *= make_window(cut, starts=cut.has_start, ends=cut.has_end)
    return inside


def filter_band(samples: np.ndarray, cut: Cut) -> np.ndarray:
    """Return samples without what lies outside the band; the first and last `cut.reach` are spoilt by the ends."""
    from scipy.fft import irfft, next_fast_len, rfft

    length = next_fast_len(len(samples), real=True)
    spectrum = rfft(samples, length, workers=1)
    spectrum *= _band_gain(length, cut.sample_rate, cut.low_hz, cut.high_hz)
    return irfft(spectrum, length, workers=1)[: len(samples)]


def make_window(cut: Cut, *, starts: bool, ends: bool) -> np.ndarray:
    """Return the weight of each sample in the region, shape (cut.count,).

    Parameters
    ----------
    cut : Cut
    starts, ends : bool
        Whether it rises from 0 at its start, and falls to 0 at its end.
    """
    window = np.ones(cut.count)
    limit_s = FADE_S if cut.has_band else SHORT_FADE_S
    edge = _make_edge(int(min(limit_s * cut.sample_rate, FADE_SHARE * cut.count)))
    if starts:
        window[: len(edge)] *= edge
    if ends:
        window[len(window) - len(edge) :] *= edge[::-1]
    return window


@lru_cache(maxsize=16)
def _band_gain(length: int, sample_rate: int, low_hz: float, high_hz: float) -> np.ndarray:
    from scipy.special import ndtr

    frequency_hz = np.arange(length // 2 + 1) * (sample_rate / length)
    gain = np.ones(len(frequency_hz))
    for border_hz, sign in ((low_hz, 1.0), (high_hz, -1.0)):
        if not 0 < border_hz < sample_rate / 2:
            continue
        first, last = np.searchsorted(frequency_hz, (border_hz - EDGE_REACH_HZ, border_hz + EDGE_REACH_HZ))
        inside_hz = sign * (frequency_hz[first:last] - border_hz)
        gain[first:last] *= ndtr((inside_hz + EDGE_DISTANCE_HZ) / EDGE_WIDTH_HZ)
        gain[slice(0, first) if sign > 0 else slice(last, None)] = 0.0
    gain.flags.writeable = False
    return gain


@lru_cache(maxsize=64)
def _make_edge(count: int) -> np.ndarray:
    slope = np.cumsum(np.kaiser(count + 1, KAISER_BETA))
    edge = slope[:-1] / slope[-1]
    edge.flags.writeable = False
    return edge
