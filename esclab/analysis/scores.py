"""How good a model's answers are: accuracy, recall per class, log loss, calibration error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esclab.analysis.alignment import align_predictions, check_predictions, group_by_model
from esclab.analysis.calibration import measure_calibration
from esclab.analysis.tables import UNKNOWN
from esclab.results import ConfusionResult, Predictions

SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Scores:
    """Scores of one model over all its test clips, folds pooled.

    Attributes
    ----------
    accuracy : float
        Share of clips answered rightly, in 0..1.
    uar : float
        Unweighted average recall: the mean recall over the classes that occur among the true ones, in 0..1.
    log_loss : float
        Mean negative logarithm (nats) of the true class's probability, which counts as 2.2e-16 at least.
    ece : float
        Expected calibration error in 10 bins, in 0..1; see `measure_calibration`.
    per_class : DataFrame
        One row a class: `class_name`, `precision`, `recall`, `f1` (in 0..1, NaN where undefined), `support`
        (clips).
    confusion : ConfusionResult
    """

    accuracy: float
    uar: float
    log_loss: float
    ece: float
    per_class: pd.DataFrame
    confusion: ConfusionResult

    @property
    def macro_accuracy(self) -> float:
        """The mean of the classes' own accuracies, as DCASE and SPSM (section 4.1) call what `uar` is."""
        return self.uar


def score_predictions(predictions: Predictions) -> Scores:
    """Score one model's predictions.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    scores : Scores

    Raises
    ------
    DatasetError
        When the predictions are not sound.

    Notes
    -----
    A class without a true clip has no recall (NaN) and is left out of `uar`; counting it as 0, as macro
    averages often do once it has been predicted, would punish a model for a class it was never asked about. A
    class never predicted has no precision (NaN); its F1 is 0 when clips of it exist. Clips are pooled over
    folds; for the mean over folds see `summarize_accuracy`.
    """
    check_predictions(predictions)
    counts = _count_confusions(predictions)
    per_class = _score_classes(counts, predictions.class_names)
    return Scores(
        accuracy=float(predictions.correct.mean()),
        uar=float(per_class["recall"].mean(skipna=True)),
        log_loss=_measure_log_loss(predictions),
        ece=measure_calibration(predictions).ece,
        per_class=per_class,
        confusion=ConfusionResult(counts, predictions.class_names, predictions.model),
    )


def score_table(predictions: Sequence[Predictions], *, sizes_mib: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return accuracy, macro accuracy and log loss of several models as a table to read.

    Parameters
    ----------
    predictions : sequence of Predictions
        One a model and seed, all on the same clips; a model's scores are the means over its seeds.
    sizes_mib : mapping of str to float, optional
        Size of each model, in MiB (see `esclab.analysis.measure_size`); adds a column.

    Returns
    -------
    table : DataFrame of str
        One row a model, in order of first appearance: `Model`, `Accuracy (%)`, `Macro accuracy (%)`, `Log loss` and,
        where asked for, `Size (MiB)` (a dash where unknown). The columns of SPSM's Tables 2 to 4.

    Raises
    ------
    OptionError, DatasetError
        As `align_predictions`.
    """
    rows = []
    for model, runs in group_by_model(align_predictions(predictions)).items():
        scores = [score_predictions(run) for run in runs]
        accuracy, macro, loss = (
            np.mean([getattr(score, name) for score in scores]) for name in ("accuracy", "macro_accuracy", "log_loss")
        )
        rows.append((model, f"{100 * accuracy:.1f}", f"{100 * macro:.1f}", f"{loss:.3f}"))
    table = pd.DataFrame(rows, columns=["Model", "Accuracy (%)", "Macro accuracy (%)", "Log loss"])
    if sizes_mib is not None:
        table["Size (MiB)"] = [f"{sizes_mib[name]:.2f}" if name in sizes_mib else UNKNOWN for name in table["Model"]]
    return table


def _count_confusions(p: Predictions) -> np.ndarray:
    """Return counts of true (row) against predicted (column) classes, as whole numbers."""
    classes = len(p.class_names)
    return np.bincount(classes * p.true + p.predicted, minlength=classes**2).reshape(classes, classes)


def _score_classes(counts: np.ndarray, class_names: tuple[str, ...]) -> pd.DataFrame:
    hits, support, answers = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    return pd.DataFrame(
        {
            "class_name": class_names,
            "precision": _divide(hits, answers),
            "recall": _divide(hits, support),
            "f1": _divide(2 * hits, support + answers),
            "support": support,
        }
    )


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    undefined = np.full(len(numerator), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)


def _measure_log_loss(p: Predictions) -> float:
    chosen = p.probabilities[np.arange(len(p.true)), p.true].astype(np.float64)
    return float(-np.log(chosen.clip(SMALLEST_PROBABILITY, 1)).mean())
