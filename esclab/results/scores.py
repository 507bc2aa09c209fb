"""What models answered, and how well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Predictions:
    """Class probabilities that one model gave to clips it was not trained on.

    Attributes
    ----------
    clips, sources : ndarray of str, shape (clip,)
        Names of the clips and of the recordings they were cut from.
    folds, true : ndarray of int, shape (clip,)
        The fold in which each clip was tested, and its class index.
    probabilities : ndarray of float, shape (clip, class)
        Rows sum to 1.
    class_names : tuple of str
    model : str
    seed : int
    """

    clips: np.ndarray
    sources: np.ndarray
    folds: np.ndarray
    true: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    model: str = ""
    seed: int = 0

    @property
    def predicted(self) -> np.ndarray:
        """Class index of the highest probability, shape (clip,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """Whether the predicted class is the true one, bool, shape (clip,)."""
        return self.predicted == self.true

    def select(self, rows: np.ndarray) -> Predictions:
        """Return the predictions of some clips.

        Parameters
        ----------
        rows : ndarray of bool, shape (clip,), or of int
            Which clips.
        """
        return replace(
            self,
            clips=self.clips[rows],
            sources=self.sources[rows],
            folds=self.folds[rows],
            true=self.true[rows],
            probabilities=self.probabilities[rows],
        )


@dataclass(frozen=True)
class AccuracyResult:
    """Accuracy of several models on the same clips.

    Attributes
    ----------
    table : DataFrame
        One row a model: `model`, `mean` (mean over folds), `low` and `high` (bounds of the interval), `spread`
        (standard deviation over folds), `folds` (number); all rates in 0..1.
    by_fold : DataFrame
        One row a model, fold and seed: `model`, `fold`, `seed`, `accuracy`.
    chance : float
        Accuracy of guessing.
    label : str
        Dataset, protocol and recipe.
    interval : str
        How the interval was made, e.g. "95 % bootstrap over clips".
    """

    table: pd.DataFrame
    by_fold: pd.DataFrame
    chance: float
    label: str = ""
    interval: str = "95 % bootstrap over source recordings"


@dataclass(frozen=True)
class ConfusionResult:
    """Counts of true class (row) against predicted class (column).

    Attributes
    ----------
    counts : ndarray of int, shape (class, class)
    class_names : tuple of str
    label : str
        What was evaluated, e.g. "ts-cnn10 on synth10, fold 1".
    """

    counts: np.ndarray
    class_names: tuple[str, ...]
    label: str = ""


@dataclass(frozen=True)
class CalibrationResult:
    """How often a model is right at the confidence that it states.

    Attributes
    ----------
    bins : DataFrame
        One row a confidence bin: `low`, `high`, `confidence` (mean), `accuracy`, `count`; NaN where a bin is empty.
    ece : float
        Expected calibration error, in 0..1.
    label : str
    """

    bins: pd.DataFrame
    ece: float
    label: str = ""


@dataclass(frozen=True)
class LearningResult:
    """Histories of one or more runs.

    Attributes
    ----------
    histories : dict of str to DataFrame
        One table a run, keyed by its label; columns `epoch`, `iteration`, `train_loss`, `train_accuracy`, `valid_loss`,
        `valid_accuracy` (the last two may be absent or NaN), `learning_rate`.
    valid_name : str
        What the second pair of columns was measured on, e.g. "test fold" or "validation fold".
    """

    histories: dict[str, pd.DataFrame]
    valid_name: str = "test fold"


@dataclass(frozen=True)
class ReliabilityResult:
    """Calibration of one or more models, or of one model under several conditions.

    Attributes
    ----------
    curves : tuple of CalibrationResult
        Each labelled, e.g. "clean" and "white noise, 10 dB".
    label : str
    """

    curves: tuple[CalibrationResult, ...]
    label: str = ""


@dataclass(frozen=True)
class ScoreChangeResult:
    """Class scores of one clip before and after a change, e.g. noise in a region.

    Attributes
    ----------
    table : DataFrame
        One row a model and class: `model`, `class_name`, `before`, `after` (probabilities, 0..1).
    true_class : str
        "" where nobody knows it.
    label : str
        The clip and the change.
    """

    table: pd.DataFrame
    true_class: str = ""
    label: str = ""
