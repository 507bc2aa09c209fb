"""The papers: their recipes, tables and figures, one file a paper."""

from __future__ import annotations

from esclab.errors import OptionError
from esclab.features import FEATURES
from esclab.papers import fpam, freqcnn, spectromasknet, spsm, ts_cnn
from esclab.papers.cells import TableCell
from esclab.training.front_end import change_feature
from esclab.training.recipe import QUICK, Recipe

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        QUICK,
        ts_cnn.RECIPE,
        fpam.RECIPE,
        fpam.RECIPE_MIXUP,
        fpam.RECIPE_QUICK,
        spsm.RECIPE,
        spsm.RECIPE_QUICK,
        freqcnn.RECIPE,
        freqcnn.RECIPE_FSDD,
        freqcnn.RECIPE_REDUCED,
        spectromasknet.RECIPE,
        spectromasknet.RECIPE_FINE_TUNE,
        spectromasknet.RECIPE_QUICK,
    )
}
TABLES: dict[str, dict[int, tuple[TableCell, ...]]] = {
    "freqcnn": freqcnn.TABLES,
    "spectromasknet": spectromasknet.TABLES,
}
"""Tables whose cells can be trained, by paper and number."""
TABLE_DEFAULTS: dict[str, tuple[str, str]] = {
    "freqcnn": ("fsdd:speakers", freqcnn.RECIPE_REDUCED.name),
    "spectromasknet": ("esc50", spectromasknet.RECIPE.name),
}
"""The dataset and the recipe of each paper's tables: its own, or what stands in for recordings that are not free."""


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name, or raise OptionError that lists them.

    A front end may follow a recipe's name, as in "spsm-quick-cqt" (`change_feature`).
    """
    base, _, feature = name.rpartition("-")
    if name not in RECIPES and base in RECIPES and feature in FEATURES:
        return change_feature(RECIPES[base], feature)
    if name not in RECIPES:
        raise OptionError(f"recipe {name}", "is not known", f"choose one of {', '.join(RECIPES)}")
    return RECIPES[name]


def find_table(paper: str, number: int) -> tuple[TableCell, ...]:
    """Return the cells of a paper's table, or raise OptionError that lists what there is."""
    if paper not in TABLES:
        raise OptionError(f"paper {paper}", "has no table to train", f"choose one of {', '.join(TABLES)}")
    if number not in TABLES[paper]:
        numbers = ", ".join(map(str, TABLES[paper]))
        raise OptionError(f"table {number} of {paper}", "cannot be trained", f"choose one of {numbers}")
    return TABLES[paper][number]
