"""Runs as rows of one table, from run folders or from a ledger, in groups that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from esclab.errors import EsclabError, StorageError
from esclab.training.ledger import digest_recipe, read_ledger
from esclab.training.run import Run
from esclab.widgets.gather import RunWords, gather_runs

GROUP = ("dataset", "protocol", "recipe", "recipe_digest")
ONE = ("model", "fold", "seed")
COLUMNS = (*GROUP, *ONE, "accuracy", "seconds")


@dataclass(frozen=True)
class RunRows:
    """Runs in a table.

    Attributes
    ----------
    table : DataFrame
        One row a run: `dataset`, `protocol`, `recipe`, `recipe_digest`, `model`, `fold`, `seed`, `accuracy` (0..1),
        `seconds`.
    runs : list of Run or None
        One a row; None for a row of a ledger, whose folder nobody named.
    problems : list of str
    """

    table: pd.DataFrame
    runs: list[Run | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_rows(words: RunWords) -> RunRows:
    """Return the runs that the words name; a word that ends in .csv is a ledger.

    Parameters
    ----------
    words : str, Path, Run or a sequence of these
        As `esclab.widgets.gather.gather_runs`, and ledgers such as "results/runs.csv".
    """
    listed = [words] if isinstance(words, str | Path | Run) else list(words)
    ledgers = [Path(word) for word in listed if isinstance(word, str | Path) and str(word).endswith(".csv")]
    gathered = gather_runs([word for word in listed if not str(word).endswith(".csv") or isinstance(word, Run)])
    tables: list[pd.DataFrame] = []
    runs: list[Run | None] = []
    problems = list(gathered.problems)
    for run in gathered.runs:
        try:
            tables.append(pd.DataFrame([_describe(run)], columns=list(COLUMNS)))
            runs.append(run)
        except EsclabError as error:
            problems.append(str(error))
    for path in ledgers:
        try:
            if not path.exists():
                raise StorageError(path, "is not there", "give a ledger that esclab train or cv wrote, or a folder")
            tables.append(read_ledger(path)[list(COLUMNS)])
            runs += [None] * len(tables[-1])
        except EsclabError as error:
            problems.append(str(error))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    return RunRows(table, runs, problems)


def list_groups(table: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return what may be compared with what: a label, and dataset, protocol, recipe and its digest; largest first."""
    counts = table.groupby(list(GROUP), sort=False).size().sort_values(ascending=False, kind="stable")
    keys = [tuple(str(part) for part in key) for key in counts.index]
    short = [key[:3] for key in keys]
    labels = {}
    for key, count in zip(keys, counts, strict=True):
        same = f" ({key[3][:6]})" if short.count(key[:3]) > 1 else ""
        labels[f"{key[0]}, recipe {key[2]}{same}, {key[1]}: {_name_count(int(count))}"] = key
    return labels


def choose_rows(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of one group that a fair comparison may use, and what was left out, in words.

    Each model, fold and seed counts once, and only folds that every model and seed has count at all.
    """
    notes: list[str] = []
    once = table.drop_duplicates(list(ONE))
    if len(once) < len(table):
        notes.append(f"{len(table) - len(once)} runs repeat a model, fold and seed; the first of each counts.")
    folds = once.groupby(["model", "seed"])["fold"].agg(set)
    common = set.intersection(*folds) if len(folds) else set()
    left_out = sorted(set(once["fold"]) - common)
    if left_out and common:
        notes.append(f"Folds {_list(sorted(common))} are compared; some model or seed lacks {_list(left_out)}.")
    if len(folds) and not common:
        notes.append("No fold is there for every model and seed; choose models, or one seed.")
    return once[once["fold"].isin(common)], notes


def tell_rows(table: pd.DataFrame) -> str:
    """Return in words which runs are compared."""
    if table.empty:
        return "No run is compared."
    first, models = table.iloc[0], ", ".join(dict.fromkeys(table["model"]))
    which = f"{models} on {first['dataset']}, recipe {first['recipe']}"
    places = ", ".join(_name_all(noun, sorted(set(table[noun]))) for noun in ("fold", "seed"))
    return f"Compared: {_name_count(len(table))}, {which}, {places}."


def _describe(run: Run) -> tuple[object, ...]:
    config, summary = run.config, run.summary
    accuracy = summary.get("accuracy")
    if not isinstance(accuracy, int | float):
        accuracy = float(run.read_predictions().correct.mean())
    return (
        config.dataset, config.protocol, config.recipe.name, digest_recipe(run), config.model, config.held_out,
        config.seed, float(accuracy), float(summary["seconds"]),
    )  # fmt: skip


def _name_all(noun: str, numbers: Sequence[int]) -> str:
    return f"{noun if len(numbers) == 1 else f'{noun}s'} {_list(numbers)}"


def _name_count(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
