"""What front ends share: centred frames, one clip at a time, decibels with a floor, and checks of their settings."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, Literal, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn
from torchaudio.transforms import Spectrogram

from esclab.errors import OptionError

LOWEST_FLOOR_DB = -300.0  # single precision holds no smaller power than -379 dB


class FrontEnd(nn.Module):
    """Base of the front ends: waveform `(clip, sample)` to `(clip, 1, frame, band)`.

    Frames are centred: frame `t` looks at the window around `t * hop_samples`, with silence beyond the clip's ends, so
    front ends of the same rate and hop have the same frames. Every clip is transformed by itself, so its values do not
    depend on its batch (and stay in the cache).

    Attributes
    ----------
    name, unit, axis, precision
        As in `esclab.features.Feature`.
    config : dataclass
        Settings, with `sample_rate` in Hz.
    window_samples, hop_samples : int
        Length of the analysis window, and step between frames.
    """

    name: str
    unit: str = "dB"
    axis: str = "frequency"
    precision: Literal["float16", "float32"] = "float16"
    config: Any
    window_samples: int
    hop_samples: int

    def forward(self, waveform: Tensor) -> Tensor:
        """Transform waveforms of shape (clip, sample) into (clip, 1, frame, band)."""
        level_db = getattr(self.config, "level_db", 0.0)
        clips = [set_level(clip, level_db) for clip in waveform] if level_db else list(waveform)
        return torch.stack([self.transform_clip(clip) for clip in clips]).unsqueeze(1)

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, band)."""
        raise TypeError(f"{type(self).__name__} does not define transform_clip")

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each of `frames` frames, in s."""
        return np.arange(frames) * self.hop_samples / self.config.sample_rate

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        return (samples - self.window_samples % 2) // self.hop_samples + 1  # an odd window is padded by one less


class PowerSpectrogram(nn.Module):
    """Waveform `(sample,)` to power `(bin, frame)`, 1 in the bin of a full-scale sine at the bin's own frequency.

    The window is Hann's, the frames are centred, as `FrontEnd` has them.

    Attributes
    ----------
    window_bins : float
        The window's equivalent noise bandwidth, in bins: a sum over bins holds a sine's power this many times.
    """

    def __init__(self, window_samples: int, hop_samples: int) -> None:
        super().__init__()
        self.spectrogram = Spectrogram(window_samples, hop_length=hop_samples, power=2.0, pad_mode="constant")
        window = self.spectrogram.window.double()
        self.scale = 4.0 / float(window.sum()) ** 2
        self.window_bins = window_samples * float((window**2).sum()) / float(window.sum()) ** 2

    def forward(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (bin, frame)."""
        return self.spectrogram(samples) * self.scale


def set_level(samples: Tensor, level_db: float) -> Tensor:
    """Return a waveform (sample,) brought to a level, the dB of its root mean square re full scale.

    Zeros at its end are taken for padding and do not count; silence stays silence.
    """
    sounding = samples.nonzero()
    if not len(sounding):
        return samples
    rms = samples[: int(sounding[-1]) + 1].square().mean().sqrt()
    return samples * (10.0 ** (level_db / 20.0) / rms)


def to_decibels(power: Tensor, floor_db: float) -> Tensor:
    """Return power in dB; what lies below `floor_db`, silence too, is at `floor_db`."""
    return 10.0 * torch.log10(power.clamp_min(10.0 ** (floor_db / 10.0)))


def check_settings(name: str, config: Any, *, may_be_zero: tuple[str, ...] = ()) -> None:
    """Check the settings that front ends have in common; others are only checked to be numbers.

    Parameters
    ----------
    name : str
        The front end's.
    config : dataclass
        Fields that are int or float are looked at, by name and type.
    may_be_zero : tuple of str
        Settings for which 0 has a meaning, beside `low_hz`, `high_hz` and `floor_db`.

    Raises
    ------
    OptionError
        When settings are no numbers of use or contradict each other.
    """
    kinds = get_type_hints(type(config))
    settings = {field.name: getattr(config, field.name) for field in fields(config)}
    unsigned = ("low_hz", "high_hz", "floor_db", "level_db")
    for setting, value in settings.items():
        if kinds[setting] not in (int, float):
            continue
        whole, where = kinds[setting] is int, f"feature {name}, {setting}"
        if not isinstance(value, int if whole else int | float) or not math.isfinite(value):
            raise OptionError(where, f"is {value!r}", f"give a {'whole ' * whole}number")
        if setting not in unsigned and (value < 0 or (value == 0 and setting not in may_be_zero)):
            raise OptionError(where, f"is {value:g} and must be positive", "choose a positive value")
        if setting in ("window_s", "hop_s") and value * config.sample_rate < 1:
            raise OptionError(where, "is shorter than one sample", "choose a longer one")
    floor_db = settings.get("floor_db", 0.0)
    if not LOWEST_FLOOR_DB <= floor_db <= 0:
        raise OptionError(
            f"feature {name}, floor_db", f"is {floor_db:g}", f"choose a level from {LOWEST_FLOOR_DB:g} to 0 dB"
        )
    if not LOWEST_FLOOR_DB <= settings.get("level_db", 0.0) <= 0:
        raise OptionError(f"feature {name}, level_db", f"is {settings['level_db']:g}", "choose a level of at most 0 dB")
    if "high_hz" in settings:
        _check_range(name, config)


def _check_range(name: str, config: Any) -> None:
    highest_hz = config.sample_rate / 2
    if config.high_hz > highest_hz or config.low_hz < 0:
        raise OptionError(
            f"feature {name}",
            f"low_hz {config.low_hz:g} and high_hz {config.high_hz:g} must lie in 0..{highest_hz:g} Hz",
            "choose a range below half the sample rate",
        )
    if config.low_hz >= (config.high_hz or highest_hz):
        raise OptionError(f"feature {name}", "low_hz is not below high_hz", "choose a lower low_hz")
