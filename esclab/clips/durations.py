"""How long the recordings of a dataset are, before they are padded or cut."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from esclab.clips.audio import audio_info, clip_part
from esclab.clips.dataset import ClipDataset


def measure_durations(dataset: ClipDataset) -> np.ndarray:
    """Return the length of every clip in s, as the headers of its recording tell, float64 of shape (clip,).

    Raises
    ------
    ClipError
        When a recording cannot be opened.
    """

    def measure(row: int) -> float:
        path, onset_s, offset_s = clip_part(dataset, row)
        return (audio_info(path).duration_s if offset_s is None else offset_s) - onset_s

    with ThreadPoolExecutor(max_workers=4) as pool:
        return np.fromiter(pool.map(measure, range(len(dataset))), dtype=np.float64, count=len(dataset))
