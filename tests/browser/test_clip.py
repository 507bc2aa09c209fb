"""The clip explorer, used as a person would: by hand and by keys."""

from __future__ import annotations

import pytest

from tests.browser.layout import list_sideways
from tests.browser.waiting import wait_until

CLIPS = 'from esclab.widgets.clip import ClipExplorer\nexplorer = ClipExplorer("synth10:50")\nexplorer'
HASH = """() => {
  const c = document.querySelector('.esclab-sound-picture');
  const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return data.reduce((hash, value) => (hash * 31 + value) | 0, 7);
}"""
COLOURS = """() => {
  const c = document.querySelector('.esclab-sound-picture');
  const data = c.getContext('2d').getImageData(c.width / 4, c.height / 4, c.width / 2, c.height / 4).data;
  const seen = new Set();
  for (let n = 0; n < data.length; n += 4) seen.add((data[n] << 16) | (data[n + 1] << 8) | data[n + 2]);
  return seen.size;
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook(CLIPS)


@pytest.fixture
def explorer(notebook):
    notebook.begin()
    notebook.page.wait_for_selector(".esclab-sound-play")
    notebook.page.wait_for_timeout(500)
    yield notebook
    notebook.check()


def wait_for_new_title(page, before):
    page.wait_for_function(
        "before => document.querySelector('.esclab-sound-title').textContent.trim() !== before", arg=before
    )


def wait_for_title(page, title):
    page.wait_for_function(
        "title => document.querySelector('.esclab-sound-title').textContent.trim() === title", arg=title
    )


def read_title(page):
    return page.evaluate("() => document.querySelector('.esclab-sound-title').textContent.trim()")


def test_clip_is_painted_and_the_next_one_looks_different(explorer):
    page = explorer.page
    before, first = page.evaluate(HASH), read_title(page)
    assert page.evaluate(COLOURS) > 20  # a spectrogram, not an even surface
    page.get_by_role("button", name="Next").click()
    wait_for_new_title(page, first)
    wait_until(page, lambda: page.evaluate(HASH) != before)
    page.get_by_role("button", name="Previous").click()
    wait_for_title(page, first)


def test_keys_choose_clips_and_play_without_reaching_the_notebook(explorer):
    page = explorer.page
    cells = page.locator(".jp-Cell").count()
    first = read_title(page)
    page.get_by_role("button", name="Surprise me").focus()
    page.keyboard.press("n")
    wait_for_new_title(page, first)
    second = read_title(page)
    page.keyboard.press("p")
    wait_for_title(page, first)
    page.locator("select[size]").first.focus()
    page.keyboard.press("ArrowDown")
    wait_for_title(page, second)
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.esclab-sound').dataset.playing === 'play'")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.esclab-sound').dataset.playing === ''")
    page.locator(".esclab-sound-glass").focus()
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.esclab-sound').dataset.playing === 'play'")
    page.keyboard.press("s")
    wait_for_new_title(page, second)
    search = page.get_by_placeholder("letters of a name or class")
    search.fill("")
    search.press_sequentially("nps ")
    assert search.input_value() == "nps "
    assert second != first
    assert page.locator(".jp-Cell").count() == cells


def test_a_sound_that_is_stopped_and_begun_at_once_plays(explorer):
    page = explorer.page
    page.wait_for_selector(".esclab-sound-play")
    page.evaluate(
        "() => { const button = document.querySelector('.esclab-sound-play');"
        " for (let n = 0; n < 5; n += 1) button.click(); }"
    )
    page.wait_for_timeout(1000)  # the clip is longer, and what went wrong would show by now
    assert page.locator(".esclab-sound").first.get_attribute("data-playing") == "play"
    assert "did not play" not in page.inner_text(".esclab-sound-hint")


def test_every_control_is_reached_by_tab(explorer):
    page = explorer.page
    page.locator(".esclab-explorer select").first.focus()
    reached = []
    for _ in range(30):
        reached.append(page.evaluate("() => document.activeElement.textContent.trim().slice(0, 40)"))
        page.keyboard.press("Tab")
    for label in ("Next", "Surprise me", "▶ play", "Waveform", "Your own sounds", "Export", "Code"):
        assert label in reached, (label, reached)


def test_waveform_settings_and_code_open(explorer):
    page = explorer.page
    page.get_by_role("button", name="Waveform").click()
    page.wait_for_selector(".esclab-wave canvas")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("bands").fill("64")
    page.keyboard.press("Enter")
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Code").click()
    page.wait_for_selector("text=bands=64")


def test_both_themes_show_everything(explorer):
    page = explorer.page
    for name in ("Waveform", "Settings", "Your own sounds", "Code"):
        page.get_by_role("button", name=name).click()
    page.wait_for_selector(".esclab-wave canvas")
    for theme, width in (("Light", 1280), ("Dark", 1920)):
        explorer.set_theme(f"JupyterLab {theme}")
        page.set_viewport_size({"width": width, "height": 1800})
        page.wait_for_timeout(800)
        explorer.shoot(f"clip-{theme.lower()}-{width}")
        right = page.evaluate("() => document.querySelector('.esclab-explorer').getBoundingClientRect().right")
        assert right <= width
        assert not list_sideways(page)
        for selector in (".esclab-sound-stage", ".esclab-recorder", ".esclab-wave"):
            assert page.locator(selector).bounding_box()["width"] > 300
