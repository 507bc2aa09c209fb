"""What a trained run says of recordings of any length: scores in windows, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from esclab.training.run import Run


def predict_files(run: Run, files: Sequence[str | Path], *, hop_s: float = 0.0) -> pd.DataFrame:
    """Score recordings in windows as long as the clips that the run was trained on.

    Parameters
    ----------
    run : Run
        A finished run.
    files : sequence of str or Path
        Audio of any length that soundfile reads; a short one, or a last window, is padded with silence.
    hop_s : float
        Step between windows, in s; half a window by default.

    Returns
    -------
    table : DataFrame
        One row a window: `file`, `onset_s`, `offset_s`, `predicted`, and one column of probability a class.

    Raises
    ------
    ClipError
        When a file cannot be read.
    """
    import torch

    from esclab.clips import audio_info, read_windows
    from esclab.training.data import predict_features

    feature, model = run.build_feature(), run.load_model()
    window_s = run.config.duration_s
    names = list(run.config.class_names)
    rows = []
    for file in files:
        length_s = audio_info(file).duration_s
        step_s = hop_s or window_s / 2
        windows = read_windows(file, sample_rate=feature.config.sample_rate, window_s=window_s, hop_s=step_s)
        for number, samples in enumerate(windows):
            with torch.inference_mode():
                probabilities, _ = predict_features(model, feature(torch.from_numpy(samples)[None]))
            onset_s = number * step_s
            rows.append(
                {
                    "file": str(file),
                    "onset_s": onset_s,
                    "offset_s": min(onset_s + window_s, length_s),
                    "predicted": names[int(probabilities[0].argmax())],
                    **dict(zip(names, probabilities[0].tolist(), strict=True)),
                }
            )
    return pd.DataFrame(rows, columns=["file", "onset_s", "offset_s", "predicted", *names])


def average_windows(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a file from a table of windows: the mean probability of each class, and the likeliest class."""
    names = [name for name in table.columns if name not in ("file", "onset_s", "offset_s", "predicted")]
    means = table.groupby("file", sort=False)[names].mean()
    means.insert(0, "predicted", means.idxmax(axis=1))
    means.insert(0, "windows", table.groupby("file", sort=False).size())
    return means.reset_index()
