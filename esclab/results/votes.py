"""Who voted for what, when and where in one clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esclab.results.pictures import TimeFrequencyMap


@dataclass(frozen=True)
class VoteResult:
    """The scores of a clip, and those of each frame and sub-band that voted for them.

    Attributes
    ----------
    spectrogram : TimeFrequencyMap
        Labelled with the clip.
    class_names : tuple of str
    scores : ndarray of shape (class,)
        The vote; sums to 1.
    frames : ndarray of shape (frame, class) or None
        Each frame's own scores; None where frames do not vote.
    time_s : ndarray of shape (frame,) or None
        Centres of the frames that vote, in s.
    parts : ndarray of shape (part, class) or None
        Each sub-band's own scores; None where sub-bands do not vote.
    part_bands : tuple of (int, int)
        First band of each sub-band, and the band after its last.
    model : str
    """

    spectrogram: TimeFrequencyMap
    class_names: tuple[str, ...]
    scores: np.ndarray
    frames: np.ndarray | None = None
    time_s: np.ndarray | None = None
    parts: np.ndarray | None = None
    part_bands: tuple[tuple[int, int], ...] = ()
    model: str = ""
