"""What a page looks like, as a person would judge it."""

from __future__ import annotations

from playwright.sync_api import Page

SIDEWAYS = """() => [...document.querySelectorAll('.esclab-explorer, .esclab-explorer .widget-box')]
  .filter(box => box.scrollWidth > box.clientWidth)
  .map(box => `${box.scrollWidth} in ${box.clientWidth} px: ${box.innerText.slice(0, 60)}`)"""


def list_sideways(page: Page) -> list[str]:
    """Return the explorer and those of its boxes that have to be scrolled sideways."""
    return page.evaluate(SIDEWAYS)
