"""Training: recipes, runs, the loop, cross-validation, the ledger of results."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "QUICK": "recipe",
    "Recipe": "recipe",
    "Run": "run",
    "change_recipe": "recipe",
    "create_run": "start",
    "cross_validate": "crossval",
    "find_run": "shipped",
    "join_predictions": "crossval",
    "find_runs": "shipped",
    "open_run": "run",
    "provide_run": "lesson",
    "run_folder": "crossval",
    "train": "loop",
    "watch": "progress",
}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
