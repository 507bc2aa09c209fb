from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from esclab.cli.train import parse_changes, parse_folds
from esclab.errors import OptionError
from esclab.training.run import open_run


def test_train_writes_a_run_and_prints_it_as_json(trained):
    printed = json.loads(trained.result.stdout)
    run = open_run(trained.run)
    assert printed["run"] == str(trained.run)
    assert {key: value for key, value in printed.items() if key != "run"} == run.summary
    assert printed["iterations"] == run.config.recipe.iterations == 4
    assert run.config.recipe.name == "quick*"
    assert run.config.fold == 1


def test_train_adds_one_row_to_the_ledger(trained):
    table = pd.read_csv(trained.results / "runs.csv")
    assert len(table) == 1
    (row,) = table.to_dict("records")
    assert (row["model"], row["dataset"], row["fold"], row["seed"], row["recipe"]) == (
        "cnn10", "synth10:50", 1, 0, "quick*",
    )  # fmt: skip
    assert row["accuracy"] == pytest.approx(open_run(trained.run).summary["accuracy"])


def test_same_command_again_trains_nothing_and_adds_no_row(call, trained):
    before = (trained.results / "runs.csv").read_bytes()
    weights = (trained.run / "weights.safetensors").stat().st_mtime_ns
    result = call(*trained.words)
    assert "on fold 1 -> " in result.stdout
    assert (trained.results / "runs.csv").read_bytes() == before
    assert (trained.run / "weights.safetensors").stat().st_mtime_ns == weights


def test_resume_finishes_a_run_that_was_begun(call, trained, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_bytes((trained.run / "config.json").read_bytes())
    result = call("resume", tmp_path / "run", "--results", tmp_path)
    assert "accuracy " in result.stdout
    assert "4/4" in result.stdout  # the bar
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == (trained.run / "weights.safetensors").read_bytes()
    assert len(pd.read_csv(tmp_path / "runs.csv")) == 1


def test_run_goes_to_a_folder_named_after_it_by_default(call, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("train", "cnn10", *tiny, "--fold", "2", "--seed", "3", "--validation-fold", "4", "--keep-epochs", "--json")
    (folder,) = Path("runs/synth10-50").glob("quick-*/cnn10/fold2-valid4-seed3")
    run = open_run(folder)
    assert run.is_finished
    assert (run.config.fold, run.config.held_out, run.config.seed) == (2, 4, 3)
    assert len(list((run.path / "epochs").iterdir())) == 2  # 30 clips in batches of 8 are 3 steps
    assert len(pd.read_csv("results/runs.csv")) == 1


def test_cv_compares_models_and_enters_every_run(call, tiny, tmp_path):
    words = ("cv", "cnn10", "s-cnn10", *tiny, "--folds", "1,2", "--runs", tmp_path / "runs", "--results", tmp_path)
    result = call(*words, "--json")
    content = json.loads(result.stdout)
    assert sorted(row["model"] for row in content["accuracy"]) == ["cnn10", "s-cnn10"]
    assert set(content["seconds"]) == {"cnn10", "s-cnn10"}
    assert len(content["pairs"]) == 1
    table = pd.read_csv(tmp_path / "runs.csv")
    assert sorted(zip(table["model"], table["fold"], strict=True)) == [
        ("cnn10", 1), ("cnn10", 2), ("s-cnn10", 1), ("s-cnn10", 2),
    ]  # fmt: skip
    means = pd.read_csv(tmp_path / "means.csv")
    assert means["model"].tolist() == ["cnn10", "s-cnn10"]
    assert means["accuracy"].tolist() == pytest.approx([row["mean"] for row in content["accuracy"]], abs=1e-6)
    before = (tmp_path / "runs.csv").read_bytes()
    again = call(*words)
    assert "| cnn10" in again.stdout
    assert "McNemar" in again.stdout
    assert "recipe quick*" in again.stdout
    assert (tmp_path / "runs.csv").read_bytes() == before


def test_cv_of_one_model_has_nothing_to_compare(call, tiny, tmp_path):
    words = (
        "cv",
        "cnn10",
        *tiny,
        "--folds",
        "3",
        "--seed",
        "1",
        "--validate",
        "--runs",
        tmp_path,
        "--results",
        tmp_path,
    )
    result = call(*words)
    assert "McNemar" not in result.stdout
    assert "unseen" in result.stdout
    assert pd.read_csv(tmp_path / "runs.csv")["fold"].tolist() == [4]


def test_parse_changes_splits_at_the_first_equals_sign():
    assert parse_changes(["width=1/4", "source=a=b"]) == {"width": "1/4", "source": "a=b"}
    assert parse_changes(None) == {}


@pytest.mark.parametrize("text", ["width", "=1", "width=", ""])
def test_change_that_is_no_pair_is_refused(text):
    with pytest.raises(OptionError, match="NAME=VALUE"):
        parse_changes([text])


@pytest.mark.parametrize(("text", "folds"), [("", None), ("3", (3,)), ("1, 3", (1, 3))])
def test_parse_folds_reads_numbers(text, folds):
    assert parse_folds(text) == folds


def test_cv_of_one_fold_prints_json_that_any_program_reads(call, tiny, tmp_path):
    words = ("cv", "cnn10", *tiny, "--folds", "1", "--runs", tmp_path, "--results", tmp_path, "--json")
    (row,) = json.loads(call(*words).stdout, parse_constant=pytest.fail)["accuracy"]
    assert row["model"] == "cnn10"
    assert row["spread"] is None  # of one fold


@pytest.mark.parametrize("words", [("train", "--out"), ("cv", "--runs")])
def test_seed_below_0_is_refused_and_nothing_is_written(call, tiny, tmp_path, words):
    result = call(words[0], "cnn10", *tiny, "--seed", "-1", words[1], tmp_path / "run", "--results", tmp_path)
    assert result.exit_code == 2
    assert "Invalid value for '--seed'" in result.stderr
    assert list(tmp_path.iterdir()) == []
