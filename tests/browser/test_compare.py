"""The comparison of runs, used as a person would: by hand and by keys."""

from __future__ import annotations

import re

import pytest

from tests.browser.layout import list_sideways

LAB = "from esclab.widgets.compare import CompareExplorer\nlab = CompareExplorer()\nlab.view"


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook(LAB)


@pytest.fixture
def lab(notebook):
    notebook.begin()
    notebook.page.wait_for_selector(".js-plotly-plot .errorbar path", state="attached", timeout=60_000)
    notebook.page.wait_for_timeout(500)
    yield notebook
    notebook.check()


def test_header_sorts_and_filter_leaves_rows_out(lab):
    page = lab.page
    table = page.locator(".esclab-table")
    models = table.locator("tbody tr td:first-child")
    assert models.all_inner_texts() == ["cnn10", "ts-cnn10"]
    header = table.get_by_role("button", name="model")
    header.click()
    header.click()
    page.wait_for_function("() => document.querySelector('.esclab-table th').ariaSort === 'descending'")
    assert models.all_inner_texts() == ["ts-cnn10", "cnn10"]
    words = page.get_by_label("Filter", exact=True)
    words.fill("ts-")
    words.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.esclab-table tbody tr').length === 1")
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .errorbar').length === 1")


def test_cost_is_measured_and_each_model_named_in_the_plot(lab):
    page = lab.page
    page.get_by_role("button", name="Measure cost").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.textpoint text')].map(t => t.textContent).sort().join() === "
        "'cnn10,ts-cnn10'",
        timeout=60_000,
    )
    assert "Parameters" in page.locator(".js-plotly-plot .xtitle").last.text_content()


def test_both_themes_show_accuracy_tests_and_cost(lab):
    page = lab.page
    page.get_by_role("button", name="Measure cost").click()
    page.wait_for_selector(".textpoint text", timeout=60_000)
    page.wait_for_timeout(1000)
    lab.shoot("compare-light-1280")
    assert not list_sideways(page)
    lab.set_theme("JupyterLab Dark")
    page.set_viewport_size({"width": 1920, "height": 1800})
    page.wait_for_timeout(800)
    lab.shoot("compare-dark-1920")
    assert not list_sideways(page)
    ink = page.evaluate("() => getComputedStyle(document.querySelector('.xtick text')).fill")
    assert min(float(part) for part in re.findall(r"[\d.]+", ink)[:3]) > 150, ink  # light on the dark page
