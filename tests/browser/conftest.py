"""A real JupyterLab on loopback, a real Chromium, and what a person would do with both."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

READY_S = 90.0
# JupyterLab's own noise: a favicon, optional services, and deprecations of libraries that it bundles.
HARMLESS = ("favicon", "404 (Not Found)", "DeprecationWarning", "Error while fetching", "marimo", "ResizeObserver loop")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium, which `make test` installs where it may."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )
    if not found:
        pytest.skip("no Chromium: the explorers were NOT tested in a browser; install it, e.g. apt install chromium")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, esclab_home: str) -> Iterator[tuple[str, Path]]:
    """Run JupyterLab with a token and settings of its own; return its address and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    token = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    private = {f"JUPYTER_{name}_DIR": str(tmp_path_factory.mktemp(name)) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.log_level=ERROR",
    ]  # fmt: skip
    environment = {**os.environ, **private, "OMP_NUM_THREADS": "1"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset"
        try:
            _wait_until_up(process, f"http://127.0.0.1:{port}/api?token={token}", folder / "server.log")
            yield address, folder
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Return a headless Chromium."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
        yield (running := playwright.chromium.launch(executable_path=chromium, args=options))
        running.close()


@dataclass
class Notebook:
    """A notebook that was run to its end in the browser, and what the browser complained of."""

    page: Page
    problems: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def shoot(self, name: str) -> None:
        """Take a picture of the page where ESCLAB_SHOTS names a folder."""
        if folder := os.environ.get("ESCLAB_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png")

    def set_theme(self, name: str) -> None:
        """Switch JupyterLab's theme, e.g. "JupyterLab Dark"."""
        self.page.evaluate("name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.wait_for_timeout(400)


RunNotebook = Callable[..., Notebook]


@pytest.fixture
def run_notebook(server: tuple[str, Path], browser: Browser) -> Iterator[RunNotebook]:
    """Return a function that opens cells (or the notebook in a file) in JupyterLab, runs them all, and waits."""
    address, folder = server
    opened: list[Page] = []

    def run(*cells: str, path: Path | None = None, width: int = 1280, height: int = 1800) -> Notebook:
        name = f"{secrets.token_hex(4)}.ipynb"
        if path is not None:
            shutil.copy(path, folder / name)
        else:
            content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
            nbformat.write(content, folder / name)
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        opened.append(page)
        notebook = Notebook(page)
        page.on("console", lambda message: _note_problem(notebook, message))
        page.on("pageerror", lambda error: notebook.problems.append(str(error)))
        page.on("request", lambda request: _note_outside(notebook, request))
        page.goto(address.format(name))
        _run_all(page)
        failed = page.evaluate(_FAILED_OUTPUTS)
        assert not failed, failed
        return notebook

    yield run
    for page in opened:
        page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
        page.context.close()


def _run_all(page: Page) -> None:
    kernel = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"() => window.jupyterapp && {kernel}?.status === 'idle'", timeout=90_000)
    page.evaluate("() => { jupyterapp.commands.execute('application:toggle-left-area'); }")
    page.evaluate("() => { void jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(_ALL_RAN, timeout=180_000)


_ALL_RAN = """() => {
  const panel = jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets.filter(c => c.model.type === 'code' && c.model.sharedModel.source.trim());
  return cells.every(c => c.model.executionCount) && panel.sessionContext.session.kernel.status === 'idle';
}"""
_FAILED_OUTPUTS = """() => jupyterapp.shell.currentWidget.content.widgets.flatMap(cell =>
  cell.model.type !== 'code' ? [] : cell.model.outputs.toJSON()
    .filter(output => output.output_type === 'error').map(output => output.evalue))
"""


def _note_problem(notebook: Notebook, message: ConsoleMessage) -> None:
    if message.type == "error" and not any(word in message.text for word in HARMLESS):
        notebook.problems.append(message.text)


def _note_outside(notebook: Notebook, request: Request) -> None:
    parts = urlparse(request.url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
        notebook.outside.append(request.url)
