from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.analysis import score_predictions
from esclab.results import TimeFrequencyMap
from esclab.training.run import open_run
from esclab.widgets.clip_painter import ClipPicture
from esclab.widgets.confusion import ConfusionExplorer
from esclab.widgets.confusion_choices import list_choices, spread_epochs
from esclab.widgets.confusion_controller import ConfusionController


@pytest.fixture
def state(tiny_runs, clips):
    return ConfusionController(tiny_runs, clips)


@pytest.fixture
def view(tiny_runs, clips, tmp_path):
    return ConfusionExplorer(tiny_runs, clips, folder=tmp_path / "out")


def find_full_cell(counts):
    true, predicted = np.argwhere(counts > 0)[0]
    return int(true), int(predicted)


def test_choices_pool_folds_of_one_model_then_list_each_run(tiny_runs):
    choices = list_choices(tiny_runs)
    assert [len(choice.runs) for choice in choices] == [2, 2, 1, 1, 1, 1]
    assert choices[0].label == "cnn10 on synth10:50, folds 1, 2 pooled, seed 0, recipe quick"
    assert [run.config.held_out for run in choices[1].runs] == [1, 2]


def test_pooled_matrix_is_the_sum_of_its_folds(state, tiny_runs):
    parts = [run for run in tiny_runs if run.config.model == "cnn10"]
    counts = sum(score_predictions(run.read_predictions()).confusion.counts for run in parts)
    np.testing.assert_array_equal(state.confusion.counts, counts)
    assert state.confusion.counts.sum() == 20
    assert len(state.cell_clips()) == state.pairs["count"].iloc[0]  # the most confused pair is chosen


def test_epoch_shows_the_answers_of_that_epoch(state, tiny_runs):
    from esclab.analysis import read_epochs

    state.choose(2)  # the first single run
    run = state.choice.runs[0]
    first = read_epochs(run, [state.epochs[0]])[0].predictions
    state.set_epoch(state.epochs[0])
    np.testing.assert_array_equal(state.confusion.counts, score_predictions(first).confusion.counts)
    assert state.confusion.label.endswith(f"epoch {state.epochs[0]}")
    assert not state.attempt(lambda: state.set_epoch(99))
    assert "99" in state.message


def test_cell_lists_its_clips_surest_first(state):
    true, predicted = find_full_cell(state.confusion.counts)
    state.select_cell(true, predicted)
    table = state.cell_clips()
    assert len(table) == state.confusion.counts[true, predicted]
    assert table["probability"].is_monotonic_decreasing
    names = set(state._painter.find_source(state.choice.runs[0]).select(class_name=state.class_names[true]))
    assert set(table["clip"]) <= names


def test_clip_is_explained_for_the_predicted_then_the_true_class(state):
    pair = state.pairs.iloc[0]
    state.select_clip(state.cell_clips()["clip"][0])
    assert state.wait()
    first = state.picture
    assert first.explained == pair["predicted"]
    assert first.heatmap.shape == first.spectrogram.values.shape
    assert first.clip.class_name == pair["true"]
    state.look_at("true")
    assert state.wait()
    assert state.picture.explained == pair["true"]
    assert not np.array_equal(state.picture.heatmap, first.heatmap)
    state.look_at("nothing")
    assert state.wait()
    assert state.picture.heatmap is None
    scores = state.probabilities()
    assert scores.sum() == pytest.approx(1, abs=1e-3)
    assert scores.index[0] == pair["predicted"]


def test_unreadable_clip_is_one_line_and_the_matrix_stays(tiny_runs, clips, tmp_path):
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"no sound")
    damaged = replace(clips, table=clips.table.assign(path=str(broken)))
    view = ConfusionExplorer(tiny_runs, damaged)
    view.clip_picker.value = view.clip_picker.options[0][1]
    assert view.controller.wait()
    assert "broken.flac" in view.status.value
    assert "\n" not in view.controller.message
    assert view.picture.shape == [0, 0]
    assert len(view.plot.figure.data) == 2
    view.true_picker.value = (view.true_picker.value + 1) % 10
    assert view.controller.message == ""


def test_run_of_another_version_and_unfinished_run_are_told_and_others_shown(tiny_runs, clips, tmp_path):
    for number, run in enumerate(tiny_runs[:3]):
        shutil.copytree(run.path, tmp_path / f"run{number}")
    config = json.loads((tmp_path / "run0" / "config.json").read_text())
    (tmp_path / "run0" / "config.json").write_text(json.dumps({**config, "format": 99}))
    (tmp_path / "run1" / "summary.json").unlink()
    state = ConfusionController(tmp_path, clips)
    assert [choice.runs[0].path.name for choice in state.choices] == ["run2"]
    assert len(state.problems) == 2
    assert "format 99" in state.problems[0]
    assert "unfinished" in state.problems[1]
    assert state.confusion is not None


def test_no_run_at_all_is_one_line(tmp_path):
    view = ConfusionExplorer(tmp_path / "absent")
    assert "absent" in view.status.value
    view.export_button.click()
    assert "no result" in view.status.value


def test_names_are_never_markup(tiny_runs, clips, tmp_path):
    evil = "<script>alert(1)</script>"
    folder = shutil.copytree(tiny_runs[0].path, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text())
    config["class_names"] = [f"{evil}{number}" for number in range(10)]
    (folder / "config.json").write_text(json.dumps(config))
    view = ConfusionExplorer(open_run(folder), clips)
    assert view.controller.class_names[0].startswith(evil)
    view.controller.clip = view.controller.cell_clips()["clip"][0]
    view._refresh()
    shown = [
        view.scores.value,
        view.categories.value,
        view.plot.figure.layout.xaxis.ticktext[0],
        *view.plot.figure.data[1].text,
    ]
    assert all("<script" not in text for text in shown)
    assert "&lt;script" in view.scores.value
    view.controller.clip = ""
    view._refresh()
    view.clip_picker.value = view.clip_picker.options[0][1]
    assert view.controller.wait()
    assert "other classes" in view.status.value  # the dataset is another one than the run's


def test_controls_follow_the_controller_and_back(view):
    state = view.controller
    view.run_picker.value = 3
    assert state.choice is state.choices[3]
    assert len(view.epoch_slider.options) == len(state.epochs)
    view.epoch_slider.value = state.epochs[0]
    assert state.epoch == state.epochs[0]
    view.true_picker.value, view.predicted_picker.value = 4, 5
    assert (state.true, state.predicted) == (4, 5)
    box = view.plot.figure.layout.shapes[-1]
    assert (box.x0, box.y0) == (4.5, 3.5)
    state.select_cell(*find_full_cell(state.confusion.counts))
    assert (view.true_picker.value, view.predicted_picker.value) == (state.true, state.predicted)
    assert len(view.clip_picker.options) == len(state.cell_clips())


def test_click_on_cell_and_on_pair_choose_the_cell(view):
    points = type("Points", (), {"xs": [7], "ys": [2]})()
    view._click(None, points, None)
    assert (view.controller.true, view.controller.predicted) == (2, 7)
    last = len(view.controller.pairs) - 1
    view.pairs.chosen = last
    view.pairs.clicks += 1
    pair = view.controller.pairs.iloc[last]
    assert view.controller.class_names[view.controller.true] == pair["true"]
    assert view.controller.class_names[view.controller.predicted] == pair["predicted"]


def test_counts_and_rates_show_the_same_matrix(view):
    counts = view.controller.confusion.counts
    view.unit_picker.value = "Counts"
    shown = np.nan_to_num(np.array(view.plot.figure.data[0].z, dtype=float))
    np.testing.assert_array_equal(shown, counts)
    view.unit_picker.value = "Rates"
    rates = np.nan_to_num(np.array(view.plot.figure.data[0].z, dtype=float))
    np.testing.assert_allclose(rates, 100 * counts / counts.sum(axis=1, keepdims=True))


def test_chosen_clip_is_painted_with_its_sound_and_asks_to_play(view):
    name = view.clip_picker.options[0][1]
    view.clip_picker.value = name
    assert view.controller.wait()
    assert list(view.picture.sounds) == [name]
    assert len(view.picture.overlay) == view.picture.shape[0] * view.picture.shape[1]
    assert view.picture.play == 1
    view.look_picker.value = "nothing"
    assert view.controller.wait()
    assert view.picture.overlay == b""
    assert view.picture.play == 1  # it is the same clip
    view.play_box.value = False
    view.controller.select_cell(*find_full_cell(view.controller.confusion.counts))
    view.clip_picker.value = view.clip_picker.options[0][1]
    assert view.controller.wait()
    assert view.picture.play == 1


def test_nothing_of_the_last_clip_is_left_and_it_plays_when_it_comes_again(view):
    name = view.clip_picker.options[0][1]
    cell = view.controller.true, view.controller.predicted
    view.clip_picker.value = name
    assert view.controller.wait()
    assert view.picture.boxes
    view.controller.select_cell(*find_full_cell(view.controller.confusion.counts))
    view.controller.select_cell(*cell)
    left = view.picture.shape, view.picture.sounds, view.picture.overlay, view.picture.boxes
    assert left == ([0, 0], {}, b"", [])
    view.clip_picker.value = name
    assert view.controller.wait()
    assert list(view.picture.sounds) == [name]
    assert view.picture.play == 2


def test_heatmap_says_that_it_is_of_the_last_epoch(view):
    view.epoch_slider.value = view.controller.epochs[0]
    spectrogram = TimeFrequencyMap(np.zeros((4, 3)), np.arange(4.0), np.array([1.0, 2.0, 3.0]))
    clip = view.controller._painter.find_source(view.controller.choice.runs[0]).describe("1-dog-01-a")
    last = view.controller.epochs[-1]
    view.controller.picture = ClipPicture(clip, np.zeros(8), 8, spectrogram, np.zeros((4, 3)), "dog", last)
    view._refresh()
    assert f"after epoch {last}, the last" in view.picture.subtitle


def test_errors_by_category_are_counted(state, clips):
    names = np.array(state.class_names)
    p = state._predictions
    wrong = p.true != p.predicted
    group = np.array([clips.categories[name] for name in names])
    within = int((group[p.true] == group[p.predicted])[wrong].sum())
    row = state.categories().iloc[0]
    assert (row["within"], row["errors"]) == (within, int(wrong.sum()))


def test_export_writes_matrix_and_series_with_their_data(view, tmp_path):
    view.run_picker.value = 2
    view.export_button.click()
    table = pd.read_csv(tmp_path / "out" / "confusion.csv")
    assert table["count"].sum() == 10
    series = pd.read_csv(tmp_path / "out" / "confusion_series.csv")
    assert sorted(set(series["epoch"])) == spread_epochs(view.controller.epochs)
    pairs = pd.read_csv(tmp_path / "out" / "pairs.csv")
    assert pairs[["true", "predicted", "count"]].values.tolist() == (
        view.controller.pairs[["true", "predicted", "count"]].values.tolist()
    )
    assert not (tmp_path / "out" / "clip.csv").exists()
    assert "Wrote" in view.status.value


def test_export_writes_the_shown_clip_with_its_heatmap(view, tmp_path):
    view.clip_picker.value = view.clip_picker.options[0][1]
    assert view.controller.wait()
    view.export_button.click()
    table = pd.read_csv(tmp_path / "out" / "clip.csv")
    assert set(table["kind"]) == {"spectrogram", "map"}
    assert set(table["class_name"].dropna()) == {view.controller.picture.explained}
    assert (tmp_path / "out" / "clip.png").exists()


@pytest.mark.parametrize(("given", "look"), [(True, "true"), (False, "predicted"), (True, "nothing")])
def test_code_makes_the_same_clip(tiny_runs, clips, tmp_path, monkeypatch, given, look):
    monkeypatch.chdir(tmp_path)
    state = ConfusionController(tiny_runs, clips if given else None)
    state.look_at(look)
    names = state.cell_clips()
    other = names.loc[names["fold"] == 2, "clip"]
    state.select_clip(other.iloc[0] if len(other) else names["clip"].iloc[0])
    assert state.wait()
    made: dict = {}
    exec(state.code(), made)
    shown = state.picture
    np.testing.assert_array_equal(made["picture"].spectrogram.values, shown.spectrogram.values)
    if look == "nothing":
        assert made["picture"].heatmap is None
    else:
        np.testing.assert_allclose(made["picture"].heatmap, shown.heatmap, atol=1e-6)
        assert (made["picture"].explained, made["picture"].model) == (shown.explained, shown.model)


@pytest.mark.parametrize(("number", "first"), [(0, False), (2, True)])
def test_code_makes_the_same_results(state, tmp_path, monkeypatch, number, first):
    monkeypatch.chdir(tmp_path)
    state.choose(number)
    state.set_epoch(state.epochs[0 if first else -1])
    made: dict = {}
    exec(state.code(), made)
    np.testing.assert_array_equal(made["confusion"].counts, state.confusion.counts)
    assert made["confusion"].label == state.confusion.label
    pd.testing.assert_frame_equal(made["pairs"], state.pairs)
    assert ("series" in made) == first


def test_spread_epochs_keeps_both_ends():
    assert spread_epochs(range(1, 11)) == [1, 4, 7, 10]
    assert spread_epochs([3, 9]) == [3, 9]
    assert spread_epochs([5]) == [5]
