"""Made-up votes that look like real ones, for the tests of figures."""

from __future__ import annotations

import numpy as np

from esclab.results import VoteResult
from tests.figures.samples import CLASSES, sample_map

PART_BANDS = ((0, 26), (13, 38), (26, 51), (38, 64), (0, 64))


def sample_votes(
    *, frames: int | None = 15, part_bands: tuple[tuple[int, int], ...] = PART_BANDS, classes: int = 10
) -> VoteResult:
    """The barks' frames and middle bands vote for the dog, the hum's for the helicopter, the rest for much."""
    rng = np.random.default_rng(11)
    spectrogram = sample_map()
    names = CLASSES if classes == 10 else tuple(f"{CLASSES[i % 10]} {i}" for i in range(classes))
    dog, helicopter = 0, min(8, classes - 1)

    def vote(strength: np.ndarray, favourite: np.ndarray) -> np.ndarray:
        logits = rng.normal(0, 0.8, (len(strength), classes))
        logits[np.arange(len(strength)), favourite] += strength
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    frame_votes = time_s = part_votes = None
    if frames is not None:
        time_s = (np.arange(frames) + 0.5) * 5 / frames
        barks = np.exp(-(((time_s - 1.2) / 0.6) ** 2))
        frame_votes = vote(5 * np.maximum(barks, 0.7 * (time_s > 3.1)), np.where(time_s > 2.5, helicopter, dog))
    if part_bands:
        strength = np.resize([3.0, 4.5, 3.5, 0.5, 4.0], len(part_bands))
        part_votes = vote(strength, np.resize([helicopter, dog, dog, dog, dog], len(part_bands)))
    parts = [x.mean(axis=0) for x in (frame_votes, part_votes) if x is not None]
    return VoteResult(
        spectrogram, names, np.mean(parts, axis=0), frame_votes, time_s, part_votes, part_bands, "spsm-1a+spsmt+spsmf"
    )
