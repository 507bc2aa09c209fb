"""Waiting for what a page will show, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

PATIENCE_S = 120.0
POLL_MS = 250


def wait_until(page: Page, holds: Callable[[], Any]) -> None:
    """Wait until a condition that only Python can check holds."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"waited {PATIENCE_S:g} s in vain"
        page.wait_for_timeout(POLL_MS)


def wait_until_still(page: Page, read: Callable[[], Any]) -> Any:
    """Wait until something reads the same twice, half a second apart; return it."""
    seen: list[Any] = [read()]

    def is_still() -> bool:
        page.wait_for_timeout(2 * POLL_MS)
        seen.append(read())
        return seen[-1] == seen[-2]

    wait_until(page, is_still)
    return seen[-1]
