"""Sounds of one's own inside explorers whose clips come from a run: explained, placed, answered."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from esclab.clips import read_audio
from esclab.widgets.attribution import AttributionExplorer
from esclab.widgets.confusion import ConfusionExplorer
from esclab.widgets.embedding import EmbeddingExplorer
from esclab.widgets.source import OWN, ClipSource

NASTY = "<img src=x onerror=alert(1)>.wav"


@pytest.fixture(scope="module")
def run(tiny_runs):
    return next(run for run in tiny_runs if run.config.model == "ts-cnn10")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return the bytes of a second of noise; the folder of own sounds is a new one."""
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "own"))
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(0).uniform(-0.5, 0.5, 44_100), 44_100, format="WAV")
    return buffer.getvalue()


def ask(run, folder, name):
    """Return the network's own probabilities for a file."""
    import torch

    feature = run.build_feature()
    rate = feature.config.sample_rate
    samples = read_audio(folder / name, sample_rate=rate, duration_s=run.config.duration_s)
    with torch.inference_mode():
        return run.load_model()(feature(torch.from_numpy(samples)[None])).double().softmax(1)[0].numpy()


def test_own_sound_is_explained_and_its_deletion_goes_back_to_a_clip(run, clips, tmp_path, own):
    explorer = AttributionExplorer(run, clips, folder=tmp_path / "out")
    assert explorer.controller.wait()
    explorer.own.controller.keep(NASTY, own)
    assert explorer.controller.wait()
    assert explorer.class_menu.value == OWN
    assert explorer.clip_list.value == explorer.controller.clip == NASTY
    assert explorer.controller.map is not None
    np.testing.assert_allclose(explorer.controller.look.probabilities, ask(run, tmp_path / "own", NASTY), rtol=1e-5)
    assert "your own sound" in explorer.canvas.subtitle
    explorer.controller.pin()
    explorer.own.controller.ask_deletion()
    explorer.own.controller.delete()
    assert explorer.controller.wait()
    assert explorer.own.controller.message == explorer.controller.message == ""
    assert explorer.controller.clip in set(clips.table["clip"])
    assert explorer.controller.pins == []


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_own_sound_is_placed_among_the_points(run, clips, tmp_path, own, monkeypatch, method):
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path / "home"))
    explorer = EmbeddingExplorer(run, clips, folder=tmp_path / "out")
    explorer.method_menu.value = method
    explorer.compute_button.click()
    assert explorer.controller.wait()
    explorer.own.controller.keep(NASTY, own)
    assert explorer.controller.wait()
    place, plot = explorer.controller.own_place(0), explorer.plots[0]
    ring = plot.figure.data[1]
    assert (ring.x[0], ring.y[0]) == (place.x, place.y)
    assert ring.marker.symbol == "star-open"
    points = explorer.controller.points(0).set_index("clip")
    nearest = tuple(points.loc[place.nearest, ["x", "y"]])
    if method == "tsne":
        assert (place.x, place.y) == nearest
        assert "at its nearest neighbour" in plot.caption.value
    else:
        assert (place.x, place.y) != nearest
        assert "by the same axes" in plot.caption.value
    best = ask(run, tmp_path / "own", NASTY)
    assert place.answer == run.config.class_names[best.argmax()]
    assert place.probability == pytest.approx(best.max(), rel=1e-4)
    assert "<img" not in plot.caption.value
    explorer.epoch_slider.value = explorer.controller.epochs[0]
    assert "is placed at epoch" in plot.caption.value  # of earlier epochs the weights are not kept
    explorer.own.controller.ask_deletion()
    explorer.own.controller.delete()
    assert explorer.controller.clip == ""
    assert "star" not in plot.caption.value


def test_own_sound_is_answered_beside_the_matrix(run, clips, tmp_path, own):
    explorer = ConfusionExplorer(run, clips, folder=tmp_path / "out")
    counts = explorer.controller.confusion.counts.copy()
    explorer.own.controller.keep(NASTY, own)
    assert explorer.controller.wait()
    expected = ask(run, tmp_path / "own", NASTY)
    answer = explorer.controller.probabilities()
    assert answer.index[0] == run.config.class_names[expected.argmax()]
    assert answer.iloc[0] == pytest.approx(expected.max(), abs=0.02)  # it may be asked in bfloat16
    assert f"{100 * answer.iloc[0]:.0f} %" in explorer.scores.value
    assert "(true)" not in explorer.scores.value
    assert "was asked" in explorer.picture.subtitle
    assert NASTY in explorer.picture.sounds
    assert (explorer.controller.confusion.counts == counts).all()
    clip = explorer.clip_picker.options[0][1]
    explorer.clip_picker.value = clip
    assert explorer.controller.wait()
    assert (explorer.controller.own, explorer.controller.clip) == ("", clip)
    explorer.own.use_button.click()
    assert explorer.controller.wait()
    assert explorer.controller.own == NASTY
