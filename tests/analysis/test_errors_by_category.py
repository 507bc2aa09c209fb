from __future__ import annotations

import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.analysis.errors import confused_pairs, confusion_series, errors_by_category
from esclab.errors import DatasetError, OptionError, RunError
from esclab.training.checkpoint import save_arrays
from esclab.training.run import open_run

CATEGORIES = {"a": "one", "b": "one", "c": "one", "d": "two", "e": "two"}


def test_confused_pairs_are_counted_and_ranked(answer):
    #         a  a  a  a  b  b  c  c  c  d
    true = [0, 0, 0, 0, 1, 1, 2, 2, 2, 3]
    said = [1, 1, 0, 2, 0, 1, 3, 3, 2, 3]
    table = confused_pairs(answer(true, said, classes=5))
    rows = [tuple(row) for row in table.itertuples(index=False)]
    assert rows == [
        ("model", "c", "d", 2, 2 / 3, ("clip0006", "clip0007")),
        ("model", "a", "b", 2, 0.5, ("clip0000", "clip0001")),
        ("model", "b", "a", 1, 0.5, ("clip0004",)),
        ("model", "a", "c", 1, 0.25, ("clip0003",)),
    ]
    assert list(table) == ["model", "true", "predicted", "count", "share", "clips"]


def test_confused_pairs_pool_folds_and_seeds_of_a_model_and_keep_models_apart(answer):
    parts = [
        answer([0, 0, 1], [1, 0, 1], seed=0, model="m"),
        answer([0, 0, 1], [1, 1, 1], seed=1, model="m"),
        answer([0, 0, 1], [0, 0, 0], model="n"),
    ]
    rows = [tuple(row) for row in confused_pairs(parts).itertuples(index=False)]
    assert rows == [
        ("m", "a", "b", 3, 3 / 4, ("clip0000", "clip0001")),
        ("n", "b", "a", 1, 1.0, ("clip0002",)),
    ]


def test_confused_pairs_stop_at_the_top_and_are_none_without_errors(answer):
    assert len(confused_pairs(answer([0, 1, 2], [1, 2, 0], classes=3), top=2)) == 2
    none = confused_pairs(answer([0, 1], [0, 1]))
    assert none.empty
    assert list(none) == ["model", "true", "predicted", "count", "share", "clips"]


def test_errors_by_category_are_those_counted_by_hand(answer):
    # a for b and a for c stay in "one", b for d leaves it; d for e stays in "two"; one right answer.
    table = errors_by_category(answer([0, 0, 1, 3, 4], [1, 2, 3, 4, 4], classes=5), CATEGORIES)
    row = table.iloc[0]
    assert row[["model", "answers", "errors", "within", "across"]].tolist() == ["model", 5, 4, 3, 1]
    assert row["within_share"] == 0.75
    # A random wrong answer stays in "one" for 2 of 4 other classes, in "two" for 1 of 4.
    assert row["random_share"] == pytest.approx((0.5 + 0.5 + 0.5 + 0.25) / 4)


def test_random_wrong_answers_lie_at_the_reference(answer):
    generator = np.random.default_rng(0)
    true = generator.integers(5, size=20_000)
    said = (true + generator.integers(1, 5, size=20_000)) % 5
    row = errors_by_category(answer(true, said, classes=5), CATEGORIES).iloc[0]
    assert row["within_share"] == pytest.approx(row["random_share"], abs=0.01)


def test_model_without_errors_has_no_shares(answer):
    models = [answer([0, 1], [0, 1], model="m"), answer([0, 1], [1, 1], model="n")]
    table = errors_by_category(models, {"a": "x", "b": "x"})
    assert table["errors"].tolist() == [0, 1]
    assert table[["within_share", "random_share"]].isna().all(axis=1).tolist() == [True, False]
    assert table.loc[1, ["within_share", "random_share"]].tolist() == [1, 1]


def test_what_cannot_be_counted_is_refused(answer):
    one = answer([0, 1], [1, 1])
    with pytest.raises(DatasetError, match="categories: b have none"):
        errors_by_category(one, {"a": "x"})
    with pytest.raises(OptionError, match="top=0: is less than 1"):
        confused_pairs(one, top=0)
    with pytest.raises(OptionError, match="there are none"):
        confused_pairs([])
    with pytest.raises(OptionError, match="have different classes"):
        confused_pairs([one, answer([0, 2], [1, 1], classes=3)])
    with pytest.raises(DatasetError, match="not a number"):
        errors_by_category(replace(one, probabilities=one.probabilities * math.nan), {"a": "x", "b": "x"})


def test_confusions_are_counted_at_each_epoch(tiny_runs, tmp_path):
    shutil.copytree(tiny_runs[0].path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    pd.concat([run.read_history()] * 2).assign(epoch=[1, 2]).to_csv(run.path / "history.csv", index=False)
    final = run.read_predictions()
    right = np.eye(10)[final.true]
    save_arrays(run.path / "epochs" / "00001.npz", probabilities=right, embeddings=right)
    series = confusion_series(run, "1,last")
    assert series.epochs == (1, 2)
    assert series.matrices[0].counts.tolist() == np.eye(10).tolist()
    assert series.matrices[1].counts.trace() == final.correct.sum()
    assert [matrix.label for matrix in series.matrices] == ["epoch 1", "epoch 2"]
    assert series.label == "cnn10 on synth10:50, fold 1, seed 0"
    with pytest.raises(RunError, match="did not keep epoch 3"):
        confusion_series(run, (3,))
