"""Stack: several front ends of one clip, their bands joined one after the other."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.features import FEATURES, Feature, build_feature, load_config
from esclab.features.frontend import FrontEnd, check_settings


@dataclass(frozen=True)
class StackConfig:
    """Settings of a stack; each of its parts takes those that it knows, and its own defaults for the rest.

    The defaults are those of SPSM (section 4.1), with 64 bands for all four representations.

    Attributes
    ----------
    parts : tuple of str
        Keys of `FEATURES`, in the order in which their bands follow; a list does as well.
    sample_rate : int
        In Hz.
    window_samples, hop_samples : int
        Length of the analysis window and step between frames.
    bands : int
        Bands of each part.
    floor_db : float
        Level below which power counts as silence.
    """

    parts: tuple[str, ...] = ("logmel", "cqt", "gammatone", "mfcc")
    sample_rate: int = 44_100
    window_samples: int = 2048
    hop_samples: int = 512
    bands: int = 64
    floor_db: float = -100.0

    def __post_init__(self) -> None:
        """Take a list, as JSON gives it, for a tuple."""
        if isinstance(self.parts, list):
            object.__setattr__(self, "parts", tuple(self.parts))


class Stack(FrontEnd):
    """Waveform `(clip, sample)` to `(clip, 1, frame, row)`: the bands of the first part, then those of the second.

    A network can cut it into representations again by `rows`.

    Source: SPSM, section 3.1.

    Attributes
    ----------
    parts : ModuleList
        The front ends.

    Raises
    ------
    OptionError
        When a part is unknown or named twice, its settings do not fit, or its frames differ from the first part's.
    """

    name = "stack"
    axis = "row"

    def __init__(self, config: StackConfig | None = None) -> None:
        super().__init__()
        self.config = config or StackConfig()
        check_settings(self.name, self.config)
        _check_parts(self.config.parts)
        self.window_samples, self.hop_samples = self.config.window_samples, self.config.hop_samples
        built = [build_feature(part, **list_part_settings(part, self.config)) for part in self.config.parts]
        _check_frames(built, self.config)
        self.unit = " / ".join(dict.fromkeys(part.unit for part in built))
        self.precision = "float32" if any(part.precision == "float32" for part in built) else "float16"
        self.parts: Any = nn.ModuleList(built)  # type: ignore[arg-type]

    def transform_clip(self, samples: Tensor) -> Tensor:
        """Transform one waveform of shape (sample,) into (frame, row)."""
        return torch.cat([part(samples[None])[0, 0] for part in self.parts], dim=1)

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each of `frames` frames, in s."""
        return self.parts[0].time_s(frames)

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        return self.parts[0].frames(samples)

    @property
    def rows(self) -> tuple[tuple[str, int, int], ...]:
        """Name, first row and the row after the last of each part."""
        ends = np.cumsum([0, *(len(part.frequency_hz) for part in self.parts)]).tolist()
        return tuple(zip(self.config.parts, ends[:-1], ends[1:], strict=True))

    @property
    def frequency_hz(self) -> np.ndarray:
        """Numbers of the rows, from 0 on: this axis has no frequencies."""
        return np.arange(self.rows[-1][2], dtype=float)


def list_part_settings(part: str, config: StackConfig) -> dict[str, Any]:
    """Return the settings of a stack that front end `part` knows, in its own units."""
    window, hop, rate = config.window_samples, config.hop_samples, config.sample_rate
    offered: dict[str, Any] = {
        "sample_rate": rate,
        "window_samples": window,
        "hop_samples": hop,
        "window_s": window / rate,
        "hop_s": hop / rate,
        "bands": config.bands,
        "floor_db": config.floor_db,
    }
    own: dict[str, Any] = {field.name: field.default for field in fields(load_config(part))}
    if "mel_bands" in own:
        offered["mel_bands"] = max(config.bands, own["mel_bands"])
    return {name: value for name, value in offered.items() if name in own}


def _check_parts(parts: tuple[str, ...]) -> None:
    known = [name for name in FEATURES if name != Stack.name]
    if not isinstance(parts, tuple) or not parts or len(set(parts)) < len(parts):
        raise OptionError("feature stack, parts", f"are {parts!r}", "give names of front ends, each once")
    for part in parts:
        if part not in known:
            raise OptionError(f"feature stack, part {part}", "is not known", f"choose among {', '.join(known)}")


def _check_frames(parts: list[Feature], config: StackConfig) -> None:
    """Raise OptionError where frames differ in their number, for clips of several lengths, or in their places."""
    lengths = [count * config.hop_samples + more for count in (0, 1, 9) for more in (1, config.hop_samples)]
    first = parts[0]
    counts, times_s = [first.frames(length) for length in lengths], first.time_s(9)
    for name, part in zip(config.parts, parts, strict=True):
        if [part.frames(length) for length in lengths] != counts or not np.allclose(part.time_s(9), times_s):
            cause = f"has other frames than {config.parts[0]}"
            raise OptionError(
                f"feature stack, part {name}", cause, "choose front ends with centred frames and an even window"
            )
