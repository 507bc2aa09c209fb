"""Progress bars over a training, for terminals and notebooks."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from esclab.training.crossval import CrossValidationReport
from esclab.training.loop import EpochReport


def watch(reports: Iterable[EpochReport], *, label: str = "") -> Iterator[EpochReport]:
    """Pass epoch reports on while a bar shows iterations, loss, accuracy and the time left.

    Parameters
    ----------
    reports : iterable of EpochReport
        E.g. `train(run)`.
    label : str
        Shown before the bar, e.g. the model's name.
    """
    with tqdm(total=0, desc=label, unit="it", file=sys.stdout, mininterval=0.5) as bar:
        accuracy = math.nan
        for report in reports:
            bar.total = report.iterations
            bar.n = report.iteration
            accuracy = accuracy if math.isnan(report.valid_accuracy) else report.valid_accuracy
            bar.set_postfix_str(_describe(report.train_loss, accuracy), refresh=False)
            bar.refresh()
            yield report
        if not bar.total:
            bar.set_description_str(f"{label} was trained before", refresh=False)


def watch_cross_validation(reports: Iterable[CrossValidationReport]) -> Iterator[CrossValidationReport]:
    """Pass reports on while one bar counts runs; its time left comes from the iterations done in this session."""
    with tqdm(total=0.0, unit="run", file=sys.stderr, mininterval=0.5, bar_format=_BAR) as bar:
        for report in reports:
            bar.total = report.runs
            share = 1.0 if report.epoch is None else report.epoch.iteration / report.epoch.iterations
            bar.set_description_str(report.run.label, refresh=False)
            if report.epoch is None:
                bar.initial += 1  # finished before: it says nothing about the pace
            bar.n = report.number - 1 + share
            bar.refresh()
            yield report


_BAR = "{desc:<28} {percentage:3.0f}%|{bar}| {n:.1f}/{total:.0f} runs [{elapsed} gone, {remaining} left]"


def _describe(loss: float, accuracy: float) -> str:
    held_out = "" if math.isnan(accuracy) else f", held-out accuracy {100 * accuracy:.0f} %"
    return f"loss {loss:.2f}{held_out}"
