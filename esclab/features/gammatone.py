"""Gammatone spectrogram: the power behind filters like the ear's over time, in decibels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from nnAudio.librosa_functions import fft2gammatonemx
from torch import Tensor

from esclab.features.frontend import FrontEnd, PowerSpectrogram, check_settings, to_decibels


@dataclass(frozen=True)
class GammatoneConfig:
    """Settings of the gammatone spectrogram; the defaults are those of SPSM (section 4.1).

    Attributes
    ----------
    sample_rate : int
        In Hz.
    window_samples, hop_samples : int
        Length of the analysis window and step between frames.
    bands : int
        Number of filters.
    low_hz, high_hz : float
        Centre of the lowest filter, and the frequency below which the highest lies; 0 means half the sample rate.
        Not in the paper; the published code's.
    floor_db : float
        Level (re a full-scale sine) below which power counts as silence. Not in the paper; the published code has
        -50 dB on a scale of its own.
    """

    sample_rate: int = 44_100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 64
    low_hz: float = 20.0
    high_hz: float = 0.0
    floor_db: float = -100.0


class Gammatone(FrontEnd):
    """Waveform `(clip, sample)` to gammatone spectrogram `(clip, 1, frame, band)`, in dB re a full-scale sine.

    The filters are those of nnAudio's `Gammatonegram` (after Slaney and Ellis): of fourth order, evenly spaced on the
    scale of equivalent rectangular bandwidths, with a gain of 1 at their centre. nnAudio weighs power by a filter's
    magnitude, which halves its slopes in dB; here power is weighed by the magnitude's square, so the values are those
    behind real gammatone filters. The window's resolution (21.5 Hz at the default settings) limits the lowest bands.

    Source: SPSM, section 4.1.
    """

    name = "gammatone"
    weights: Tensor

    def __init__(self, config: GammatoneConfig | None = None) -> None:
        super().__init__()
        self.config = config or GammatoneConfig()
        check_settings(self.name, self.config)
        self.window_samples, self.hop_samples = self.config.window_samples, self.config.hop_samples
        self.power = PowerSpectrogram(self.window_samples, self.hop_samples)
        magnitudes, centres_hz = fft2gammatonemx(
            sr=self.config.sample_rate,
            n_fft=self.window_samples,
            n_bins=self.config.bands,
            fmin=self.config.low_hz,
            fmax=self.config.high_hz or self.config.sample_rate / 2,
            maxlen=self.window_samples // 2 + 1,
        )
        self._centres_hz = np.array(centres_hz)
        weights = torch.from_numpy(magnitudes).square() / self.power.window_bins
        # Other bins stand for a negative frequency too.
        weights[:, 0] /= 2
        if self.window_samples % 2 == 0:
            weights[:, -1] /= 2
        self.register_buffer("weights", weights, persistent=False)

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band), in dB."""
        return to_decibels(self.weights @ self.power(samples), self.config.floor_db).transpose(0, 1)

    @property
    def frequency_hz(self) -> np.ndarray:
        """Centre of each filter, in Hz, shape (band,)."""
        return self._centres_hz.copy()
