"""Mel spectrogram: the power in mel-spaced bands over time, without a logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor
from torchaudio.transforms import MelSpectrogram

from esclab.features.frontend import FrontEnd, check_settings


@dataclass(frozen=True)
class MelConfig:
    """Settings of the mel spectrogram; the defaults are those of TS-CNN (section 3.3).

    Attributes
    ----------
    sample_rate : int
        In Hz.
    window_s, hop_s : float
        Length of the analysis window and step between frames, in s.
    bands : int
        Number of mel bands.
    low_hz, high_hz : float
        Range that the bands cover; `high_hz` of 0 means half the sample rate. Not in the paper.
    level_db : float
        Level to which each clip is brought first, root mean square re full scale; 0 leaves it as recorded.
    """

    sample_rate: int = 44_100
    window_s: float = 0.040
    hop_s: float = 0.020
    bands: int = 40
    low_hz: float = 0.0
    high_hz: float = 0.0
    level_db: float = 0.0


class Mel(FrontEnd):
    """Waveform `(clip, sample)` to mel spectrogram `(clip, 1, frame, band)`, power re full scale squared.

    A full-scale sine has 0.375 in a band that holds it whole; `LogMel` is its logarithm. The mel scale is HTK's,
    without area normalisation (our reading). The store keeps it in float32: its steps between soft sounds are too small
    for float16.

    Source: SpectroMaskNet, Table 1, compares it with other front ends.
    """

    name = "mel"
    unit = "power"
    precision: Literal["float16", "float32"] = "float32"

    def __init__(self, config: MelConfig | None = None) -> None:
        super().__init__()
        self.config = config or MelConfig()
        check_settings(self.name, self.config)
        self.window_samples = round(self.config.window_s * self.config.sample_rate)
        self.hop_samples = round(self.config.hop_s * self.config.sample_rate)
        self.high_hz = self.config.high_hz or self.config.sample_rate / 2
        self.mel = MelSpectrogram(
            sample_rate=self.config.sample_rate,
            n_fft=self.window_samples,
            hop_length=self.hop_samples,
            f_min=self.config.low_hz,
            f_max=self.high_hz,
            n_mels=self.config.bands,
            power=2.0,
            pad_mode="constant",
        )
        # Power of a full-scale sine would otherwise grow with the window's length.
        self.scale = 1.0 / float(self.mel.spectrogram.window.sum()) ** 2

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band)."""
        return (self.mel(samples) * self.scale).transpose(0, 1)

    @property
    def frequency_hz(self) -> np.ndarray:
        """Centre of each band, in Hz, shape (band,)."""
        edges_mel = np.linspace(hz_to_mel(self.config.low_hz), hz_to_mel(self.high_hz), self.config.bands + 2)
        return mel_to_hz(edges_mel)[1:-1]


def hz_to_mel(frequency_hz: float | np.ndarray) -> np.ndarray:
    """Convert Hz to mel (O'Shaughnessy's formula, as in HTK)."""
    return 2595.0 * np.log10(1.0 + np.asarray(frequency_hz) / 700.0)


def mel_to_hz(mel: float | np.ndarray) -> np.ndarray:
    """Convert mel to Hz; the inverse of `hz_to_mel`."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)
