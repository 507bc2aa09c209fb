"""A JupyterLab on loopback with a token and settings of its own, and how a notebook is run in it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import nbformat
from playwright.sync_api import Page

WIDGETS = Path(__file__).parents[2] / "esclab" / "widgets"
READY_S = 90.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required")


def find_chromium() -> str:
    """Return the path of Chromium, or an empty text."""
    return next((path for name in CHROMIUM if (path := shutil.which(name))), "")


@contextmanager
def serve_lab(folder: Path, *, threads: int) -> Iterator[str]:
    """Serve `folder` while the block runs; yield the address of a notebook, with {} for its name."""
    token = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    private = {}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        place = folder / f".{name.lower()}"
        place.mkdir(exist_ok=True)
        private[f"JUPYTER_{name}_DIR"] = str(place)
    _refuse_news(folder / ".config")
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.log_level=ERROR",
    ]  # fmt: skip
    environment = {**os.environ, **private, "JUPYTER_CONFIG_PATH": str(WIDGETS)}  # as `make lab` does
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_up(process, f"http://127.0.0.1:{port}/api?token={token}", folder / "server.log")
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _refuse_news(config: Path) -> None:
    """Answer JupyterLab's question about news, which would cover the lower right of every page."""
    place = config / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    place.mkdir(parents=True, exist_ok=True)
    (place / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')


def write_notebook(path: Path, cells: tuple[str, ...]) -> None:
    """Write code cells as a notebook."""
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(content, path)


def run_all_cells(page: Page) -> list[str]:
    """Run all cells of the open notebook, wait for the last, and return the errors in their outputs."""
    kernel = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"() => window.jupyterapp && {kernel}?.status === 'idle'", timeout=90_000)
    page.evaluate("() => { if (!jupyterapp.shell.leftCollapsed) jupyterapp.shell.collapseLeft(); }")
    # Without outputs and numbers from before, those of this time can be waited for.
    page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.evaluate("() => { void jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(_ALL_RAN, timeout=180_000)
    return page.evaluate(_FAILED_OUTPUTS)


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


_ALL_RAN = """() => {
  const panel = jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets.filter(c => c.model.type === 'code' && c.model.sharedModel.source.trim());
  return cells.every(c => c.model.executionCount) && panel.sessionContext.session.kernel.status === 'idle';
}"""
_FAILED_OUTPUTS = """() => jupyterapp.shell.currentWidget.content.widgets.flatMap(cell =>
  cell.model.type !== 'code' ? [] : cell.model.outputs.toJSON()
    .filter(output => output.output_type === 'error').map(output => output.evalue))
"""
