"""A leaky split says so wherever its scores are shown."""

from __future__ import annotations

import json
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from esclab.analysis import compare_runs
from esclab.cli import app
from esclab.training import find_run
from esclab.widgets.run_rows import list_groups, read_rows

WORDS = "LEAKY: random 2 folds over clips, sources on both sides"


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """A dataset of two classes, 12 recordings of two clips each."""
    folder = tmp_path_factory.mktemp("own")
    time_s = np.arange(8000) / 8000
    lines = ["path,class,fold,source"]
    for number in range(24):
        soundfile.write(folder / f"{number}.wav", np.sin(time_s * (500 + 200 * number)) / 2, 8000)
        lines.append(f"{number}.wav,{'ab'[number // 12]},{1 + number // 2 % 2},{number // 2}")
    (folder / "table.csv").write_text("\n".join(lines))
    return f"csv:{folder / 'table.csv'}"


@pytest.fixture(scope="module")
def runs(call, tiny, spec, tmp_path_factory):
    """Folder of a ledger and of two runs: on the leaky split and on the folds by recording."""
    folder = tmp_path_factory.mktemp("leaky")
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for dataset in (f"{spec}@leaky", spec):
            words = [dataset if word == "synth10:50" else word for word in tiny]
            result = call("train", "cnn10", *words, "--results", folder, "--json")
            paths.append(folder / json.loads(result.stdout)["run"])
    return folder, *paths


@pytest.fixture
def leaky(runs):
    return runs[:2]


def test_leaky_run_lies_in_a_folder_of_its_own(runs, spec):
    folder, run, other = runs
    names = [path.relative_to(folder).parts[1] for path in (run, other)]
    assert names[0] == f"{names[1]}-leaky"
    config = json.loads((run / "config.json").read_text())
    assert config["dataset"] == f"{spec}@leaky"
    assert config["protocol"].startswith(WORDS)


def test_leaky_row_of_the_ledger_says_so(leaky, spec):
    row, other = pd.read_csv(leaky[0] / "runs.csv").to_dict("records")
    assert (row["dataset"], other["dataset"]) == (f"{spec}@leaky", spec)
    assert row["protocol"] == WORDS
    assert "LEAKY" not in other["protocol"]


@pytest.fixture
def drawn(monkeypatch):
    """Return results by figure as they are exported, in place of files."""
    results = {}
    module = import_module("esclab.figures.export")  # the package has a function of the same name
    monkeypatch.setattr(module, "export", lambda name, result, stem, **_: results.update({name: result}) or [])
    return results


def test_leaky_run_is_evaluated_under_its_name(call, leaky, drawn, spec, tmp_path):
    assert f"{spec}@leaky: {WORDS}" in call("evaluate", leaky[1], "--out", tmp_path).stdout
    assert f"{spec}@leaky" in drawn["confusion"].label
    assert f"{spec}@leaky" in drawn["calibration"].label
    assert all(f"{spec}@leaky" in run for run in drawn["learning"].histories)


def test_leaky_errors_are_drawn_under_their_name(call, leaky, drawn, spec, tmp_path):
    call("errors", leaky[1], "--out", tmp_path)
    assert drawn["confusion"].label == f"cnn10 on {spec}@leaky"


def test_leaky_comparison_says_so(leaky, spec):
    label = compare_runs([find_run(leaky[1])]).accuracy.label
    assert label.startswith(f"{spec}@leaky, {WORDS}")


def test_leaky_runs_are_never_mixed_with_others(runs):
    groups = list_groups(read_rows([find_run(path) for path in runs[1:]]).table)
    assert len(groups) == 2
    assert sum("LEAKY" in label for label in groups) == 1


def test_check_counts_siblings_and_fails_for_the_leaky_split(spec):
    result = CliRunner().invoke(app, ["check", f"{spec}@leaky"])
    assert result.exit_code == 1
    assert f"{spec}@leaky, {WORDS}: " in result.stdout
    assert "have a sibling from their source in training" in result.stdout
    told = json.loads(CliRunner().invoke(app, ["check", spec, "--json"]).stdout)
    assert told["test_clips_with_sibling"] == [
        {"fold": 1, "clips": 12, "shared": 0}, {"fold": 2, "clips": 12, "shared": 0},
    ]  # fmt: skip
    assert "LEAKY" not in told["protocol"]
