from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.errors import OptionError, RunError
from esclab.widgets.embedding import EmbeddingExplorer
from esclab.widgets.embedding_controller import EmbeddingController
from esclab.widgets.embedding_plot import EmbeddingPlot, group_points
from esclab.widgets.embedding_store import choose_epochs, keep_projection, locate_projection, read_projection

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def runs(tiny_runs):
    """One run of each model, both holding out fold 1."""
    return [next(run for run in tiny_runs if run.config.model == name) for name in ("cnn10", "ts-cnn10")]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data home of one's own, without kept projections."""
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def explorer(runs, clips, tmp_path, home):
    made = EmbeddingExplorer(runs, clips, folder=tmp_path / "out")
    made.method_menu.value = "pca"
    return made


@pytest.fixture
def computed(explorer):
    explorer.compute_button.click()
    assert explorer.controller.wait()
    assert explorer.controller.message == ""
    return explorer


def shown(plot):
    return np.column_stack([plot.figure.data[0].x, plot.figure.data[0].y])


def test_nothing_is_fitted_before_compute(explorer, home):
    assert explorer.controller.result(0) is None
    assert not explorer.compute_button.disabled
    assert "press Compute" in explorer.hint.value
    assert not (home / "embeddings").exists()


def test_compute_shows_both_models_and_keeps_them_on_disk(computed, home):
    controller = computed.controller
    for side, plot in enumerate(computed.plots):
        table = controller.points(side)
        np.testing.assert_allclose(shown(plot), table[["x", "y"]].to_numpy())
        assert plot.view.layout.display == ""
    assert len(list((home / "embeddings").glob("*-pca-*.json"))) == 2
    assert computed.compute_button.disabled


def test_kept_projection_is_shown_at_once_by_another_explorer(computed, runs, clips, monkeypatch):
    monkeypatch.setattr("esclab.analysis.embedding.embed_run", lambda *a, **o: pytest.fail("fitted again"))
    other = EmbeddingController(runs, clips)
    other.choose(method="pca")
    first, again = computed.controller.result(0), other.result(0)
    pd.testing.assert_frame_equal(again.table, first.table)
    pd.testing.assert_frame_equal(again.quality, first.quality)
    assert (again.class_names, again.method, again.label) == (first.class_names, first.method, first.label)
    assert not other.needs_compute


@pytest.mark.parametrize("content", ["", "{", "[]", '{"table": {}, "quality": {}, "class_names": [], "method": "pca"}'])
def test_damaged_file_counts_as_none(computed, home, runs, clips, content):
    for path in (home / "embeddings").glob("*.json"):
        path.write_text(content, "utf-8")
    other = EmbeddingController(runs, clips)
    other.choose(method="pca")
    assert other.result(0) is None
    assert other.needs_compute


def test_file_depends_on_all_that_decides_the_points(runs):
    settings = {"method": "pca", "layer": "embedding", "epochs": (1, 2), "seed": 0}
    changes = [{"method": "tsne"}, {"layer": "block1"}, {"epochs": (2,)}, {"seed": 1}]
    paths = {locate_projection(runs[0], **(settings | change)).name for change in [{}, *changes]}
    paths.add(locate_projection(runs[1], **settings).name)
    assert len(paths) == 6


def test_result_survives_the_file(tmp_path, computed):
    result = computed.controller.result(0)
    names = tuple(SCRIPT if name == result.class_names[0] else name for name in result.class_names)
    table = result.table.replace({"class_name": {result.class_names[0]: SCRIPT}})
    quality = result.quality.assign(silhouette=np.nan)
    kept = replace(result, table=table, class_names=names, quality=quality)
    keep_projection(tmp_path / "kept.json", kept)
    again = read_projection(tmp_path / "kept.json")
    pd.testing.assert_frame_equal(again.table, table)
    pd.testing.assert_frame_equal(again.quality, quality)


def test_some_epochs_are_spread_over_those_that_were_kept(runs, monkeypatch):
    monkeypatch.setattr("esclab.widgets.embedding_store.list_epochs", lambda run: tuple(range(1, 31)))
    monkeypatch.setattr(
        "esclab.widgets.embedding_store.resolve_epochs",
        lambda run, epochs: tuple(range(1, 31)) if epochs == "all" else (30,),
    )
    assert choose_epochs(runs[0], "last") == (30,)
    assert choose_epochs(runs[0], "all") == tuple(range(1, 31))
    some = choose_epochs(runs[0], "some")
    assert len(some) == 8
    assert (some[0], some[-1]) == (1, 30)


def test_slider_moves_points_without_a_fit(computed, monkeypatch):
    monkeypatch.setattr("esclab.analysis.embedding.embed_run", lambda *a, **o: pytest.fail("fitted again"))
    controller = computed.controller
    assert len(controller.epochs) > 1
    before = shown(computed.plots[0])
    computed.epoch_slider.value = controller.epochs[0]
    table = controller.points(0)
    assert set(table["epoch"]) == {controller.epochs[0]}
    np.testing.assert_allclose(shown(computed.plots[0]), table[["x", "y"]].to_numpy())
    assert not np.allclose(before, shown(computed.plots[0]))
    computed.keys.press("]")
    assert controller.epoch == controller.epochs[1]


def test_list_and_click_show_the_same_clip(computed):
    controller = computed.controller
    name = controller.points(0)["clip"].iloc[4]
    computed.clip_list.value = name
    from_list = (computed.canvas.title, computed.canvas.values)
    assert name in computed.canvas.title
    ring = computed.plots[0].figure.data[1]
    assert (ring.x[0], ring.y[0]) == tuple(shown(computed.plots[0])[4])
    computed.clip_list.value = controller.list_clips()[0]
    computed.plots[0]._pass(computed._hear, [4])
    assert (computed.canvas.title, computed.canvas.values) == from_list
    assert computed.clip_list.value == name
    assert list(computed.canvas.sounds) == ["clip"]


def test_chosen_clip_plays_until_that_is_switched_off(computed):
    names = computed.controller.list_clips()
    assert computed.canvas.play == 0
    computed.clip_list.value = names[1]
    assert computed.canvas.play == 1
    computed.colour_menu.value = "fold"
    assert computed.canvas.play == 1  # nothing was chosen
    place = computed.controller.points(0)["clip"].tolist().index(names[1])
    computed.plots[0]._pass(computed._hear, [place])
    assert computed.canvas.play == 2  # the same point, to hear it again
    computed.play_box.value = False
    computed.clip_list.value = names[2]
    assert names[2] in computed.canvas.title
    assert computed.canvas.play == 2


def test_classes_are_written_in_words(computed):
    state = computed.controller
    baby = state.list_clips(class_name="crying_baby")[0]
    for answer in state._answers.values():
        answer.probabilities[:] = np.eye(len(answer.class_names))[answer.class_names.index("sea_waves")]
    state.show_clip(baby)
    state.select([baby])
    assert computed.canvas.subtitle == "; ".join(f"{label}: sea waves" for label in state.labels)
    assert ["class", "text"] in computed.table.columns
    texts = [text for text, _ in computed.table.rows[0]]
    assert texts.count("crying baby") == 1
    assert texts.count("sea waves") == 2


def test_selection_is_the_same_in_both_plots_and_in_the_table(computed):
    controller = computed.controller
    names = controller.points(0)["clip"].tolist()
    computed._select(names[2:5])
    for side, plot in enumerate(computed.plots):
        clips = controller.points(side)["clip"]
        assert {clips[place] for place in plot.figure.data[0].selectedpoints} == set(names[2:5])
    assert len(computed.table.rows) == 3
    computed._select([])
    assert computed.plots[0].figure.data[0].selectedpoints is None
    assert computed.table.rows == []


def test_empty_lasso_keeps_the_selection(computed):
    computed._select(computed.controller.list_clips()[:3])
    plot = computed.plots[0]
    marked = plot.figure.data[0].selectedpoints
    plot._take(computed._select, [])
    assert plot.figure.data[0].selectedpoints == marked
    assert len(computed.controller.selected) == 3
    plot._take(computed._select, [0])
    assert computed.controller.selected == (plot._names[0],)


def test_keyboard_selects_listed_and_single_clips(computed):
    controller = computed.controller
    computed.class_menu.value = "dog"
    computed.add_all_button.click()
    dogs = controller.answers().query("class_name == 'dog'")["clip"].tolist()
    assert list(controller.selected) == dogs
    computed.class_menu.value = ""
    computed.clip_list.value = next(clip for clip in controller.list_clips() if clip not in dogs)
    computed.keys.press("a")
    assert len(controller.selected) == len(dogs) + 1
    computed.keys.press("x")
    assert controller.selected == ()


def test_wrong_answers_only_lists_what_a_model_has_wrong(computed):
    controller = computed.controller
    table = controller.answers()
    wrong = table[~(table["correct, cnn10"] & table["correct, ts-cnn10"])]["clip"].tolist()
    computed.wrong_box.value = True
    assert [name for _, name in computed.clip_list.options] == wrong


def test_table_is_saved_as_csv(computed, tmp_path):
    computed.csv_button.click()
    assert not (tmp_path / "out" / "selection.csv").exists()
    names = computed.controller.list_clips()[:2]
    computed._select(names)
    computed.csv_button.click()
    table = pd.read_csv(tmp_path / "out" / "selection.csv")
    assert table["clip"].tolist() == names
    assert {"class_name", "predicted, cnn10", "predicted, ts-cnn10"} <= set(table.columns)
    computed._select([])
    with pytest.raises(OptionError, match="empty"):
        computed.controller.write_selection(tmp_path)


def test_groups_are_right_by_hand():
    points = pd.DataFrame(
        {
            "clip": list("abcd"),
            "class_name": ["x", "y", "x", "y"],
            "fold": [3, 1, 3, 1],
            "correct": [True, True, False, False],
        }
    )
    other = pd.DataFrame({"clip": list("abc"), "correct": [True, False, True]})
    settings = {"classes": ("y", "x", "z"), "sides": ["A", "B"], "other": other}
    assert group_points(points, "class_name", **settings)[1].tolist() == [1, 0, 1, 0]
    assert group_points(points, "fold", **settings)[1].tolist() == [1, 0, 1, 0]
    assert group_points(points, "correct", **settings)[1].tolist() == [0, 0, 1, 1]
    assert group_points(points, "model", **settings)[1].tolist() == [0, 0, 0, 0]
    names, groups = group_points(points, "agreement", **settings)
    assert [names[group] for group in groups] == ["both right", "only A right", "only B right", "one model only"]


def test_colours_come_with_markers_of_their_own(computed):
    for by in ("class_name", "fold", "correct", "model", "agreement"):
        computed.colour_menu.value = by
        assert computed.controller.message == ""
        marker = computed.plots[0].figure.data[0].marker
        pairs = set(zip(marker.color, marker.symbol, strict=True))
        assert len({symbol for _, symbol in pairs}) == len({colour for colour, _ in pairs}) or by == "class_name"
        assert len(computed.plots[0].figure.data) > 3 or by == "fold"


def test_right_model_can_be_taken_away(computed):
    computed.right_menu.value = -1
    assert computed.plots[1].view.layout.display == "none"
    assert computed.plots[0].view.layout.display == ""
    assert list(computed.controller.results()) == ["embedding"]


def test_names_are_shown_letter_by_letter(computed):
    result = computed.controller.result(0)
    table = computed.controller.points(0).assign(clip=[f"{SCRIPT}{n}" for n in range(10)], class_name=SCRIPT)
    plot = EmbeddingPlot(lambda clip: None, lambda clips: None)
    plot.show(result, table, groups=([SCRIPT], np.zeros(10, dtype=int)), title=SCRIPT)
    assert "<script>" not in plot.caption.value
    assert "<script>" not in str(plot.figure.data[0].customdata)
    assert "<script>" not in plot.figure.data[2].name


def test_too_few_clips_are_one_line(runs, clips, tmp_path, home):
    few = tmp_path / "few"
    shutil.copytree(runs[0].path, few)
    table = pd.read_csv(few / "predictions.csv")
    table.head(2).to_csv(few / "predictions.csv", index=False)
    for path in (few / "epochs").glob("*.npz"):
        with np.load(path) as arrays:
            cut = {name: arrays[name][:2] for name in arrays}
        np.savez(path, **cut)
    explorer = EmbeddingExplorer(str(few), clips)
    explorer.compute_button.click()
    assert explorer.controller.wait()
    assert "at least 3" in explorer.controller.message
    assert "\n" not in explorer.controller.message
    assert explorer.controller.busy == ""


def test_run_of_another_version_is_told_of_and_the_others_work(runs, clips, tmp_path, home):
    old = tmp_path / "old"
    shutil.copytree(runs[0].path, old)
    config = json.loads((old / "config.json").read_text("utf-8"))
    (old / "config.json").write_text(json.dumps(config | {"format": 99}), "utf-8")
    explorer = EmbeddingExplorer([str(old), runs[1]], clips)
    assert explorer.controller.labels == ["ts-cnn10"]
    assert "format 99" in explorer.notice.value
    with pytest.raises(RunError, match="format 99"):
        EmbeddingExplorer(str(old), clips)


def test_unreadable_clip_is_one_line(runs, clips, tmp_path, home):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound at all")
    table = clips.table.copy()
    name = runs[0].read_predictions().clips[0]
    table.loc[table["clip"] == name, "path"] = str(broken)
    explorer = EmbeddingExplorer(runs, replace(clips, table=table))
    explorer.clip_list.value = str(name)
    assert "broken.wav" in explorer.controller.message
    assert explorer.canvas.shape == [0, 0]
    explorer.clip_list.value = explorer.controller.list_clips()[1]
    assert explorer.controller.message == ""
    assert explorer.canvas.shape != [0, 0]


def test_points_are_seen_without_the_recordings(runs, home, monkeypatch):
    monkeypatch.setenv("ESCLAB_DATA", "")
    explorer = EmbeddingExplorer(runs[0], "no-such-dataset")
    assert "no-such-dataset" in explorer.notice.value
    explorer.method_menu.value = "pca"
    explorer.compute_button.click()
    assert explorer.controller.wait()
    assert explorer.controller.result(0) is not None
    explorer._hear("1-dog-01-a")
    assert "cannot be heard" in explorer.controller.message


def test_unknown_words_leave_all_as_it_was(computed):
    controller = computed.controller
    for wish in ({"method": "mds"}, {"layer": "block9"}, {"spread": "odd"}):
        computed.attempt(lambda wish=wish: controller.choose(**wish))
        assert controller.message
        assert (controller.method, controller.layer, controller.spread) == ("pca", "embedding", "some")
        assert controller.result(0) is not None


def test_stop_leaves_no_points(explorer, monkeypatch):
    from threading import Event

    begun, go_on = Event(), Event()

    def fit(run, *, progress, **settings):
        begun.set()
        go_on.wait(20)
        progress(1, 2)
        pytest.fail("went on after Stop")

    monkeypatch.setattr("esclab.analysis.embedding.embed_run", fit)
    explorer.compute_button.click()
    assert begun.wait(20)
    explorer.work.stop_button.click()
    go_on.set()
    assert explorer.controller.wait()
    assert explorer.controller.result(0) is None
    assert explorer.controller.message == ""
    assert not explorer.compute_button.disabled


def test_code_makes_the_same_points(computed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("esclab.figures.export", lambda *arguments, **options: [])
    scope: dict = {}
    exec(computed.controller.code(), scope)
    for side, result in enumerate(scope["results"]):
        pd.testing.assert_frame_equal(result.table, computed.controller.result(side).table)


def test_every_control_has_a_label_and_a_tooltip(explorer):
    controls = [explorer.left_menu, explorer.right_menu, explorer.method_menu, explorer.layer_menu,
                explorer.spread_menu, explorer.colour_menu, explorer.compute_button, explorer.epoch_slider,
                explorer.size_slider, explorer.class_menu, explorer.search, explorer.wrong_box, explorer.clip_list,
                explorer.add_button, explorer.add_all_button, explorer.clear_button, explorer.csv_button]  # fmt: skip
    assert all(control.description and control.tooltip for control in controls)
