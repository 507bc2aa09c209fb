from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from esclab import clips
from esclab.analysis import CLASSIFIERS
from esclab.errors import OptionError

WORDS = ("baselines", "--dataset", "synth10:50")


def test_baselines_prints_each_method_with_its_interval(call, tmp_path, monkeypatch):
    monkeypatch.setitem(CLASSIFIERS["random-forest"].settings, "n_estimators", 5)
    shown = call(*WORDS, "--results", tmp_path).stdout
    assert "synth10:50, 5 folds by source, synthetic, MFCC statistics" in shown
    assert "95 % interval" in shown
    for name in ("knn", "svm", "random-forest"):
        assert f"| {name} |" in shown


def test_baselines_enters_a_row_a_fold_once(call, tmp_path):
    content = json.loads(call(*WORDS, "--method", "knn", "svm", "--results", tmp_path, "--json").stdout)
    table = pd.read_csv(tmp_path / "runs.csv")
    assert table.groupby("model")["fold"].apply(list).to_dict() == {"knn": [1, 2, 3, 4, 5], "svm": [1, 2, 3, 4, 5]}
    assert set(table["recipe"]) == {"mfcc-statistics"}
    means = {row["model"]: row["mean"] for row in content["accuracy"]}
    assert means == pytest.approx(table.groupby("model")["accuracy"].mean().to_dict(), abs=1e-6)
    before = (tmp_path / "runs.csv").read_bytes()
    call(*WORDS, "--method", "svm", "knn", "--results", tmp_path, "--json")
    assert (tmp_path / "runs.csv").read_bytes() == before


def test_baselines_refuses_an_unknown_method_before_anything_is_measured(call, tmp_path):
    with pytest.raises(OptionError, match="choose one of knn, svm, random-forest"):
        call("baselines", "--dataset", "no such dataset", "--method", "lda", "--results", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_baselines_of_one_fold_print_json_that_any_program_reads(call, tmp_path, monkeypatch):
    made = clips.load_dataset("synth10:50")
    monkeypatch.setattr(clips, "load_dataset", lambda spec: replace(made, test_folds=(1,)))
    words = (*WORDS, "--method", "knn", "--results", tmp_path, "--json")
    (row,) = json.loads(call(*words).stdout, parse_constant=pytest.fail)["accuracy"]
    assert row["spread"] is None


def test_seed_that_the_forest_does_not_take_is_refused(call):
    for seed in (-1, 2**32):
        assert call(*WORDS, "--seed", seed).exit_code == 2
