"""Kaldi's filter bank: the log power in mel-spaced bands, as speech recognisers take it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import Tensor
from torchaudio.compliance.kaldi import fbank

from esclab.errors import OptionError
from esclab.features.frontend import FrontEnd, check_settings

MS = 1e-3
FEWEST_BANDS = 4  # Kaldi's


@dataclass(frozen=True)
class FbankConfig:
    """Settings of the filter bank; the defaults are those of SpectroMaskNet, the rest is Kaldi's.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    window_s, hop_s : float
        Length of the analysis window and step between frames, in s. Not in the paper; Kaldi's.
    bands : int
        Number of mel bands, 4 or more.
    low_hz, high_hz : float
        Range that the bands cover; `high_hz` of 0 means half the sample rate. Not in the paper; Kaldi's.
    level_db : float
        Level to which each clip is brought first, root mean square re full scale; 0 leaves it as recorded.
    """

    sample_rate: int = 16_000
    window_s: float = 0.025
    hop_s: float = 0.010
    bands: int = 80
    low_hz: float = 20.0
    high_hz: float = 0.0
    level_db: float = 0.0


class Fbank(FrontEnd):
    """Waveform `(clip, sample)` to Kaldi's filter bank `(clip, 1, frame, band)`, in natural logarithms of power.

    Computed by torchaudio's copy of `compute-fbank-feats` without dither: in each window the mean is removed, high
    frequencies are raised (0.97), and Povey's window is laid over it. Samples are taken as they are, within -1..1, not
    as 16-bit numbers, which would add 20.8. Power below 2 ** -23 counts as silence, so the floor is -15.94; a
    full-scale sine of 1 kHz has 7.6 at the default settings.

    Frames are not centred as those of other front ends: the first starts with the clip and the last ends within it, so
    1 s gives 98 frames, the first around 12.5 ms. A clip shorter than a window is filled up with silence.

    Source: SpectroMaskNet, "Feature extraction methods" and "Hyperparameter settings" (which name no logarithm).

    Raises
    ------
    OptionError
        When settings are no numbers of use, or there are fewer than 4 bands.
    """

    name = "fbank"
    unit = "ln power"

    def __init__(self, config: FbankConfig | None = None) -> None:
        super().__init__()
        self.config = config or FbankConfig()
        check_settings(self.name, self.config)
        # Kaldi cuts off, so that its frames are counted as it does.
        self.window_samples, self.hop_samples = (
            int(self.config.sample_rate * (length_s / MS) * MS)
            for length_s in (self.config.window_s, self.config.hop_s)
        )
        if self.config.bands < FEWEST_BANDS or self.window_samples < 2:
            cause = f"needs {FEWEST_BANDS} bands or more and a window of 2 samples or more"
            raise OptionError("feature fbank", cause, "choose more")

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band), in natural logarithms of power."""
        config = self.config
        return fbank(
            F.pad(samples, (0, max(0, self.window_samples - len(samples))))[None],
            sample_frequency=config.sample_rate,
            frame_length=config.window_s / MS,
            frame_shift=config.hop_s / MS,
            num_mel_bins=config.bands,
            low_freq=config.low_hz,
            high_freq=config.high_hz,
            dither=0.0,
        )

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each of `frames` frames, in s."""
        return (np.arange(frames) * self.hop_samples + self.window_samples / 2) / self.config.sample_rate

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        return max(0, samples - self.window_samples) // self.hop_samples + 1

    @property
    def frequency_hz(self) -> np.ndarray:
        """Centre of each band, in Hz, shape (band,)."""
        ends_hz = np.array([self.config.low_hz, self.config.high_hz or self.config.sample_rate / 2])
        low, high = np.log1p(ends_hz / 700.0)
        return 700.0 * np.expm1(np.linspace(low, high, self.config.bands + 2)[1:-1])
