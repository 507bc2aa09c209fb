"""The ledger of mean accuracies, `means.csv`: one row a model and its folds and seeds, with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from esclab.training.ledger import append_result

if TYPE_CHECKING:
    from esclab.results import AccuracyResult

UAR = ("uar", "uar_spread")
"""Columns at the end, which a ledger begun without them gets."""
MEANS_KEY = ("model", "dataset", "protocol", "folds", "seeds", "recipe", "recipe_digest")


def describe_means(accuracy: AccuracyResult, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a model.

    Parameters
    ----------
    accuracy : AccuracyResult
    rows : sequence of dict
        The rows of `runs.csv` that belong to it, each model's of one recipe.

    Returns
    -------
    rows : list of dict
        What names a model's runs, `accuracy` (mean over folds), `low` and `high` (95 % bootstrap over source
        recordings), `spread` (standard deviation over folds), in 0..1, and `clips`, all that were tested; `uar` and
        `uar_spread`, mean and standard deviation over folds of the unweighted average recall. Spreads are NaN with one
        fold.
    """
    runs = pd.DataFrame(list(rows))
    return [_describe_mean(mean, runs[runs["model"] == mean.model]) for mean in accuracy.table.itertuples(index=False)]


def enter_means(folder: Path, accuracy: AccuracyResult, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append each model's row to `means.csv` in a folder, unless it is there."""
    for row in describe_means(accuracy, rows):
        append_result(folder / "means.csv", row, key=MEANS_KEY, later=UAR)


def _describe_mean(mean: Any, runs: pd.DataFrame) -> dict[str, Any]:
    first, uar = runs.iloc[0], runs.groupby("fold")["uar"].mean()
    return {
        "model": mean.model,
        "dataset": first["dataset"],
        "protocol": first["protocol"],
        "folds": _list_numbers(runs["fold"]),
        "seeds": _list_numbers(runs["seed"]),
        "recipe": first["recipe"],
        "recipe_digest": first["recipe_digest"],
        "accuracy": round(float(mean.mean), 6),
        **{name: round(float(getattr(mean, name)), 6) for name in ("low", "high", "spread")},
        "clips": int(runs.drop_duplicates("fold")["clips"].sum()),
        **dict(zip(UAR, (round(float(value), 6) for value in (uar.mean(), uar.std(ddof=1))), strict=True)),
    }


def _list_numbers(column: pd.Series) -> str:
    return " ".join(str(number) for number in sorted(set(column)))
