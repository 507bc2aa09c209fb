"""The attribution explorer in a real browser, used as a person would."""

from __future__ import annotations

from tests.browser.waiting import wait_until

EXPLORER = """from esclab.widgets.attribution import AttributionExplorer
explorer = AttributionExplorer(dataset="synth10:50")
explorer"""
PICTURE = "() => document.querySelector('.esclab-sound-picture').toDataURL()"
CYAN = """() => {
  const c = document.querySelector('.esclab-sound-picture');
  const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let count = 0;
  for (let n = 0; n < data.length; n += 4) if (data[n] < 120 && data[n + 1] > 150 && data[n + 2] > 170) count += 1;
  return count;
}"""

# The network thinks before each pass.
SLOW = """() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code: `import time
explorer.controller.load_model(0).register_forward_hook(lambda *_: time.sleep(0.5))` }).done.then(() => null)"""


def wait_for_map(page, words):
    page.wait_for_function("words => document.body.innerText.includes(words)", arg=words)


def test_map_is_painted_heard_pinned_and_checked(run_notebook):
    notebook = run_notebook(EXPLORER)
    page = notebook.page
    wait_for_map(page, "Grad-CAM, block4, for")
    wait_until(page, lambda: page.evaluate(CYAN) > 200)  # the map covers the spectrogram in its colour
    first = page.evaluate(PICTURE)

    page.get_by_label("Also make the kept and the removed sound").check()
    page.locator("button[data-sound=removed]").wait_for()
    page.locator("button[data-sound=kept]").click()
    page.wait_for_selector(".esclab-sound[data-playing=kept]")
    page.locator("button[data-sound=kept]").click()

    page.get_by_role("button", name="Pin map").click()
    page.get_by_label("Method").select_option("LayerCAM")
    wait_for_map(page, "LayerCAM, block4, for")
    page.get_by_role("button", name="Check: deletion and insertion").click()
    wait_for_map(page, "Deletion: lower is better")
    page.wait_for_selector(".esclab-plot .heatmaplayer")
    assert page.locator(".esclab-plot .heatmaplayer .hm").count() >= 3
    assert page.locator(".esclab-plot .scatterlayer .trace").count() >= 6
    wait_until(page, lambda: page.evaluate(PICTURE) != first)
    notebook.shoot("attribution_light")
    notebook.set_theme("JupyterLab Dark")
    page.set_viewport_size({"width": 1920, "height": 1500})
    page.wait_for_timeout(800)
    notebook.shoot("attribution_dark_1920")

    page.get_by_label("Method").select_option("Occlusion")
    wait_for_map(page, "press Compute")
    page.evaluate(SLOW)  # else it may be done before the second click
    page.get_by_role("button", name="Compute").click()
    page.get_by_role("button", name="Stop").click()
    wait_for_map(page, "press Compute")
