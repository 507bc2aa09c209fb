"""The confusion explorer, used as a person would: by hand and by keys."""

from __future__ import annotations

import re

import pytest

from tests.browser.layout import list_sideways
from tests.browser.waiting import wait_until

EXPLORER = """from esclab.widgets.confusion import ConfusionExplorer
explorer = ConfusionExplorer(dataset="synth10")
explorer.view"""
BRIGHT_PIXELS = """() => {
  const canvas = document.querySelector('.esclab-sound-picture');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let n = 0; n < data.length; n += 4) if (data[n + 1] > 150 && data[n + 2] > 150 && data[n] < 120) count += 1;
  return count;
}"""


def click_cell(page, row, column, classes=10):
    box = page.locator(".js-plotly-plot .heatmaplayer").first.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    x, y = (column + 0.5) / classes * box["width"], (row + 0.5) / classes * box["height"]
    page.mouse.move(box["x"] + x - 2, box["y"] + y - 2, steps=5)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.wait_for_timeout(200)
    page.mouse.click(box["x"] + x, box["y"] + y)


def chosen_words(page, label):
    return page.get_by_label(label, exact=True).evaluate("list => list.selectedOptions[0].value")


@pytest.fixture(scope="module")
def notebook(open_notebook, synth10):
    return open_notebook(EXPLORER)


@pytest.fixture
def explorer(notebook):
    notebook.begin()
    notebook.page.wait_for_selector(".js-plotly-plot .heatmaplayer image")
    notebook.page.wait_for_timeout(800)
    yield notebook
    notebook.check()


def test_click_on_a_cell_lists_its_clips_and_a_clip_plays_with_its_heatmap(explorer):
    page = explorer.page
    click_cell(page, 4, 4)
    page.wait_for_function(
        "() => [...document.querySelectorAll('select')].filter(s => s.selectedOptions[0]?.value === "
        "'crackling fire').length === 2"
    )
    page.locator("select[size] option").first.click()
    page.wait_for_function("() => document.querySelector('.esclab-sound').dataset.playing", timeout=60_000)
    wait_until(page, lambda: page.evaluate(BRIGHT_PIXELS) > 200)  # the overlay's colour, which no spectrogram has
    assert "crackling" in page.inner_text(".esclab-sound-title")
    assert "looked for crackling fire" in page.inner_text(".esclab-sound-subtitle")
    page.get_by_role("button", name="Off", exact=True).click()
    page.wait_for_function("() => !document.querySelector('.esclab-sound-subtitle')")
    wait_until(page, lambda: page.evaluate(BRIGHT_PIXELS) == 0)


def test_pairs_are_sorted_and_chosen_with_keys(explorer):
    page = explorer.page
    table = page.locator(".esclab-table")
    names = table.locator("tbody tr td:first-child").all_inner_texts()
    table.get_by_role("button", name="true", exact=False).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.esclab-table th').ariaSort === 'ascending'")
    rows = table.locator("tbody tr td:first-child")
    assert rows.all_inner_texts() == sorted(names)
    table.locator("tbody tr[tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.esclab-table tbody tr')].at(-1).ariaSelected === 'true'"
    )
    page.wait_for_function(
        "name => [...document.querySelectorAll('select')].some(s => s.selectedOptions[0]?.value === name)",
        arg=rows.last.inner_text(),
    )
    assert chosen_words(page, "True class") == rows.last.inner_text()


def test_both_themes_show_a_clip_and_its_matrix(explorer):
    page = explorer.page
    page.locator("select[size] option").first.click()
    page.wait_for_selector(".esclab-sound-play", timeout=60_000)
    page.wait_for_timeout(1500)
    explorer.shoot("confusion-light-1280")
    assert not list_sideways(page)
    explorer.set_theme("JupyterLab Dark")
    page.set_viewport_size({"width": 1920, "height": 1800})
    page.wait_for_timeout(800)
    explorer.shoot("confusion-dark-1920")
    inks = page.evaluate(
        "() => [['.xtick text', 'fill'], ['.esclab-table td', 'color']].map(([name, what]) =>"
        " getComputedStyle(document.querySelector(name))[what])"
    )
    assert all(min(float(part) for part in re.findall(r"[\d.]+", ink)[:3]) > 150 for ink in inks), inks
    assert not list_sideways(page)
