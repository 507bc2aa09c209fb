"""Cells of a paper's table: networks with settings, trained under one recipe, beside the printed scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from esclab.errors import OptionError
from esclab.models import model_options
from esclab.training.recipe import Recipe


@dataclass(frozen=True)
class TableCell:
    """One cell, or row, of a table.

    Attributes
    ----------
    name : str
        What the paper calls it.
    model : str
        Name in `MODELS`.
    settings : mapping
        Settings of the network that make this cell.
    accuracy, uar : float or None
        As printed, in %; None where the paper has none.
    """

    name: str
    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    accuracy: float | None = None
    uar: float | None = None


def recipe_of_cell(recipe: Recipe, cell: TableCell) -> Recipe:
    """Return the recipe with the cell's settings, which its name tells, e.g. "freqcnn-64+parts=4".

    What the network has anyway is left out, so that one network is one run in whichever tables it stands.

    Raises
    ------
    OptionError
        When the network has no such setting.
    """
    known = model_options(cell.model)
    unknown = {**recipe.model, **cell.settings}.keys() - known.keys()
    if unknown:
        raise OptionError(f"model {cell.model}", f"has no setting {min(unknown)}", "choose another recipe or table")
    present = {**known, **recipe.model}
    settings = {name: value for name, value in cell.settings.items() if value != present[name]}
    if not settings:
        return recipe
    words = "+".join(f"{name}={_write_value(value)}" for name, value in settings.items())
    star = "*" if recipe.name.endswith("*") else ""
    name = f"{recipe.name.removesuffix('*')}+{words}{star}"
    return replace(recipe, name=name, model={**recipe.model, **settings})


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
