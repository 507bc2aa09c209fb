"""Several trained runs against each other: accuracy, time, and tests on the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from esclab.analysis.intervals import summarize_accuracy
from esclab.analysis.significance import compare_models
from esclab.analysis.tables import accuracy_table
from esclab.results import AccuracyResult, LearningResult

if TYPE_CHECKING:
    from esclab.training.run import Run


@dataclass(frozen=True)
class Comparison:
    """What several runs say of their models.

    Attributes
    ----------
    accuracy : AccuracyResult
    pairs : DataFrame
        One row a pair of models (see `compare_models`); empty for a single model.
    seconds : dict of str to float
        Mean training time of one fold, per model.
    table : DataFrame
        Accuracy, interval, spread and time, ready to print.
    """

    accuracy: AccuracyResult
    pairs: pd.DataFrame
    seconds: dict[str, float]
    table: pd.DataFrame


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare finished runs; those of one model and seed are joined over their folds.

    Parameters
    ----------
    runs : sequence of Run
        Runs of one dataset, protocol and recipe, each model on the same folds.
    """
    from esclab.training.crossval import join_predictions

    predictions = join_predictions(runs)
    config = runs[0].config
    label = f"{config.dataset}, {config.protocol}, recipe {config.recipe.name}"
    accuracy = summarize_accuracy(predictions, label=label)
    models = list(accuracy.table["model"])
    seconds = {model: _mean_seconds(runs, model) for model in models}
    table = accuracy_table(accuracy)
    table["Seconds a fold"] = [f"{seconds[model]:.0f}" for model in models]
    pairs = compare_models(predictions) if len(models) > 1 else pd.DataFrame()
    return Comparison(accuracy, pairs, seconds, table)


def collect_histories(runs: Sequence[Run]) -> LearningResult:
    """Return the learning curves of runs, labelled by model and what else tells them apart."""
    from esclab.training.labels import label_runs

    validated = all(run.config.validation_fold for run in runs)
    histories = {name: run.read_history() for name, run in zip(label_runs(runs, brief=False), runs, strict=True)}
    return LearningResult(histories, "validation fold" if validated else "test fold")


def _mean_seconds(runs: Sequence[Run], model: str) -> float:
    values = [run.summary["seconds"] for run in runs if run.config.model == model]
    return sum(values) / len(values)
