from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from esclab.analysis.embedding import collect_embeddings, embed_run, measure_quality
from esclab.analysis.projection import project_embeddings
from esclab.clips import load_dataset
from esclab.errors import OptionError, RunError
from esclab.features.store import load_features
from esclab.results import EmbeddingResult
from esclab.training.checkpoint import save_arrays
from esclab.training.run import Run, open_run

CORNERS = np.eye(10, 12, dtype=np.float32)


@pytest.fixture
def kept(tiny_runs: list[Run], tmp_path: Path) -> Run:
    """Return a run whose one epoch, and two more before it, hold made embeddings: all alike, mixed, apart."""
    shutil.copytree(tiny_runs[0].path, tmp_path / "run")
    history = pd.concat([tiny_runs[0].read_history()] * 3, ignore_index=True)
    history.assign(epoch=[1, 2, 3]).to_csv(tmp_path / "run" / "history.csv", index=False)
    probabilities = tiny_runs[0].read_predictions().probabilities
    for number, embeddings in enumerate((0 * CORNERS, np.roll(CORNERS, 1, axis=0), CORNERS), start=1):
        path = tmp_path / "run" / "epochs" / f"{number:05d}.npz"
        save_arrays(path, probabilities=np.roll(probabilities, number - 3, axis=1), embeddings=embeddings)
    return open_run(tmp_path / "run")


@pytest.fixture
def run_model(tiny_runs: list[Run]) -> Callable[..., np.ndarray]:
    """Return a function that puts the held-out clips of a run through one of its network's submodules by hand."""

    def compute(run: Run, blocks: int) -> np.ndarray:
        dataset, model = load_dataset(run.config.dataset), run.load_model()
        features = load_features(dataset, run.build_feature(), duration_s=run.config.duration_s)
        x = torch.from_numpy(features[dataset.split_fold(run.config.fold)[1]].astype("float32"))
        with torch.inference_mode():
            x = (x - model.input_mean) / model.input_std
            x = model.bn0(x)
            for number in range(1, blocks + 1):
                x = model.get_submodule(f"block{number}")(x)
        return x.mean((2, 3)).numpy()

    return compute


@pytest.mark.parametrize("number", [0, 3])
def test_last_embedding_comes_from_the_weights(tiny_runs, number):
    run = tiny_runs[number]
    state = collect_embeddings(run)
    assert (state.number, state.layer) == (1, "embedding")
    assert state.embeddings.dtype == np.float32
    assert state.predictions.clips.tolist() == run.read_predictions().clips.tolist()
    with torch.inference_mode():
        logits = run.load_model().classifier(torch.from_numpy(state.embeddings))
    np.testing.assert_allclose(logits.softmax(1), state.predictions.probabilities, atol=1e-5)


@pytest.mark.parametrize(("layer", "blocks"), [("block1", 1), ("block4", 4)])
def test_layer_is_averaged_over_frames_and_bands(tiny_runs, run_model, layer, blocks):
    state = collect_embeddings(tiny_runs[0], layer=layer)
    assert state.layer == layer
    np.testing.assert_allclose(state.embeddings, run_model(tiny_runs[0], blocks), atol=1e-5)


def test_kept_embedding_is_read_and_needs_no_recordings(kept, monkeypatch):
    monkeypatch.setattr("esclab.clips.load_dataset", lambda spec: pytest.fail(f"{spec} was loaded"))
    assert collect_embeddings(kept, epoch=3).embeddings.tolist() == CORNERS.tolist()
    assert collect_embeddings(kept, epoch="last").number == 3


def test_layer_that_is_unknown_or_not_kept_is_refused(kept):
    with pytest.raises(OptionError, match="choose one of embedding, block1, block2, block3, block4"):
        collect_embeddings(kept, layer="block5")
    with pytest.raises(OptionError, match="is not kept for epoch 2, only 'embedding' is"):
        collect_embeddings(kept, layer="block1", epoch=2)


def test_other_recordings_are_refused(tiny_runs):
    changed = replace(load_dataset("synth10:50"))
    changed.__dict__["digest"] = "0" * 64
    with pytest.raises(RunError, match="was trained on other recordings than synth10:50 has now"):
        collect_embeddings(tiny_runs[0], dataset=changed)


def test_other_clips_in_the_held_out_fold_are_refused(tiny_runs):
    dataset = load_dataset("synth10:50")
    turned = replace(dataset, table=dataset.table.iloc[::-1].reset_index(drop=True))
    turned.__dict__["digest"] = dataset.digest
    with pytest.raises(RunError, match="predicted other clips than synth10:50 holds out"):
        collect_embeddings(tiny_runs[0], dataset=turned)


def test_quality_of_a_line_of_points_is_that_worked_out_by_hand():
    values = np.array([[0.0], [1.0], [10.0], [12.0]])
    silhouette, purity = measure_quality(values, np.array([0, 0, 1, 1]))
    # (b - a) / max(a, b): 1 - 1/11, 1 - 1/10, 1 - 2/9.5, 1 - 2/11.5
    assert silhouette == pytest.approx(np.mean([10 / 11, 9 / 10, 7.5 / 9.5, 9.5 / 11.5]))
    assert purity == pytest.approx(1 / 3)  # three neighbours each, one of them of its class


def test_purity_takes_the_five_nearest():
    values = np.array([0, 1, 3, 7, 15, 31, 63.0])[:, None]
    # The five nearest are all but the farthest: clip 6 for all others, clip 0 for clip 6.
    _, purity = measure_quality(values, np.array([0, 0, 0, 0, 1, 1, 1]))
    assert purity == pytest.approx(np.mean([3, 3, 3, 3, 1, 1, 2]) / 5)


def test_purity_does_not_depend_on_the_order_of_clips_at_equal_distance():
    classes = np.array([0] * 10 + [1] * 5)
    alike = np.ones((15, 3))
    # Any 5 of 14 others: 9 of 14 for the first class, 4 of 14 for the second.
    assert measure_quality(alike, classes)[1] == pytest.approx((10 * 9 / 14 + 5 * 4 / 14) / 15)
    corners = np.repeat(np.eye(2), [6, 9], axis=0)
    assert measure_quality(corners, classes)[1] == measure_quality(corners[::-1], classes[::-1])[1]


@pytest.mark.parametrize("classes", [[0, 0, 0], [0, 1, 2]])
def test_silhouette_without_groups_is_undefined(classes):
    silhouette, purity = measure_quality(np.arange(3.0)[:, None], np.array(classes))
    assert np.isnan(silhouette)
    assert purity == (1 if len(set(classes)) == 1 else 0)


def test_quality_of_one_clip_is_undefined_and_of_no_number_is_refused():
    assert np.isnan(measure_quality(np.ones((1, 2)), np.zeros(1))).all()
    with pytest.raises(OptionError, match="are not finite"):
        measure_quality(np.array([[0.0], [np.nan]]), np.zeros(2))
    with pytest.raises(OptionError, match=r"do not go with classes"):
        measure_quality(np.ones((3, 2)), np.zeros(2))


def test_embedded_run_has_a_row_an_epoch_and_clip(kept):
    seen = []
    result = embed_run(kept, method="pca", epochs="2,last", progress=lambda *counts: seen.append(counts))
    assert isinstance(result, EmbeddingResult)
    assert seen == [(1, 2), (2, 2)]
    assert list(result.table) == ["epoch", "clip", "x", "y", "class_name", "predicted", "correct", "fold"]
    assert result.table["epoch"].tolist() == [2] * 10 + [3] * 10
    answers = kept.read_predictions()
    last = result.table[result.table["epoch"] == 3]
    assert last["clip"].tolist() == answers.clips.tolist()
    assert last["class_name"].tolist() == [answers.class_names[n] for n in answers.true]
    assert last["predicted"].tolist() == [answers.class_names[n] for n in answers.predicted]
    assert (last["correct"] == (last["class_name"] == last["predicted"])).all()
    assert set(last["fold"]) == {1}
    expected = project_embeddings([np.roll(CORNERS, 1, axis=0), CORNERS], method="pca")[1]
    np.testing.assert_allclose(last[["x", "y"]], expected)
    assert (result.method, result.model, result.layer) == ("pca", "cnn10", "embedding")
    assert result.label == "cnn10 on synth10:50, fold 1, seed 0"
    assert result.class_names == answers.class_names


def test_quality_of_a_run_is_measured_in_its_own_space_at_each_epoch(kept):
    result = embed_run(kept, method="pca", epochs="1,2,3")
    assert list(result.quality) == ["epoch", "silhouette", "purity", "accuracy"]
    assert result.quality["epoch"].tolist() == [1, 2, 3]
    assert result.quality["silhouette"].isna().all()  # ten clips of ten classes
    assert result.quality["purity"].tolist() == [0, 0, 0]
    answers = kept.read_predictions()
    shifted = np.roll(answers.probabilities, -1, axis=1).argmax(axis=1) == answers.true
    assert result.quality["accuracy"].iloc[1] == pytest.approx(shifted.mean())
    assert result.quality["accuracy"].iloc[2] == pytest.approx(answers.correct.mean())
    assert not result.table.loc[result.table["epoch"] == 1, ["x", "y"]].to_numpy().any()


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"method": "lda"}, OptionError, "choose one of tsne, umap, pca"),
        ({"epochs": "1,10"}, RunError, r"did not keep epoch 10 \(kept: 1, 2, 3"),
        ({"layer": "block9"}, OptionError, "choose one of embedding, block1"),
    ],
)
def test_run_is_not_embedded_with_what_does_not_exist(kept, settings, kind, said):
    with pytest.raises(kind, match=said):
        embed_run(kept, **settings)
