from __future__ import annotations

import json
import shutil
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from esclab.analysis.curves import name_curves
from esclab.errors import OptionError, RunError
from esclab.widgets.attribution import AttributionExplorer, write_scores
from esclab.widgets.attribution_controller import AttributionController
from esclab.widgets.working import WorkingController

CNN10, TS_CNN10 = 0, 1


@pytest.fixture(scope="module")
def runs(tiny_runs):
    """One run of each model, both holding out fold 1."""
    return [next(run for run in tiny_runs if run.config.model == name) for name in ("cnn10", "ts-cnn10")]


@pytest.fixture
def explorer(runs, clips, tmp_path):
    made = AttributionExplorer(runs, clips, folder=tmp_path)
    assert made.controller.wait()
    return made


def test_explorer_shows_a_map_of_a_fast_method_at_once(explorer):
    controller = explorer.controller
    assert controller.message == ""
    assert controller.map.method == "gradcam"
    assert controller.map.layer == "block4"
    assert explorer.canvas.shape == list(controller.look.spectrogram.values.shape)
    overlay = np.frombuffer(explorer.canvas.overlay, np.uint8)
    assert overlay.max() == 255 or controller.map.values.max() == 0
    assert len(explorer.canvas.boxes) == len(controller.look.clip.events)


def test_first_clip_is_one_that_the_run_was_not_trained_on(explorer):
    assert explorer.controller.look.clip.fold == explorer.controller.runs[0].config.held_out
    assert "not trained on" in explorer.canvas.subtitle


def test_slow_method_waits_for_compute_and_then_stays(explorer):
    controller = explorer.controller
    explorer.method_menu.value = "occlusion"
    assert controller.wait()
    assert controller.map is None
    assert not explorer.compute_button.disabled
    explorer.compute_button.click()
    assert controller.wait()
    found = controller.map
    assert found.method == "occlusion"
    explorer.method_menu.value = "saliency"
    assert controller.wait()
    explorer.method_menu.value = "occlusion"
    assert controller.map is found
    assert explorer.compute_button.disabled


def test_progress_is_shown_and_stop_leaves_no_map(runs, clips, monkeypatch):
    monkeypatch.setattr("esclab.widgets.working.PAUSE_S", -1.0)
    explorer = AttributionExplorer(runs, clips)
    controller, begun, go_on = explorer.controller, Event(), Event()
    assert controller.wait()

    def hold(done, count):
        begun.set()
        go_on.wait(20)

    tell = controller._tell
    controller._tell = lambda order, done, count: (tell(order, done, count), hold(done, count))
    explorer.method_menu.value = "integrated-gradients"
    assert controller.wait()
    explorer.compute_button.click()
    assert begun.wait(20)
    assert explorer.work.row.layout.visibility == "visible"
    assert explorer.work.bar.max > 1
    explorer.work.stop_button.click()
    go_on.set()
    assert controller.wait()
    assert controller.map is None
    assert controller.busy == ""
    assert explorer.work.row.layout.visibility == "hidden"
    assert not explorer.compute_button.disabled


def test_answer_of_stopped_work_is_dropped():
    controller, begun, go_on, found = WorkingController(), Event(), Event(), []

    def work(report):
        begun.set()
        go_on.wait(20)
        return lambda: found.append("old")

    controller.start("old", work)
    assert begun.wait(20)
    controller.start("new", lambda report: lambda: found.append("new"))
    go_on.set()
    assert controller.wait()
    assert found == ["new"]
    assert controller.busy == ""


def test_attention_is_offered_only_by_a_model_that_has_it(explorer):
    controller = explorer.controller
    assert "attention" not in [name for _, name in explorer.method_menu.options]
    explorer.attempt(lambda: controller.choose(method="attention"))
    assert "no layer with attention" in controller.message
    assert controller.method == "gradcam"
    explorer.run_menu.value = TS_CNN10
    explorer.method_menu.value = "attention"
    assert controller.wait()
    assert controller.map.method == "attention"
    assert next(name for _, name in explorer.layer_menu.options) == ""
    explorer.run_menu.value = CNN10
    assert controller.wait()
    assert controller.method == "gradcam"
    assert "no method Attention" in explorer.notice.value


def test_layer_and_class_change_what_is_explained(explorer):
    controller = explorer.controller
    explorer.layer_menu.value = "block2"
    explorer.target_menu.value = 3
    assert controller.wait()
    assert controller.map.layer == "block2"
    assert controller.map.class_name == controller.class_names[3]
    assert controller.map.probability == pytest.approx(controller.look.probabilities[3])
    explorer.target_menu.value = -1
    assert controller.wait()
    assert controller.key[4] == controller.look.probabilities.argmax()


def test_kept_and_removed_sounds_have_the_chosen_share_and_add_up(explorer):
    controller = explorer.controller
    explorer.method_menu.value = "spectrogram"
    explorer.hear_box.value = True
    explorer.share.value = 0.5
    assert controller.wait()
    clip, kept, removed = controller.sounds().values()
    assert np.sum(kept**2) / np.sum(clip**2) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(kept + removed, clip, atol=1e-5)
    assert list(explorer.canvas.sounds) == ["clip", "kept", "removed"]
    explorer.hear_box.value = False
    assert controller.wait()
    assert list(explorer.canvas.sounds) == ["clip"]


def test_pinned_maps_stand_beside_each_other_and_come_back(explorer):
    controller = explorer.controller
    explorer.pin_button.click()
    pinned = controller.map
    explorer.pin_button.click()
    assert len(controller.pins) == 1
    explorer.method_menu.value = "layercam"
    assert controller.wait()
    assert [one.method for one in controller.comparison().maps] == ["gradcam", "layercam"]
    assert explorer.compared.view.layout.display == ""
    assert len(explorer.compared.figure.data) >= 3
    explorer.recall_button.click()
    assert controller.map is pinned
    explorer.unpin_button.click()
    assert controller.pins == []
    assert explorer.compared.view.layout.display == "none"


def test_pinned_map_is_listed_with_its_class_in_words(explorer):
    explorer.target_menu.value = explorer.controller.class_names.index("sea_waves")
    assert explorer.controller.wait()
    explorer.pin_button.click()
    assert "sea waves" in explorer.pin_list.options[0][0]
    assert "sea_waves" not in explorer.pin_list.options[0][0]


def test_curves_start_at_the_probability_and_hold_chance_beside_the_map(explorer):
    controller = explorer.controller
    explorer.curves_button.click()
    assert controller.wait()
    table = controller.curves.table
    assert set(table["method"]) == {"gradcam", "random"}
    assert len(table) == 2 * 2 * 21
    starts = table[(table["curve"] == "deletion") & (table["share"] == 0)]["mean"]
    np.testing.assert_allclose(starts, controller.map.probability, atol=1e-6)
    ends = table[(table["curve"] == "insertion") & (table["share"] == 1)]["mean"]
    np.testing.assert_allclose(ends, controller.map.probability, atol=1e-6)
    assert explorer.curves.view.layout.display == ""


def test_curves_before_a_map_are_one_clear_line(explorer):
    explorer.method_menu.value = "scorecam"
    assert explorer.controller.wait()
    explorer.attempt(explorer.controller.measure_curves)
    assert "there is no map yet" in explorer.status.value


def test_names_of_curves_tell_layers_and_classes_apart(explorer):
    one = explorer.controller.map
    assert name_curves([one, replace(one, method="layercam")]) == ["gradcam", "layercam"]
    assert name_curves([replace(one, layer="a"), replace(one, layer="b")]) == ["gradcam, a", "gradcam, b"]
    other = replace(one, layer="", method="saliency")
    names = name_curves([replace(other, class_name="dog"), replace(other, class_name="cat")])
    assert names == ["saliency, dog", "saliency, cat"]
    assert name_curves([one, replace(one, model="other")]) == ["gradcam", "gradcam"]


def test_code_makes_the_same_maps_and_curves(explorer, monkeypatch, tmp_path):
    controller = explorer.controller
    explorer.pin_button.click()
    explorer.run_menu.value = TS_CNN10
    explorer.method_menu.value = "saliency"
    assert controller.wait()
    controller.measure_curves()
    assert controller.wait()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("esclab.figures.export", lambda *arguments, **options: [])
    scope: dict = {}
    exec(controller.code(), scope)
    results = controller.results()
    for mine, theirs in zip(results["attribution"][1].maps, scope["attribution"].maps, strict=True):
        np.testing.assert_allclose(theirs.values, mine.values, rtol=1e-4, atol=1e-6)
        assert (theirs.method, theirs.model, theirs.class_name) == (mine.method, mine.model, mine.class_name)
    theirs = scope["faithfulness"].table
    np.testing.assert_allclose(theirs["mean"], controller.curves.table["mean"], atol=1e-5)
    assert theirs["method"].tolist() == controller.curves.table["method"].tolist()


def test_export_writes_maps_and_sounds(explorer, tmp_path, monkeypatch):
    from esclab.figures.export import export

    monkeypatch.setattr("esclab.figures.export", lambda *a, **o: export(*a, **(o | {"formats": ("csv",)})))
    explorer.hear_box.value = True
    assert explorer.controller.wait()
    explorer.export_button.click()
    assert {path.name for path in tmp_path.iterdir()} >= {"attribution.csv", "kept.wav", "removed.wav", "clip.wav"}
    assert "Wrote" in explorer.status.value


def test_unreadable_clip_is_one_line_and_the_next_clip_is_fine(runs, clips, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound at all")
    table = clips.table.copy()
    name, good = table["clip"].iloc[1], table["clip"].iloc[0]
    table.loc[table.index[1], "path"] = str(broken)
    explorer = AttributionExplorer(runs, replace(clips, table=table))
    assert explorer.controller.wait()
    explorer.attempt(lambda: explorer.controller.choose(clip=name))
    assert explorer.controller.wait()
    assert "broken.wav" in explorer.controller.message
    assert "\n" not in explorer.controller.message
    assert explorer.canvas.shape == [0, 0]
    assert explorer.canvas.sounds == {}
    explorer.attempt(lambda: explorer.controller.choose(clip=good))
    assert explorer.controller.wait()
    assert explorer.controller.message == ""
    assert explorer.canvas.shape != [0, 0]
    assert list(explorer.canvas.sounds) == ["clip"]


def test_run_of_another_version_is_told_of_and_the_others_work(runs, clips, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(runs[0].path, old)
    config = json.loads((old / "config.json").read_text("utf-8"))
    (old / "config.json").write_text(json.dumps(config | {"format": 99}), "utf-8")
    explorer = AttributionExplorer([str(old), runs[1]], clips)
    assert explorer.controller.labels == ["ts-cnn10"]
    assert "format 99" in explorer.notice.value
    with pytest.raises(RunError, match="format 99"):
        AttributionExplorer(str(old), clips)
    with pytest.raises(OptionError, match="runs"):
        AttributionController([], clips)


def test_names_are_shown_letter_by_letter(explorer):
    bad = "<script>alert(1)</script>"
    shown = write_scores(np.array([0.25, 0.75]), (bad, "dog"), 0)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    explorer.controller.note = bad
    explorer.controller.notify()
    assert "<script>" not in explorer.notice.value


def test_search_and_class_narrow_the_list(explorer, clips):
    explorer.class_menu.value = "dog"
    dogs = set(clips.table[clips.table["class_name"] == "dog"]["clip"])
    assert {name for _, name in explorer.clip_list.options} == dogs
    explorer.search.value = "no such letters"
    assert explorer.clip_list.options == ()


def test_every_control_has_a_label_and_a_tooltip(explorer):
    controls = [explorer.class_menu, explorer.search, explorer.clip_list, explorer.run_menu, explorer.method_menu,
                explorer.layer_menu, explorer.target_menu, explorer.compute_button, explorer.opacity,
                explorer.hear_box, explorer.share, explorer.pin_button, explorer.recall_button, explorer.unpin_button,
                explorer.curves_button, explorer.pin_list, explorer.work.stop_button]  # fmt: skip
    assert all(control.description and control.tooltip for control in controls)


def test_keys_do_what_the_buttons_do(explorer):
    explorer.keys.press("p")
    assert len(explorer.controller.pins) == 1
    explorer.method_menu.value = "occlusion"
    assert explorer.controller.wait()
    explorer.keys.press("c")
    assert explorer.controller.wait()
    assert explorer.controller.map.method == "occlusion"
