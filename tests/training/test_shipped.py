from __future__ import annotations

import shutil

import pytest
import torch

from esclab.errors import RunError
from esclab.features.store import load_features
from esclab.training import shipped
from esclab.training.data import predict_features
from esclab.training.shipped import find_run, list_shipped


@pytest.fixture
def shelf(finished, tmp_path, monkeypatch):
    """Let the package ship one run, called tiny."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    shutil.copytree(finished.run.path, tmp_path / "shipped" / "tiny")
    return tmp_path / "shipped"


def test_shipped_run_is_found_by_its_name(shelf, finished):
    assert list_shipped() == ["tiny"]
    assert find_run("tiny").config == finished.run.config


def test_run_is_found_by_its_folder(finished):
    assert find_run(finished.run.path).path == finished.run.path
    assert find_run(str(finished.run.path)).config == finished.run.config


def test_folder_goes_before_a_shipped_run_of_the_same_name(shelf, finished, tmp_path, monkeypatch):
    shutil.copytree(finished.run.path, tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert find_run("tiny").path.resolve() == tmp_path / "tiny"


def test_unknown_run_is_refused_and_the_shipped_ones_are_listed(shelf):
    with pytest.raises(RunError, match="one of: tiny"):
        find_run("tinny")


@pytest.mark.parametrize("name", ["../tiny", "tiny/..", "/etc/passwd"])
def test_name_cannot_lead_out_of_the_shipped_runs(shelf, name):
    with pytest.raises(RunError):
        find_run(name)


def test_every_shipped_run_loads_its_model():
    for name in list_shipped():
        assert not find_run(name).load_model().training


@pytest.mark.parametrize("model", ["cnn10", "ts-cnn10"])
def test_shipped_run_still_gives_the_predictions_that_it_was_scored_by(model, clips):
    """`synth10:50` is the beginning of `synth10`, so its clips of the test fold are among the shipped predictions."""
    run = find_run(f"{model}-synth10")
    stored = run.read_predictions()
    rows = clips.table.index[clips.table["fold"] == run.config.fold]
    features = load_features(clips, run.build_feature(), duration_s=run.config.duration_s)
    probabilities, _ = predict_features(run.load_model(), torch.from_numpy(features[rows].astype("float32")))
    place = {clip: number for number, clip in enumerate(stored.clips)}
    expected = stored.probabilities[[place[clip] for clip in clips.table["clip"][rows]]]
    assert len(rows) == 10
    assert probabilities == pytest.approx(expected, abs=0.02)
    assert (probabilities.argmax(1) == expected.argmax(1)).mean() >= 0.9


def test_shipped_runs_are_small():
    assert sum(path.stat().st_size for path in shipped.FOLDER.rglob("*")) < 3_000_000
