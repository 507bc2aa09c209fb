"""The noise lab's sensitivity map: it belongs to a clip and a noise, tells how far it is, and can be stopped."""

from __future__ import annotations

from threading import Event

import pytest

from tests.widgets.test_noise import REGION


@pytest.fixture
def gate(monkeypatch):
    """Hold each map at its end until the gate is opened."""
    from esclab.analysis import sensitivity

    measure, gate = sensitivity.measure_sensitivity, Event()

    def hold(*arguments, **options):
        result = measure(*arguments, **options)
        assert gate.wait(60)
        return result

    monkeypatch.setattr(sensitivity, "measure_sensitivity", hold)
    return gate


def measure(lab, number=0):
    lab.measure_sensitivity(number)
    assert lab.maps.wait(60)
    assert lab.maps.message == ""


def choose_another(lab):
    lab.choose_clip(next(name for name in lab.source.select() if name != lab.clip.name))


CHANGES = {
    "clip": choose_another,
    "kind": lambda lab: lab.change(kind="pink"),
    "snr_db": lambda lab: lab.change(snr_db=3.0),
    "seed": lambda lab: lab.change(seed=7),
    "class": lambda lab: lab.look(target="rain" if lab.clip.class_name != "rain" else "dog"),
}


def test_map_watches_the_clips_own_class(lab):
    measure(lab, 1)
    assert (lab.sensitivity.model, lab.sensitivity.class_name) == ("ts-cnn10", lab.clip.class_name)
    assert lab.sensitivity.score.shape == (10, 8)
    assert "sensitivity" in lab.results()


@pytest.mark.parametrize("what", CHANGES)
def test_map_goes_with_what_it_was_measured_for(lab, what):
    measure(lab)
    CHANGES[what](lab)
    assert lab.sensitivity is None
    assert "sensitivity" not in lab.results()


def test_map_stays_where_only_the_region_changes(lab):
    measure(lab)
    lab.change(region=REGION)
    lab.change(mode="erase")
    assert lab.sensitivity is not None


@pytest.mark.parametrize("what", ["clip", "snr_db"])
def test_map_that_was_under_way_is_not_shown_for_something_else(lab, gate, what):
    lab.measure_sensitivity()
    CHANGES[what](lab)
    assert lab.maps.busy == ""
    gate.set()
    assert lab.maps.wait(60)
    assert lab.sensitivity is None


def test_map_tells_how_far_it_is(lab):
    told = []
    lab.maps.subscribe(lambda: told.append(lab.maps.progress))
    measure(lab)
    assert max(told) > (0, 81)
    assert lab.maps.progress == (81, 81)


def test_stopped_map_leaves_the_one_before(view, gate):
    gate.set()
    view.map.button.click()
    assert view.controller.maps.wait(60)
    before = view.controller.sensitivity
    gate.clear()
    view.map.button.click()
    assert view.map.work.row.layout.visibility == "visible"
    view.map.work.stop_button.click()
    gate.set()
    assert view.controller.maps.wait(60)
    assert view.map.work.row.layout.visibility == "hidden"
    assert view.controller.sensitivity is before


def test_map_is_drawn_and_goes_with_its_clip(view):
    view.map.button.click()
    assert view.controller.maps.wait(60)
    assert view.map.plot.figure.data[0].type == "heatmap"
    assert view.map.plot.view.layout.display == ""
    choose_another(view.controller)
    assert view.map.plot.view.layout.display == "none"


def test_failed_map_is_one_line_that_the_next_action_clears(view, monkeypatch):
    monkeypatch.setattr("esclab.analysis.sensitivity.measure_sensitivity", lambda *a, **k: 1 / 0)
    view.map.button.click()
    assert view.controller.maps.wait(60)
    assert "ZeroDivisionError" in view.status.value
    view.snr_slider.value = 3
    assert "ZeroDivisionError" not in view.status.value
