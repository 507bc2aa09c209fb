"""Which confusion matrices a person can choose among, given runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from esclab.analysis.epochs import describe_run, last_epoch, list_epochs, read_answers
from esclab.results import Predictions
from esclab.training.crossval import join_folds
from esclab.training.ledger import digest_recipe
from esclab.training.run import Run

MOST_EPOCHS_DRAWN = 4


@dataclass(frozen=True)
class ConfusionChoice:
    """One matrix that can be looked at.

    Attributes
    ----------
    label : str
    runs : tuple of Run
        One run, or those of one model, seed, recipe and dataset on different folds.
    """

    label: str
    runs: tuple[Run, ...]

    def list_epochs(self) -> tuple[int, ...]:
        """Return the epochs that all runs kept, and the last; only the last where runs ended at different ones."""
        last = {last_epoch(run) for run in self.runs}
        kept = set.intersection(*({*list_epochs(run), last_epoch(run)} for run in self.runs))
        return tuple(sorted(kept)) if len(last) == 1 else (max(last),)

    def read(self, epoch: int | str) -> Predictions:
        """Return the answers of all runs, joined, after an epoch or "last"; errors as `read_answers`."""
        return join_folds([next(iter(read_answers(run, [epoch]).values())) for run in self.runs])[0]


def list_choices(runs: Sequence[Run]) -> list[ConfusionChoice]:
    """Return what can be looked at: runs of one model, dataset, recipe and seed over their folds, then each run."""
    groups: dict[tuple[Any, ...], dict[int, Run]] = {}
    for run in runs:
        config = run.config
        key = (config.model, config.dataset, config.protocol, config.recipe.name, digest_recipe(run), config.seed)
        groups.setdefault(key, {}).setdefault(config.held_out, run)
    pooled = [tuple(group[fold] for fold in sorted(group)) for group in groups.values() if len(group) > 1]
    return [ConfusionChoice(_name_pool(group), group) for group in pooled] + [
        ConfusionChoice(f"{describe_run(run)}, recipe {run.config.recipe.name}", (run,)) for run in runs
    ]


def spread_epochs(epochs: Sequence[int]) -> list[int]:
    """Return at most four epochs, the first and the last among them."""
    places = np.linspace(0, len(epochs) - 1, min(len(epochs), MOST_EPOCHS_DRAWN))
    return [epochs[int(place + 0.5)] for place in places]


def _name_pool(runs: Sequence[Run]) -> str:
    config = runs[0].config
    folds = ", ".join(str(run.config.held_out) for run in runs)
    return f"{config.model} on {config.dataset}, folds {folds} pooled, seed {config.seed}, recipe {config.recipe.name}"
