"""Bringing several models' predictions to the same clips in the same order, or saying why that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from esclab.errors import DatasetError, OptionError
from esclab.results import Predictions

SUM_TOLERANCE = 1e-2  # half-precision probabilities miss 1 by this much at most


def check_predictions(predictions: Predictions) -> None:
    """Raise unless `predictions` are what their class says they are.

    Parameters
    ----------
    predictions : Predictions

    Raises
    ------
    DatasetError
        When there are no clips, a clip appears twice, lengths disagree, a class index has no name, or the
        probabilities are not finite or do not sum to 1.
    """
    problem = _problem(predictions)
    if problem is not None:
        raise DatasetError(describe(predictions), *problem)


def align_predictions(predictions: Sequence[Predictions]) -> list[Predictions]:
    """Return the same predictions, each sorted by clip name.

    Parameters
    ----------
    predictions : sequence of Predictions
        One a model and seed, in any order of clips.

    Returns
    -------
    aligned : list of Predictions
        Row n is the same clip in every one.

    Raises
    ------
    OptionError
        When there are none, or one model and seed comes twice.
    DatasetError
        When they differ in class names, clips, sources, folds or true classes.
    """
    if not predictions:
        raise OptionError("predictions", "there are none", "give the predictions of at least one model")
    seen: set[tuple[str, int]] = set()
    for one in predictions:
        check_predictions(one)
        if (one.model, one.seed) in seen:
            raise OptionError(describe(one), "comes twice", "give each model and seed once")
        seen.add((one.model, one.seed))
    aligned = [_sort_by_clip(one) for one in predictions]
    for other in aligned[1:]:
        require_same_clips(aligned[0], other)
    return aligned


def group_by_model(predictions: Sequence[Predictions]) -> dict[str, list[Predictions]]:
    """Return the predictions of each model, models in order of first appearance, seeds rising."""
    groups: dict[str, list[Predictions]] = {}
    for one in predictions:
        groups.setdefault(one.model, []).append(one)
    return {model: sorted(runs, key=lambda run: run.seed) for model, runs in groups.items()}


def merge_seeds(predictions: Sequence[Predictions]) -> Predictions:
    """Return one answer a clip: the mean probability over the seeds of one model.

    Parameters
    ----------
    predictions : sequence of Predictions
        Of one model, one a seed.

    Returns
    -------
    merged : Predictions
        Sorted by clip name, with the first one's seed.

    Raises
    ------
    OptionError, DatasetError
        As `align_predictions`; also when they are of several models.
    """
    aligned = align_predictions(predictions)
    models = sorted({one.model for one in aligned})
    if len(models) > 1:
        raise OptionError("predictions", f"are of several models, {models}", "merge the seeds of one model")
    mean = np.mean([one.probabilities for one in aligned], axis=0, dtype=float)
    return replace(aligned[0], probabilities=mean)


def describe(predictions: Predictions) -> str:
    """Return how an error message names these predictions."""
    return f"predictions of {predictions.model or 'an unnamed model'}, seed {predictions.seed}"


def _problem(p: Predictions) -> tuple[str, str] | None:
    """Return the cause and the next step, or None when all is well."""
    evaluate = "evaluate the run again"
    count = len(p.clips)
    if count == 0:
        return "hold no clips", evaluate
    if {len(p.sources), len(p.folds), len(p.true), len(p.probabilities)} != {count}:
        return "have columns of different lengths", evaluate
    if p.probabilities.shape != (count, len(p.class_names)):
        return f"have {p.probabilities.shape} probabilities for {len(p.class_names)} classes", evaluate
    if len(np.unique(p.clips)) != count:
        return "name a clip twice", "keep one row a clip"
    if p.true.min() < 0 or p.true.max() >= len(p.class_names):
        return "hold a class index without a name", "load the dataset that the model was evaluated on"
    if not np.isfinite(p.probabilities).all():
        return "hold a probability that is not a number", "train the model again with a lower learning rate"
    rows = p.probabilities.sum(axis=1, dtype=float)
    if p.probabilities.min() < 0 or np.abs(rows - 1).max() > SUM_TOLERANCE:
        return "hold rows that are no probabilities", "pass the logits through a softmax"
    return None


def _sort_by_clip(p: Predictions) -> Predictions:
    order = np.argsort(p.clips, kind="stable")
    return replace(
        p,
        clips=p.clips[order],
        sources=p.sources[order],
        folds=p.folds[order],
        true=p.true[order],
        probabilities=p.probabilities[order],
    )


def require_same_clips(first: Predictions, other: Predictions) -> None:
    """Raise a DatasetError unless both hold, row by row, the same clips, classes, folds and sources."""
    facts = {"clips": "clips", "true": "true classes", "folds": "folds", "sources": "sources"}
    pairs = [(text, getattr(first, name), getattr(other, name)) for name, text in facts.items()]
    pairs.append(("class names", first.class_names, other.class_names))
    different = next((text for text, mine, theirs in pairs if not np.array_equal(mine, theirs)), None)
    if different:
        raise DatasetError(
            describe(other),
            f"do not have the {different} of {describe(first)}",
            "compare models that were evaluated on the same dataset and folds",
        )
