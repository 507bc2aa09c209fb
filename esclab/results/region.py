"""A rectangle in time and frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass

from esclab.errors import OptionError


@dataclass(frozen=True)
class Region:
    """A part of a clip: a range of time and a range of frequency.

    Attributes
    ----------
    onset_s, offset_s : float
        Range of time, in s; infinity is the end of the clip.
    low_hz, high_hz : float
        Range of frequency, in Hz; infinity is half the sample rate.
    """

    onset_s: float = 0.0
    offset_s: float = math.inf
    low_hz: float = 0.0
    high_hz: float = math.inf

    def __str__(self) -> str:
        """Return the region in words, e.g. "1-1.3 s, 2000-4000 Hz" or "whole clip"."""
        parts = []
        if self.onset_s > 0 or self.offset_s < math.inf:
            parts.append(_say_range(self.onset_s, self.offset_s, "s"))
        if self.low_hz > 0 or self.high_hz < math.inf:
            parts.append(_say_range(self.low_hz, self.high_hz, "Hz"))
        return ", ".join(parts) or "whole clip"

    def fit(self, duration_s: float, sample_rate: float) -> Region:
        """Return the region with its open ends closed, cut to a clip of this length and rate.

        Parameters
        ----------
        duration_s : float
        sample_rate : float
            In Hz.

        Raises
        ------
        OptionError
            When a range does not rise, is not a number, or lies outside the clip.
        """
        highest_hz = sample_rate / 2
        for name, low, high, limit, unit in (
            ("time range", self.onset_s, self.offset_s, duration_s, "s"),
            ("frequency range", self.low_hz, self.high_hz, highest_hz, "Hz"),
        ):
            if not 0 <= low < high:
                raise OptionError(name, f"{low:g} to {high:g} {unit} does not rise from 0 on", "give (low, high)")
            if low >= limit:
                raise OptionError(name, f"starts at {low:g} {unit}, the clip ends at {limit:g}", "choose a lower start")
        return Region(self.onset_s, min(self.offset_s, duration_s), self.low_hz, min(self.high_hz, highest_hz))


WHOLE_CLIP = Region()


def _say_range(low: float, high: float, unit: str) -> str:
    first, last = (f"{bound:.0f}" if unit == "Hz" and bound < math.inf else f"{bound:.4g}" for bound in (low, high))
    return f"{first}-{last} {unit}" if high < math.inf else f"from {first} {unit}"
