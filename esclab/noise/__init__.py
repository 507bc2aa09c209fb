"""Noise where one points: a kind of noise at an SNR inside a range of time and of frequency, and erasing such a range.

Names load when they are first used, so that importing this package stays light. To add a kind of noise, write one
function and one line in `NOISES` (`esclab.noise.kinds`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "NOISES": "kinds",
    "PUBLISHED_FEATURE_NOISE": "cells",
    "NoiseEntry": "entry",
    "attenuate_region": "attenuate",
    "common_gain": "level",
    "cut_region": "cut",
    "draw_noise": "inject",
    "find_noise": "find",
    "inject_feature_noise": "cells",
    "inject_noise": "inject",
    "measure_snr": "level",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Return the public name `name`, importing its module."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return what tab completion offers."""
    return sorted({*globals(), *_MODULE_OF})
