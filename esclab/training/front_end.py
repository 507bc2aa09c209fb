"""The same recipe on another front end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from esclab.training.recipe import Recipe


def change_feature(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe on another front end, under a name of its own, e.g. "spsm-quick-cqt".

    The rate, the window, the hop and the level stay, in s or samples as the front end has them; everything else is its
    default.

    Parameters
    ----------
    recipe : Recipe
    name : str
        A key of `FEATURES`.

    Raises
    ------
    OptionError
        When the front end is unknown.
    """
    from esclab.features import build_feature, suit_rate

    before = dict(recipe.feature)
    if before.get("name", "logmel") == name:
        return recipe
    config = build_feature(name).config
    known = {field.name for field in fields(config)}
    rate = before.get("sample_rate", 0) or build_feature(**before).config.sample_rate
    settings = suit_rate(name, rate) if rate != config.sample_rate or "sample_rate" in before else {}
    kept = {"level_db": before["level_db"]} if "level_db" in before else {}
    for setting, value in (_count_lengths(before, rate) | kept).items():
        if setting in known:
            settings[setting] = value
    star = "*" if recipe.name.endswith("*") else ""
    return replace(recipe, name=f"{recipe.name.removesuffix('*')}-{name}{star}", feature={"name": name, **settings})


def _count_lengths(settings: Mapping[str, Any], sample_rate: int) -> dict[str, Any]:
    """Return window and hop, where they are set, in s and in samples."""
    lengths: dict[str, Any] = {}
    for name in ("window", "hop"):
        in_s, in_samples = settings.get(f"{name}_s"), settings.get(f"{name}_samples")
        if in_s is not None:
            lengths |= {f"{name}_s": in_s, f"{name}_samples": round(in_s * sample_rate)}
        elif in_samples is not None:
            lengths |= {f"{name}_s": in_samples / sample_rate, f"{name}_samples": in_samples}
    return lengths
