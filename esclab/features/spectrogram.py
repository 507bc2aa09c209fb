"""Spectrogram: the power at evenly spaced frequencies over time, in decibels, as it comes or as a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from esclab.errors import OptionError
from esclab.features.frontend import FrontEnd, PowerSpectrogram, check_settings, to_decibels


@dataclass(frozen=True)
class SpectrogramConfig:
    """Settings of the spectrogram.

    FreqCNN takes pictures of 256 x 256 or 224 x 224 at 16 kHz: ``picture_frames=224, bands=224, sample_rate=16_000``
    with the clips' `duration_s`. The window and hop are not in the paper.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    window_samples, hop_samples : int
        Length of the analysis window and step between frames.
    bands : int
        Number of bands, drawn from the bins by interpolation; 0 takes the bins as they are.
    picture_frames : int
        Number of frames of every clip, drawn from its own by interpolation; 0 takes them as they are.
    duration_s : float
        Length of every clip, in s; only a fixed number of frames needs it, for its time axis.
    low_hz, high_hz : float
        Range that is kept; `high_hz` of 0 means half the sample rate.
    floor_db : float
        Level (re a full-scale sine) below which power counts as silence.
    level_db : float
        Level to which each clip is brought first, root mean square re full scale; 0 leaves it as recorded.
    """

    sample_rate: int = 44_100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 0
    picture_frames: int = 0
    duration_s: float = 5.0
    low_hz: float = 0.0
    high_hz: float = 0.0
    floor_db: float = -100.0
    level_db: float = 0.0


class Spectrogram(FrontEnd):
    """Waveform `(clip, sample)` to spectrogram `(clip, 1, frame, band)`, in dB re a full-scale sine.

    A full-scale sine at a band's frequency has 0 dB there. A picture of fixed size is drawn from the levels in dB: each
    of its cells is a mean around its place, weighed by a triangle as wide as two cells, so that nothing is left out;
    its first and last cells lie on the first and last frame and bin.

    Source: FreqCNN, sections 3.1 and 5.1.

    Raises
    ------
    OptionError
        When settings are no numbers of use, the range holds no bin, or a clip has another length than `duration_s`
        although the number of frames is fixed.
    """

    name = "spectrogram"

    band_weights: Tensor | None
    frame_weights: Tensor | None

    def __init__(self, config: SpectrogramConfig | None = None) -> None:
        super().__init__()
        self.config = config or SpectrogramConfig()
        check_settings(self.name, self.config, may_be_zero=("bands", "picture_frames"))
        self.window_samples, self.hop_samples = self.config.window_samples, self.config.hop_samples
        self.power = PowerSpectrogram(self.window_samples, self.hop_samples)
        bin_hz = self.config.sample_rate / self.window_samples
        high_hz = self.config.high_hz or self.config.sample_rate / 2
        # The shares keep a bin that lies on the border inside.
        self.bins = range(math.ceil(self.config.low_hz / bin_hz - 1e-6), math.floor(high_hz / bin_hz + 1e-6) + 1)
        if not self.bins:
            cause = f"no bin lies from {self.config.low_hz:g} to {high_hz:g} Hz, they are {bin_hz:.1f} Hz apart"
            raise OptionError("feature spectrogram", cause, "choose a wider range or a longer window")
        self.clip_samples = round(self.config.duration_s * self.config.sample_rate)
        self.register_buffer("band_weights", None, persistent=False)
        self.register_buffer("frame_weights", None, persistent=False)
        if self.config.bands:
            self.band_weights = weigh_cells(len(self.bins), self.config.bands)
        if self.config.picture_frames:
            self.frame_weights = weigh_cells(super().frames(self.clip_samples), self.config.picture_frames)

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band), in dB."""
        power = self.power(samples)[self.bins.start : self.bins.stop]
        levels = to_decibels(power, self.config.floor_db).transpose(0, 1)
        if self.band_weights is not None:
            levels = levels @ self.band_weights.T
        if self.frame_weights is not None:
            self._check_length(len(samples))
            levels = self.frame_weights @ levels
        return levels

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each of `frames` frames, in s."""
        if not self.config.picture_frames:
            return super().time_s(frames)
        last_s = (super().frames(self.clip_samples) - 1) * self.hop_samples / self.config.sample_rate
        return _spread(last_s, frames)

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        return self.config.picture_frames or super().frames(samples)

    @property
    def frequency_hz(self) -> np.ndarray:
        """Place of each band, in Hz, shape (band,)."""
        places = self.bins.start + _spread(len(self.bins) - 1, self.config.bands or len(self.bins))
        return places * self.config.sample_rate / self.window_samples

    def _check_length(self, samples: int) -> None:
        if samples != self.clip_samples:
            length_s, asked_s = samples / self.config.sample_rate, self.config.duration_s
            cause = f"is {asked_s:g}, but a clip has {length_s:g} s and the number of frames is fixed"
            raise OptionError(
                "feature spectrogram, duration_s", cause, f"set it to {length_s:g}, or picture_frames to 0"
            )


def weigh_cells(count: int, wanted: int) -> Tensor:
    """Return the weights with which `count` values give `wanted` cells, shape (wanted, count).

    The first and last cell lie on the first and last value, the others evenly between them. Where there are fewer
    cells than values, each is a mean weighed by a triangle that ends at its neighbours; otherwise it is interpolated.
    """
    places = _spread(count - 1, wanted)
    reach = max(1.0, (count - 1) / max(1, wanted - 1))
    weights = np.clip(1.0 - np.abs(np.arange(count) - places[:, None]) / reach, 0.0, None)
    return torch.from_numpy(weights / weights.sum(1, keepdims=True)).float()


def _spread(last: float, count: int) -> np.ndarray:
    """Return `count` even places from 0 to `last`; one alone lies in the middle."""
    return np.linspace(0.0, last, count) if count > 1 else np.array([last / 2])
