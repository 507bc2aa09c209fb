"""The runs below a folder, finished and unfinished, with what this process trains among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from esclab.errors import EsclabError
from esclab.figures.text import LONGEST_LABEL
from esclab.training.run import Run, open_run
from esclab.widgets.train_form import tell_changes
from esclab.widgets.trainings import Training, find_training, list_trainings, read_rows

TABLE = ("Model", "Data", "Recipe", "Held-out fold", "Seed", "State", "Iterations", "Accuracy on it")


@dataclass(frozen=True)
class RunEntry:
    """One run as the table shows it.

    Attributes
    ----------
    run : Run
    training : Training or None
        This process's newest training of it.
    state : str
        A training's state while it is active; else "finished", "failed", "stopped", or "not begun" (no checkpoint).
    """

    run: Run
    training: Training | None = None
    state: str = "stopped"

    @property
    def path(self) -> Path:
        """The run's folder, whole."""
        return self.run.path.resolve()

    @property
    def active(self) -> Training | None:
        """The training, while it runs, waits or is paused."""
        return self.training if self.training is not None and self.training.is_active else None

    @property
    def is_resumable(self) -> bool:
        """Whether it can be gone on with."""
        return not self.run.is_finished and (self.active is None or self.active.pause_asked)

    @property
    def held_out(self) -> str:
        """What it is scored on: the test fold, which decides nothing, or a validation fold."""
        config = self.run.config
        return f"{config.held_out} ({'validation' if config.validation_fold else 'test'})"

    def read_history(self) -> pd.DataFrame:
        """Return one row an epoch, the newest of a training that is on its way; empty before the first."""
        if self.active is not None:
            return pd.DataFrame(list(self.active.history))
        path = self.run.path / "history.csv"
        return _read_kept(self.run.path, path.stat().st_mtime_ns).copy() if path.exists() else pd.DataFrame()


def list_runs(root: str | Path) -> tuple[list[RunEntry], list[str]]:
    """Return the runs below a folder, what this process trains elsewhere too, and one line for each that is left out.

    Returns
    -------
    entries : list of RunEntry
        What is on its way first, then what can be resumed, then what is finished, each by path.
    problems : list of str
    """
    entries: dict[Path, RunEntry] = {}
    problems = []
    for training in list_trainings():
        entries[training.run.path.resolve()] = _describe(training.run)
    for path in sorted(Path(root).glob("**/config.json")):
        if path.parent.resolve() in entries:
            continue
        try:
            entries[path.parent.resolve()] = _describe(open_run(path.parent))
        except EsclabError as error:
            problems.append(str(error))
    order = sorted(entries.values(), key=lambda entry: (entry.active is None, entry.run.is_finished, str(entry.path)))
    return order, problems


def tabulate_runs(entries: Sequence[RunEntry]) -> pd.DataFrame:
    """Return the table of runs; accuracy is NaN until a run is finished."""
    rows = []
    for entry in entries:
        config = entry.run.config
        accuracy = entry.run.summary.get("accuracy") if entry.run.is_finished else None
        rows.append(
            (
                config.model, config.dataset, tell_changes(config.recipe), entry.held_out, config.seed, entry.state,
                _count_iterations(entry), float("nan") if accuracy is None else float(accuracy),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(TABLE))


def name_runs(entries: Sequence[RunEntry]) -> dict[Path, str]:
    """Return a name for each run's legend; those that would share one get their data, their recipe or a number."""
    names = {entry.path: entry.run.label for entry in entries}
    for part in ("dataset", "recipe"):
        counts = Counter(names.values())
        for entry in entries:
            config, name = entry.run.config, names[entry.path]
            longer = f"{name}, {config.dataset if part == 'dataset' else config.recipe.name}"
            if counts[name] > 1 and len(longer) <= LONGEST_LABEL:
                names[entry.path] = longer
    seen: Counter[str] = Counter()
    for path, name in names.items():
        seen[name] += 1
        names[path] = f"{name} #{seen[name]}" if seen[name] > 1 else name
    return names


def _describe(run: Run) -> RunEntry:
    training = find_training(run.path)
    if training is not None and training.is_active:
        state = f"{training.state}, will {training.request}" if training.request else str(training.state)
    elif run.is_finished:
        state = "finished"
    elif training is not None and training.state == "failed":
        state = "failed"
    else:
        state = "stopped" if (run.path / "state.pt").exists() else "not begun"
    return RunEntry(run, training, state)


def _count_iterations(entry: RunEntry) -> str:
    history, iterations = entry.read_history(), entry.run.config.recipe.iterations
    return f"{int(history['iteration'].iloc[-1]) if len(history) else 0} of {iterations}"


@lru_cache(maxsize=256)
def _read_kept(path: Path, changed_ns: int) -> pd.DataFrame:
    """Return a history, read once for each time at which the file changed."""
    return pd.DataFrame(read_rows(open_run(path)))
