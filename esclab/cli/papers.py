"""The command that draws a paper's figures of one's own runs: figures."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.errors import OptionError

PAPERS = {"fpam": "esclab.papers.fpam", "spectromasknet": "esclab.papers.spectromasknet_figures"}
"""Papers with a function `build_figures`, by name."""
FORMATS = ("png", "pdf", "csv")


def figures(
    paper: Annotated[str, typer.Argument(help=f"The paper: {', '.join(PAPERS)}.")],
    runs: Annotated[
        list[str],
        typer.Argument(help="Run folders, or folders with runs below them, trained with --keep-epochs."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figures (PNG, PDF, CSV); out/PAPER by default.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Draw the figures of a paper for runs of your own.

    fpam: 5 attention maps, 6 t-SNE and 7 confusions over epochs, 8 confusion of 50 classes, 9 learning curves. For 6
    and 7 train with: esclab train fpam --recipe fpam-quick --keep-epochs

    spectromasknet: 5 branch weights and 10 masks over training, 6 CAM per stage and branch, 7 durations, 8 one clip in
    every representation, 9 masks.
    """
    from esclab.figures.export import export
    from esclab.papers.figures import LeftOut
    from esclab.training.shipped import find_runs

    if paper not in PAPERS:
        raise OptionError(f"paper {paper}", "has no figures to draw", f"choose one of {', '.join(PAPERS)}")
    found = find_runs(runs)
    folder = out or Path("out") / paper
    written: list[Path] = []
    left_out: list[Any] = []
    for figure in import_module(PAPERS[paper]).build_figures(found):
        if isinstance(figure, LeftOut):
            left_out.append(figure)
            continue
        written += export(
            figure.figure, figure.result, folder / figure.stem, formats=FORMATS, how=typed_command(), **figure.options
        )
        if not as_json:
            typer.echo("\n".join(map(str, written[-len(FORMATS) - 1 : -1])))
    if as_json:
        content = {
            "files": [str(path) for path in written],
            "left_out": {figure.stem: figure.reason for figure in left_out},
        }
        typer.echo(json.dumps(content, indent=2))
        return
    for figure in left_out:
        typer.echo(f"{figure.stem} is left out: {figure.reason}")


COMMANDS = (figures,)
