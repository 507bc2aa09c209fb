"""Calibration: does a model that says 80 % turn out right eight times in ten?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.analysis.alignment import check_predictions
from esclab.errors import OptionError
from esclab.results import CalibrationResult, Predictions

EDGE_TOLERANCE = 1e-6  # a confidence of 0.7 stored in float32 lies just below 0.7


def measure_calibration(predictions: Predictions, *, bins: int = 10) -> CalibrationResult:
    """Compare stated confidence with accuracy in bins of equal width.

    Parameters
    ----------
    predictions : Predictions
    bins : int
        Number of bins over 0..1; a bin holds its lower edge, and the last one also holds 1.

    Returns
    -------
    result : CalibrationResult
        `ece` is the mean of |accuracy - confidence| over bins, weighted by their clips.

    Raises
    ------
    OptionError
        When `bins` is less than 1.
    DatasetError
        When the predictions are not sound.

    Notes
    -----
    Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", equations 2 to 5.
    Confidences of exactly 1 lie in the last bin, as in that paper. The number depends on `bins` and is biased upwards
    with few clips.
    """
    if bins < 1:
        raise OptionError(f"bins={bins}", "there must be at least one bin", "give a number such as 10")
    check_predictions(predictions)
    confidence = predictions.probabilities.max(axis=1).astype(float)
    index = np.floor(confidence * bins + EDGE_TOLERANCE).astype(int).clip(0, bins - 1)
    count = np.bincount(index, minlength=bins)
    edges = np.linspace(0, 1, bins + 1)
    table = pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "confidence": _mean_per_bin(confidence, index, count),
            "accuracy": _mean_per_bin(predictions.correct, index, count),
            "count": count,
        }
    )
    gap = (table["accuracy"] - table["confidence"]).abs()
    ece = float((gap * table["count"]).sum() / table["count"].sum())
    return CalibrationResult(bins=table, ece=ece, label=predictions.model)


def _mean_per_bin(values: np.ndarray, index: np.ndarray, count: np.ndarray) -> np.ndarray:
    total = np.bincount(index, weights=values, minlength=len(count))
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
