"""The waveform of a clip, drawn below its spectrogram so that their times agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from esclab.widgets.canvas import to_bytes

STATIC = Path(__file__).parent / "static"
ENVELOPE_POINTS = 1600


class WaveCanvas(anywidget.AnyWidget):
    """A signal over time, as the lowest and highest value of each short stretch."""

    _esm = STATIC / "wave_canvas.js"

    start_s = traitlets.Bytes(b"").tag(sync=True)
    lowest = traitlets.Bytes(b"").tag(sync=True)
    highest = traitlets.Bytes(b"").tag(sync=True)
    time_range_s = traitlets.List([0.0, 1.0]).tag(sync=True)
    peak = traitlets.Float(0.0).tag(sync=True)
    height_px = traitlets.Int(130).tag(sync=True)

    def show_wave(self, samples: np.ndarray, sample_rate: int, time_range_s: Sequence[float]) -> None:
        """Draw a signal of a rate (Hz) over a range of time, which may begin before it and end after it."""
        starts, lowest, highest = measure_envelope(samples, ENVELOPE_POINTS)
        with self.hold_sync():
            self.start_s = to_bytes(starts / sample_rate)
            self.lowest, self.highest = to_bytes(lowest), to_bytes(highest)
            self.time_range_s = [float(end) for end in time_range_s]
            self.peak = float(np.abs(samples).max())


def measure_envelope(samples: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first sample, the lowest and the highest value of each of at most `points` stretches of a signal."""
    starts = np.unique(np.linspace(0, len(samples), min(points, len(samples)), endpoint=False).astype(int))
    return starts, np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
