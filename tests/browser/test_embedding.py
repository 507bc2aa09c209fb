"""The embedding explorer in a real browser, used as a person would."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from esclab.clips import load_dataset
from esclab.training.crossval import cross_validate
from esclab.training.recipe import QUICK
from tests.browser.layout import list_sideways
from tests.browser.waiting import wait_until, wait_until_still

EXPLORER = """from esclab.widgets.embedding import EmbeddingExplorer
explorer = EmbeddingExplorer({runs!r}, folder={folder!r})
explorer"""
PLACES = "points => points.map(point => point.getAttribute('transform'))"


@pytest.fixture(scope="module")
def runs(esclab_home, tmp_path_factory):
    recipe = replace(QUICK, iterations=6, batch_size=8, evaluate_every=1, duration_s=1.0)
    root = tmp_path_factory.mktemp("runs")
    reports = cross_validate(
        ["cnn10", "ts-cnn10"], load_dataset("synth10:50"), recipe, root=root, folds=[1], keep_epochs=True
    )
    return [str(report.run.path) for report in reports if report.epoch is not None and report.epoch.iteration == 6]


def places(page, number):
    plot = page.locator(".esclab-points").nth(number)
    return plot.locator(".scatterlayer .trace").first.locator(".point").evaluate_all(PLACES)


def count_bright(page, number):
    plot = page.locator(".esclab-points").nth(number)
    opacities = (
        plot.locator(".scatterlayer .trace")
        .first.locator(".point")
        .evaluate_all("points => points.map(point => Number(point.style.opacity || 1))")
    )
    return sum(opacity > 0.5 for opacity in opacities)


def count_selected(page):
    return int(re.search(r"Selected clips: (\d+)", page.inner_text("body"))[1])


def test_points_move_are_heard_and_selected_in_both_plots(run_notebook, runs, tmp_path):
    notebook = run_notebook(EXPLORER.format(runs=runs, folder=str(tmp_path)))
    page = notebook.page
    page.get_by_label("Projection").select_option("PCA")
    page.get_by_role("button", name="Compute").click()
    page.wait_for_function("() => document.querySelectorAll('.esclab-points .scatterlayer .point').length >= 20")
    before = wait_until_still(page, lambda: places(page, 0))
    assert len(before) == 10
    shapes = (
        page.locator(".esclab-points")
        .first.locator(".scatterlayer .trace")
        .first.locator(".point")
        .evaluate_all("points => new Set(points.map(point => point.getAttribute('d').replace(/[\\d.-]+/g, ''))).size")
    )
    assert shapes > 2  # classes differ by their marker too, not by colour alone

    point = page.locator(".esclab-points").first.locator(".scatterlayer .trace").first.locator(".point").nth(3)
    box = point.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".esclab-sound[data-playing=clip]")
    page.wait_for_selector(".esclab-sound:not([data-playing=clip])")  # the clips of these runs last 1 s
    page.keyboard.press(" ")  # the focus is inside the explorer
    page.wait_for_selector(".esclab-sound[data-playing=clip]")
    page.wait_for_selector(".esclab-sound:not([data-playing=clip])")
    page.keyboard.press("ArrowDown")  # in the list of clips
    page.wait_for_selector(".esclab-sound[data-playing=clip]")

    area = page.locator(".esclab-points .nsewdrag").first.bounding_box()
    corners = [(0.02, 0.02), (0.6, 0.02), (0.6, 0.98), (0.02, 0.98), (0.02, 0.04)]
    at = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in corners]
    page.mouse.move(*at[0])
    page.mouse.down()
    for corner in at[1:]:
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    page.wait_for_function("() => /Selected clips: [1-9]/.test(document.body.innerText)")
    wait_until(page, lambda: [count_bright(page, number) for number in range(2)] == 2 * [count_selected(page)])
    bright = [count_bright(page, number) for number in range(2)]
    assert bright[0] < 10
    notebook.shoot("embedding_light")
    assert not list_sideways(page)

    slider = page.locator(".widget-slider .noUi-handle").first
    slider.focus()
    page.keyboard.press("ArrowLeft")
    wait_until(page, lambda: places(page, 0) != before)
    assert len(wait_until_still(page, lambda: places(page, 0))) == 10
    assert [count_bright(page, number) for number in range(2)] == bright
    assert count_selected(page) == bright[0]
    notebook.set_theme("JupyterLab Dark")
    page.set_viewport_size({"width": 1920, "height": 1300})
    page.wait_for_timeout(800)
    notebook.shoot("embedding_dark_1920")
