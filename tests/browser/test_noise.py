"""The noise lab, used as a person would: by hand and by keys."""

from __future__ import annotations

import pytest

from tests.browser.gestures import drag_region
from tests.browser.waiting import wait_until, wait_until_still

LAB = 'from esclab.widgets import NoiseExplorer\nlab = NoiseExplorer(dataset="synth10:50")\nlab'
PICTURE = "() => document.querySelector('.esclab-sound-picture').toDataURL()"
# Keeps the picture as it is now, and tells where another one differs from it: how many pixels, and the range across.
KEEP = """() => {
  const canvas = document.querySelector('.esclab-sound-picture');
  window.kept = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
}"""
DIFFER = """() => {
  const canvas = document.querySelector('.esclab-sound-picture');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const [now, before] = [data, window.kept].map(bytes => new Uint32Array(bytes.buffer));
  const across = Array.from(now.keys()).filter(n => now[n] !== before[n]).map(n => (n % canvas.width) / canvas.width);
  return [across.length, Math.min(...across), Math.max(...across)];
}"""
# Titles of each control with a label: its own, and those of its label, its fields and its handles.
TITLES = """() => [...document.querySelectorAll('.esclab-explorer .widget-inline-hbox')]
  .filter(control => control.querySelector('.widget-label')?.textContent).map(control => {
  const label = control.querySelector('.widget-label').textContent;
  const parts = [...control.querySelectorAll('.widget-label, select, input, [role=slider]')];
  return [label, [control, ...parts].map(part => part.title)];
})"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook(LAB)


@pytest.fixture
def lab(notebook):
    notebook.begin()
    notebook.page.wait_for_selector(".esclab-scores-table")
    yield notebook
    notebook.check()


def read_scores(page):
    return page.eval_on_selector_all(".esclab-scores-number", "cells => cells.map(cell => cell.textContent)")


def wait_for_answer(page, before):
    page.wait_for_function(
        "before => (document.querySelector('.esclab-sound').dataset.answered || '0') !== before", arg=before
    )


def test_dragged_rectangle_changes_picture_and_scores(lab):
    page = lab.page
    wait_until_still(page, lambda: page.evaluate(PICTURE))
    page.evaluate(KEEP)
    scores = read_scores(page)
    drag_region(page, (0.4, 0.2), (0.7, 0.6))
    wait_for_answer(page, "0")
    wait_until(page, lambda: read_scores(page) != scores)
    wait_until_still(page, lambda: page.evaluate(PICTURE))
    changed, first, last = page.evaluate(DIFFER)
    assert changed > 500
    assert 0.35 < first < last < 0.75  # the noise is inside the rectangle
    assert "gaussian 10 dB" in page.inner_text(".esclab-sound-subtitle")
    lab.shoot("noise-light-1280")


def test_keys_alone_make_move_and_remove_a_region(lab):
    page = lab.page
    page.wait_for_timeout(500)
    page.locator(".esclab-sound-glass").first.focus()
    hint = page.locator(".esclab-sound-hint").first
    page.keyboard.press("Enter")
    wait_for_answer(page, "0")
    first = hint.inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_timeout(500)
    assert " to " in first
    assert hint.inner_text() != first
    page.keyboard.press("Delete")
    page.wait_for_function("() => document.querySelector('.esclab-sound-hint').textContent.startsWith('No region')")
    page.wait_for_function("() => document.querySelector('.esclab-sound-subtitle').textContent === 'clean'")


def test_sound_plays_with_a_play_head(lab):
    page = lab.page
    page.wait_for_selector(".esclab-sound-play")
    page.locator(".esclab-sound-play").first.click()
    page.wait_for_function("() => document.querySelector('.esclab-sound').dataset.playing === 'clean'")
    page.locator(".esclab-sound-play").first.click()
    page.wait_for_function("() => document.querySelector('.esclab-sound').dataset.playing === ''")


def test_sound_stops_when_another_clip_is_chosen(lab):
    page = lab.page
    page.locator("button[data-sound=clean]").click()
    page.wait_for_selector(".esclab-sound[data-playing=clean]")
    page.get_by_role("button", name="bands 25-30").click()
    page.locator("button[data-sound=changed]").wait_for()
    assert page.locator(".esclab-sound").first.get_attribute("data-playing") == "clean"  # an edit lets it play
    page.get_by_label("Clip", exact=True).select_option(index=3)
    page.wait_for_selector(".esclab-sound[data-playing='']")


def test_every_control_shows_a_tooltip(lab):
    lab.page.wait_for_function(f"() => ({TITLES})().every(([, titles]) => titles.every(title => title))")
    found = dict(lab.page.evaluate(TITLES))
    assert len(found) > 12
    assert {"Clip", "SNR (dB)", "Time (s)", "Own sounds", "Progress"} <= set(found)
    assert not [label for label, titles in found.items() if {label, "null"} & set(titles)]


def test_rectangle_never_closes(lab):
    page = lab.page
    glass = page.locator(".esclab-sound-glass").first
    page.locator("button[data-sound=clean]").wait_for()  # what comes late moves the picture
    for ends in ((0, 0), (90, 60)), ((90, 60), (0, 0)):  # the second time its corner is brought back to the other one
        box = wait_until_still(page, glass.bounding_box)
        (left, top), (right, bottom) = ((box["x"] + 240 + x, box["y"] + 100 + y) for x, y in ends)
        page.mouse.move(left, top)
        page.mouse.down()
        page.mouse.move(right, bottom, steps=6)
        page.mouse.up()
        page.locator("button[data-sound=changed]").wait_for()
    hint = wait_until_still(page, page.locator(".esclab-sound-hint").first.inner_text)
    start, _, end, _, low, _, high = (word.strip(",") for word in hint.split()[:7])
    assert 0 < float(end) - float(start) < 0.05
    assert 0 < float(high) - float(low) < 1000
    assert "does not rise" not in page.inner_text(".esclab-explorer")


def test_undo_button_takes_the_change_back(lab):
    page = lab.page
    assert page.get_by_role("button", name="Undo").is_disabled()
    page.get_by_role("button", name="frames 50-64").click()
    page.wait_for_function("() => document.querySelector('.esclab-sound-subtitle').textContent.startsWith('gaussian')")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => document.querySelector('.esclab-sound-subtitle').textContent === 'clean'")


def test_keys_stay_with_the_lab_after_clicks_on_nothing_and_on_a_button_that_goes_out(lab):
    page = lab.page
    subtitle = "() => document.querySelector('.esclab-sound-subtitle').textContent"
    page.get_by_role("button", name="frames 50-64").click()
    page.wait_for_function(f"() => ({subtitle})().startsWith('gaussian')")
    page.locator("button[data-sound=changed]").click()
    page.wait_for_selector(".esclab-sound[data-playing=changed]")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"() => ({subtitle})() === 'clean'")
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some(b => b.disabled && /Undo/.test(b.textContent))"
    )
    page.wait_for_timeout(300)
    page.keyboard.press("r")  # to JupyterLab it means another kind of cell, whose output would be gone
    page.wait_for_function(f"() => ({subtitle})().startsWith('gaussian')")

    page.locator("button[data-sound=changed]").wait_for()
    box = page.locator(".esclab-scores").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] - 3)
    page.keyboard.press("u")
    page.wait_for_function(f"() => ({subtitle})() === 'clean'")
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] - 3)
    page.keyboard.press("r")
    page.wait_for_function(f"() => ({subtitle})().startsWith('gaussian')")
    page.locator("button[data-sound=changed]").wait_for()
    page.keyboard.press(" ")  # plays again what was played last
    page.wait_for_selector(".esclab-sound[data-playing=changed]")
    assert page.locator(".jp-CodeCell .esclab-explorer").count() == 1


def test_sensitivity_map_is_painted(lab):
    page = lab.page
    page.get_by_role("button", name="Sensitivity map").click()
    page.wait_for_selector(".esclab-plot .heatmaplayer image")
    assert "cnn10" in page.inner_text(".esclab-plot >> xpath=..")
    page.get_by_label("Clip", exact=True).select_option(index=3)
    page.locator(".esclab-plot").wait_for(state="hidden")


def test_dark_theme_shows_everything(lab):
    lab.page.get_by_role("button", name="bands 25-30").click()
    lab.page.wait_for_timeout(1000)
    lab.shoot("noise-light-1280")
    lab.set_theme("JupyterLab Dark")
    lab.page.set_viewport_size({"width": 1920, "height": 1800})
    lab.page.wait_for_timeout(800)
    lab.shoot("noise-dark-1920")
    assert lab.page.locator(".esclab-sound-picture").count() == 5
