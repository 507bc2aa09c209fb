"""Mel-frequency cepstral coefficients: the shape of each frame's log-mel spectrum, as a sum of cosines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torchaudio.functional import create_dct

from esclab.errors import OptionError
from esclab.features.frontend import FrontEnd, check_settings
from esclab.features.logmel import LogMel, LogMelConfig


@dataclass(frozen=True)
class MfccConfig:
    """Settings of the MFCC; the defaults are those of SPSM (section 4.1).

    Attributes
    ----------
    sample_rate : int
        In Hz.
    window_samples, hop_samples : int
        Length of the analysis window and step between frames.
    bands : int
        Number of coefficients, from the lowest on.
    mel_bands : int
        Number of mel bands that they describe, at least `bands`. Not in the paper.
    low_hz, high_hz : float
        Range that the mel bands cover; `high_hz` of 0 means half the sample rate. Not in the paper.
    floor_db : float
        Level (re full scale squared) below which a mel band counts as silent. Not in the paper.
    level_db : float
        Level to which each clip is brought first, root mean square re full scale; 0 leaves it as recorded.
    """

    sample_rate: int = 44_100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 40
    mel_bands: int = 64
    low_hz: float = 0.0
    high_hz: float = 0.0
    floor_db: float = -100.0
    level_db: float = 0.0


class Mfcc(FrontEnd):
    """Waveform `(clip, sample)` to cepstral coefficients `(clip, 1, frame, coefficient)`.

    The orthonormal discrete cosine transform (type II) of the log-mel spectrum in dB: coefficient 0 is the mean level
    times the root of `mel_bands`, coefficient k counts k half waves over the mel bands. There is no liftering.

    Source: SPSM, section 4.1.

    Raises
    ------
    OptionError
        When settings are no numbers of use, or there are more coefficients than mel bands.
    """

    name = "mfcc"
    unit = "cepstral dB"
    axis = "coefficient"
    cosines: Tensor

    def __init__(self, config: MfccConfig | None = None) -> None:
        super().__init__()
        self.config = config or MfccConfig()
        check_settings(self.name, self.config)
        if self.config.bands > self.config.mel_bands:
            cause = f"{self.config.bands} coefficients cannot be had from {self.config.mel_bands} mel bands"
            raise OptionError("feature mfcc, bands", cause, "choose fewer bands or more mel_bands")
        self.window_samples, self.hop_samples = self.config.window_samples, self.config.hop_samples
        self.logmel = LogMel(
            LogMelConfig(
                sample_rate=self.config.sample_rate,
                window_s=self.window_samples / self.config.sample_rate,
                hop_s=self.hop_samples / self.config.sample_rate,
                bands=self.config.mel_bands,
                low_hz=self.config.low_hz,
                high_hz=self.config.high_hz,
                floor_db=self.config.floor_db,
            )
        )
        cosines = create_dct(self.config.bands, self.config.mel_bands, norm="ortho")
        self.register_buffer("cosines", cosines, persistent=False)

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, coefficient)."""
        return self.logmel.transform_clip(samples) @ self.cosines

    @property
    def frequency_hz(self) -> np.ndarray:
        """Numbers of the coefficients, from 0 on: this axis has no frequencies."""
        return np.arange(self.config.bands, dtype=float)
