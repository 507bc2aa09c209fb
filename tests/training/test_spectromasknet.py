"""What a training does for a network that takes lengths and logs its steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from esclab.clips import ClipDataset, load_dataset
from esclab.errors import RunError
from esclab.features import build_feature
from esclab.training.data import count_frames, cut_padding, load_training_data, predict_features
from esclab.training.loop import train
from esclab.training.recipe import Recipe
from esclab.training.run import Run
from esclab.training.start import create_run

RECIPE = Recipe(
    "tiny-masknet",
    feature={"name": "fbank", "sample_rate": 16_000, "bands": 20, "hop_s": 0.02, "level_db": -20.0},
    model={"width": 0.25},
    duration_s=0.6,
    variable_length=True,
    epochs=3,
    batch_size=4,
    optimiser="adam",
    learning_rate=1e-3,
    schedule="constant",
    masks=1,
    mask_frames=4,
    mask_bands=2,
    evaluate_every=1,
)


@pytest.fixture
def uneven(tmp_path: Path) -> ClipDataset:
    """Return 10 sounds of 0.2 to 0.65 s in 2 classes."""
    rng = np.random.default_rng(0)
    for number in range(10):
        path = tmp_path / "own" / ("hiss" if number % 2 else "hum") / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(round((0.2 + 0.05 * number) * 16_000)) / 16_000
        hum = np.sin(2 * np.pi * (150 + 10 * number) * time_s)
        sound = 0.1 * (rng.standard_normal(len(time_s)) if number % 2 else hum)
        soundfile.write(path, sound, 16_000)
    return load_dataset(f"folder:{tmp_path / 'own'}")


def begin(dataset: ClipDataset, folder: Path, recipe: Recipe = RECIPE, **settings: object) -> Run:
    return create_run("spectromasknet", dataset, recipe, folder=folder, device="cpu", **settings)


def finish(run: Run, dataset: ClipDataset) -> Run:
    for _ in train(run, dataset=dataset):
        pass
    return run


def test_frames_are_counted_before_padding_and_after_cutting(uneven):
    frames = count_frames(uneven, build_feature(**RECIPE.feature), 0.6).tolist()
    seconds = [0.2 + 0.05 * int(clip.split("/")[-1].split(".")[0]) for clip in uneven.table["clip"]]
    window, hop = 400, 320
    assert frames == [(round(min(length_s, 0.6) * 16_000) - window) // hop + 1 for length_s in seconds]


def test_batch_ends_with_its_longest_clip_and_statistics_leave_padding_out(uneven, tmp_path, esclab_home):
    run = begin(uneven, tmp_path / "run")
    data = load_training_data(run, uneven, device=torch.device("cpu"), progress=None)
    padded_mean, _ = data.measure_bands()
    data.lengths = count_frames(uneven, run.build_feature(), 0.6)
    rows = torch.from_numpy(data.train)[:3]
    features, targets, lengths = data.take(rows)
    assert features.shape[2] == lengths.max()
    assert targets.shape == (3, 2)
    own = [data.features[row, 0, : data.lengths[row]] for row in data.train]
    mean, std = data.measure_bands()
    torch.testing.assert_close(mean, torch.cat(own).mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(std, torch.cat(own).std(0), atol=1e-4, rtol=1e-4)
    assert (padded_mean < mean - 0.5).all()  # silence pulls it down


def test_predictions_of_a_training_do_not_see_padding(uneven, tmp_path, esclab_home):
    run = finish(begin(uneven, tmp_path / "run"), uneven)
    model, feature = run.load_model(), run.build_feature()
    data = load_training_data(run, uneven, device=torch.device("cpu"), progress=None)
    lengths = count_frames(uneven, feature, 0.6)
    kept = run.read_predictions().probabilities
    for place, row in enumerate(data.held_out):
        alone = data.features[row : row + 1, :, : lengths[row]]
        np.testing.assert_allclose(predict_features(model, alone)[0][0], kept[place], atol=1e-5)
    held_out = data.features[torch.from_numpy(data.held_out)]
    assert np.abs(predict_features(model, held_out)[0] - kept).max() > 1e-5


def test_networks_without_lengths_see_padded_clips(uneven, tmp_path, esclab_home):
    recipe = replace(RECIPE, epochs=1)
    runs = [
        create_run("cnn10", uneven, changed, folder=tmp_path / f"{changed.variable_length}", device="cpu")
        for changed in (recipe, replace(recipe, variable_length=False))
    ]
    assert len({finish(run, uneven).summary["weights_sha256"] for run in runs}) == 1
    assert not (runs[0].path / "steps.csv").exists()
    with pytest.raises(RunError, match=r"steps\.csv: is missing: cnn10 keeps no such numbers"):
        runs[0].read_steps()


def test_every_step_logs_lambda_ratio_and_block_size(uneven, tmp_path, esclab_home):
    run = finish(begin(uneven, tmp_path / "run"), uneven)
    steps = run.read_steps()
    assert list(steps) == ["iteration", "mask_ratio", "mask_block", "fusion_lambda"]
    assert steps["iteration"].tolist() == list(range(1, run.config.recipe.iterations + 1))
    assert (steps.nunique() == len(steps)).all()
    history = run.read_history()
    for name in ("mask_ratio", "mask_block", "fusion_lambda"):
        at_epochs = steps.set_index("iteration")[name].loc[history["iteration"]]
        np.testing.assert_array_equal(at_epochs, history[name])


def test_stopped_training_logs_the_same_steps_as_an_uninterrupted_one(uneven, tmp_path, esclab_home):
    whole = finish(begin(uneven, tmp_path / "whole"), uneven)
    parted = begin(uneven, tmp_path / "parted")
    reports = train(parted, dataset=uneven)
    next(reports)
    reports.close()
    path = parted.path / "steps.csv"
    rows = pd.read_csv(path)
    assert rows["iteration"].tolist() == [1, 2]
    # As a kill between the log and the checkpoint would leave it: a step too many, of an epoch that is done again.
    path.write_text(path.read_text() + "3,0.1,9.0,0.9\n")
    finish(parted, uneven)
    assert path.read_bytes() == (whole.path / "steps.csv").read_bytes()
    assert parted.summary["weights_sha256"] == whole.summary["weights_sha256"]


def test_fine_tuning_takes_everything_but_the_head_from_another_dataset(uneven, clips, tmp_path, esclab_home):
    before = finish(begin(uneven, tmp_path / "before", replace(RECIPE, epochs=1)), uneven)
    recipe = replace(RECIPE, epochs=1, iterations=1)
    after = begin(clips, tmp_path / "after", recipe, weights=before.path)
    report = pd.read_json(after.path / "initial.json", typ="series")
    left_fresh = set(after.build_model().state_dict()) - set(report["fitted"]) - {"input_mean", "input_std"}
    assert left_fresh == {"classifier.weight", "classifier.bias"}
    old, new = before.load_model().state_dict(), finish(after, clips).load_model().state_dict()
    assert new["classifier.weight"].shape == (10, 16)
    moved = [name for name in old if old[name].shape == new[name].shape and not torch.equal(old[name], new[name])]
    assert {name.split(".")[0] for name in moved} >= {"local", "global", "fusion", "mask"}  # everything is trained
    for name in ("global.stage3.0.convs.0.weight", "local.stage2.1.pointwise.weight"):
        change = (new[name] - old[name]).norm() / old[name].norm()
        assert change < 0.3  # and began where the other ended


def test_cut_padding_leaves_features_without_lengths():
    features = torch.zeros(2, 1, 9, 3)
    assert cut_padding(features, None) is features
    assert cut_padding(features, torch.tensor([4, 7])).shape == (2, 1, 7, 3)
