"""A recipe: everything that decides a training beside model, data and seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin, get_type_hints

from esclab.errors import OptionError
from esclab.models import model_options

_NOT_NEGATIVE = (
    "epochs", "decay_every_epochs", "duration_s", "decay", "weight_decay", "momentum", "mixup_alpha", "masks",
    "mask_frames", "mask_bands", "label_smoothing", "warm_up",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes
    ----------
    name : str
        Name under which results are kept; changed settings make it "name*".
    feature : mapping
        Front end and its settings, e.g. {"name": "logmel", "bands": 40}.
    model : mapping
        Settings of the network, e.g. {"width": 0.25}.
    duration_s : float
        Length to which clips are padded or cut; 0 means the dataset's own.
    variable_length : bool
        Whether the padding of shorter clips is hidden from networks that take lengths, and batches end with their
        longest clip; other networks see padded clips. Excludes mixup and roll.
    standardise : bool
        Whether each band is brought to zero mean and unit variance over the training clips.
    iterations, batch_size : int
        Number of optimiser steps, and clips in each.
    epochs : int
        Where above 0, the training's length in passes over the training clips, in place of `iterations`.
    optimiser : {"adam", "adamw", "sgd"}
    learning_rate : float
        Its highest value.
    schedule : {"constant", "exponential", "one-cycle", "warm-up-cosine"}
        "exponential" multiplies by `decay` every `decay_every` iterations; "one-cycle" rises over the first 30 %
        and falls to almost nothing, both along a cosine; "warm-up-cosine" rises along a line over the share `warm_up`
        and falls to 0 along a cosine.
    warm_up : float
        Below 1.
    decay, decay_every, decay_every_epochs, weight_decay, momentum : float
        Where `decay_every_epochs` is above 0 it stands in place of `decay_every`.
    mixup_alpha : float
        0 for none.
    masks, mask_frames, mask_bands : int
        Number of masks of each kind per clip, and their greatest widths.
    roll : bool
        Whether clips are shifted in time at random, with wrap-around.
    label_smoothing : float
    oversample : bool
        Whether clips of small classes are drawn more than once in an epoch, until all classes are equally large.
    measured_statistics : bool
        Whether batch norm's means and variances are measured over training clips before the network is scored, in place
        of their running averages, which trail behind weights that still move.
    evaluate_every : int
        Epochs between two evaluations of the held-out clips (for curves only; nothing is chosen by them).
    not_in_paper : tuple of str
        Settings that the paper leaves open, and so are ours.
    source : str
        Where the values come from.
    """

    name: str
    feature: Mapping[str, Any] = field(default_factory=lambda: {"name": "logmel"})
    model: Mapping[str, Any] = field(default_factory=dict)
    duration_s: float = 0.0
    variable_length: bool = False
    standardise: bool = True
    iterations: int = 400
    batch_size: int = 32
    epochs: int = 0
    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float = 0.003
    schedule: Literal["constant", "exponential", "one-cycle", "warm-up-cosine"] = "one-cycle"
    warm_up: float = 0.1
    decay: float = 1.0
    decay_every: int = 1
    decay_every_epochs: int = 0
    weight_decay: float = 0.01
    momentum: float = 0.9
    mixup_alpha: float = 0.0
    masks: int = 0
    mask_frames: int = 0
    mask_bands: int = 0
    roll: bool = False
    label_smoothing: float = 0.0
    oversample: bool = False
    measured_statistics: bool = False
    evaluate_every: int = 4
    not_in_paper: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("iterations", "batch_size", "decay_every", "evaluate_every"):
            if getattr(self, name) < 1:
                raise OptionError(name, f"is {getattr(self, name)}", "give a number of at least 1")
        for name in ("optimiser", "schedule"):
            allowed = get_args(get_type_hints(Recipe)[name])
            if getattr(self, name) not in allowed:
                raise OptionError(name, f"is {getattr(self, name)!r}", f"choose one of {', '.join(allowed)}")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(name, f"is {getattr(self, name)}", "give a finite number of at least 0")
        if self.label_smoothing > 1:
            raise OptionError("label_smoothing", f"is {self.label_smoothing}", "give a number from 0 to 1")
        if self.warm_up >= 1:
            raise OptionError("warm_up", f"is {self.warm_up}", "give a share below 1")
        if self.variable_length and (self.roll or self.mixup_alpha > 0):
            raise OptionError("variable_length", "excludes mixup and roll", "set mixup_alpha to 0 and roll to false")
        if not 0 < self.learning_rate < math.inf:
            raise OptionError("learning_rate", f"is {self.learning_rate}", "give a positive number")

    def count_iterations(self, steps_per_epoch: int) -> Recipe:
        """Return the recipe with its lengths in epochs written as iterations, for so many steps in an epoch."""
        return replace(
            self,
            iterations=self.epochs * steps_per_epoch or self.iterations,
            decay_every=self.decay_every_epochs * steps_per_epoch or self.decay_every,
        )

    def learning_rate_at(self, iteration: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if self.schedule == "exponential":
            return self.learning_rate * self.decay ** (iteration // self.decay_every)
        if self.schedule == "one-cycle":
            warm_up = max(1.0, 0.3 * self.iterations)
            if iteration < warm_up:
                return _cosine(self.learning_rate / 25, self.learning_rate, iteration / warm_up)
            rest = (iteration - warm_up) / max(1.0, self.iterations - 1 - warm_up)
            return _cosine(self.learning_rate, self.learning_rate / 1e5, min(1.0, rest))
        if self.schedule == "warm-up-cosine":
            warm_up = round(self.warm_up * self.iterations)
            if iteration < warm_up:
                return self.learning_rate * (iteration + 1) / (warm_up + 1)
            return _cosine(self.learning_rate, 0.0, (iteration - warm_up) / (self.iterations - warm_up))
        return self.learning_rate

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values that JSON keeps."""
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` described."""
        known = {f.name for f in fields(cls)}
        kept: dict[str, Any] = {k: v for k, v in values.items() if k in known}
        return cls(**{**kept, "not_in_paper": tuple(kept.get("not_in_paper", ()))})


def change_recipe(recipe: Recipe, model: str, changes: Mapping[str, str]) -> Recipe:
    """Return the recipe with settings changed by name, as given on a command line.

    Parameters
    ----------
    recipe : Recipe
    model : str
        The model that it will train; its settings may be changed too.
    changes : mapping of str to str
        Field of the recipe ("iterations"), setting of the model ("width") or of the front end ("feature.bands"),
        and its new value as text. Fractions such as 1/4 are understood, and commas between several values. Another
        front end ("feature.name") takes over what it knows (`change_feature`) before its own settings are changed.

    Raises
    ------
    OptionError
        When a name or value is not understood.
    """
    from esclab.training.front_end import change_feature

    changes = dict(changes)
    recipe = change_feature(recipe, changes.pop("feature.name", recipe.feature.get("name", "logmel")))
    hints = get_type_hints(Recipe)
    plain = {f.name for f in fields(Recipe)} - {"name", "feature", "model", "not_in_paper", "source"}
    options = model_options(model)
    fields_changed: dict[str, Any] = {}
    model_settings, feature_settings = dict(recipe.model), dict(recipe.feature)
    for name, text in changes.items():
        if name in plain:
            fields_changed[name] = _parse(name, text, hints[name])
        elif name in options:
            model_settings[name] = _parse(name, text, type(options[name]))
        elif name.startswith("feature."):
            values = tuple(_guess(part) for part in text.split(","))
            feature_settings[name.removeprefix("feature.")] = values if len(values) > 1 else values[0]
        else:
            choices = ", ".join([*sorted(plain), *options, "feature.NAME"])
            raise OptionError(f"--set {name}", "is no setting", f"choose among {choices}")
    changed = replace(recipe, **fields_changed, model=model_settings, feature=feature_settings)
    if changed != recipe and not recipe.name.endswith("*"):
        changed = replace(changed, name=f"{recipe.name}*")
    return changed


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        if kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if kind is int:
            return int(text)
        if kind is float:
            return float(Fraction(text)) if "/" in text else float(text)
        if kind is tuple:
            return tuple(_guess(part) for part in text.split(","))
    except (ValueError, KeyError, ZeroDivisionError) as error:
        raise OptionError(f"--set {name}", f"cannot read {text!r} as {kind.__name__}", "give such a value") from error
    return text if kind is str or get_origin(kind) is Literal else _guess(text)


def _guess(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


QUICK = Recipe(
    name="quick",
    model={"width": 0.25},
    iterations=400,
    batch_size=32,
    optimiser="adamw",
    learning_rate=0.003,
    schedule="one-cycle",
    mixup_alpha=0.2,
    masks=1,
    mask_frames=16,
    mask_bands=4,
    roll=True,
    source="esclab's own: about a minute a fold on two cores; settled on validation folds cut from training folds",
)
