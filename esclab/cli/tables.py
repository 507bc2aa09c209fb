"""The command that trains the cells of a paper's table: tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.data import JSON
from esclab.cli.train import RESULTS, RUNS, SET, enter_run, parse_changes, parse_folds

if TYPE_CHECKING:
    from esclab.papers.cells import TableCell
    from esclab.training.run import Run


def tables(
    paper: Annotated[str, typer.Argument(help="The paper, e.g. freqcnn.")],
    table: Annotated[int, typer.Option("--table", "-t", help="The number of its table.")],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset", "-d", help="As in `esclab datasets`; the paper's by default, or what stands in for it."
        ),
    ] = "",
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="The paper's by default; for freqcnn freqcnn-64, which is reduced.")
    ] = "",
    changes: SET = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeatable; 0 by default.")] = None,
    folds: Annotated[str, typer.Option(help="E.g. 1,2,3; the first by default.")] = "1",
    runs: RUNS = Path("runs"),
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Train every cell of a paper's table and print it beside the printed scores; run it again to go on after a stop.

    Each run enters the ledger under a recipe that names the cell's settings, e.g. freqcnn-64+parts=4.
    """
    from esclab.clips import load_dataset
    from esclab.papers import TABLE_DEFAULTS, find_recipe, find_table
    from esclab.papers.cells import recipe_of_cell
    from esclab.training.crossval import cross_validate
    from esclab.training.progress import watch_cross_validation
    from esclab.training.recipe import change_recipe

    cells = find_table(paper, table)
    own_dataset, own_recipe = TABLE_DEFAULTS[paper]
    pairs = parse_changes(changes)
    bases = [change_recipe(find_recipe(recipe or own_recipe), cell.model, pairs) for cell in cells]
    recipes = [recipe_of_cell(base, cell) for base, cell in zip(bases, cells, strict=True)]
    chosen_folds = parse_folds(folds)
    clips = load_dataset(dataset or own_dataset)
    rows = []
    for number, (cell, cell_recipe) in enumerate(zip(cells, recipes, strict=True), start=1):
        typer.echo(f"{number} of {len(cells)}: {cell.name} ({cell_recipe.name})", err=True)
        reports = cross_validate(
            [cell.model], clips, cell_recipe, root=runs, seeds=seed or (0,), folds=chosen_folds
        )  # fmt: skip
        finished: dict[Path, Run] = {}
        for report in watch_cross_validation(reports):
            if report.run.is_finished and report.run.path not in finished:
                finished[report.run.path] = report.run
                enter_run(report.run, results)
        rows.append(_score_cell(cell, list(finished.values())))
    _print_rows(
        rows, f"Table {table} of {paper}: {clips.name}, {clips.protocol}; recipe {bases[0].name}", as_json=as_json
    )


def _score_cell(cell: TableCell, runs: list[Run]) -> dict[str, Any]:
    """Return the cell's printed scores, and means and standard deviations of its runs', in %; None for one run's."""
    from statistics import mean, stdev

    from esclab.analysis.scores import score_predictions

    scores = [score_predictions(run.read_predictions()) for run in runs]
    values = {name: [100 * getattr(score, name) for score in scores] for name in ("accuracy", "uar")}
    spreads = {name: round(stdev(several), 2) if len(several) > 1 else None for name, several in values.items()}
    return {
        "cell": cell.name,
        "printed_accuracy": cell.accuracy,
        "printed_uar": cell.uar,
        "accuracy": round(mean(values["accuracy"]), 2),
        "accuracy_spread": spreads["accuracy"],
        "uar": round(mean(values["uar"]), 2),
        "uar_spread": spreads["uar"],
        "runs": len(runs),
    }


def _print_rows(rows: list[dict[str, Any]], label: str, *, as_json: bool) -> None:
    import pandas as pd

    from esclab.analysis.tables import UNKNOWN, format_table

    if as_json:
        typer.echo(json.dumps({"label": label, "cells": rows}, indent=2))
        return
    columns = {
        "cell": "Cell", "printed_accuracy": "Printed accuracy (%)", "printed_uar": "Printed UAR (%)",
        "accuracy": "Accuracy (%)", "accuracy_spread": "Spread of accuracy", "uar": "UAR (%)",
        "uar_spread": "Spread of UAR", "runs": "Runs",
    }  # fmt: skip
    shown = [
        {
            title: UNKNOWN if row[name] is None else f"{row[name]:.1f}" if isinstance(row[name], float) else row[name]
            for name, title in columns.items()
        }
        for row in rows
    ]
    typer.echo(
        f"{label}. The printed scores are of the paper's own recordings. Spread: standard deviation over runs.\n"
    )
    typer.echo(format_table(pd.DataFrame(shown), "markdown"))


COMMANDS = (tables,)
