"""Log-mel spectrogram: the power in mel-spaced bands over time, in decibels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from esclab.features.frontend import to_decibels
from esclab.features.mel import Mel, MelConfig


@dataclass(frozen=True)
class LogMelConfig(MelConfig):
    """Settings of the log-mel spectrogram; the defaults are those of TS-CNN (section 3.3).

    Attributes
    ----------
    sample_rate, window_s, hop_s, bands, low_hz, high_hz, level_db
        As in `MelConfig`.
    floor_db : float
        Level (re full scale squared) below which power counts as silence. Not in the paper.
    """

    floor_db: float = -100.0


class LogMel(Mel):
    """Waveform `(clip, sample)` to log-mel spectrogram `(clip, 1, frame, band)` in dB re full scale squared.

    Frames are centred: frame `t` looks at the window around `t * hop_s`, so 5 s at the default settings give 251
    frames.

    Source: TS-CNN, section 3.3. The mel scale is HTK's, without area normalisation (our reading).
    """

    name = "logmel"
    unit = "dB"
    precision: Literal["float16", "float32"] = "float16"

    def __init__(self, config: LogMelConfig | None = None) -> None:
        super().__init__(config or LogMelConfig())

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band), in dB."""
        return to_decibels(super().transform_clip(samples), self.config.floor_db)
