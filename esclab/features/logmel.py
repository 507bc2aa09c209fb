"""Log-mel spectrogram: the power in mel-spaced bands over time, in decibels."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from esclab.errors import OptionError

LOWEST_FLOOR_DB = -300.0  # single precision holds no smaller power than -379 dB


@dataclass(frozen=True)
class LogMelConfig:
    """Settings of the log-mel spectrogram; the defaults are those of TS-CNN (section 3.3).

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
    floor_db : float
        Level (re full scale squared) below which power counts as silence. Not in the paper.
    """

    sample_rate: int = 44_100
    window_s: float = 0.040
    hop_s: float = 0.020
    bands: int = 40
    low_hz: float = 0.0
    high_hz: float = 0.0
    floor_db: float = -100.0


class LogMel(nn.Module):
    """Waveform `(clip, sample)` to log-mel spectrogram `(clip, 1, frame, band)` in dB.

    Frames are centred: frame `t` looks at the window around `t * hop_s`, so 5 s at the default settings give 251
    frames. Every clip is transformed by itself, so its values do not depend on its batch (and stay in the cache).

    Source: TS-CNN, section 3.3. The mel scale is HTK's, without area normalisation (our reading).
    """

    name = "logmel"
    unit = "dB"

    def __init__(self, config: LogMelConfig | None = None) -> None:
        super().__init__()
        self.config = config or LogMelConfig()
        check_config(self.config)
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
        self.floor = 10.0 ** (self.config.floor_db / 10.0)
        # Power of a full-scale sine would otherwise grow with the window's length.
        self.scale = 1.0 / float(self.mel.spectrogram.window.sum()) ** 2

    def forward(self, waveform: Tensor) -> Tensor:
        """Transform waveforms of shape (clip, sample) into (clip, 1, frame, band), in dB."""
        return torch.stack([self._transform_clip(clip) for clip in waveform])

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each of `frames` frames, in s."""
        return np.arange(frames) * self.hop_samples / self.config.sample_rate

    @property
    def frequency_hz(self) -> np.ndarray:
        """Centre of each band, in Hz, shape (band,)."""
        edges_mel = np.linspace(hz_to_mel(self.config.low_hz), hz_to_mel(self.high_hz), self.config.bands + 2)
        return mel_to_hz(edges_mel)[1:-1]

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        return (samples - self.window_samples % 2) // self.hop_samples + 1  # an odd window is padded by one less

    def _transform_clip(self, samples: Tensor) -> Tensor:
        power = self.mel(samples) * self.scale
        return 10.0 * torch.log10(power.clamp_min(self.floor)).transpose(0, 1).unsqueeze(0)


def hz_to_mel(frequency_hz: float | np.ndarray) -> np.ndarray:
    """Convert Hz to mel (O'Shaughnessy's formula, as in HTK)."""
    return 2595.0 * np.log10(1.0 + np.asarray(frequency_hz) / 700.0)


def mel_to_hz(mel: float | np.ndarray) -> np.ndarray:
    """Convert mel to Hz; the inverse of `hz_to_mel`."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def check_config(config: LogMelConfig) -> None:
    """Raise OptionError where settings are no numbers of use or contradict each other."""
    for setting, value in asdict(config).items():
        whole = setting in ("sample_rate", "bands")
        if not isinstance(value, int if whole else int | float) or not math.isfinite(value):
            raise OptionError(f"feature logmel, {setting}", f"is {value!r}", f"give a {'whole ' * whole}number")
    if config.sample_rate <= 0 or config.window_s <= 0 or config.hop_s <= 0 or config.bands < 1:
        raise OptionError(
            "feature logmel",
            "sample_rate, window_s, hop_s and bands must be positive",
            "choose positive values",
        )
    if min(config.window_s, config.hop_s) * config.sample_rate < 1:
        raise OptionError("feature logmel", "window_s or hop_s is shorter than one sample", "choose a longer one")
    if not LOWEST_FLOOR_DB <= config.floor_db <= 0:
        raise OptionError(
            "feature logmel, floor_db", f"is {config.floor_db:g}", f"choose a level from {LOWEST_FLOOR_DB:g} to 0 dB"
        )
    if config.high_hz > config.sample_rate / 2 or config.low_hz < 0:
        raise OptionError(
            "feature logmel",
            f"low_hz {config.low_hz:g} and high_hz {config.high_hz:g} must lie in 0..{config.sample_rate / 2:g} Hz",
            "choose a range below half the sample rate",
        )
    if config.low_hz >= (config.high_hz or config.sample_rate / 2):
        raise OptionError("feature logmel", "low_hz is not below high_hz", "choose a lower low_hz")
