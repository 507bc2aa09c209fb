from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from esclab.analysis.attribution import attribute
from esclab.errors import ClipError, OptionError
from esclab.noise import inject_noise, measure_snr
from esclab.results import WHOLE_CLIP, Region
from esclab.widgets.canvas import read_region
from esclab.widgets.edit import Edit
from esclab.widgets.live import LiveModel
from esclab.widgets.noise_controller import NoiseController
from esclab.widgets.source import ClipSource
from tests.widgets.test_source import make_file
from tests.widgets.test_together import Wire

REGION = Region(0.2, 0.6, 500, 4000)


def test_lab_begins_clean_on_a_clip_that_was_held_out(lab, tiny_runs):
    assert lab.edit == Edit()
    assert lab.clip.fold == tiny_runs[0].config.held_out
    np.testing.assert_array_equal(lab.samples["clean"], lab.samples["changed"])
    assert lab.answers["clean"][0] is lab.answers["changed"][0]


def test_noise_is_that_of_inject_noise(lab):
    lab.change(region=REGION, kind="pink", snr_db=3.0, seed=4)
    expected = inject_noise(lab.samples["clean"], 44_100, kind="pink", snr_db=3.0, region=REGION, seed=4)
    np.testing.assert_allclose(lab.samples["changed"], expected, atol=1e-6)
    assert measure_snr(lab.samples["clean"], lab.samples["changed"], 44_100, region=REGION) == pytest.approx(3, abs=0.1)


def test_another_level_draws_no_noise_again(lab, monkeypatch):
    lab.change(region=REGION)
    monkeypatch.setattr("esclab.widgets.noise_controller.draw_noise", lambda *a, **k: pytest.fail("drawn again"))
    lab.change(snr_db=0.0)
    assert measure_snr(lab.samples["clean"], lab.samples["changed"], 44_100, region=REGION) == pytest.approx(0, abs=0.1)


def test_erasing_leaves_less_energy(lab):
    lab.change(region=WHOLE_CLIP, mode="erase")
    assert np.abs(lab.samples["changed"]).max() < 1e-6
    lab.change(mode="attenuate", gain_db=-20.0)
    np.testing.assert_allclose(lab.samples["changed"], 0.1 * lab.samples["clean"], atol=1e-6)


def test_scores_are_those_of_the_network(lab, tiny_runs):
    probabilities = tiny_runs[0].read_predictions()
    row = probabilities.clips.tolist().index(lab.clip.name)
    # The lab may compute in half precision.
    np.testing.assert_allclose(lab.answers["clean"][0].probabilities, probabilities.probabilities[row], atol=0.02)


def test_heatmap_is_grad_cam(lab, tiny_runs):
    import torch

    features = torch.from_numpy(lab.pictures["clean"].values)[None, None]
    answer = lab.answers["clean"][0]
    expected = attribute(tiny_runs[0].load_model(), features, method="gradcam", target=answer.target)[0]
    if expected.max() > 0:
        assert np.corrcoef(answer.heatmap.ravel(), expected.ravel())[0, 1] > 0.97


def test_undo_and_redo_walk_through_committed_edits(lab):
    for snr_db in (10.0, 5.0, 0.0):
        lab.change(region=REGION, snr_db=snr_db)
        lab.commit()
    lab.undo()
    assert lab.edit.snr_db == 5.0
    lab.undo()
    lab.redo()
    lab.redo()
    assert lab.edit.snr_db == 0.0
    assert not lab.can_redo
    for _ in range(5):
        lab.undo()
    assert lab.edit == Edit()
    assert not lab.can_undo


@pytest.mark.parametrize("way", ["undo", "redo"])
def test_undo_or_redo_that_fails_leaves_everything_as_it_was(lab, monkeypatch, way):
    lab.change(region=REGION, snr_db=5.0)
    lab.change(snr_db=0.0, seed=1)
    lab.change(mode="erase")
    if way == "redo":
        lab.undo()
        lab.undo()
    before = (lab.edit, lab.samples["changed"], lab.can_undo, lab.can_redo)
    monkeypatch.setattr(lab, "_noise", None)
    with monkeypatch.context() as broken:
        broken.setattr("esclab.widgets.noise_controller.draw_noise", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            getattr(lab, way)()
    assert (lab.edit, lab.samples["changed"], lab.can_undo, lab.can_redo) == before
    getattr(lab, way)()
    assert lab.edit != before[0]


def test_undo_takes_an_uncommitted_change_back(lab):
    lab.change(region=REGION)
    lab.undo()
    assert lab.edit == Edit()


def test_failed_change_leaves_everything_as_it_was(lab):
    lab.change(region=REGION)
    before = (lab.edit, lab.samples["changed"])
    with pytest.raises(OptionError, match="pinkish"):
        lab.change(kind="pinkish")
    with pytest.raises(OptionError, match="mode melt"):
        lab.change(mode="melt")
    assert lab.edit == before[0]
    assert lab.samples["changed"] is before[1]


def test_unreadable_clip_leaves_the_clip_before(lab, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    table = lab.source.dataset.table.copy()
    table.loc[table["clip"] == "1-rain-01-a", "path"] = str(broken)
    lab.source.dataset = replace(lab.source.dataset, table=table)
    name = lab.clip.name
    with pytest.raises(ClipError, match=r"broken\.wav"):
        lab.choose_clip("1-rain-01-a")
    assert lab.clip.name == name
    assert lab.attempt(lambda: lab.choose_clip("1-rain-01-a")) is False
    assert "broken.wav" in lab.message


def test_presets_are_those_of_figure_4(lab):
    assert list(lab.presets()) == ["frames 50-64", "bands 25-30", "whole clip"]
    lab.apply_preset("bands 25-30")
    assert lab.edit.region.low_hz == pytest.approx(5407, abs=1)


def test_kept_tries_say_what_each_model_heard(lab):
    lab.change(region=REGION)
    lab.keep()
    lab.change(mode="erase")
    lab.keep()
    assert lab.tries["edit"].tolist() == ["gaussian 10 dB, 0.2-0.6 s, 500-4000 Hz", "erased, 0.2-0.6 s, 500-4000 Hz"]
    assert "cnn10: answer" in lab.tries.columns


def test_kept_tries_have_words_for_classes(view):
    view.controller.choose_clip("1-crying_baby-01-a")
    view.controller.look(target="crying_baby")
    view.keep_button.click()
    assert "crying baby before" in view.tries.value
    assert "crying_baby before" not in view.tries.value


def test_runs_of_two_front_ends_are_refused(tiny_runs, clips):
    other = replace(tiny_runs[1], config=replace(tiny_runs[1].config, duration_s=2.0))
    with pytest.raises(OptionError, match="different front ends or lengths"):
        NoiseController([tiny_runs[0], other], clips)


def test_two_runs_of_one_model_are_told_apart(tiny_runs, clips):
    first, _, second, _ = tiny_runs
    assert NoiseController([first, second], clips).labels == ["cnn10 fold 1 seed 0", "cnn10 fold 2 seed 0"]


def test_unknown_layer_is_named(tiny_runs):
    model = LiveModel(tiny_runs[0])
    with pytest.raises(OptionError, match="layer conv9: is not known; choose one of block1"):
        model.answer(np.zeros((51, 40), dtype=np.float32), layer="conv9")
    assert not model.network.get_submodule("block4")._forward_hooks


def test_view_answers_a_dragged_rectangle(view):
    view.picture.region = [0.2, 0.6, 500.0, 4000.0]
    view.picture.stamp = 1
    assert view.controller.edit.region == REGION
    assert view.picture.answered == 1
    assert view.picture.subtitle.startswith("gaussian 10 dB")
    view._hear_message({"type": "released"})
    assert view.controller.can_undo


def test_sliders_travel_with_the_answer_rounded_to_their_step(view):
    for widget in (view.picture, view.time_slider, view.band_slider):
        widget.comm = Wire()
    view.picture.region = [0.2037, 0.6, 500.0, 4000.0]
    view.picture.stamp = 1
    assert not view.time_slider.comm.sent
    assert not view.band_slider.comm.sent
    (parts,) = (data["content"]["parts"] for data, _ in view.picture.comm.sent if data.get("content", {}).get("parts"))
    (moved,) = (part["state"]["value"] for part in parts if part["model"] == view.time_slider.model_id)
    assert tuple(moved) == (0.2, 0.6)
    assert view.controller.edit.region.onset_s == 0.204


def test_view_answers_a_failed_drag_with_one_line(view, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ValueError("<b>odd</b>")

    monkeypatch.setattr("esclab.widgets.noise_controller.draw_noise", fail)
    view.picture.region = [0.2, 0.6, 500.0, 4000.0]
    view.picture.stamp = 1
    assert view.picture.answered == 1  # the next gesture is not stuck behind it
    assert "&lt;b&gt;odd" in view.status.value
    assert view.controller.edit == Edit()


def test_side_on_the_border_stays_open(view):
    start, end = view.picture.time_range_s
    low, high = view.picture.band_edges_hz[0], view.picture.band_edges_hz[-1]
    assert read_region([start, end, low, high], view.picture) == WHOLE_CLIP
    assert read_region([], view.picture) is None


def test_sliders_move_the_region(view):
    view.time_slider.value = (0.2, 0.4)
    assert (view.controller.edit.region.onset_s, view.controller.edit.region.offset_s) == (0.2, 0.4)
    view.band_slider.value = (10, 20)
    edges = view.picture.band_edges_hz
    assert view.controller.edit.region.low_hz == round(edges[10])
    assert view.picture.region[3] == round(edges[20])


def test_rounding_of_the_browser_is_no_gesture(view):
    view.preset_buttons[1].click()
    edit = view.controller.edit
    view.time_slider.value = (0.0, 0.996)
    assert view.controller.edit == edit


def test_one_step_of_a_time_slider_is_a_gesture(view):
    view.time_slider.value = (0.2, 0.4)
    view.time_slider.value = (0.21, 0.4)
    assert view.controller.edit.region.onset_s == 0.21


def test_handles_at_one_place_leave_one_step_between_them(view):
    for both, region in (((0.5, 0.5), (0.5, 0.51)), ((1.0, 1.0), (0.99, 1.0))):
        view.time_slider.value = both
        assert (view.controller.edit.region.onset_s, view.controller.edit.region.offset_s) == region
        assert view.controller.message == ""


def test_controls_show_only_what_counts(view):
    view.mode_picker.value = "attenuate"
    assert (view.snr_slider.layout.display, view.gain_slider.layout.display) == ("none", "")
    view.mode_picker.value = "erase"
    assert view.gain_slider.layout.display == "none"


def test_choosing_a_class_lists_its_clips(view):
    view.class_picker.value = "rain"
    assert all("rain" in name for name in view.clip_picker.options)
    assert view.controller.clip.class_name == "rain"


def test_sounds_follow_after_the_pictures(view):
    view.preset_buttons[2].click()
    view._send_sounds()
    assert list(view.picture.sounds) == ["clean", "changed", "difference"]
    assert all(data[:4] == b"RIFF" for data in view.picture.sounds.values())


def test_every_control_has_a_label_and_a_tooltip(view):
    controls = [view.class_picker, view.clip_picker, view.mode_picker, view.kind_picker, view.snr_slider,
                view.gain_slider, view.reference_picker, view.time_slider, view.band_slider, view.layer_picker,
                view.gates_picker, view.target_picker, view.opacity, view.map.model, view.undo_button,
                view.export_button, *view.preset_buttons]  # fmt: skip
    assert all(control.description and control.tooltip for control in controls)


def test_code_button_shows_escaped_code(view):
    view.code_button.click()
    assert "inject_noise" in view.code_box.value
    view.code_button.click()
    assert view.code_box.layout.display == "none"


def test_export_button_tells_where(view, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view.export_button.click()
    assert "Wrote" in view.status.value
    assert (tmp_path / "out" / "scores.png").exists()


def test_change_of_something_else_is_a_step_of_undo_of_its_own(lab):
    controller = lab
    region = Region(0.2, 0.6, 500.0, 2000.0)
    controller.change(region=region)
    for snr_db in (9.0, 8.0, 7.0):  # one gesture
        controller.change(snr_db=snr_db)
    controller.undo()
    assert (controller.edit.region, controller.edit.snr_db) == (region, 10.0)
    controller.undo()
    assert controller.edit.region is None
    controller.redo()
    controller.redo()
    assert (controller.edit.region, controller.edit.snr_db) == (region, 7.0)


def test_own_sounds_come_and_go_in_the_list(view, tmp_path, monkeypatch):
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "own"))
    first = view.controller.clip.name
    elsewhere = ClipSource(view.controller.source.dataset)
    elsewhere.add_own("mine.wav", make_file())
    assert "mine.wav" in view.clip_picker.options
    assert view.controller.clip.name == view.clip_picker.value == first
    view.class_picker.value = "own"
    assert (view.controller.clip.name, view.clip_picker.options) == ("mine.wav", ("mine.wav",))
    elsewhere.delete_own("mine.wav")
    assert view.controller.clip.name == view.clip_picker.value == first
    assert "mine.wav" not in view.clip_picker.options
    assert view.class_picker.value == "any"


def test_class_without_clips_is_told_and_not_chosen(view, tmp_path, monkeypatch):
    monkeypatch.setattr(ClipSource, "own_folder", property(lambda self: tmp_path / "none"))
    view.class_picker.value = "own"
    assert "no clips of this kind" in view.status.value
    assert view.class_picker.value == "any"
    assert view.clip_picker.value == view.controller.clip.name
