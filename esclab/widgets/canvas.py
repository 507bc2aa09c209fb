"""A spectrogram in the browser: a rectangle to drag, an overlay, strips of weights, and sounds with a play head."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from esclab.figures.scale import choose_color_range, pick_scale_values, place_band_ticks, title_bands
from esclab.figures.theme import MAP_COLOURS
from esclab.results import Region, TimeFrequencyMap
from esclab.widgets.together import SharedMessage

STATIC = Path(__file__).parent / "static"


class SoundCanvas(SharedMessage, anywidget.AnyWidget):
    """One map over time and frequency, painted on a canvas.

    Use the methods; the traits are what travels to the browser. Map and overlay go as one byte a cell, strips as
    float32, the region as [onset_s, offset_s, low_hz, high_hz] or an empty list.
    """

    _esm = STATIC / "sound_canvas.js"
    _css = STATIC / "sound_canvas.css"

    values = traitlets.Bytes(b"").tag(sync=True)
    shape = traitlets.List([0, 0]).tag(sync=True)
    colours = traitlets.Bytes(b"").tag(sync=True)
    time_range_s = traitlets.List([0.0, 1.0]).tag(sync=True)
    band_edges_hz = traitlets.List([0.0, 1.0]).tag(sync=True)
    ticks_hz: traitlets.List = traitlets.List([]).tag(sync=True)
    band_title = traitlets.Unicode("Frequency (Hz)").tag(sync=True)
    overlay = traitlets.Bytes(b"").tag(sync=True)
    overlay_opacity = traitlets.Float(0.7).tag(sync=True)
    time_strip = traitlets.Bytes(b"").tag(sync=True)
    band_strip = traitlets.Bytes(b"").tag(sync=True)
    boxes: traitlets.List = traitlets.List([]).tag(sync=True)
    region: traitlets.List = traitlets.List([]).tag(sync=True, echo_update=False)
    selecting = traitlets.Bool(False).tag(sync=True)
    sounds = traitlets.Dict({}).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    subtitle = traitlets.Unicode("").tag(sync=True)
    alt = traitlets.Unicode("Spectrogram, time to the right, frequency upwards.").tag(sync=True)
    height_px = traitlets.Int(260).tag(sync=True)
    # With `answers`, the browser sends one region at a time: the next, newest one goes when `answered` has come back.
    answers = traitlets.Bool(False).tag(sync=True)
    stamp = traitlets.Int(0).tag(sync=True, echo_update=False)
    answered = traitlets.Int(0).tag(sync=True)
    play = traitlets.Int(0).tag(sync=True)  # plays the first sound each time it rises

    def __init__(self, **settings: Any) -> None:
        self.axis = "frequency"  # what the bands are, see `Feature.axis`
        self._bands: tuple[str, bytes] | None = None  # what the band axis was drawn for
        super().__init__(colours=color_table(), **settings)

    def show_map(self, picture: TimeFrequencyMap, color_range: tuple[float, float] | None = None) -> None:
        """Paint a map; `color_range` is the map's own by default."""
        half_s = (picture.time_s[1] - picture.time_s[0]) / 2 if len(picture.time_s) > 1 else 0.5
        with self.hold_sync():
            self.shape = list(picture.values.shape)
            self.values = to_levels(picture.values, choose_color_range(pick_scale_values(picture), color_range))
            self.time_range_s = [float(picture.time_s[0] - half_s), float(picture.time_s[-1] + half_s)]
            self._show_bands(picture)

    def _show_bands(self, picture: TimeFrequencyMap) -> None:
        """Draw the band axis, where it is another one."""
        bands = picture.axis, picture.frequency_hz.tobytes()
        if bands == self._bands:
            return
        self._bands, self.axis = bands, picture.axis
        positions, labels = place_band_ticks(picture, gap=0.1)
        self.band_edges_hz = find_band_edges(picture.frequency_hz).tolist()
        self.band_title = title_bands(picture)
        self.ticks_hz = [
            [(position + 0.5) / len(picture.frequency_hz), label]
            for position, label in zip(positions.tolist(), labels, strict=True)
        ]

    def show_overlay(self, importance: np.ndarray | None) -> None:
        """Lay importance (frame, band), 0 to 1, over the map; None takes it away."""
        self.overlay = b"" if importance is None else to_levels(importance, (0.0, 1.0))

    def show_strips(self, temporal: np.ndarray | None, spectral: np.ndarray | None) -> None:
        """Show one weight a frame below the map, and one a band beside it; None for none."""
        with self.hold_sync():
            self.time_strip = b"" if temporal is None else to_bytes(temporal)
            self.band_strip = b"" if spectral is None else to_bytes(spectral)

    def show_events(self, events: pd.DataFrame | None) -> None:
        """Outline known events (`onset_s`, `offset_s`, `low_hz`, `high_hz`) with dashes."""
        columns = ["onset_s", "offset_s", "low_hz", "high_hz"]
        self.boxes = [] if events is None else events[columns].to_numpy(dtype=float).tolist()

    def show_region(self, region: Region | None) -> None:
        """Set the rectangle; open ends reach the map's border."""
        if region is None:
            self.region = []
            return
        ends = (*self.time_range_s, self.band_edges_hz[0], self.band_edges_hz[-1])
        box = (region.onset_s, region.offset_s, region.low_hz, region.high_hz)
        limits = ((ends[0], ends[1]), (ends[0], ends[1]), (ends[2], ends[3]), (ends[2], ends[3]))
        self.region = [float(np.clip(value, *limit)) for value, limit in zip(box, limits, strict=True)]

    def set_sounds(self, sounds: Mapping[str, np.ndarray], sample_rate: int) -> None:
        """Offer sounds to play, all with one gain that lets none of them clip."""
        from esclab.noise import common_gain

        gain = common_gain(*sounds.values()) if sounds else 1.0
        self.sounds = {name: to_wav(gain * samples, sample_rate) for name, samples in sounds.items()}


def read_region(box: list[float], picture: SoundCanvas) -> Region | None:
    """Return the region of a canvas's rectangle, to 1 ms and 1 Hz, which is finer than a hand draws.

    Sides on the border and bands without Hz stay open; None where there is no rectangle.
    """
    if len(box) != 4:
        return None
    onset_s, offset_s, low_hz, high_hz = box
    start_s, end_s = picture.time_range_s
    in_hertz = picture.axis == "frequency"
    return Region(
        round(max(0.0, onset_s), 3) if onset_s > start_s + 1e-6 else 0.0,
        round(offset_s, 3) if offset_s < end_s - 1e-6 else np.inf,
        float(round(low_hz)) if in_hertz and low_hz > picture.band_edges_hz[0] + 1e-6 else 0.0,
        float(round(high_hz)) if in_hertz and high_hz < picture.band_edges_hz[-1] - 1e-6 else np.inf,
    )


def find_band_edges(frequency_hz: np.ndarray) -> np.ndarray:
    """Return borders between bands, in Hz, rising from 0 at least."""
    middle = (frequency_hz[:-1] + frequency_hz[1:]) / 2
    last = frequency_hz[-1] + (frequency_hz[-1] - middle[-1] if len(middle) else 1.0)
    first = frequency_hz[0] - (middle[0] - frequency_hz[0] if len(middle) else 1.0)
    return np.concatenate([[max(0.0, first)], middle, [last]])


def to_bytes(values: np.ndarray) -> bytes:
    """Return values as float32 bytes, last axis fastest."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def to_levels(values: np.ndarray, value_range: tuple[float, float]) -> bytes:
    """Return values as 256 levels of a range, one byte each; what lies outside, or is no number, goes to its ends."""
    low, high = value_range
    levels = np.nan_to_num((np.asarray(values, dtype=np.float32) - low) * (255 / (high - low)), nan=0.0)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8).tobytes()


def to_wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Return a mono signal within -1..1 as a 16-bit WAV file."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


@cache
def color_table() -> bytes:
    """Return the colours of the maps as 256 triples of bytes, dark to light."""
    import matplotlib as mpl

    return (mpl.colormaps[MAP_COLOURS](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8).tobytes()
