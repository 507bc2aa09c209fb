"""Explorers for JupyterLab: one class each, a thin view over a controller that works without a browser."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "AttributionExplorer": "attribution",
    "ClipExplorer": "clip",
    "CompareExplorer": "compare",
    "ConfusionExplorer": "confusion",
    "EmbeddingExplorer": "embedding",
    "NoiseExplorer": "noise",
    "OwnSounds": "own_sounds",
    "TrainExplorer": "train",
}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
