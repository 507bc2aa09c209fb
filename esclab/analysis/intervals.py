"""How sure an accuracy is: bootstrap intervals that keep clips of one recording together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esclab.analysis.alignment import align_predictions, group_by_model, require_same_clips
from esclab.errors import OptionError
from esclab.results import AccuracyResult, Predictions

LEVEL = 0.95
BLOCK_DRAWS = 2_000_000  # drawn at a time, which bounds memory at some tens of megabytes


@dataclass(frozen=True)
class Difference:
    """A difference between two models' accuracies with its 95 % interval, as rates (0.1 is ten points)."""

    mean: float
    low: float
    high: float


def summarize_accuracy(
    predictions: Sequence[Predictions], *, label: str = "", resamples: int = 2000, seed: int = 0
) -> AccuracyResult:
    """Summarize each model's accuracy over folds and seeds.

    Parameters
    ----------
    predictions : sequence of Predictions
        One a model and seed, each with the test clips of all folds, all on the same clips.
    label : str
        Dataset, protocol and recipe.
    resamples : int
        Draws of the bootstrap.
    seed : int
        Seed of the bootstrap; the same seed gives the same numbers.

    Returns
    -------
    result : AccuracyResult
        `mean` is over folds of the accuracy averaged over seeds; `spread` is the standard deviation of these
        fold accuracies (n - 1), NaN with one fold. Bounds are those of `bootstrap_interval`.

    Raises
    ------
    OptionError
        When there are no predictions, or one model and seed comes twice.
    DatasetError
        When the predictions are not all on the same clips.

    Notes
    -----
    The interval says how much the mean would move with other recordings in the test folds. It holds the
    trained models fixed: it covers neither another training set nor, beyond averaging them, other seeds. The
    training sets of folds overlap, so `spread` is no standard error of the mean.
    """
    aligned = align_predictions(predictions)
    by_fold = pd.concat([_measure_folds(one) for one in aligned], ignore_index=True)
    rows = []
    for model, runs in group_by_model(aligned).items():
        accuracy = by_fold[by_fold["model"] == model].groupby("fold")["accuracy"].mean()
        low, high = bootstrap_interval(
            _share_correct(runs), runs[0].folds, runs[0].sources, resamples=resamples, seed=seed
        )
        rows.append((model, accuracy.mean(), low, high, accuracy.std(ddof=1), len(accuracy)))
    table = pd.DataFrame(rows, columns=["model", "mean", "low", "high", "spread", "folds"])
    return AccuracyResult(table, by_fold, chance=1 / len(aligned[0].class_names), label=label)


def paired_difference(
    a: Predictions | Sequence[Predictions],
    b: Predictions | Sequence[Predictions],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Return how much more accurate `a` is than `b` on the same clips.

    Parameters
    ----------
    a, b : Predictions or sequence of Predictions
        Of one model each; with several seeds, a clip counts as the share of seeds that answer it rightly.
    resamples, seed : int
        As `summarize_accuracy`.

    Returns
    -------
    difference : Difference
        Mean over folds of accuracy of `a` less that of `b`, with the interval of `bootstrap_interval`. Both
        models meet the same draws, so clips that are hard for both do not widen it.

    Raises
    ------
    OptionError, DatasetError
        As `summarize_accuracy`.
    """
    first = align_predictions([a] if isinstance(a, Predictions) else a)
    second = align_predictions([b] if isinstance(b, Predictions) else b)
    require_same_clips(first[0], second[0])
    values = _share_correct(first) - _share_correct(second)
    folds, sources = first[0].folds, first[0].sources
    low, high = bootstrap_interval(values, folds, sources, resamples=resamples, seed=seed)
    return Difference(float(pd.Series(values).groupby(folds).mean().mean()), low, high)


def bootstrap_interval(
    values: np.ndarray, folds: np.ndarray, sources: np.ndarray, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the mean over folds of the mean of `values` in a fold.

    Parameters
    ----------
    values : ndarray of float, shape (clip,)
        E.g. 1 for a right answer and 0 for a wrong one, or a difference of two such.
    folds : ndarray of int, shape (clip,)
        The fold in which each clip was tested.
    sources : ndarray of str, shape (clip,)
        The recording that each clip was cut from.
    resamples : int
        Number of draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    low, high : float
        The 2.5 % and 97.5 % quantiles of the draws; NaN when a fold has a single source, whose variation
        nobody can know.

    Raises
    ------
    OptionError
        When `resamples` is less than 1, there are no values, or lengths differ.

    Notes
    -----
    Each draw takes, within every fold, as many sources as the fold has, with replacement, and all clips of a
    source with it. Clips of one recording are alike: drawing them one by one would give an interval that is
    too narrow. A model that is right everywhere gets an interval of no width, which only says that no error
    was seen. Percentile bootstrap: Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter
    13.
    """
    if resamples < 1:
        raise OptionError(f"resamples={resamples}", "is less than 1", "give a number such as 2000")
    if len(values) == 0 or not len(values) == len(folds) == len(sources):
        raise OptionError(
            "values", "values, folds and sources must be of one length above 0", "give one of each a clip"
        )
    generator = np.random.default_rng(seed)
    numbers = np.unique(folds)
    total = np.zeros(resamples)
    for fold in numbers:
        rows = folds == fold
        total += _draw_means(values[rows], sources[rows], resamples, generator)
    low, high = np.quantile(total / len(numbers), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _draw_means(values: np.ndarray, sources: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Return the mean of the values under each of the draws of sources; NaN with a single source."""
    names, index = np.unique(sources, return_inverse=True)
    if len(names) == 1:
        return np.full(resamples, np.nan)
    sums, counts = np.bincount(index, weights=values), np.bincount(index)
    block = max(1, BLOCK_DRAWS // len(names))
    means = []
    for start in range(0, resamples, block):
        drawn = generator.integers(len(names), size=(min(block, resamples - start), len(names)))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(means)


def _measure_folds(p: Predictions) -> pd.DataFrame:
    accuracy = pd.Series(p.correct).groupby(p.folds).mean()
    rates = accuracy.to_numpy(dtype=float)
    return pd.DataFrame({"model": p.model, "fold": accuracy.index, "seed": p.seed, "accuracy": rates})


def _share_correct(runs: Sequence[Predictions]) -> np.ndarray:
    """Return, for each clip, the share of aligned runs that answer it rightly."""
    return np.mean([run.correct for run in runs], axis=0)
