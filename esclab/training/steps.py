"""The numbers that a network's gates learn, written down after every step."""

from __future__ import annotations

import pandas as pd

from esclab.models.base import SoundClassifier
from esclab.models.recording import read_mixtures
from esclab.storage import write_text
from esclab.training.run import STEPS_FILE, Run


class StepLog:
    """Rows of `steps.csv`: `iteration`, then one column a number, such as "fusion_lambda"; none for most networks.

    Parameters
    ----------
    run : Run
    network : SoundClassifier
        Logged where its `logs_steps` is true.
    done : int
        Steps that the last checkpoint holds; later rows of an interrupted training are dropped.
    """

    def __init__(self, run: Run, network: SoundClassifier, *, done: int) -> None:
        self.path = run.path / STEPS_FILE
        self.network = network
        self.rows: list[dict[str, float | str]] = []
        if network.logs_steps and done and self.path.exists():
            # Read as text, so that rows are written again as they were, to the last digit.
            table = pd.read_csv(self.path, dtype=str)
            kept = table[table["iteration"].astype("int64") <= done]
            self.rows = [{str(name): value for name, value in row.items()} for row in kept.to_dict("records")]

    def note(self, iteration: int) -> None:
        """Keep the numbers after a step, counted from 1."""
        if self.network.logs_steps:
            self.rows.append({"iteration": iteration, **flatten_mixtures(read_mixtures(self.network))})

    def save(self) -> None:
        """Write all rows, in one step; call it before the checkpoint, so that no step of that is missing."""
        if self.rows:
            write_text(self.path, pd.DataFrame(self.rows).to_csv(index=False))


def flatten_mixtures(mixtures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return `read_mixtures` as one column a number: {"fusion": {"lambda": 0.5}} as {"fusion_lambda": 0.5}."""
    return {f"{layer}_{name}": value for layer, mixture in mixtures.items() for name, value in mixture.items()}
