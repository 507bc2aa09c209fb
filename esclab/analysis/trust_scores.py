"""The measures behind `measure_trust`: one map a clip and method serves all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esclab.results import FaithfulnessResult, TrustResult

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.analysis.trust_store import ScoreStore
    from esclab.models.base import SoundClassifier

Scores = dict[str, np.ndarray]  # one row a clip

# All without a unit: shares from 0 to 1, and a rank correlation from -1 to 1.
MEASURES = (
    ("pointing", "Pointing game", "higher"),
    ("energy_inside", "Evidence inside events", "higher"),
    ("average_precision", "Average precision", "higher"),
    ("deletion", "Deletion area", "lower"),
    ("insertion", "Insertion area", "higher"),
    ("average_drop", "Average drop", "lower"),
    ("increase", "Increase in confidence", "higher"),
    ("randomisation", "Likeness after random weights", "zero"),
)
CURVES = ("deletion", "insertion")


@dataclass(frozen=True)
class Batch:
    """Clips to explain.

    Attributes
    ----------
    features : Tensor of shape (clip, 1, frame, band)
    targets : ndarray of int, shape (clip,)
        The class that is explained.
    folds : ndarray of int, shape (clip,)
    sources : ndarray of str, shape (clip,)
    masks : list of ndarray of bool, shape (frame, band), or None
        Where each clip's events lie, if known.
    """

    features: Tensor
    targets: np.ndarray
    folds: np.ndarray
    sources: np.ndarray
    masks: list[np.ndarray] | None


def score_batch(
    model: SoundClassifier,
    fresh: SoundClassifier,
    batch: Batch,
    *,
    methods: Sequence[str],
    layer: str | None = None,
    steps: int = 20,
    seed: int = 0,
    store: ScoreStore | None = None,
) -> Iterator[tuple[str, Scores]]:
    """Yield each method with its scores on every clip of a batch.

    Parameters
    ----------
    model, fresh : SoundClassifier
        The network, and a copy of it with random weights.
    batch : Batch
    methods : sequence of str
    layer : str, optional
        For methods that look at a layer.
    steps : int
        Of the curves.
    seed : int
        Of methods that draw.
    store : ScoreStore, optional
        Of this batch: what it holds is not measured again, what it lacks is kept in it.

    Yields
    ------
    method : str
    scores : dict of str to ndarray
        One row a clip: "folds", "sources", each measure, and "deletion_curve" and "insertion_curve" of shape
        (clip, steps + 1).
    """
    from esclab.analysis.faithfulness import find_ends

    ends: tuple[np.ndarray, np.ndarray] | None = None
    for method in methods:
        scores = None if store is None else store.read(method)
        if scores is None:
            ends = find_ends(model, batch.features, batch.targets) if ends is None else ends
            scores = _score_method(model, fresh, batch, method, ends=ends, layer=layer, steps=steps, seed=seed)
            if store is not None:
                store.keep(method, scores)
        yield method, scores


def _score_method(
    model: SoundClassifier,
    fresh: SoundClassifier,
    batch: Batch,
    method: str,
    *,
    ends: tuple[np.ndarray, np.ndarray],
    layer: str | None,
    steps: int,
    seed: int,
) -> Scores:
    from esclab.analysis.attribution import METHODS, attribute
    from esclab.analysis.faithfulness import (
        average_drop,
        curve_area,
        deletion_curve,
        increase_in_confidence,
        insertion_curve,
        keep_important,
    )
    from esclab.analysis.randomisation import rank_similarity

    features, targets = batch.features, batch.targets
    asked = {"method": method, "target": targets.tolist(), "seed": seed}
    asked["layer"] = layer if METHODS[method].needs_layer else None
    maps = attribute(model, features, **asked)
    deletion = deletion_curve(model, features, maps, targets=targets, steps=steps, ends=ends)
    insertion = insertion_curve(model, features, maps, targets=targets, steps=steps, ends=ends)
    kept = keep_important(model, features, maps, targets=targets)
    return {
        "folds": batch.folds,
        "sources": batch.sources,
        **_locate(maps, batch.masks),
        "deletion": curve_area(deletion),
        "insertion": curve_area(insertion),
        "average_drop": average_drop(ends[0], kept),
        "increase": increase_in_confidence(ends[0], kept),
        "randomisation": rank_similarity(maps, attribute(fresh, features, **asked)),
        "deletion_curve": deletion,
        "insertion_curve": insertion,
    }


def summarize_scores(scores: dict[tuple[str, str], list[Scores]], *, label: str = "") -> TrustResult:
    """Return means over folds, with intervals over source recordings.

    Parameters
    ----------
    scores : dict of (model, method) to list of dict
        All batches of `score_batch`.
    label : str
    """
    rows: list[tuple] = []
    steps: list[tuple] = []
    for key, parts in scores.items():
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        rows += [(*key, name, *found) for name, *found in _summarise_measures(joined)]
        steps += [(*key, *row) for curve in CURVES for row in _summarise_curve(curve, joined)]
    table = pd.DataFrame(rows, columns=["model", "method", "measure", "mean", "low", "high", "clips"])
    measures = pd.DataFrame(MEASURES, columns=["measure", "title", "better"])
    measures = measures[measures["measure"].isin(table["measure"])].reset_index(drop=True)
    curves = pd.DataFrame(steps, columns=["model", "method", "curve", "share", "mean", "low", "high"])
    return TrustResult(table, measures, FaithfulnessResult(curves, label), label)


def _locate(maps: np.ndarray, masks: list[np.ndarray] | None) -> Scores:
    from esclab.analysis.localisation import average_precision, energy_inside, pointing_game

    if masks is None:
        return {}
    measures: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "pointing": pointing_game,
        "energy_inside": energy_inside,
        "average_precision": average_precision,
    }
    pairs = list(zip(maps, masks, strict=True))
    return {name: np.array([measure(*pair) for pair in pairs]) for name, measure in measures.items()}


def _summarise_measures(scores: Scores) -> Iterator[tuple[str, float, float, float, int]]:
    for name, _, _ in MEASURES:
        # A clip whose events are unknown, or lie beyond its end, has no localisation.
        known = np.isfinite(scores[name]) if name in scores else np.zeros(0, dtype=bool)
        if known.any():
            mean, low, high = _average(scores[name][known], scores["folds"][known], scores["sources"][known])
            yield name, mean, low, high, int(known.sum())


def _summarise_curve(curve: str, scores: Scores) -> Iterator[tuple[str, float, float, float, float]]:
    values = scores[f"{curve}_curve"]
    for step, share in enumerate(np.linspace(0, 1, values.shape[1])):
        yield curve, float(share), *_average(values[:, step], scores["folds"], scores["sources"])


def _average(values: np.ndarray, folds: np.ndarray, sources: np.ndarray) -> tuple[float, float, float]:
    """Return the mean over folds and its interval."""
    from esclab.analysis.intervals import bootstrap_interval

    mean = float(pd.Series(values).groupby(folds).mean().mean())
    return mean, *bootstrap_interval(values, folds, sources)
