"""Networks from features `(clip, 1, frame, band)` to logits `(clip, class)`.

To add one, write its file (a subclass of `SoundClassifier`) and name it in `MODELS`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from esclab.errors import OptionError

if TYPE_CHECKING:
    from esclab.models.base import SoundClassifier


@dataclass(frozen=True)
class ModelEntry:
    """Where a network lives, loaded when first used, and the settings that make this variant of it."""

    summary: str
    module: str
    builder: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def _cnn10(summary: str, **settings: Any) -> ModelEntry:
    return ModelEntry(summary, "esclab.models.cnn10", "CNN10", settings)


MODELS: dict[str, ModelEntry] = {
    "cnn10": _cnn10("CNN10 of PANNs, the baseline"),
    "t-cnn10": _cnn10("temporal attention in every block", arrangement="temporal"),
    "s-cnn10": _cnn10("spectral attention in every block", arrangement="spectral"),
    "ts-cnn10": _cnn10("parallel temporal-spectral attention in every block", arrangement="parallel"),
    **{
        f"ts-cnn10-{block}": _cnn10(
            f"parallel attention in block {block} only", arrangement="parallel", blocks=(block,)
        )
        for block in (1, 2, 3, 4)
    },
    "ts-cnn10-fixed": _cnn10("parallel attention, the three branches weighed 1/3", arrangement="parallel-fixed"),
    "ts-cnn10-concat": _cnn10("temporal, then spectral attention", arrangement="temporal-spectral"),
    "st-cnn10-concat": _cnn10("spectral, then temporal attention", arrangement="spectral-temporal"),
}


def find_model(name: str) -> ModelEntry:
    """Return the entry of a model, or raise OptionError with the nearest names."""
    if name in MODELS:
        return MODELS[name]
    near = get_close_matches(name, MODELS, n=2)
    hint = f"did you mean {' or '.join(near)}" if near else f"choose one of {', '.join(MODELS)}"
    raise OptionError(f"model {name}", "is not known", hint)


def model_options(name: str) -> dict[str, Any]:
    """Return the settings that `build_model` takes for this model, with their defaults."""
    entry = find_model(name)
    parameters = inspect.signature(getattr(import_module(entry.module), entry.builder)).parameters.values()
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in entry.settings]
    return {p.name: p.default for p in keywords}


def build_model(name: str, *, classes: int, bands: int, **settings: Any) -> SoundClassifier:
    """Build a network by name.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    classes, bands : int
        Number of classes, and of bands of the input.
    **settings
        The network's own settings, e.g. ``width=0.25``.

    Raises
    ------
    OptionError
        When the name or a setting is unknown.
    """
    entry = find_model(name)
    options = model_options(name)
    for setting in settings:
        if setting not in options:
            raise OptionError(f"model {name}", f"has no setting {setting}", f"choose among {', '.join(options)}")
    builder = getattr(import_module(entry.module), entry.builder)
    return builder(classes, bands, **{**entry.settings, **settings})
