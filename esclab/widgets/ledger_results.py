"""Results from ledgers alone, which hold a number a run and no answers: means without intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from esclab.analysis.noise_ledger import NOISE_KEY
from esclab.clips import load_dataset
from esclab.errors import EsclabError
from esclab.results import AccuracyResult, RobustnessResult
from esclab.training.ledger import read_ledger

NO_INTERVAL = "none, a ledger has no answers clip by clip"
WHERE = ["kind", "snr_db", "region"]


def summarize_rows(rows: pd.DataFrame, *, label: str = "") -> AccuracyResult:
    """Return accuracies from rows of a ledger.

    Parameters
    ----------
    rows : DataFrame
        `model`, `dataset`, `fold`, `seed`, `accuracy` (0..1), one row a run.
    label : str

    Returns
    -------
    result : AccuracyResult
        Means over folds of the mean over seeds, as `summarize_accuracy`; bounds are NaN, and so is `chance` where the
        dataset, which has the number of classes, is not on this machine.
    """
    by_fold = rows[["model", "fold", "seed", "accuracy"]].reset_index(drop=True)
    folds = by_fold.groupby(["model", "fold"], sort=False)["accuracy"].mean().groupby("model", sort=False)
    table = pd.DataFrame({"mean": folds.mean(), "low": np.nan, "high": np.nan, "spread": folds.std(ddof=1)})
    table = table.assign(folds=folds.size()).rename_axis("model").reset_index()
    chance = np.nan if rows.empty else _find_chance(str(rows["dataset"].iloc[0]))
    return AccuracyResult(table, by_fold, chance, label, NO_INTERVAL)


def read_noise(path: str | Path, rows: pd.DataFrame, *, label: str = "") -> RobustnessResult | None:
    """Return what `noise.csv` knows of some runs; None where it knows nothing that all their models share.

    Parameters
    ----------
    path : str or Path
        A ledger as `esclab noise` writes it.
    rows : DataFrame
        `dataset`, `protocol`, `recipe`, `recipe_digest`, `model`, `fold`, `seed`, one row a run.
    label : str

    Returns
    -------
    result : RobustnessResult or None
        Means over folds of the mean over seeds, without intervals and pairs. Only conditions in which all these runs
        were tested count, with one reference and one draw of the noise (the lowest seed).

    Raises
    ------
    StorageError
        When the file is no such ledger.
    """
    ledger = read_ledger(path, (*NOISE_KEY, "accuracy", "clean_accuracy", "ece"))
    names = ["dataset", "protocol", "recipe", "recipe_digest", "model", "fold", "seed"]
    found = ledger.merge(rows[names], on=names)
    if found.empty:
        return None
    reference = "clip" if (found["reference"] == "clip").any() else str(found["reference"].iloc[0])
    found = found[found["reference"] == reference]
    found = found[found["noise_seed"] == found["noise_seed"].min()]
    # A retrained run has another digest of its weights; its last row counts.
    found = found.drop_duplicates([*names, *WHERE], keep="last")
    full = found.groupby(WHERE)["model"].transform("size") == len(rows)
    found = found[full]
    if found.empty:
        return None
    clean = found.assign(kind="clean", snr_db=np.inf, region="whole clip", accuracy=found["clean_accuracy"], ece=np.nan)
    clean = clean.drop_duplicates([*names])
    table = pd.concat([_average(clean), _average(found)], ignore_index=True)
    before = table[table["kind"] == "clean"].set_index("model")["mean"]
    table["drop"] = table["model"].map(before) - table["mean"]
    table[["drop_low", "drop_high"]] = np.nan
    return RobustnessResult(table, pd.DataFrame(), reference, label, NO_INTERVAL)


def _average(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a model and condition."""
    keys = ["model", *WHERE]
    by_fold = rows.groupby([*keys, "fold"], sort=False)[["accuracy", "ece"]].mean()
    groups = by_fold.groupby(keys, sort=False)
    table = groups.mean().rename(columns={"accuracy": "mean"})
    spread, folds = groups["accuracy"].std(ddof=1), groups["accuracy"].size()
    seeds = rows.groupby(keys, sort=False)["seed"].nunique()
    return table.assign(low=np.nan, high=np.nan, spread=spread, folds=folds, seeds=seeds).reset_index()


def _find_chance(dataset: str) -> float:
    """Return 1 / classes; NaN where the dataset is not here."""
    if dataset.startswith("synth10"):
        return 0.1  # known without making it
    try:
        return 1 / len(load_dataset(dataset).class_names)
    except EsclabError:
        return float("nan")
