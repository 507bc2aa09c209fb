"""Faulty runs and odd names in explorers: one clear line, the rest goes on, and nothing is markup."""

from __future__ import annotations

import json
import shutil

import pytest

from esclab.errors import RunError
from esclab.widgets.noise import NoiseExplorer
from esclab.widgets.train import TrainExplorer

EVIL = "<script>alert(1)</script>"


def copy_run(run, folder, **changes):
    """Copy a run with changes to its configuration."""
    shutil.copytree(run.path, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes))
    return folder


def test_noise_lab_tells_of_a_run_of_another_version_and_shows_the_others(tiny_runs, clips, tmp_path):
    other = copy_run(tiny_runs[0], tmp_path / EVIL.replace("/", "-"), format=99)
    lab = NoiseExplorer([other, tiny_runs[0]], clips, folder=tmp_path / "out")
    assert len(lab.controller.models) == 1
    assert "1 run is left out" in lab.problems.value
    assert "format 99" in lab.problems.value
    assert "<script" not in lab.problems.value
    with pytest.raises(RunError, match="format 99"):
        NoiseExplorer([other], clips)


def test_noise_lab_works_for_a_model_without_attention(tiny_runs, clips, tmp_path):
    run = next(run for run in tiny_runs if run.config.model == "cnn10")
    lab = NoiseExplorer(run, clips, folder=tmp_path / "out")
    assert lab.gates_picker.disabled
    assert lab.gates_picker.options == (("no model has attention", ""),)
    lab.snr_slider.value = 0
    assert lab.controller.message == ""
    assert lab.after[0].time_strip == b""
    assert lab.after[0].overlay


def test_train_explorer_tells_of_a_run_of_another_version_and_shows_the_others(tiny_runs, clips, tmp_path):
    copy_run(tiny_runs[0], tmp_path / "runs" / EVIL.replace("/", "-"), format=99)
    copy_run(tiny_runs[0], tmp_path / "runs" / "good")
    explorer = TrainExplorer(clips, root=tmp_path / "runs", folder=tmp_path / "out")
    assert len(explorer.controller.entries) == 1
    assert "format 99" in explorer.problems.value
    assert "<script" not in explorer.problems.value
    assert "&lt;script" in explorer.problems.value


def test_names_in_a_run_are_text_for_the_train_explorer(tiny_runs, clips, tmp_path):
    copy_run(tiny_runs[0], tmp_path / "runs" / "odd", dataset=EVIL)
    explorer = TrainExplorer(clips, root=tmp_path / "runs", folder=tmp_path / "out")
    explorer.controller.choose(explorer.controller.entries[0].path)
    assert explorer.controller.entries[0].run.config.dataset == EVIL
    texts = (explorer.words, explorer.status, explorer.problems, explorer.curves.caption)
    assert all("<script" not in text.value for text in texts)
