"""The command demo: the first notebook, executed, with its figures and its table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esclab.errors import DatasetError, NotebookError

if TYPE_CHECKING:
    from nbformat import NotebookNode

WIDGET = "application/vnd.jupyter.widget-view+json"
IN_PLACE_OF_A_WIDGET = "An explorer stands here when the notebook runs in JupyterLab (make lab)."


def demo(
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="Any dataset that is on this machine.")] = "synth10",
    out: Annotated[Path, typer.Option(help="Folder for the executed page, the figures and the table.")] = Path(
        "out/demo"
    ),
) -> None:
    """Train CNN10 and TS-CNN10, compare and picture them: the tour notebook, run without a screen (about 3 minutes)."""
    from esclab.clips import load_dataset

    load_dataset(dataset)  # a missing dataset is told before anything starts
    typer.echo(
        f"Running the tour on {dataset}: it trains cnn10 and ts-cnn10, then compares and pictures them. On two free "
        "cores this takes about 3 minutes with synth10, longer with more clips."
    )
    # Figures go into the page with their script, so that it opens offline.
    os.environ |= {
        "ESCLAB_DATASET": dataset,
        "ESCLAB_OUT": str(out.resolve()),
        "PLOTLY_RENDERER": "plotly_mimetype+notebook",
    }
    page = execute_notebook(find_notebook("01_tour"), out)
    typer.echo((out / "table.md").read_text("utf-8"))
    typer.echo(f"The page: {page}. Figures and tables: {out}")


def find_notebook(name: str) -> Path:
    """Return the path of a notebook, from the checkout or from the installed package."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent / "notebooks", package / "notebooks"):
        if (folder / f"{name}.ipynb").exists():
            return folder / f"{name}.ipynb"
    raise DatasetError(f"{name}.ipynb", "is missing from this installation", "install esclab again")


def execute_notebook(path: Path, out: Path) -> Path:
    """Execute a notebook headless, with a bar, and write it as one HTML page into `out`; return the page.

    Raises
    ------
    NotebookError
        When a cell fails; the page is written all the same, up to there and with the error in it.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    from esclab.cli.notebook import execute_cells
    from esclab.storage import write_text

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        # Its warning about unencrypted ports tells a newcomer nothing: they are on loopback only.
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    failure = None
    try:
        execute_cells(client)
    except CellExecutionError as error:
        failure = f"{error.ename}: {error.evalue}".splitlines()[0].rstrip(".")
    replace_widgets(notebook)
    exporter = HTMLExporter(embed_images=True)
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # of a bar, the last state alone
    text, _ = exporter.from_notebook_node(notebook)
    page = write_text(out / f"{path.stem.split('_', 1)[-1]}.html", text)
    if failure:
        raise NotebookError(path, f"a cell failed, {failure}", f"see it in its place on the page {page}")
    return page


def replace_widgets(notebook: NotebookNode) -> None:
    """Put a line in the place of each explorer: a page has no Python behind it, so that it could not answer."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if WIDGET in data:
                output["data"] = {"text/html": f"<p><em>{IN_PLACE_OF_A_WIDGET}</em></p>"}
    notebook.metadata.pop("widgets", None)


COMMANDS = (demo,)
