"""Two sliders beside the picture that say the same rectangle in numbers: time in s, and bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np

from esclab.widgets.explorer import STYLE
from esclab.widgets.together import SharedMessage

STEP_S = 0.01


class TimeSlider(SharedMessage, widgets.FloatRangeSlider):
    """A slider of times whose changes may travel with an answer."""


class BandSlider(SharedMessage, widgets.IntRangeSlider):
    """A slider of bands whose changes may travel with an answer."""


class RegionSliders:
    """Sliders of a rectangle's time range and band range.

    Parameters
    ----------
    duration_s : float
        Length of the clip.
    bands : int
        Number of bands of its picture.
    moved : callable
        Called with (start in s, end in s, low in Hz, high in Hz) when a hand moved a slider.

    Attributes
    ----------
    time, bands : ipywidgets slider
    """

    def __init__(self, duration_s: float, bands: int, *, moved: Callable[[list[float]], None]) -> None:
        self._moved = moved
        self._shown_s, self._shown_bands = (0.0, duration_s), (0, bands)
        self._edges_hz = np.zeros(bands + 1)
        self.time = TimeSlider(
            value=self._shown_s, min=0, max=duration_s, step=STEP_S, description="Time (s)", readout_format=".2f",
            tooltip="Start and end of the region", style=STYLE,
        )  # fmt: skip
        self.bands = BandSlider(
            value=self._shown_bands, min=0, max=bands, description="Bands", style={"description_width": "50px"},
            tooltip="Lowest and highest band of the region, counted from the bottom",
        )  # fmt: skip
        self.time.observe(self._slide, "value")
        self.bands.observe(self._slide, "value")

    def show(self, box: Sequence[float] | None, edges_hz: Sequence[float]) -> None:
        """Bring the sliders to a rectangle (s, s, Hz, Hz), or to the whole clip; nobody is told."""
        self._edges_hz = np.asarray(edges_hz)
        start, end, low_hz, high_hz = box or (0.0, self.time.max, 0.0, np.inf)
        low, high = (int(np.abs(self._edges_hz - hz).argmin()) for hz in np.minimum((low_hz, high_hz), edges_hz[-1]))
        self._shown_s, self._shown_bands = (max(0.0, start), min(self.time.max, end)), (low, high)
        # Rounded as the browser would, which otherwise sends the rounded value back.
        self.time.value = tuple(round(time_s, 2) for time_s in self._shown_s)
        self.bands.value = self._shown_bands

    def _slide(self, _: object) -> None:
        (start, end), (low, high) = self.time.value, self.bands.value
        # The browser rounds what it is shown to the slider's step, and sends that back: no hand moved it.
        rounded = np.abs(np.subtract((start, end), self._shown_s)).max() <= STEP_S / 2 + 1e-9
        if rounded and (low, high) == self._shown_bands:
            return
        if end - start < STEP_S / 2:  # at least one step
            start, end = (start, start + STEP_S) if start + STEP_S <= self.time.max else (start - STEP_S, end)
        if low == high:  # at least one band
            low, high = (low, low + 1) if low < self.bands.max else (low - 1, low)
        self._moved([start, end, float(self._edges_hz[low]), float(self._edges_hz[high])])
