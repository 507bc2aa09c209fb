"""One whole explorer, the noise lab, by keys alone: no mouse, and nothing focused but by Tab."""

from __future__ import annotations

LAB = 'from esclab.widgets import NoiseExplorer\nlab = NoiseExplorer(dataset="synth10:50")\nlab'
FOCUS = """() => {
  const e = document.activeElement;
  const row = e.closest('.jupyter-widgets');
  return [e.className, e.labels?.[0]?.textContent, e.textContent, row?.querySelector('.widget-label')?.textContent]
    .map(part => String(part ?? '').trim()).join('|');
}"""
TEXT = "selector => document.querySelector(selector)?.textContent ?? ''"
MOST_TABS = 60


def go_to(page, *words, key="Tab"):
    """Press Tab until what has the focus has all of these words in its class, label or text."""
    for _ in range(MOST_TABS):
        page.keyboard.press(key)
        if all(word in page.evaluate(FOCUS) for word in words):
            return
    raise AssertionError(f"{words} is not reached by {key}")


def wait_for_change(page, selector, before):
    page.wait_for_function(f"([selector, before]) => ({TEXT})(selector) !== before", arg=[selector, before])
    return page.evaluate(TEXT, selector)


def wait_for_words(page, selector, words):
    page.wait_for_function(f"([selector, words]) => ({TEXT})(selector).includes(words)", arg=[selector, words])


def test_noise_lab_from_the_first_tab_to_hearing_by_keys_alone(run_notebook):
    page = run_notebook(LAB).page
    page.wait_for_selector(".esclab-scores-table")
    cells = page.locator(".jp-Cell").count()
    page.evaluate("() => { const e = document.querySelector('.esclab-explorer'); e.tabIndex = -1; e.focus(); }")
    title, subtitle, hint = (f".esclab-sound-{name}" for name in ("title", "subtitle", "hint"))

    first = page.evaluate(TEXT, title)
    go_to(page, "Clip")
    page.keyboard.press("ArrowDown")
    assert wait_for_change(page, title, first).endswith("clean")

    go_to(page, "esclab-sound-glass")
    scores = page.evaluate(TEXT, ".esclab-scores")
    page.keyboard.press("Enter")
    wait_for_words(page, subtitle, "gaussian 10 dB")
    wait_for_change(page, ".esclab-scores", scores)
    for key in ("ArrowRight", "Shift+ArrowUp", "Shift+ArrowRight"):
        told, answered = page.evaluate(TEXT, hint), page.evaluate(TEXT, subtitle)
        page.keyboard.press(key)
        assert " to " in wait_for_change(page, hint, told)
        # A region that is not answered yet would reach the kernel after what is pressed next.
        wait_for_change(page, subtitle, answered)

    go_to(page, "noUi-handle", "SNR (dB)", key="Shift+Tab")
    page.keyboard.press("ArrowLeft")
    wait_for_words(page, subtitle, "gaussian 9 dB")
    page.keyboard.press("u")
    wait_for_words(page, subtitle, "gaussian 10 dB")
    page.keyboard.press("r")
    wait_for_words(page, subtitle, "gaussian 9 dB")
    page.keyboard.press("k")
    page.get_by_text("Kept", exact=True).wait_for()

    go_to(page, "esclab-sound-glass")
    page.locator("button[data-sound=changed]").wait_for()
    page.keyboard.press("2")
    page.wait_for_selector(".esclab-sound[data-playing=changed]")
    page.keyboard.press(" ")
    page.wait_for_selector(".esclab-sound[data-playing='']")
    page.keyboard.press("Delete")
    wait_for_words(page, subtitle, "clean")
    assert page.locator(".jp-Cell").count() == cells
