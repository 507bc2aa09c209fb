"""The ledger is only ever appended to, and holds a key once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from esclab.errors import StorageError
from esclab.training.ledger import COLUMNS, KEY, append_result, describe_run, digest_recipe, read_ledger
from esclab.training.run import Run

SCORES = {"accuracy": 0.123456789, "uar": 0.5, "log_loss": 2.5, "ece": 0.25}

APPEND = """
import os, sys, time
from esclab.training.ledger import COLUMNS, append_result

ledger, name, ready, go = sys.argv[1:]
open(ready, "w").close()
while not os.path.exists(go):
    time.sleep(0.001)
for number in range(15):
    for model in (name, "both"):
        append_result(ledger, {**dict.fromkeys(COLUMNS, 0), "model": model, "seed": number})
"""


def make_row(**values: object) -> dict[str, object]:
    defaults = {"model": "cnn10", "dataset": "esc10", "protocol": "5 folds, official", "recipe": "quick"}
    return {**dict.fromkeys(COLUMNS, 1), **defaults, "recipe_digest": "012345678901", **values}


def test_missing_ledger_reads_as_empty(tmp_path):
    table = read_ledger(tmp_path / "runs.csv")
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 0


def test_appended_row_is_read_back(tmp_path):
    path = tmp_path / "new" / "runs.csv"
    assert append_result(path, make_row(accuracy=0.25))
    table = read_ledger(path)
    assert table["accuracy"].tolist() == [0.25]
    assert table["protocol"].tolist() == ["5 folds, official"]
    assert table["recipe_digest"].tolist() == ["012345678901"]  # not a number


def test_appending_keeps_every_old_byte(tmp_path):
    path = tmp_path / "runs.csv"
    append_result(path, make_row(accuracy=0.5))
    # As another program may have left it.
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.500").replace(b"\n", b"\r\n"))
    old = path.read_bytes()
    for seed in (2, 3):
        assert append_result(path, make_row(seed=seed))
        assert path.read_bytes().startswith(old)
        old = path.read_bytes()
    assert read_ledger(path)["seed"].tolist() == [1, 2, 3]


def test_last_line_without_an_end_is_not_run_into(tmp_path):
    path = tmp_path / "runs.csv"
    append_result(path, make_row())
    path.write_bytes(path.read_bytes().rstrip())
    append_result(path, make_row(seed=2))
    assert read_ledger(path)["seed"].tolist() == [1, 2]


def test_row_goes_under_the_names_of_the_file(tmp_path):
    path = tmp_path / "runs.csv"
    append_result(path, make_row())
    read_ledger(path)[[*reversed(COLUMNS)]].assign(note="mine").to_csv(path, index=False)
    append_result(path, make_row(seed=2, accuracy=0.75))
    table = read_ledger(path)
    assert table["accuracy"].tolist() == [1.0, 0.75]
    assert table["model"].tolist() == ["cnn10", "cnn10"]
    assert table["note"].tolist()[0] == "mine"


def test_same_key_is_not_appended_again(tmp_path):
    path = tmp_path / "runs.csv"
    assert append_result(path, make_row(accuracy=0.5))
    before = path.read_bytes()
    assert not append_result(path, make_row(accuracy=0.9, seconds=3, date="2030-01-01"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", KEY)
def test_any_other_part_of_the_key_makes_another_row(tmp_path, name):
    path = tmp_path / "runs.csv"
    append_result(path, make_row())
    assert append_result(path, make_row(**{name: "7" if name == "recipe_digest" else 7}))
    assert len(read_ledger(path)) == 2


@pytest.mark.parametrize("name", ["seed", "accuracy", "date"])
def test_ledger_without_a_column_is_refused_by_name_and_kept(tmp_path, name):
    path = tmp_path / "runs.csv"
    append_result(path, make_row())
    pd.read_csv(path).drop(columns=name).to_csv(path, index=False)
    before = path.read_bytes()
    for use in (read_ledger, lambda path: append_result(path, make_row(seed=2))):
        with pytest.raises(StorageError, match=f"lacks the columns {name}"):
            use(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b'a,"b\n', b"a,b\n1,2,3\n4,5,6,7\n"])
def test_damaged_ledger_is_refused_by_path_and_kept(tmp_path, data):
    path = tmp_path / "runs.csv"
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"runs\.csv"):
        append_result(path, make_row())
    assert path.read_bytes() == data


def test_two_processes_lose_nothing_and_double_nothing(tmp_path):
    path, go = tmp_path / "runs.csv", tmp_path / "go"
    ready = [tmp_path / "a", tmp_path / "b"]
    processes = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(path), file.name, str(file), str(go)]) for file in ready
    ]
    deadline = time.monotonic() + 60
    while not all(file.exists() for file in ready) and time.monotonic() < deadline:
        time.sleep(0.01)
    go.touch()
    assert [process.wait() for process in processes] == [0, 0]
    table = read_ledger(path)
    assert table.groupby("model")["seed"].apply(sorted).to_dict() == {
        name: list(range(15)) for name in ("a", "b", "both")
    }


def test_finished_run_is_described_by_its_config_and_scores(finished):
    row = describe_run(finished.run, SCORES)
    assert tuple(row) == COLUMNS
    assert (row["model"], row["dataset"], row["fold"], row["seed"]) == ("ts-cnn10", "synth10:50", 1, 0)
    assert (row["accuracy"], row["log_loss"]) == (0.123457, 2.5)
    assert (row["clips"], row["iterations"], row["threads"]) == (10, 6, 1)
    assert "torch=" in row["versions"]


def with_recipe(run: Run, **changes: object) -> Run:
    return replace(run, config=replace(run.config, recipe=replace(run.config.recipe, **changes)))


@pytest.mark.parametrize(
    "change",
    [
        {"iterations": 7},
        {"measured_statistics": True},
        {"learning_rate": 0.004},
        {"roll": False},
        {"duration_s": 2.0},
        {"model": {"width": 0.5}},
        {"feature": {"name": "logmel", "bands": 64}},
    ],
)
def test_digest_changes_with_a_setting(finished, change):
    assert digest_recipe(with_recipe(finished.run, **change)) != digest_recipe(finished.run)


@pytest.mark.parametrize("change", [{"evaluate_every": 3}, {"source": "elsewhere"}, {"not_in_paper": ("masks",)}])
def test_digest_keeps_where_no_score_can_change(finished, change):
    assert digest_recipe(with_recipe(finished.run, **change)) == digest_recipe(finished.run)


def test_digest_survives_saving(finished):
    from esclab.training.run import open_run

    digest = digest_recipe(finished.run)
    assert digest == digest_recipe(open_run(finished.run.path))
    assert len(digest) == 12
    assert set(digest) <= set("0123456789abcdef")


def test_lock_beside_the_ledger_holds_nothing(tmp_path):
    path = tmp_path / "runs.csv"
    append_result(path, make_row())
    others: list[Path] = [file for file in tmp_path.iterdir() if file != path]
    assert all(os.path.getsize(file) == 0 for file in others)
