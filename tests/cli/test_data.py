from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from esclab import clips
from esclab.cli import app
from esclab.clips import DATASETS


def test_datasets_lists_every_dataset_and_how_to_get_it(call, monkeypatch):
    monkeypatch.setenv("ESCLAB_DATA", "")
    rows = {row["name"]: row for row in json.loads(call("datasets", "--json").stdout)}
    assert set(rows) == set(DATASETS)
    assert rows["esc10"]["state"] == "esclab get esc10"
    assert rows["synth10"]["state"] == "made at first use"
    assert rows["folder"]["state"] == rows["csv"]["state"] == "give a path"
    assert all(row["summary"] and row["size"] for row in rows.values())
    lines = call("datasets").stdout.splitlines()
    assert len(lines) == len(rows)
    starts = {line.index(row["summary"]) for line, row in zip(lines, rows.values(), strict=True)}
    assert len(starts) == 1  # columns


def test_check_of_a_sound_dataset_says_so(call):
    content = json.loads(call("check", "synth10:50", "--json").stdout)
    assert content["ok"] is True
    assert (content["clips"], content["classes"], content["folds"]) == (50, 10, 5)
    assert content["problems"] == []
    assert "no problems" in call("check", "synth10:50").stdout


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_check_of_a_leaking_dataset_ends_with_code_1(monkeypatch, words):
    good = clips.load_dataset("synth10:50")
    leaking = replace(good, table=good.table.assign(source="one recording"))
    monkeypatch.setattr(clips, "load_dataset", lambda spec: leaking)
    result = CliRunner().invoke(app, ["check", "leaking", *words])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    if words:
        content = json.loads(result.stdout)
        assert content["ok"] is False
        assert "one recording" in " ".join(content["problems"])
    else:
        assert "no problems" not in result.stdout


def test_get_makes_the_dataset_and_names_its_licence(call):
    shown = call("get", "synth10:50").stdout
    assert shown.startswith("synth10:50: 50 clips, 10 classes. Licence: CC0")
