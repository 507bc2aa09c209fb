"""What simple listening reaches: a straight line through mean spectra, for a network to beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from esclab.errors import DatasetError
from esclab.results import Predictions

if TYPE_CHECKING:
    from esclab.clips.dataset import ClipDataset

# From training rows (clip, number), their classes (clip,) and test rows (clip, number) to the classes met in training
# and their probabilities for each test clip, (clip, class).
FitAndPredict = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

BASELINE = "logistic regression on mean log-mel"
MAX_ITERATIONS = 10_000


def mean_feature_baseline(features: np.ndarray, dataset: ClipDataset) -> Predictions:
    """Predict each test fold by logistic regression on the features' mean over time.

    Parameters
    ----------
    features : ndarray of shape (clip, channel, frame, band)
        Log-mel spectrograms, in the order of the dataset's table.
    dataset : ClipDataset

    Returns
    -------
    predictions : Predictions
        Each clip's class probabilities from the model that was fitted on the other folds; model name
        "logistic regression on mean log-mel", seed 0 (nothing here is random).

    Raises
    ------
    DatasetError
        When the features do not fit the dataset or hold a value that is not a number, or when the other folds
        hold fewer than two classes.

    Notes
    -----
    Each mean is scaled to mean 0 and variance 1 over the training folds alone. L2 penalty with C = 1, chosen
    beforehand and not tuned. A class that the training folds lack gets probability 0.
    """
    if features.ndim != 4 or len(features) != len(dataset):
        raise DatasetError(
            dataset.name,
            f"features of shape {features.shape} do not fit {len(dataset)} clips",
            "compute features of shape (clip, channel, frame, band) from this dataset",
        )
    means = features.mean(axis=2, dtype=np.float64).reshape(len(features), -1)
    return predict_folds(means, dataset, _fit_and_predict, model=BASELINE)


def predict_folds(
    rows: np.ndarray, dataset: ClipDataset, fit_and_predict: FitAndPredict, *, model: str, seed: int = 0
) -> Predictions:
    """Predict the clips of each test fold with a classifier that was fitted on all other clips.

    Parameters
    ----------
    rows : ndarray of float, shape (clip, number)
        What describes each clip, in the order of the dataset's table.
    dataset : ClipDataset
    fit_and_predict : callable
        `(train, true, test) -> (classes, probabilities)`: fits on rows and classes of the training clips, and returns
        the classes met and their probabilities for each test clip, shape (clip, class).
    model : str
        The name that the predictions get.
    seed : int
        The seed that the predictions name.

    Returns
    -------
    predictions : Predictions
        The clips of all test folds, in the order of the table. A class that the training clips lack gets
        probability 0.

    Raises
    ------
    DatasetError
        When the rows do not fit the dataset or hold a value that is not a number, or when the other folds hold
        fewer than two classes.
    """
    if rows.ndim != 2 or len(rows) != len(dataset):
        raise DatasetError(
            dataset.name,
            f"numbers of shape {rows.shape} do not fit {len(dataset)} clips",
            "compute one row of numbers a clip from this dataset",
        )
    if not np.isfinite(rows).all():
        raise DatasetError(
            dataset.name,
            "a feature is not a finite number",
            "check the recordings and compute the features again",
        )
    table = dataset.table
    true = table["class_index"].to_numpy(dtype=int)
    probabilities = np.zeros((len(rows), len(dataset.class_names)))
    for fold in dataset.folds:
        train, test = dataset.split_fold(fold)
        if len(np.unique(true[train])) < 2:
            raise DatasetError(
                f"{dataset.name}, fold {fold}",
                "the other folds hold fewer than two classes",
                "use a dataset with more folds or clips",
            )
        classes, answers = fit_and_predict(rows[train], true[train], rows[test])
        probabilities[np.ix_(test, classes)] = answers
    tested = np.flatnonzero(table["fold"].isin(dataset.folds))
    return Predictions(
        clips=table["clip"].to_numpy(dtype=str)[tested],
        sources=table["source"].to_numpy(dtype=str)[tested],
        folds=table["fold"].to_numpy(dtype=int)[tested],
        true=true[tested],
        probabilities=probabilities[tested],
        class_names=dataset.class_names,
        model=model,
        seed=seed,
    )


def _fit_and_predict(train: np.ndarray, true: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes met in training and their probabilities for each test clip."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=MAX_ITERATIONS))
    regression.fit(train, true)
    return regression.classes_, regression.predict_proba(test)
