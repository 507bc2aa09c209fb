"""The ledger of means."""

from __future__ import annotations

import pandas as pd
import pytest

from esclab.results import AccuracyResult
from esclab.training.means import enter_means


def make_row(model: str, fold: int, seed: int = 0) -> dict[str, object]:
    names = {"dataset": "esc10", "protocol": "official", "recipe": "quick", "recipe_digest": "12"}
    return {"model": model, "fold": fold, "seed": seed, **names, "clips": 80}


def test_each_model_has_one_row_of_all_its_folds_and_seeds(tmp_path):
    table = pd.DataFrame(
        [("cnn10", 0.85, 0.8, 0.9, 0.05, 2), ("tdnn", 0.75, 0.7, 0.8, float("nan"), 1)],
        columns=["model", "mean", "low", "high", "spread", "folds"],
    )
    rows = [make_row("cnn10", fold, seed) for seed in (0, 1) for fold in (2, 1)] + [make_row("tdnn", 1)]
    for _ in range(2):  # a second time adds nothing
        enter_means(tmp_path, AccuracyResult(table, pd.DataFrame(), 0.1), rows)
    found = pd.read_csv(tmp_path / "means.csv", dtype={"folds": str, "seeds": str})
    assert found["model"].tolist() == ["cnn10", "tdnn"]
    assert found["folds"].tolist() == ["1 2", "1"]
    assert found["seeds"].tolist() == ["0 1", "0"]
    assert found["clips"].tolist() == [160, 80]
    first = found.iloc[0]
    assert (first["accuracy"], first["low"], first["high"], first["spread"]) == pytest.approx((0.85, 0.8, 0.9, 0.05))
    enter_means(tmp_path, AccuracyResult(table.head(1), pd.DataFrame(), 0.1), rows[:1])
    assert len(pd.read_csv(tmp_path / "means.csv")) == 3  # one fold alone is another mean
