"""The train explorer, used as a person would: start, watch, stop, load the page anew, resume."""

from __future__ import annotations

import re
import time

EXPLORER = """import torch
torch.set_num_threads(1)
from esclab.widgets.train import TrainExplorer
explorer = TrainExplorer("synth10:50", root="{root}", folder="{root}-out")
explorer.controller.change(more="duration_s=1")
for name, value in dict(batch_size=8, evaluate_every=1).items():
    explorer.controller.set_value(name, value)
explorer.view"""
KERNEL = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
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


def read_iteration(page):
    words = page.evaluate("() => [...document.querySelectorAll('[role=status]')].map(e => e.textContent).join(' ')")
    found = re.search(r"iteration (\d+) of", words)
    return int(found[1]) if found else 0


def wait_for_iteration(page, before):
    page.wait_for_function(
        "before => [...document.querySelectorAll('[role=status]')].some("
        "e => Number(e.textContent.match(/iteration (\\d+) of/)?.[1] ?? 0) > before)",
        arg=before,
        timeout=240_000,
    )


def wait_for_checkpoint(page, root):
    end = time.monotonic() + 240
    while not list(root.glob("**/state.pt")):
        assert time.monotonic() < end, "no checkpoint was saved"
        page.wait_for_timeout(500)


def test_training_grows_and_outlives_the_page_and_the_kernel(run_notebook, server):
    notebook = run_notebook(EXPLORER.format(root="runs-long"))
    page = notebook.page
    assert button(page, "Stop").is_disabled()
    fill(page, "Iterations", "4000")
    press(page, "Start")
    page.wait_for_function(f"() => ({POINTS})() >= 3", timeout=240_000)
    first = page.evaluate(POINTS)
    page.wait_for_function(f"first => ({PAINTED})() > first + 3", arg=first, timeout=240_000)

    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    # A kernel that is late: the new page asks it for its widgets, waits 4 s, and gives up for the time being.
    page.evaluate(f"() => {{ void {KERNEL}.requestExecute({{ code: 'import time; time.sleep(6)' }}); }}")
    before = read_iteration(page)
    page.reload()
    page.wait_for_selector(".jp-Cell")
    notebook.run_again()
    page.wait_for_selector(".esclab-explorer")
    wait_for_iteration(page, before)
    page.wait_for_function(f"() => ({PAINTED})() >= 3", timeout=240_000)
    notebook.run_again()  # in the middle of the training, without a new page
    wait_for_iteration(page, read_iteration(page))
    assert page.locator(".esclab-explorer").count() == 1
    notebook.shoot("train-reloaded")

    wait_for_checkpoint(page, server[1] / "runs-long")
    page.evaluate(f"() => {KERNEL}.restart()")
    notebook.run_again()
    wait_for_words(page, ": stopped")
    saved = int(page.locator(".esclab-table tbody tr").first.inner_text().split(" of 4000")[0].split()[-1])
    assert saved > 0
    press(page, "Resume")
    wait_for_iteration(page, saved)
    assert page.locator(".esclab-table tbody tr").count() == 1
    press(page, "Pause")
    wait_for_words(page, ": paused")
    notebook.shoot("train-paused")
    press(page, "Stop")
    wait_for_words(page, ": stopped")


def test_both_themes_show_finished_trainings(run_notebook):
    notebook = run_notebook(EXPLORER.format(root="runs-short"))
    page = notebook.page
    for seed, iterations in enumerate(("20", "25")):
        fill(page, "Iterations", iterations)
        fill(page, "Seed", str(seed))
        press(page, "Start")
        wait_for_words(page, f"seed {seed}: finished")
    page.wait_for_function(f"() => ({POINTS})() >= 4")
    notebook.shoot("train-light-1280")
    assert_fits(page)
    notebook.set_theme("JupyterLab Dark")
    page.set_viewport_size({"width": 1920, "height": 1800})
    page.wait_for_timeout(800)
    notebook.shoot("train-dark-1920")
    assert_fits(page)
    inks = page.evaluate(
        "() => ['.xtick text', '.esclab-table td'].map(s => { const e = document.querySelector(s);"
        " const c = getComputedStyle(e), ink = e.tagName === 'text' ? c.fill : c.color;"
        " return ink.match(/\\d+/g).slice(0, 3); })"
    )
    assert all(int(part) > 150 for ink in inks for part in ink)


def assert_fits(page):
    assert page.evaluate(
        "() => { const e = document.querySelector('.esclab-explorer'); return e.scrollWidth <= e.clientWidth + 2; }"
    )
