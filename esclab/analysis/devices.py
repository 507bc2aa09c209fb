"""Scores by the device that recorded a clip: does a model hear the scene, or the microphone?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.analysis.alignment import check_predictions, describe
from esclab.analysis.intervals import bootstrap_interval
from esclab.analysis.scores import score_predictions
from esclab.clips.dataset import ClipDataset
from esclab.errors import DatasetError
from esclab.results import Predictions

ALL = "all"


def score_devices(predictions: Predictions, dataset: ClipDataset) -> pd.DataFrame:
    """Score one model's predictions for each recording device, and for all of them.

    Parameters
    ----------
    predictions : Predictions
        Of clips of the dataset.
    dataset : ClipDataset
        One that tells devices, e.g. "dcase2020-1a".

    Returns
    -------
    table : DataFrame
        One row a device, by name, then one for "all": `device`, `clips` (tested), `training_clips` (of that device in
        the training folds; 0 for a device that the model never heard), `accuracy`, `low` and `high` (its 95 %
        interval over source recordings, see `bootstrap_interval`), `macro_accuracy` (mean of the class recalls), in
        0..1, and `log_loss` (nats).

    Raises
    ------
    DatasetError
        When the dataset tells no devices, or the predictions are not sound or of other clips.

    Notes
    -----
    Clips are pooled: devices with more test clips weigh more in "all". In DCASE 2020, task 1A, all devices have
    nearly the same number of test clips.
    """
    check_predictions(predictions)
    if not dataset.devices:
        raise DatasetError(dataset.name, "does not tell which device recorded a clip", "use e.g. dcase2020-1a")
    unknown = [str(clip) for clip in predictions.clips if clip not in dataset.devices]
    if unknown:
        raise DatasetError(
            describe(predictions),
            f"hold {len(unknown)} clips that {dataset.name} does not have, e.g. {unknown[0]}",
            "load the dataset that the model was evaluated on",
        )
    devices = np.array([dataset.devices[str(clip)] for clip in predictions.clips])
    held_out = dataset.table["fold"].isin([*np.unique(predictions.folds), *dataset.test_folds])
    trained = dataset.table["clip"][~held_out]
    training = trained.map(dict(dataset.devices)).value_counts()
    rows = [
        _score_rows(name, predictions, devices == name) | {"training_clips": int(training.get(name, 0))}
        for name in np.unique(devices)
    ]
    rows.append(_score_rows(ALL, predictions, np.ones(len(devices), dtype=bool)) | {"training_clips": len(trained)})
    columns = ["device", "clips", "training_clips", "accuracy", "low", "high", "macro_accuracy", "log_loss"]
    return pd.DataFrame(rows)[columns]


def _score_rows(device: str, p: Predictions, rows: np.ndarray) -> dict[str, object]:
    """Return the scores of the chosen rows, bool of shape (clip,)."""
    part = p.select(rows)
    scores = score_predictions(part)
    low, high = bootstrap_interval(part.correct, part.folds, part.sources)
    return {
        "device": str(device),
        "clips": len(part.clips),
        "accuracy": scores.accuracy,
        "low": low,
        "high": high,
        "macro_accuracy": scores.macro_accuracy,
        "log_loss": scores.log_loss,
    }
