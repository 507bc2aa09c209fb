"""A notebook executed without a screen: a bar tells its cells, and Ctrl-C ends its kernel at once."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

BAR = "{desc} {percentage:3.0f}%|{bar}| cell {n_fmt} of {total_fmt} [{elapsed} gone{postfix}]"
TICK_S = 1.0
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def execute_cells(client: NotebookClient) -> None:
    """Execute a client's notebook while a bar on standard error tells its cells.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after the kernel was ended.
    """
    from tqdm import tqdm

    names = name_cells(client.nb)
    with tqdm(total=len(names), desc="starting", bar_format=BAR, leave=False) as bar:
        at_work: list[NotebookNode] = []

        def begin(cell: NotebookNode, cell_index: int) -> None:
            at_work[:] = [cell]
            bar.set_description_str(names[cell_index], refresh=False)
            bar.set_postfix_str("", refresh=False)
            bar.refresh()

        def end(**_: Any) -> None:
            bar.update()

        def tick() -> None:
            bar.set_postfix_str(read_share(at_work[0]) if at_work else "", refresh=False)
            bar.refresh()

        client.on_cell_execute, client.on_cell_executed = begin, end
        run_client(client, tick)


def run_client(client: NotebookClient, tick: Callable[[], None]) -> None:
    """Execute a client's notebook in a second thread, and call `tick` every second in this one.

    In a second thread nbclient leaves signals alone. In the main thread its own answer to Ctrl-C takes the kernel away
    from under the cell, which ends in errors about a kernel that died.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after the kernel was ended.
    """
    lock = threading.Lock()
    state: dict[str, Any] = {"stopped": False, "cancel": None}

    def note_start(**_: Any) -> None:
        # Only from here on does nbclient end the kernel of a task that is cancelled.
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        with lock:
            state["cancel"] = lambda: loop.call_soon_threadsafe(task.cancel)
            if state["stopped"]:
                task.cancel()

    client.on_notebook_start = note_start
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(asyncio.run, client.async_execute())
        try:
            while wait([done], timeout=TICK_S).not_done:
                tick()
            done.result()
        except KeyboardInterrupt:
            client.shutdown_kernel = "immediate"
            with lock, suppress(RuntimeError):  # the loop may have come to its end by itself
                state["stopped"] = True
                if state["cancel"] is not None:
                    state["cancel"]()
            wait([done])
            raise


def name_cells(notebook: NotebookNode) -> dict[int, str]:
    """Return the headings (up to a colon) under which the code cells stand, by the cells' places."""
    names, heading = {}, "start"
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            heading = ([heading, *HEADING.findall(cell.source)])[-1].split(":")[0]
        elif cell.cell_type == "code" and cell.source.strip():
            names[place] = heading
    return names


def read_share(cell: NotebookNode) -> str:
    """Return where the bar that a cell prints stands, e.g. "cnn10: 45%"; "" where it prints none."""
    texts = [output["text"] for output in cell.get("outputs", []) if output["output_type"] == "stream"]
    lines = [line for line in re.split(r"[\r\n]", texts[-1]) if line.strip()] if texts else []
    label, bar, _ = lines[-1].partition("|") if lines else ("", "", "")
    return " ".join(label.split()) if bar else ""
