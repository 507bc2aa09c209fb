"""Constant-Q transform: the power in bands of equal width in octaves, in decibels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nnAudio.features.cqt import CQT1992v2
from torch import Tensor

from esclab.errors import OptionError
from esclab.features.frontend import FrontEnd, check_settings, to_decibels


@dataclass(frozen=True)
class CqtConfig:
    """Settings of the constant-Q transform; the defaults are those of SPSM (section 4.1 and its published code).

    Attributes
    ----------
    sample_rate : int
        In Hz.
    hop_samples : int
        Step between frames. There is no window to set: each band has its own, shorter towards the top.
    bands, bands_per_octave : int
        Number of bands, and how many of them lie between a frequency and its double.
    low_hz : float
        Centre of the lowest band. Not in the paper; the published code's.
    floor_db : float
        Level (re a full-scale sine) below which power counts as silence. Not in the paper.
    """

    sample_rate: int = 44_100
    hop_samples: int = 512
    bands: int = 64
    bands_per_octave: int = 12
    low_hz: float = 220.0
    floor_db: float = -100.0


class Cqt(FrontEnd):
    """Waveform `(clip, sample)` to constant-Q transform `(clip, 1, frame, band)`, in dB re a full-scale sine.

    A full-scale sine at a band's centre has 0 dB there. Each band looks at as many periods as the others (16.8 at 12
    bands an octave), so the lowest at the default settings sees 76 ms and the highest 2 ms: a click between two
    frames, 11.6 ms apart, may be missed by the highest bands.

    Source: SPSM, section 4.1; computed by nnAudio's `CQT1992v2`.

    Raises
    ------
    OptionError
        When settings are no numbers of use, or the highest band lies above half the sample rate.
    """

    name = "cqt"

    def __init__(self, config: CqtConfig | None = None) -> None:
        super().__init__()
        self.config = config or CqtConfig()
        check_settings(self.name, self.config)
        if self.config.low_hz <= 0:
            raise OptionError("feature cqt, low_hz", f"is {self.config.low_hz:g}", "choose a frequency above 0 Hz")
        if self.frequency_hz[-1] > self.config.sample_rate / 2:
            raise OptionError(
                "feature cqt, bands",
                f"{self.config.bands} reach to {self.frequency_hz[-1]:.0f} Hz, above half the sample rate",
                f"choose at most {count_bands(self.config)}",
            )
        self.hop_samples = self.config.hop_samples
        self.cqt = CQT1992v2(
            sr=self.config.sample_rate,
            hop_length=self.hop_samples,
            fmin=self.config.low_hz,
            n_bins=self.config.bands,
            bins_per_octave=self.config.bands_per_octave,
            pad_mode="constant",
            output_format="Complex",
            verbose=False,
        )
        self.window_samples = self.cqt.kernel_width

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band), in dB."""
        # "wrap" counts a sine's negative frequency too, so that its amplitude is read as it is.
        spectrum = self.cqt(samples, normalization_type="wrap")[0]
        return to_decibels(spectrum.square().sum(-1), self.config.floor_db).transpose(0, 1)

    @property
    def frequency_hz(self) -> np.ndarray:
        """Centre of each band, in Hz, shape (band,)."""
        return self.config.low_hz * 2.0 ** (np.arange(self.config.bands) / self.config.bands_per_octave)


def count_bands(config: CqtConfig) -> int:
    """Return how many bands fit between the lowest one and half the sample rate; at least 1."""
    octaves = np.log2(config.sample_rate / 2 / config.low_hz)
    return max(1, int(np.floor(octaves * config.bands_per_octave)) + 1)
