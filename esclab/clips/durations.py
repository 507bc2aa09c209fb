"""How long the recordings of a dataset are, before they are padded or cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from esclab.clips.audio import audio_info, clip_part
from esclab.clips.dataset import ClipDataset


def measure_durations(dataset: ClipDataset, *, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """Return the length of clips in s, as the headers of their recordings tell, float64 of shape (clip,).

    Parameters
    ----------
    dataset : ClipDataset
    rows : sequence of int, optional
        Rows of the dataset's table; all by default.

    Raises
    ------
    ClipError
        When a recording cannot be opened.
    """

    def measure(row: int) -> float:
        path, onset_s, offset_s = clip_part(dataset, row)
        return (audio_info(path).duration_s if offset_s is None else offset_s) - onset_s

    wanted = range(len(dataset)) if rows is None else [int(row) for row in rows]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return np.fromiter(pool.map(measure, wanted), dtype=np.float64, count=len(wanted))


def count_samples(length_s: float, sample_rate: int, *, most_s: float) -> int:
    """Return how many samples of a recording are its own when it is resampled and padded or cut to `most_s`."""
    # Resampling rounds up; the tolerance is for lengths that are whole numbers but for the last bit.
    return min(round(most_s * sample_rate), math.ceil(length_s * sample_rate - 1e-6))
