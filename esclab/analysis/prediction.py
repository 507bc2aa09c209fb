"""What a trained run says of recordings of any length: scores in windows, and their mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from esclab.clips.audio import audio_info, read_windows
from esclab.errors import ClipError

if TYPE_CHECKING:
    from esclab.features import Feature
    from esclab.models.base import SoundClassifier
    from esclab.training.run import Run

FIRST_COLUMNS = ("file", "onset_s", "offset_s", "predicted")
# A class called "p_file" gets a prefix too, so that each column stands for one class.
CLASHING = re.compile(rf"(p_)*({'|'.join(FIRST_COLUMNS)}|windows)")


def name_score(class_name: str) -> str:
    """Return the column of a class's probability: its name, or `p_file` for a class that is called "file"."""
    return f"p_{class_name}" if CLASHING.fullmatch(class_name) else class_name


def predict_files(
    run: Run,
    files: Sequence[str | Path],
    *,
    hop_s: float = 0.0,
    on_error: Callable[[ClipError], None] | None = None,
) -> pd.DataFrame:
    """Score recordings in windows as long as the clips that the run was trained on.

    Parameters
    ----------
    run : Run
        A finished run.
    files : sequence of str or Path
        Audio of any length that soundfile reads; a short one, or a last window, is padded with silence. One that is
        given twice is scored once.
    hop_s : float
        Step between windows, in s; half a window by default.
    on_error : callable, optional
        Called with the error of each file that cannot be read, which is then left out; by default it is raised.

    Returns
    -------
    table : DataFrame
        One row a window: `file`, `onset_s`, `offset_s`, `predicted`, and one column of probability a class, of the
        class's name; `p_` stands before a name that is one of these words, or "windows" (see `name_score`).

    Raises
    ------
    ClipError
        When a file cannot be read, unless `on_error` takes it.
    """
    rows: list[dict[str, Any]] = []
    loaded: tuple[Feature, SoundClassifier] | None = None
    for file in dict.fromkeys(map(str, files)):
        try:
            audio_info(file)  # a bad file is told before anything heavy is loaded
            loaded = loaded or (run.build_feature(), run.load_model())
            rows += _score_windows(run, *loaded, file=file, hop_s=hop_s or run.config.duration_s / 2)
        except ClipError as error:
            if on_error is None:
                raise
            on_error(error)
    return pd.DataFrame(rows, columns=[*FIRST_COLUMNS, *map(name_score, run.config.class_names)])


def average_windows(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a file from a table of windows: the mean probability of each class, and the likeliest class."""
    scores = [name for name in table.columns if name not in FIRST_COLUMNS]
    means = table.groupby("file", sort=False)[scores].mean()
    means.insert(0, "predicted", means.idxmax(axis=1).map({name: _name_class(name) for name in scores}))
    means.insert(0, "windows", table.groupby("file", sort=False).size())
    return means.reset_index()


def _name_class(column: str) -> str:
    """Return the class whose probability is in a column; undoes `name_score`."""
    return column.removeprefix("p_") if CLASHING.fullmatch(column) else column


def _score_windows(
    run: Run, feature: Feature, model: SoundClassifier, *, file: str, hop_s: float
) -> list[dict[str, Any]]:
    """Return one row a window of one file."""
    import torch

    from esclab.training.data import predict_features

    names, window_s, length_s = run.config.class_names, run.config.duration_s, audio_info(file).duration_s
    rate, rows = feature.config.sample_rate, []
    windows = read_windows(file, sample_rate=rate, window_s=window_s, hop_s=hop_s)
    for number, samples in enumerate(windows):
        frames = run.count_own_frames(length_s - number * round(hop_s * rate) / rate)
        with torch.inference_mode():
            probabilities, _ = predict_features(model, feature(torch.from_numpy(samples)[None])[:, :, :frames])
        first = (file, number * hop_s, min(number * hop_s + window_s, length_s), names[int(probabilities[0].argmax())])
        scores = zip(map(name_score, names), probabilities[0].tolist(), strict=True)
        rows.append({**dict(zip(FIRST_COLUMNS, first, strict=True)), **dict(scores)})
    return rows
