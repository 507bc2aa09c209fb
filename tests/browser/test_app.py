"""The noise lab alone as a page, served as `make app` does and used as a person would."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import PATIENCE_MS, Notebook, watch
from tests.browser.gestures import drag_region
from tests.browser.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(synth10: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the page; return its address, with the token that Voila tells."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("app") / "log"
    command = [
        "make", "--old-file=.venv/.installed", "app", f"BIN={Path(sys.executable).parent}",
        f"APP_FLAGS=--no-browser --port={port}",
    ]  # fmt: skip
    with log.open("wb") as out:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            end = time.monotonic() + PATIENCE_S
            while not (found := re.search(r"http://\S+token=\w+", log.read_text("utf-8"))):
                assert server.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < end, "the page was not served"
                time.sleep(0.3)
            yield found[0]
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=20)


@pytest.fixture
def app(browser: Browser) -> Iterator[Notebook]:
    """Return an empty page, which may ask nothing of another machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 1500})
    context.set_default_timeout(PATIENCE_MS)
    watched = watch(context.new_page())
    yield watched
    context.close()
    assert not watched.outside, "the page asked another machine for something"


def test_lab_answers_a_drag_with_nothing_from_another_machine(address: str, app: Notebook) -> None:
    page = app.page
    page.goto(address)
    page.wait_for_selector(".esclab-scores-table")
    page.wait_for_selector("#loading", state="detached")
    before = page.inner_text(".esclab-scores")
    drag_region(page, (0.2, 0.15), (0.8, 0.7))
    wait_until(page, lambda: page.inner_text(".esclab-scores") != before)
    page.locator("button[data-sound=difference]").wait_for()
    app.shoot("app")
    words = page.inner_text("body")
    assert "Drag a rectangle" in words
    assert "In JupyterLab" not in words
    icon = page.get_by_role("button", name="Export").locator("i")
    font = icon.evaluate(
        "icon => { const s = getComputedStyle(icon, '::before'); return `${s.fontWeight} 14px ${s.fontFamily}`; }"
    )
    assert "Awesome" in font
    assert page.evaluate("font => document.fonts.check(font, '\\uf019')", font)  # it is here, and drawn
    assert not app.problems, "the browser's console has errors"
