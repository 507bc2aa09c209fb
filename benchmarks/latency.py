"""Measure the noise lab in a real browser: from the end of a gesture to the painted answer of two networks.

By itself: `python -m benchmarks.latency`. It needs Chromium.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright

from esclab.clips import load_dataset
from esclab.training import QUICK, provide_run
from esclab.training.recipe import change_recipe
from tests.browser.jupyter import BROWSER_OPTIONS, find_chromium, run_all_cells, serve_lab, write_notebook

GESTURES, WARM_UP = 100, 5
MODELS = ("cnn10", "ts-cnn10")


def bench_latency() -> list[dict[str, object]]:
    """Drag a rectangle to a hundred places; two networks of the paper's width answer with scores, gates, Grad-CAM."""
    chromium = find_chromium()
    if not chromium:
        print("Chromium is missing: the latency of the noise lab was not measured.")
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = load_dataset("synth10:50")
        # One step of training: the time of an answer does not depend on what the weights are.
        recipe = replace(change_recipe(QUICK, "cnn10", {"width": "1"}), iterations=1, batch_size=2)
        runs = [str(provide_run(model, dataset, recipe, root=folder / "runs").path) for model in MODELS]
        write_notebook(folder / "lab.ipynb", (f"from esclab.widgets import NoiseExplorer\nNoiseExplorer({runs!r})",))
        with serve_lab(folder, threads=0) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_OPTIONS))
            page = browser.new_page(viewport={"width": 1280, "height": 1800})
            page.goto(address.format("lab.ipynb"))
            run_all_cells(page)
            page.wait_for_selector(".esclab-scores-table")
            times = _gesture(page)
            browser.close()
    return [_describe(f"noise lab: {what}", milliseconds) for what, milliseconds in times.items()]


def _gesture(page: Page) -> dict[str, list[float]]:
    """Return milliseconds of each gesture from its end to the answer, and from pointer to rectangle."""
    page.evaluate(_WATCH)
    box = page.locator(".esclab-sound-glass").first.bounding_box()
    assert box is not None
    generator = np.random.default_rng(0)
    page.locator(".esclab-sound-glass").first.focus()
    for _ in range(GESTURES + WARM_UP):
        x, y = generator.uniform(0.15, 0.45), generator.uniform(0.1, 0.4)
        width, height = generator.uniform(0.1, 0.4), generator.uniform(0.1, 0.4)
        page.keyboard.press("Delete")
        page.wait_for_timeout(900)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + (x + width / 2) * box["width"], box["y"] + (y + height / 2) * box["height"], steps=3)
        page.wait_for_timeout(900)
        page.evaluate("() => { window.esclabLatencies = []; }")
        # The last step of the drag makes the region that counts; the hand lets go at once.
        page.mouse.move(box["x"] + (x + width) * box["width"], box["y"] + (y + height) * box["height"])
        page.mouse.up()
        # Seldom asked: asking in every frame would take the browser's share of the processor.
        page.wait_for_function("() => window.esclabLatencies.length >= 1", polling=250)
        page.evaluate(_NOTE)
        page.wait_for_timeout(500)  # the sounds follow after the pictures
    names = {
        "released": "release of the button to painted answer, 2 models of width 1",
        "moved": "last movement to painted answer",
        "rectangles": "pointer to drawn rectangle",
    }
    return {words: page.evaluate(f"() => window.{name}")[WARM_UP:] for name, words in names.items()}


_WATCH = """() => {
  Object.assign(window, { rectangles: [], released: [], moved: [] });
  window.addEventListener('pointerup', event => { window.releasedAt = event.timeStamp; }, true);
  const glass = document.querySelector('.esclab-sound-glass');
  // The widget's own listener runs first and draws at once; the time is up to the end of that frame.
  glass.addEventListener('pointermove', event => {
    if (event.buttons) requestAnimationFrame(() => window.rectangles.push(performance.now() - event.timeStamp));
  });
}"""
# The answer to the last movement is under way while the hand lets go.
_NOTE = """() => {
  const moved = Math.max(...window.esclabLatencies);
  const movedAt = Number(document.querySelector('.esclab-sound[data-sent-at]').dataset.sentAt);
  window.moved.push(moved);
  window.released.push(movedAt + moved - window.releasedAt);
}"""


def _describe(what: str, milliseconds: list[float]) -> dict[str, object]:
    low, middle, high, worst = np.percentile(milliseconds, [25, 50, 75, 95])
    return {
        "what": f"{what} (95th percentile {worst:.0f} ms)",
        "ms_per_clip": round(float(middle), 1),
        "quartiles_ms": f"{low:.1f}-{high:.1f}",
        "clips_per_s": "",
        "times_cnn10": "",
        "calls": len(milliseconds),
    }


if __name__ == "__main__":
    print(pd.DataFrame(bench_latency()).to_string(index=False))
