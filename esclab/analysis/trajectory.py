"""How the numbers that a network's gates learn moved in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esclab.errors import OptionError
from esclab.results import TrajectoryResult
from esclab.training.labels import label_runs
from esclab.training.run import Run


@dataclass(frozen=True)
class Number:
    """One line of a trajectory.

    Attributes
    ----------
    column : str
        Of `Run.read_steps`, e.g. "fusion_lambda".
    panel : str
        What is measured, with its unit.
    change : callable, optional
        Turns the column into what is drawn, e.g. 1 - lambda.
    """

    column: str
    panel: str
    change: Callable[[pd.Series], pd.Series] | None = None


def trace_numbers(
    runs: Sequence[Run],
    numbers: Mapping[str, Number],
    *,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    label: str = "",
) -> TrajectoryResult:
    """Collect numbers of every step of runs.

    Parameters
    ----------
    runs : sequence of Run
        Of networks that keep them (`SoundClassifier.logs_steps`).
    numbers : mapping of str to Number
        By the name of their line.
    bounds : mapping of str to (float, float), optional
        Lowest and highest value that a panel's numbers can take.
    label : str

    Raises
    ------
    RunError
        When a run keeps no numbers of its steps.
    OptionError
        When no run has one of the columns.
    """
    parts = []
    for run, name in zip(runs, label_runs(runs, brief=False), strict=True):
        steps = run.read_steps()
        for line, number in numbers.items():
            if number.column not in steps:
                continue
            values = steps[number.column]
            parts.append(
                pd.DataFrame(
                    {
                        "run": name, "panel": number.panel, "line": line, "iteration": steps["iteration"],
                        "value": values if number.change is None else number.change(values),
                    }
                )
            )  # fmt: skip
    if not parts:
        columns = ", ".join(number.column for number in numbers.values())
        raise OptionError("runs", f"none learned {columns}", "give runs of spectromasknet that learned them")
    return TrajectoryResult(pd.concat(parts, ignore_index=True), dict(bounds or {}), label)
