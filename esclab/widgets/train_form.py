"""What a training is asked for: model, clips, recipe and its settings, beside the values of the papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin, get_type_hints

from esclab.errors import OptionError
from esclab.models import model_options
from esclab.papers import RECIPES, find_recipe
from esclab.training.recipe import QUICK, Recipe, change_recipe

SETTINGS: dict[str, tuple[str, str]] = {
    "width": ("Width", "Channels of the network, relative to the paper's"),
    "iterations": ("Iterations", "Optimiser steps in all"),
    "batch_size": ("Batch size", "Clips in each step"),
    "learning_rate": ("Learning rate", "Its highest value"),
    "optimiser": ("Optimiser", "How gradients become steps"),
    "schedule": ("Schedule", "How the learning rate changes on the way"),
    "weight_decay": ("Weight decay", "Pull of all weights to zero"),
    "mixup_alpha": ("Mixup", "Alpha of mixup: how strongly two clips are mixed; 0 for not at all"),
    "masks": ("Masks", "Blocks of frames, and as many of bands, that are blanked in each clip"),
    "mask_frames": ("Mask frames", "Greatest width of a mask, in frames"),
    "mask_bands": ("Mask bands", "Greatest width of a mask, in bands"),
    "roll": ("Roll", "Shift clips in time at random, with wrap-around"),
    "label_smoothing": ("Smoothing", "Share of the target that is spread over all classes"),
    "evaluate_every": ("Evaluate", "Epochs between two scores of the held-out fold, for the curves only"),
}
OF_THE_NETWORK = ("width",)


@dataclass
class TrainForm:
    """One training as a person asks for it; nothing is checked before `build_recipe`.

    Attributes
    ----------
    model, dataset : str
        Name in `MODELS`; words that `load_dataset` takes.
    fold, seed : int
    recipe : str
        Name in `RECIPES`.
    changes : dict of str to str
        Settings that differ from the recipe's, as text.
    more : str
        Further changes as on the command line, e.g. "feature.bands=64, decay=0.9".
    validate : bool
        Score a validation fold cut from the training folds; the test fold stays unseen.
    keep_epochs : bool
        Keep predictions and embeddings of every evaluated epoch.
    """

    model: str = "ts-cnn10"
    dataset: str = "synth10"
    fold: int = 1
    recipe: str = QUICK.name
    seed: int = 0
    changes: dict[str, str] = field(default_factory=dict)
    more: str = ""
    validate: bool = False
    keep_epochs: bool = False

    def set_recipe(self, name: str) -> None:
        """Take a recipe with its own values."""
        find_recipe(name)
        self.recipe, self.changes = name, {}

    def set_value(self, name: str, value: Any) -> None:
        """Change a setting; the recipe's own value takes a change back."""
        if value == read_setting(find_recipe(self.recipe), name, self.model):
            self.changes.pop(name, None)
        else:
            self.changes[name] = str(value).lower() if isinstance(value, bool) else str(value)

    def read_value(self, name: str) -> Any:
        """Return a setting's value, changed or not, as the kind of value that the recipe has."""
        standard = read_setting(find_recipe(self.recipe), name, self.model)
        text = self.changes.get(name)
        if text is None or standard is None:
            return standard
        return text == "true" if isinstance(standard, bool) else type(standard)(text)

    @property
    def all_changes(self) -> dict[str, str]:
        """All settings that differ from the recipe's, as text."""
        return self.changes | parse_pairs(self.more)

    def build_recipe(self) -> Recipe:
        """Return the recipe with its changes.

        Raises
        ------
        OptionError
            When a setting is unknown or its value cannot be.
        """
        return change_recipe(find_recipe(self.recipe), self.model, self.all_changes)


def parse_pairs(text: str) -> dict[str, str]:
    """Return {"decay": "0.9"} for "decay=0.9"; pairs are separated by commas or spaces."""
    pairs = {}
    for part in text.replace(",", " ").split():
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise OptionError(f"more settings: {part}", "is not NAME=VALUE", "write e.g. feature.bands=64")
        pairs[name] = value
    return pairs


def read_setting(recipe: Recipe, name: str, model: str) -> Any:
    """Return a recipe's value of a setting; the network's default where the recipe leaves it open."""
    if name in OF_THE_NETWORK:
        return recipe.model.get(name, model_options(model).get(name))
    return getattr(recipe, name)


def list_choices(name: str) -> tuple[str, ...]:
    """Return the values that a setting may have; none where it is a number or a yes or no."""
    hint = get_type_hints(Recipe).get(name)
    return get_args(hint) if get_origin(hint) is not None and isinstance(get_args(hint)[0], str) else ()


def tell_setting(name: str, recipe: str, model: str) -> str:
    """Return a setting's value in the chosen recipe in words; beside one that is no paper's, what papers take."""
    papers = papers_recipes()
    if recipe in papers:
        return tell_paper(papers[recipe], name, model)
    chosen = f"{recipe}: {write_value(read_setting(find_recipe(recipe), name, model))}"
    values = {
        read_setting(paper, name, model) for paper in papers.values() if name not in paper.not_in_paper
    }  # fmt: skip
    values.discard(None)
    if not values:
        return chosen
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    ends = dict.fromkeys(write_value(value) for value in sorted(values))
    told = f"{min(values):g} to {max(values):g}" if numbers and len(ends) > 2 else " or ".join(ends)
    return f"{chosen}; papers: {told}"


def list_papers(name: str, model: str) -> str:
    """Return a setting's value in every paper, in words."""
    return ", ".join(tell_paper(paper, name, model) for paper in papers_recipes().values())


def tell_paper(recipe: Recipe, name: str, model: str) -> str:
    """Return the value that a paper gives; one that it leaves open is marked as not in the paper."""
    value = write_value(read_setting(recipe, name, model))
    return (
        f"{recipe.name}: {value} (not in the paper)" if name in recipe.not_in_paper else f"{recipe.name} paper: {value}"
    )


def papers_recipes() -> Mapping[str, Recipe]:
    """Return the recipes that are a paper's, not shortened ones."""
    return {name: recipe for name, recipe in RECIPES.items() if not name.endswith(QUICK.name)}


def write_value(value: Any) -> str:
    """Return a setting's value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def tell_changes(recipe: Recipe) -> str:
    """Return a run's recipe in words: its name, and what differs from the recipe of that name."""
    name = recipe.name.removesuffix("*")
    base = RECIPES.get(name)
    if base is None or name == recipe.name:
        return recipe.name
    found, known = recipe.to_dict(), base.to_dict()
    words = []
    for key, value in found.items():
        if key in ("name", "source", "not_in_paper") or value == known[key]:
            continue
        if isinstance(value, dict):
            words += [f"{part} {write_value(v)}" for part, v in value.items() if v != known[key].get(part)]
        else:
            words.append(f"{key.replace('_', ' ')} {write_value(value)}")
    return f"{name}, {', '.join(words)}" if words else name
