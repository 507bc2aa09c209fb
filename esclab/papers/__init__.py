"""The papers: their recipes, tables and figures, one file a paper."""

from __future__ import annotations

from esclab.errors import OptionError
from esclab.papers import ts_cnn
from esclab.training.recipe import QUICK, Recipe

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (QUICK, ts_cnn.RECIPE)}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name, or raise OptionError that lists them."""
    if name not in RECIPES:
        raise OptionError(f"recipe {name}", "is not known", f"choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
