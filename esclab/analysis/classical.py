"""Three classifiers from before deep learning, on the statistics of MFCCs: the first rows of many a table."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.analysis.baselines import predict_folds
from esclab.analysis.mfcc_statistics import describe_statistics, measure_statistics
from esclab.errors import OptionError
from esclab.results import Predictions

if TYPE_CHECKING:
    from esclab.clips.dataset import ClipDataset

RECIPE = "mfcc-statistics"
VERSIONED = ("scikit-learn", "torchaudio", "numpy", "soundfile")


@dataclass(frozen=True)
class Classifier:
    """A classifier and its settings, all chosen beforehand and never tuned here.

    Attributes
    ----------
    summary : str
        What it is, in a line.
    settings : dict
        What scikit-learn's class is built with.
    build : callable
        `build(settings, seed)` returns an estimator of scikit-learn.
    """

    summary: str
    build: Callable[[dict[str, Any], int], Any]
    settings: dict[str, Any] = field(default_factory=dict)


def _build_knn(settings: dict[str, Any], seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(**settings)


def _build_svm(settings: dict[str, Any], seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(**settings)


def _build_forest(settings: dict[str, Any], seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**settings, random_state=seed)


CLASSIFIERS: dict[str, Classifier] = {
    "knn": Classifier("the classes of the 5 nearest training clips", _build_knn, {"n_neighbors": 5}),
    "svm": Classifier(
        "support vector machine with a radial basis function",
        _build_svm,
        {"C": 1.0, "kernel": "rbf", "gamma": "scale"},
    ),
    "random-forest": Classifier("500 decision trees", _build_forest, {"n_estimators": 500}),
}


def classify_statistics(
    dataset: ClipDataset, method: str, *, statistics: np.ndarray | None = None, seed: int = 0
) -> Predictions:
    """Predict each test fold with a classical classifier on the statistics of each clip's MFCCs.

    Parameters
    ----------
    dataset : ClipDataset
    method : {"knn", "svm", "random-forest"}
        A key of `CLASSIFIERS`, whose settings are scikit-learn's defaults but for 500 trees.
    statistics : ndarray of shape (clip, 26), optional
        What `measure_statistics` returned; measured by default.
    seed : int
        Of the random forest; nothing is random in the other two.

    Returns
    -------
    predictions : Predictions
        Each clip's class probabilities from the classifier that was fitted on the other folds. Those of the support
        vector machine are the softmax of its decision values: their order is its own, their size says little. Those
        of the nearest neighbours and the forest are shares of votes.

    Raises
    ------
    OptionError
        When the method is unknown.
    DatasetError
        When clips cannot be read or `statistics` do not fit.

    Notes
    -----
    Every number is scaled to mean 0 and variance 1 over the training folds alone. These are the three baselines that
    K. J. Piczak published with ESC (2015) and that FPAM quotes in its Table 2; their settings are ours, as neither
    paper gives all of them.
    """
    find_classifier(method)
    rows = measure_statistics(dataset) if statistics is None else statistics

    def fit_and_predict(train: np.ndarray, true: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _fit_and_predict(method, seed, (train, true, test))

    return predict_folds(rows, dataset, fit_and_predict, model=method, seed=seed)


def find_classifier(method: str) -> Classifier:
    """Return a classifier by name; raise OptionError where there is none."""
    if method not in CLASSIFIERS:
        raise OptionError(f"method {method!r}", "is unknown", f"choose one of {', '.join(CLASSIFIERS)}")
    return CLASSIFIERS[method]


def describe_folds(predictions: Predictions, dataset: ClipDataset, *, seconds: float) -> list[dict[str, Any]]:
    """Return the ledger's row of each fold of a classical classifier; see `esclab.training.ledger`.

    Parameters
    ----------
    predictions : Predictions
        What `classify_statistics` returned.
    dataset : ClipDataset
    seconds : float
        Time that fitting and predicting took, all folds together.
    """
    import torch

    from esclab import __version__
    from esclab.analysis.scores import score_predictions
    from esclab.storage import digest_json
    from esclab.training.ledger import SCORES

    settings = describe_statistics(dataset) | {"classifier": find_classifier(predictions.model).settings}
    versions = [f"esclab={__version__}", *(f"{name}={version(name)}" for name in VERSIONED)]
    rows = []
    for fold in dataset.folds:
        part = predictions.select(predictions.folds == fold)
        scores = score_predictions(part)
        rows.append(
            {
                "model": predictions.model,
                "dataset": dataset.name,
                "protocol": dataset.protocol,
                "fold": fold,
                "seed": predictions.seed,
                "recipe": RECIPE,
                "recipe_digest": digest_json(settings)[:12],
                **{name: round(float(getattr(scores, name)), 6) for name in SCORES},
                "clips": len(part.clips),
                "iterations": 0,
                "seconds": round(seconds / len(dataset.folds), 2),
                "device": f"cpu {platform.machine()}",
                "threads": torch.get_num_threads(),
                "precision": "64-true",
                "versions": " ".join(versions),
                "date": datetime.now(UTC).date().isoformat(),
            }
        )
    return rows


def _fit_and_predict(
    method: str, seed: int, data: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes met in training and their probabilities for each test clip."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, true, test = data
    classifier = find_classifier(method)
    estimator = make_pipeline(StandardScaler(), classifier.build(classifier.settings, seed))
    estimator.fit(train, true)
    if hasattr(estimator, "predict_proba"):
        return estimator.classes_, estimator.predict_proba(test)
    return estimator.classes_, soften(estimator.decision_function(test))


def soften(values: np.ndarray) -> np.ndarray:
    """Return the softmax of decision values, shape (clip, class), or (clip,) for two classes."""
    if values.ndim == 1:  # scikit-learn gives the second class's value alone
        values = np.stack([np.zeros_like(values), values], axis=1)
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
