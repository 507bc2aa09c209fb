"""The train explorer, used as a person would: start, watch, stop, load the page anew, resume."""

from __future__ import annotations

import re

import pytest

EXPLORER = """import torch
torch.set_num_threads(1)
from esclab.widgets.train import TrainExplorer
explorer = TrainExplorer("synth10:50", root="{root}", folder="{root}-out")
explorer.controller.change(more="duration_s=1")
for name, value in dict(batch_size=8, evaluate_every=1).items():
    explorer.controller.set_value(name, value)
explorer.view"""
# Of the longest line: how many points plotly knows of, and how many are painted.
POINTS = """() => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')].flatMap(
  plot => (plot.calcdata ?? []).map(points => points.length)))"""
PAINTED = """() => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line')].map(
  path => path.getAttribute('d').split(/[LHVC]/).length))"""


def fill(page, label, text):
    page.get_by_label(label, exact=True).fill(text)
    page.keyboard.press("Tab")


def button(page, name):
    # Its accessible name begins with its icon.
    return page.locator(".esclab-explorer button").filter(has_text=re.compile(rf"^\s*{name}$"))


def press(page, name):
    button(page, name).click()


def wait_for_words(page, words, timeout=240_000):
    page.wait_for_function(
        "words => [...document.querySelectorAll('[role=status]')].some(e => e.textContent.includes(words))",
        arg=words,
        timeout=timeout,
    )


def test_training_grows_stops_and_resumes(run_notebook):
    notebook = run_notebook(EXPLORER.format(root="runs-grow"))
    page = notebook.page
    assert button(page, "Stop").is_disabled()
    fill(page, "Iterations", "4000")
    press(page, "Start")
    page.wait_for_function(f"() => ({POINTS})() >= 3", timeout=240_000)
    first = page.evaluate(POINTS)
    page.wait_for_function(f"first => ({PAINTED})() > first + 3", arg=first, timeout=240_000)
    press(page, "Stop")
    wait_for_words(page, ": stopped")
    page.wait_for_timeout(1000)
    stopped = page.evaluate(POINTS)
    press(page, "Resume")
    page.wait_for_function(f"count => ({POINTS})() > count + 3", arg=stopped, timeout=240_000)
    press(page, "Pause")
    wait_for_words(page, ": paused")
    notebook.shoot("train-paused")
    press(page, "Stop")
    wait_for_words(page, ": stopped")
    assert not notebook.problems
    assert not notebook.outside


@pytest.mark.parametrize("width", [1280, 1920])
def test_both_themes_show_a_finished_training(run_notebook, width):
    notebook = run_notebook(EXPLORER.format(root=f"runs-{width}"), width=width)
    page = notebook.page
    for seed, iterations in enumerate(("60", "90")):
        fill(page, "Iterations", iterations)
        fill(page, "Seed", str(seed))
        press(page, "Start")
        wait_for_words(page, f"seed {seed}: finished")
    page.wait_for_timeout(800)
    assert page.evaluate(POINTS) >= 10
    notebook.set_theme("JupyterLab Light")  # the choice outlives a page
    notebook.shoot(f"train-light-{width}")
    notebook.set_theme("JupyterLab Dark")
    notebook.shoot(f"train-dark-{width}")
    inks = page.evaluate(
        "() => ['.xtick text', '.esclab-table td'].map(s => { const e = document.querySelector(s);"
        " const c = getComputedStyle(e), ink = e.tagName === 'text' ? c.fill : c.color;"
        " return ink.match(/\\d+/g).slice(0, 3); })"
    )
    assert all(int(part) > 150 for ink in inks for part in ink)
    assert page.evaluate(
        "() => { const e = document.querySelector('.esclab-explorer'); return e.scrollWidth <= e.clientWidth + 2; }"
    )
    assert not notebook.problems
