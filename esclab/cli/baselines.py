"""The command baselines: what classifiers from before deep learning reach on a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.data import JSON
from esclab.cli.records import to_records
from esclab.cli.runs import HIGHEST_SEED
from esclab.cli.train import DATASET, RESULTS

if TYPE_CHECKING:
    from esclab.results import Predictions


def baselines(
    dataset: DATASET = "esc10",
    method: Annotated[
        list[str] | None, typer.Option(help="knn, svm or random-forest; several may follow. All three by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random forest.", min=0, max=HIGHEST_SEED)] = 0,
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Classify clips by the mean and spread of their MFCCs, without a network: the first rows of FPAM's Table 2.

    Nearest neighbours, a support vector machine and a random forest learn from all other folds and are scored on each
    test fold, in seconds. A network should beat them.
    """
    from esclab.analysis.classical import (
        CLASSIFIERS,
        classify_statistics,
        describe_folds,
        find_classifier,
        measure_statistics,
    )
    from esclab.analysis.intervals import summarize_accuracy
    from esclab.analysis.tables import accuracy_table, format_table
    from esclab.cli.progress import show_progress
    from esclab.clips import load_dataset
    from esclab.training.ledger import append_result
    from esclab.training.means import enter_means

    methods = list(dict.fromkeys(method or CLASSIFIERS))
    for name in methods:
        find_classifier(name)  # told before anything is measured
    clips = load_dataset(dataset)
    statistics = measure_statistics(clips, progress=show_progress("clips", quiet=as_json))
    answers: list[Predictions] = []
    rows: list[dict[str, Any]] = []
    for name in methods:
        started = perf_counter()
        answers.append(classify_statistics(clips, name, statistics=statistics, seed=seed))
        rows += describe_folds(answers[-1], clips, seconds=perf_counter() - started)
    for row in rows:
        append_result(results / "runs.csv", row)
    accuracy = summarize_accuracy(answers, label=f"{clips.name}, {clips.protocol}, MFCC statistics")
    enter_means(results, accuracy, rows)
    if as_json:
        typer.echo(json.dumps({"label": accuracy.label, "accuracy": to_records(accuracy.table)}, indent=2))
        return
    typer.echo(f"{accuracy.label}; intervals: {accuracy.interval}\n")
    typer.echo(format_table(accuracy_table(accuracy), "markdown"))


COMMANDS = (baselines,)
