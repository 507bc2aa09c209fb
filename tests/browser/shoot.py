"""Remake the pictures of the lab in docs/images/lab: `python -m tests.browser.shoot`, or with names of explorers.

Each explorer is opened in JupyterLab and used as a hand would; then it is taken in the light theme, 1280 px wide, and
in the dark theme, 1920 px wide. `--all` takes both themes at both widths, to be looked at, into out/lab.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.gestures import drag_region
from tests.browser.jupyter import BROWSER_OPTIONS, find_chromium, run_all_cells, serve_lab, write_notebook

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "lab"
HEIGHT_PX = 1900
COLOURS = 128
PATIENCE_MS = 120_000
SHOTS = (("light", 1280), ("dark", 1920))
# A short run that kept its epochs, for what moves from epoch to epoch.
KEPT = """from dataclasses import replace
from esclab.clips import load_dataset
from esclab.training import QUICK
from esclab.training.crossval import cross_validate
recipe = replace(QUICK, iterations=280, evaluate_every=10)
reports = cross_validate(["cnn10", "ts-cnn10"], load_dataset("synth10:200"), recipe, root="kept", folds=[1],
                         keep_epochs=True)
runs = list({str(report.run.path): 0 for report in reports})"""


def click(page: Page, name: str) -> None:
    """Press a button of the explorer by the end of its label."""
    page.locator(".esclab-explorer").get_by_role("button", name=name).first.click()


def show_noise(page: Page) -> None:
    """Draw a rectangle of noise."""
    page.wait_for_selector(".esclab-scores-table")
    drag_region(page, (0.2, 0.15), (0.55, 0.6))
    page.locator("button[data-sound=difference]").wait_for()


def show_clip(page: Page) -> None:
    """Show a clip with its waveform."""
    page.wait_for_selector(".esclab-sound-play")
    click(page, "Waveform")
    page.wait_for_selector(".esclab-wave canvas")


def show_train(page: Page) -> None:
    """Train two networks for a while and compare their curves."""
    done = "n => [...document.querySelectorAll('[role=status]')].some(e => e.textContent.includes(n + ': finished'))"
    page.get_by_label("Iterations", exact=True).fill("60")
    page.keyboard.press("Tab")
    for seed in "01":
        page.get_by_label("Seed", exact=True).fill(seed)
        page.keyboard.press("Tab")
        click(page, "Start")
        page.wait_for_function(done, arg=f"seed {seed}", timeout=600_000)


def show_attribution(page: Page) -> None:
    """Explain an answer by two methods and check them."""
    words = "words => document.body.innerText.includes(words)"
    page.get_by_label("Model").select_option("ts-cnn10")
    page.wait_for_function(words, arg="Grad-CAM, block4, for")
    page.get_by_label("Also make the kept and the removed sound").check()
    page.locator("button[data-sound=removed]").wait_for()
    click(page, "Pin map")
    page.get_by_label("Method").select_option("LayerCAM")
    page.wait_for_function(words, arg="LayerCAM, block4, for")
    click(page, "Check: deletion and insertion")
    page.wait_for_function(words, arg="Deletion: lower is better")


def show_embedding(page: Page) -> None:
    """Project two models and choose the clips of a class."""
    compute = page.locator(".esclab-explorer").get_by_role("button", name="Compute").first
    if compute.is_enabled():  # else the points were kept of another time
        compute.click()
    page.wait_for_function("() => document.querySelectorAll('.esclab-points .scatterlayer .point').length >= 40")
    page.locator(".esclab-explorer .widget-dropdown", has_text="Clips of").locator("select").select_option("rain")
    page.locator(".esclab-explorer select[size] option").nth(2).click()
    page.locator("button[data-sound=clip]").wait_for()
    click(page, "Select all listed")


def show_confusion(page: Page) -> None:
    """Choose a clip of the most confused pair."""
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image")
    page.locator("select[size] option").first.click()
    page.wait_for_selector(".esclab-sound-play")


def show_compare(page: Page) -> None:
    """Measure what the models cost."""
    page.wait_for_selector(".js-plotly-plot .errorbar path", state="attached")
    click(page, "Measure cost")
    page.wait_for_selector(".textpoint text")


EXPLORERS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "noise": ("from esclab.widgets import NoiseExplorer\nNoiseExplorer()", show_noise),
    "clip": ("from esclab.widgets import ClipExplorer\nClipExplorer()", show_clip),
    "train": ('from esclab.widgets import TrainExplorer\nTrainExplorer("synth10:50")', show_train),
    "attribution": ("from esclab.widgets import AttributionExplorer\nAttributionExplorer()", show_attribution),
    "embedding": (
        "from esclab.widgets import EmbeddingExplorer\nEmbeddingExplorer(runs)",
        show_embedding,
    ),
    "confusion": ("from esclab.widgets import ConfusionExplorer\nConfusionExplorer()", show_confusion),
    "compare": ("from esclab.widgets import CompareExplorer\nCompareExplorer()", show_compare),
}


def shoot(page: Page, theme: str, width: int) -> Image.Image:
    """Return the page in a theme and width, down to the explorer's end."""
    page.set_viewport_size({"width": width, "height": HEIGHT_PX})
    name = f"JupyterLab {theme.title()}"
    page.evaluate("name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
    page.evaluate("() => document.activeElement?.blur()")
    page.mouse.move(width - 2, HEIGHT_PX - 40)
    page.wait_for_timeout(2500)
    box = page.locator(".esclab-explorer").bounding_box()
    assert box is not None
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return picture.crop((0, 0, width, min(HEIGHT_PX, round(box["y"] + box["height"]) + 12)))


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.shoot", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *EXPLORERS], help="explorers; all by default")
    parser.add_argument("--all", action="store_true", help="both themes at both widths, into out/lab")
    options = parser.parse_args()
    folder = Path("out/lab") if options.all else FOLDER
    shots = [(t, w) for t in ("light", "dark") for w in (1280, 1920)] if options.all else SHOTS
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, serve_lab(Path(name), threads=0) as address, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=list(BROWSER_OPTIONS))
        for explorer in options.names or EXPLORERS:
            cell, act = EXPLORERS[explorer]
            cells = (KEPT, cell) if "runs" in cell.split("(")[-1] else (cell,)
            write_notebook(Path(name) / f"{explorer}.ipynb", cells)
            page = browser.new_page(viewport={"width": 1280, "height": HEIGHT_PX})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(address.format(f"{explorer}.ipynb"))
            assert not run_all_cells(page)
            act(page)
            for theme, width in shots:
                path = folder / (f"{explorer}_{theme}{f'_{width}' if options.all else ''}.png")
                shoot(page, theme, width).quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
                print(path, f"{path.stat().st_size / 1e3:.0f} kB", flush=True)
            page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
