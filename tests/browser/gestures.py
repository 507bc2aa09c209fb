"""What a hand does in a page."""

from __future__ import annotations

from playwright.sync_api import Page

Place = tuple[float, float]


def drag_region(page: Page, start: Place, end: Place) -> None:
    """Drag a rectangle on the noise lab's picture; places are shares of its width and height from the top left."""
    box = page.locator(".esclab-sound-glass").first.bounding_box()
    assert box is not None
    (x, y), last = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*last, steps=8)
    page.mouse.up()
