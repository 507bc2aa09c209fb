"""Front ends: modules from a waveform to `(clip, 1, frame, band)` that know their axes in s and Hz.

To add one, write its file (a frozen config and a module like `LogMel`) and name it in `FEATURES`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from esclab.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Feature(Protocol):
    """What every front end offers beside being a `torch.nn.Module`."""

    name: str
    unit: str
    config: Any

    def __call__(self, waveform: Tensor) -> Tensor:
        """Transform waveforms (clip, sample) into (clip, 1, frame, band)."""
        ...

    def time_s(self, frames: int) -> np.ndarray:
        """Return the centre of each frame, in s."""
        ...

    def frames(self, samples: int) -> int:
        """Return the number of frames that `samples` samples give."""
        ...

    @property
    def frequency_hz(self) -> np.ndarray:
        """Centre of each band, in Hz."""
        ...


@dataclass(frozen=True)
class FeatureEntry:
    """Where a front end and its settings live, loaded when first used."""

    summary: str
    module: str
    builder: str
    config: str


FEATURES: dict[str, FeatureEntry] = {
    "logmel": FeatureEntry("log-mel spectrogram, 40 bands", "esclab.features.logmel", "LogMel", "LogMelConfig"),
}


def build_feature(name: str = "logmel", **settings: Any) -> Feature:
    """Build a front end by name.

    Parameters
    ----------
    name : str
        A key of `FEATURES`.
    **settings
        Fields of its config, e.g. ``bands=64``.

    Raises
    ------
    OptionError
        When the name or a setting is unknown.
    """
    if name not in FEATURES:
        raise OptionError(f"feature {name}", "is not known", f"choose one of {', '.join(FEATURES)}")
    entry = FEATURES[name]
    module = import_module(entry.module)
    config_class = getattr(module, entry.config)
    known = [field.name for field in fields(config_class)]
    for setting in settings:
        if setting not in known:
            raise OptionError(f"feature {name}", f"has no setting {setting}", f"choose one of {', '.join(known)}")
    return getattr(module, entry.builder)(config_class(**settings))


def describe_feature(feature: Feature) -> dict[str, Any]:
    """Return name and settings of a front end: `build_feature(**...)` makes it again."""
    return {"name": feature.name, **asdict(feature.config)}
