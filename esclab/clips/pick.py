"""One clip by the words a person has for it: a clip's name in a dataset, or the path of any recording."""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np

from esclab.clips.audio import read_audio, read_clip
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError


def find_row(dataset: ClipDataset, clip: str) -> int:
    """Return the row of a clip, given its name.

    Raises
    ------
    OptionError
        When the dataset has no such clip; the nearest names are told.
    """
    names = dataset.table["clip"]
    rows = np.flatnonzero(names == clip)
    if len(rows):
        return int(rows[0])
    near = difflib.get_close_matches(clip, names.astype(str), n=3) or names.head(3).tolist()
    raise OptionError(
        f"clip {clip}", f"is neither in {dataset.name} nor a file", f"give a path or a name such as {', '.join(near)}"
    )


def pick_clip(
    dataset: ClipDataset, clip: str, *, sample_rate: int, duration_s: float | None = None
) -> tuple[np.ndarray, str]:
    """Return the samples of a clip and a label for it.

    Parameters
    ----------
    dataset : ClipDataset
    clip : str
        A clip's name in the dataset, or the path of an audio file (only its beginning is read).
    sample_rate : int
        In Hz.
    duration_s : float, optional
        Length to pad or cut to; the dataset's own by default.

    Returns
    -------
    samples : ndarray of float32, shape (sample,)
    label : str
        Class and name of a dataset's clip, or the file's name.
    """
    duration_s = duration_s or dataset.duration_s
    if Path(clip).is_file():
        return read_audio(clip, sample_rate=sample_rate, duration_s=duration_s), Path(clip).name
    row = find_row(dataset, clip)
    class_name = str(dataset.table["class_name"].iloc[row]).replace("_", " ")
    return read_clip(dataset, row, sample_rate=sample_rate, duration_s=duration_s), f"{class_name} ({clip})"
