"""One clip by the words a person has for it: a clip's name in a dataset, or the path of any recording."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from esclab.clips.audio import audio_info, clip_part, read_audio
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


@dataclass(frozen=True)
class ClipPart:
    """Which part of a clip is looked at.

    Attributes
    ----------
    label : str
        Class and name of a dataset's clip, or the file's name.
    onset_s, offset_s : float
        Where it begins and ends, in s from the clip's own beginning.
    length_s : float
        Of the whole clip.
    """

    label: str
    onset_s: float
    offset_s: float
    length_s: float

    @property
    def heard_s(self) -> float:
        """Length of the part, in s."""
        return self.offset_s - self.onset_s

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out that one decimal would show."""
        return self.heard_s > self.length_s - 0.05

    @property
    def summary(self) -> str:
        """The part in words, e.g. "rain.wav: its first 5.0 s of 7.0 s"."""
        part = f"{self.onset_s:.1f} to {self.offset_s:.1f} s" if self.onset_s else f"its first {self.offset_s:.1f} s"
        return f"{self.label}: {part} of {self.length_s:.1f} s"


def measure_part(dataset: str, clip: str, *, duration_s: float, start_s: float = 0.0) -> ClipPart:
    """Return which part of a clip `pick_clip` reads; only the file's header is read.

    Parameters and errors as in `pick_clip`.
    """
    _, _, _, whole = _find_clip(dataset, clip, start_s)
    return replace(whole, onset_s=start_s, offset_s=min(start_s + duration_s, whole.length_s))


def pick_clip(
    dataset: str, clip: str, *, sample_rate: int, duration_s: float, start_s: float = 0.0
) -> tuple[np.ndarray, str]:
    """Return the samples of a clip and a label for it.

    Parameters
    ----------
    dataset : str
        Where a clip's name is looked up, in the words of `load_dataset`; it may be absent when `clip` is a file.
    clip : str
        A clip's name in the dataset, or the path of an audio file.
    sample_rate : int
        In Hz.
    duration_s : float
        Length to pad or cut to.
    start_s : float
        What comes before is left out.

    Returns
    -------
    samples : ndarray of float32, shape (sample,)
    label : str
        Class and name of a dataset's clip, or the file's name.

    Raises
    ------
    OptionError
        When there is no such clip, or it ends before `start_s`.
    ClipError
        As `read_audio`.
    """
    path, onset_s, offset_s, whole = _find_clip(dataset, clip, start_s)
    samples = read_audio(
        path, sample_rate=sample_rate, duration_s=duration_s, onset_s=onset_s + start_s, offset_s=offset_s
    )
    return samples, whole.label


def _find_clip(dataset: str, clip: str, start_s: float) -> tuple[str, float, float | None, ClipPart]:
    """Return path, onset and offset (s, None for the end of the file) of a clip, and the whole of it."""
    if Path(clip).is_file():
        path, onset_s, offset_s, label = clip, 0.0, None, Path(clip).name
    else:
        from esclab.clips import load_dataset

        clips = load_dataset(dataset)
        row = find_row(clips, clip)
        path, onset_s, offset_s = clip_part(clips, row)
        label = f"{str(clips.table['class_name'].iloc[row]).replace('_', ' ')} ({clip})"
    length_s = (audio_info(path).duration_s if offset_s is None else offset_s) - onset_s
    if not 0 <= start_s < length_s:
        where = f"start at {start_s:g} s"
        raise OptionError(where, f"{label} lasts {length_s:.1f} s", "give a number from 0 on that is below that")
    return path, onset_s, offset_s, ClipPart(label, 0.0, length_s, length_s)
