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


def pick_clip(dataset: str, clip: str, *, sample_rate: int, duration_s: float) -> tuple[np.ndarray, str]:
    """Return the samples of a clip and a label for it.

    Parameters
    ----------
    dataset : str
        Where a clip's name is looked up, in the words of `load_dataset`; it may be absent when `clip` is a file.
    clip : str
        A clip's name in the dataset, or the path of an audio file (only its beginning is read).
    sample_rate : int
        In Hz.
    duration_s : float
        Length to pad or cut to.

    Returns
    -------
    samples : ndarray of float32, shape (sample,)
    label : str
        Class and name of a dataset's clip, or the file's name.
    """
    if Path(clip).is_file():
        return read_audio(clip, sample_rate=sample_rate, duration_s=duration_s), Path(clip).name
    from esclab.clips import load_dataset

    clips = load_dataset(dataset)
    row = find_row(clips, clip)
    class_name = str(clips.table["class_name"].iloc[row]).replace("_", " ")
    return read_clip(clips, row, sample_rate=sample_rate, duration_s=duration_s), f"{class_name} ({clip})"
