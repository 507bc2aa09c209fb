from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esclab import clips
from esclab.errors import DatasetError
from esclab.models import MODELS
from esclab.training.run import open_run


def test_models_lists_every_model(call):
    content = json.loads(call("models", "--json").stdout)
    assert content["models"] == {name: entry.summary for name, entry in MODELS.items()}
    assert isinstance(content["shipped"], list)
    shown = call("models").stdout
    assert all(f"{name} " in shown for name in MODELS)
    width = max(map(len, MODELS))
    places = [shown.splitlines()[number].index(entry.summary) for number, entry in enumerate(MODELS.values())]
    assert places == [width + 1] * len(MODELS)


def test_evaluate_prints_the_scores_of_the_held_out_clips(call, trained):
    content = json.loads(call("evaluate", trained.run, "--json").stdout)
    assert content["run"] == str(trained.run)
    assert content["accuracy"] == pytest.approx(open_run(trained.run).summary["accuracy"])
    assert content["log_loss"] == pytest.approx(open_run(trained.run).summary["log_loss"])
    assert len(content["per_class"]) == 10
    shown = call("evaluate", trained.run).stdout
    assert "10 clips" in shown
    assert f"accuracy                 {100 * content['accuracy']:.1f} %" in shown
    assert "| dog" in shown
    assert "macro accuracy (UAR)" in shown
    assert "log loss" in shown
    parameters = sum(weights.numel() for weights in open_run(trained.run).load_model().parameters())
    assert f"model size               {4 * parameters / 2**20:.2f} MiB ({parameters:,} parameters)" in shown
    assert content["parameters"] == parameters
    assert content["devices"] is None
    assert "recording device" not in shown


def test_evaluate_tells_devices_apart_where_the_dataset_does(call, trained, monkeypatch):
    made = clips.load_dataset("synth10:50")
    devices = {clip: "ab"[number % 2] for number, clip in enumerate(made.table["clip"])}
    monkeypatch.setitem(clips.DATASETS, "synth10", replace(clips.DATASETS["synth10"], has_devices=True))
    monkeypatch.setattr(clips, "load_dataset", lambda spec: replace(made, devices=devices))
    rows = json.loads(call("evaluate", trained.run, "--json").stdout)["devices"]
    assert [(row["device"], row["clips"], row["training_clips"]) for row in rows] == [
        ("a", 5, 20), ("b", 5, 20), ("all", 10, 40),
    ]  # fmt: skip
    assert rows[2]["accuracy"] == pytest.approx(open_run(trained.run).summary["accuracy"])
    assert "By recording device:" in call("evaluate", trained.run).stdout


def test_evaluate_without_the_recordings_says_why_devices_are_missing(call, trained, monkeypatch):
    def refuse(spec: str) -> None:
        raise DatasetError(spec, "is not here", "get it")

    monkeypatch.setitem(clips.DATASETS, "synth10", replace(clips.DATASETS["synth10"], has_devices=True))
    monkeypatch.setattr(clips, "load_dataset", refuse)
    assert "Not by recording device: synth10:50: is not here; get it." in call("evaluate", trained.run).stdout


def test_evaluate_writes_its_figures_for_screen_and_print(call, trained, tmp_path):
    call("evaluate", trained.run, "--out", tmp_path / "figures")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    for figure in ("confusion", "calibration", "learning"):
        assert {f"{figure}.{kind}" for kind in ("png", "svg", "pdf", "csv", "json")} <= names
    assert (tmp_path / "figures" / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert f"esclab evaluate {trained.run}" in (tmp_path / "figures" / "learning.json").read_text("utf-8")


def test_predict_scores_overlapping_windows_to_the_end(call, trained, recording, tmp_path):
    result = call("predict", trained.run, recording, "--out", tmp_path / "scores.csv", "--hop-s", "0.75")
    table = pd.read_csv(tmp_path / "scores.csv")
    run = open_run(trained.run)
    # Windows of 1 s from 0 s on, each 0.75 s after the one before; the 16th, from 11.25 s, reaches the end.
    np.testing.assert_allclose(table["onset_s"], np.arange(16) * 0.75)
    np.testing.assert_allclose(table["offset_s"], np.minimum(np.arange(16) * 0.75 + 1, 12))
    probabilities = table[list(run.config.class_names)].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert table["predicted"].tolist() == [run.config.class_names[n] for n in probabilities.argmax(axis=1)]
    assert set(table["file"]) == {str(recording)}
    assert result.stdout.startswith(f"{recording}: ")
    assert "16 windows" in result.stdout


def test_predict_steps_by_half_a_window_by_default(call, trained, recording):
    (row,) = json.loads(call("predict", trained.run, recording, "--json").stdout)
    assert row["windows"] == 23  # 12 s in windows of 1 s, every 0.5 s
    scores = {name: row[name] for name in open_run(trained.run).config.class_names}
    assert sum(scores.values()) == pytest.approx(1)
    assert row["predicted"] == max(scores, key=scores.get)


def test_predict_takes_several_recordings(call, trained, recording, tmp_path):
    other = tmp_path / "other.wav"
    other.write_bytes(recording.read_bytes())
    rows = json.loads(call("predict", trained.run, other, recording, "--hop-s", "6", "--json").stdout)
    assert [row["file"] for row in rows] == [str(other), str(recording)]
    assert [row["windows"] for row in rows] == [2, 2]


def test_attend_pictures_one_clip_of_a_run_with_attention(call, tiny, tmp_path):
    call("train", "ts-cnn10", *tiny, "--out", tmp_path / "run", "--results", tmp_path, "--json")
    printed = call("attend", tmp_path / "run", "1-dog-01-a", "--start", "2", "--out", tmp_path / "figures").stdout
    assert printed.startswith("dog (1-dog-01-a): 2.0 to 3.0 s of 5.0 s\n\n")
    assert "--start 2" in (tmp_path / "figures" / "attention.json").read_text("utf-8")
    paths = [Path(line) for line in printed.splitlines()[2:]]
    assert {path.name for path in paths} >= {f"attention.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    assert all(path.stat().st_size > 0 for path in paths)


def test_predict_scores_the_good_files_and_names_the_bad_ones(call, trained, recording, tmp_path):
    bad = tmp_path / "page.wav"
    bad.write_text("<html>")
    words = ("predict", trained.run, bad, recording, recording, "--hop-s", "12", "--out", tmp_path / "scores.csv")
    result = call(*words)
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{recording}: ")
    assert result.stdout.endswith(" %, 1 window)\n")
    assert result.stderr.startswith(f"esclab: {bad}: ")
    assert pd.read_csv(tmp_path / "scores.csv")["file"].tolist() == [str(recording)]


def test_predict_of_bad_files_alone_writes_nothing(call, trained, tmp_path):
    result = call("predict", trained.run, tmp_path / "none.wav", "--out", tmp_path / "scores.csv", "--json")
    assert (result.exit_code, result.stdout) == (2, "[]\n")
    assert "none.wav" in result.stderr
    assert not (tmp_path / "scores.csv").exists()


def test_predict_keeps_classes_called_as_its_columns_apart(call, trained, recording, tmp_path):
    shutil.copytree(trained.run, tmp_path / "run")
    config = json.loads((trained.run / "config.json").read_text("utf-8"))
    config["class_names"][:4] = ["file", "windows", "predicted", "p_file"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config), "utf-8")
    words = ("predict", tmp_path / "run", recording, "--hop-s", "12")
    (row,) = json.loads(call(*words, "--json").stdout)
    assert (row["file"], row["windows"]) == (str(recording), 1)
    (plain,) = json.loads(call("predict", trained.run, recording, "--hop-s", "12", "--json").stdout)
    own = list(open_run(trained.run).config.class_names)
    names = ["p_file", "p_windows", "p_predicted", "p_p_file", *own[4:]]
    assert [row[name] for name in names] == [plain[name] for name in own]
    assert row["predicted"] == config["class_names"][own.index(plain["predicted"])]
    assert f"{row['predicted']} ({100 * plain[plain['predicted']]:.0f} %" in call(*words).stdout
