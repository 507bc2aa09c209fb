"""A real JupyterLab on loopback, a real Chromium, and what a person would do with both."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, sync_playwright

from tests.browser.jupyter import BROWSER_OPTIONS, find_chromium, run_all_cells, serve_lab, write_notebook

SIZE = ViewportSize(width=1280, height=1800)
PATIENCE_MS = 120_000  # a busy machine is no fault of an explorer
# JupyterLab's own noise: a favicon, optional services, and deprecations of libraries that it bundles.
HARMLESS = (
    "favicon", "404 (Not Found)", "DeprecationWarning", "Error while fetching", "marimo", "ResizeObserver loop",
    # Plotly's widget, of a change that comes while it paints for the first time; the next one brings all of it.
    "Error setting state: Cannot read properties of undefined (reading 'length')",
    # anywidget gives a module two seconds, which a page that is painting as it is left, or a machine that trains beside
    # it, may not have. It comes as a rejected promise; what stays away for it is missed by the tests themselves.
    "[anywidget] Failed to initialize model",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium, which `make test` installs where it may."""
    found = find_chromium()
    if not found:
        pytest.skip("no Chromium: the explorers were NOT tested in a browser; install it, e.g. apt install chromium")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, esclab_home: str) -> Iterator[tuple[str, Path]]:
    """Run JupyterLab; return its address and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    with serve_lab(folder, threads=1) as address:
        yield address, folder


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Return a headless Chromium."""
    with sync_playwright() as playwright:
        yield (running := playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_OPTIONS)))
        running.close()


@dataclass
class Notebook:
    """A notebook that was run to its end in the browser, and what the browser complained of.

    At a test's end nothing may have been asked of another machine, and `problems`, the console's errors, must be none.
    """

    page: Page
    problems: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def shoot(self, name: str) -> None:
        """Take a picture of the page where ESCLAB_SHOTS names a folder."""
        if folder := os.environ.get("ESCLAB_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png")

    def run_again(self) -> None:
        """Run all cells of the page as it is now, with explorers made anew, and wait for them."""
        failed = run_all_cells(self.page)
        assert not failed, failed

    def begin(self) -> None:
        """Bring the page to where every test begins: its size, its theme, explorers that nobody has used."""
        self.page.set_viewport_size(SIZE)
        self.run_again()
        self.set_theme("JupyterLab Light")  # a choice of an earlier test outlives its page

    def check(self) -> None:
        """Assert that nothing was asked of another machine and that the console has no errors."""
        assert not self.outside, "the page asked another machine for something"
        assert not self.problems, "the browser's console has errors"

    def set_theme(self, name: str) -> None:
        """Switch JupyterLab's theme, e.g. "JupyterLab Dark"."""
        if self.page.evaluate("() => document.body.dataset.jpThemeName") == name:
            return
        self.page.evaluate("name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.wait_for_timeout(400)


OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="module")
def open_notebook(server: tuple[str, Path], browser: Browser) -> Iterator[OpenNotebook]:
    """Return a function that opens cells (or the notebook in a file) in JupyterLab, for all tests of a file."""
    with _open_notebooks(server, browser) as opened:
        yield opened


@pytest.fixture
def run_notebook(server: tuple[str, Path], browser: Browser) -> Iterator[OpenNotebook]:
    """Return a function that opens cells (or the notebook in a file) in JupyterLab, runs them all, and waits."""
    with _open_notebooks(server, browser) as opened:

        def run(*cells: str, path: Path | None = None) -> Notebook:
            notebook = opened(*cells, path=path)
            notebook.begin()
            return notebook

        yield run


@contextmanager
def _open_notebooks(server: tuple[str, Path], browser: Browser) -> Iterator[OpenNotebook]:
    address, folder = server
    opened: list[Notebook] = []

    def open_cells(*cells: str, path: Path | None = None) -> Notebook:
        name = f"{secrets.token_hex(4)}.ipynb"
        if path is not None:
            shutil.copy(path, folder / name)
        else:
            write_notebook(folder / name, cells)
        context = browser.new_context(viewport=SIZE)
        context.set_default_timeout(PATIENCE_MS)
        opened.append(watch(context.new_page()))
        opened[-1].page.goto(address.format(name))
        return opened[-1]

    yield open_cells
    for notebook in opened:
        notebook.page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
        notebook.page.context.close()
    for notebook in opened:
        notebook.check()


def watch(page: Page) -> Notebook:
    """Return the page with what the browser complains of from now on."""
    notebook = Notebook(page)
    page.on("console", lambda message: _note_problem(notebook, message))
    page.on("pageerror", lambda error: _note_words(notebook, str(error)))
    page.on("request", lambda request: _note_outside(notebook, request))
    return notebook


def _note_problem(notebook: Notebook, message: ConsoleMessage) -> None:
    if message.type == "error" and not _lists_kernels(message):
        _note_words(notebook, message.text)


def _lists_kernels(message: ConsoleMessage) -> bool:
    """Whether Jupyter's server failed to list its kernels, as it does while one is only starting; it is asked again."""
    return "500 (Internal Server Error)" in message.text and urlparse(message.location["url"]).path == "/api/kernels"


def _note_words(notebook: Notebook, words: str) -> None:
    if not any(word in words for word in HARMLESS):
        notebook.problems.append(words)


def _note_outside(notebook: Notebook, request: Request) -> None:
    parts = urlparse(request.url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
        notebook.outside.append(request.url)
