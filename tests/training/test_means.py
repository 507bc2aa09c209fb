"""The ledger of means."""

from __future__ import annotations

import pandas as pd
import pytest

from esclab.results import AccuracyResult
from esclab.training.ledger import read_ledger
from esclab.training.means import MEANS_KEY, enter_means


def make_row(model: str, fold: int, seed: int = 0) -> dict[str, object]:
    names = {"dataset": "esc10", "protocol": "official", "recipe": "quick", "recipe_digest": "12"}
    return {"model": model, "fold": fold, "seed": seed, **names, "clips": 80, "uar": 0.5 + fold / 10 + seed / 50}


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
    # Recalls 0.6 and 0.62 of fold 1, 0.7 and 0.72 of fold 2.
    assert (first["uar"], first["uar_spread"]) == pytest.approx((0.66, 0.1 / 2**0.5), abs=1e-6)
    assert found["uar"].tolist()[1] == pytest.approx(0.6)
    assert found[["spread", "uar_spread"]].isna().to_numpy().tolist() == [[False, False], [True, True]]
    enter_means(tmp_path, AccuracyResult(table.head(1), pd.DataFrame(), 0.1), rows[:1])
    assert len(pd.read_csv(tmp_path / "means.csv")) == 3  # one fold alone is another mean


def test_ledger_from_before_recalls_were_kept_is_gone_on_with(tmp_path):
    table = pd.DataFrame(
        [("cnn10", 0.85, 0.8, 0.9, float("nan"), 1)], columns=["model", "mean", "low", "high", "spread", "folds"]
    )
    accuracy = AccuracyResult(table, pd.DataFrame(), 0.1)
    path = tmp_path / "means.csv"
    enter_means(tmp_path, accuracy, [make_row("cnn10", 1)])
    old = "".join(line.rsplit(",", 2)[0] + "\n" for line in path.read_text().splitlines())
    path.write_text(old)
    enter_means(tmp_path, accuracy, [make_row("cnn10", 1)])
    assert path.read_text() == old  # a row that is there changes nothing
    enter_means(tmp_path, accuracy, [make_row("cnn10", 2)])
    assert [line.removesuffix(",,") for line in path.read_text().splitlines()[1:-1]] == old.splitlines()[1:]
    found = read_ledger(path, (*MEANS_KEY, "uar", "uar_spread"))
    assert found["uar"].isna().tolist() == [True, False]
    assert found["uar"].tolist()[1] == pytest.approx(0.7)
