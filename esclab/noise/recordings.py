"""Noise out of recordings: a piece from a seeded place, or a loop where the recording is too short."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from esclab.clips import audio_info, data_folders, read_audio
from esclab.errors import DatasetError

LONGEST_READ_S = 60.0
CROSS_FADE_S = 0.05
PLACES_PER_S = 100
# The middle of a piece must reach this share of the recording's mean power, so that it does not fall into a pause.
LOUD_SHARE = 0.1

TAU_FOLDER = "TAU-urban-acoustic-scenes-2019-development"
TAU_PATTERN = "TAU-urban-acoustic-scenes-*"
TAU_ADDRESS = "https://zenodo.org/records/2589280"


@dataclass(frozen=True)
class Recording:
    """A file, or a part of it, that noise is taken from.

    Attributes
    ----------
    path : str
    onset_s : float
    offset_s : float or None
        The part of the file; None is its end.
    """

    path: str
    onset_s: float = 0.0
    offset_s: float | None = None


@dataclass(frozen=True)
class RecordedNoise:
    """Draws noise from one of several recordings; `draw` of a `NoiseEntry`."""

    recordings: tuple[Recording, ...]

    def __call__(self, count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
        """Return `count` samples of one recording, mono at `sample_rate`, from a place that the generator chooses.

        Raises
        ------
        ClipError
            When the recording cannot be read.
        """
        chosen = self.recordings[int(generator.integers(len(self.recordings)))]
        samples = _read_stretch(chosen, count, sample_rate, generator)
        if len(samples) <= count:
            unit = close_loop(samples, int(min(CROSS_FADE_S * sample_rate, len(samples) // 4)))
            samples = np.resize(unit, len(unit) + count)
        start = _choose_place(samples, count, sample_rate // PLACES_PER_S, generator)
        return samples[start : start + count].astype(np.float64)


def find_tau(scene: str) -> tuple[Recording, ...]:
    """Return the recordings of a scene in a TAU Urban Acoustic Scenes dataset on this machine, in order of name.

    TS-CNN's Table 3 takes its bus and tram noise from the 2019 development set (DCASE 2019, task 1A).

    Parameters
    ----------
    scene : str
        "bus" or "tram".

    Raises
    ------
    DatasetError
        When no folder has one; it says where to get them and where to put them.
    """
    for parent in data_folders():
        for folder in sorted(parent.glob(TAU_PATTERN)):
            paths = sorted((folder / "audio").glob(f"{scene}-*.wav"))
            if paths:
                return tuple(Recording(str(path)) for path in paths)
    searched = ", ".join(str(folder) for folder in data_folders())
    raise DatasetError(
        f"tau-{scene}",
        f"no recording {TAU_FOLDER}/audio/{scene}-*.wav in {searched}",
        f"get it at {TAU_ADDRESS} and name the folder that {TAU_FOLDER} lies in with ESCLAB_DATA, "
        f'or take the synthetic stand-in "{scene}-like"',
    )


def close_loop(samples: np.ndarray, fade: int) -> np.ndarray:
    """Return samples that can be repeated without a seam: the last `fade` of them are mixed into the first.

    Parameters
    ----------
    samples : ndarray of shape (sample,)
    fade : int
        Length of the mix, at most half of the samples; the result is shorter by it.
    """
    unit = samples[: len(samples) - fade].astype(np.float64)
    angle = 0.5 * np.pi * (np.arange(fade) + 0.5) / max(1, fade)
    unit[:fade] = unit[:fade] * np.sin(angle) + samples[len(samples) - fade :] * np.cos(angle)
    return unit


def _read_stretch(recording: Recording, count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return the recording, or a stretch of a long one that leaves a choice of places."""
    end_s = recording.offset_s if recording.offset_s is not None else audio_info(recording.path).duration_s
    longest_s = max(LONGEST_READ_S, 2.0 * count / sample_rate)
    onset_s, offset_s = recording.onset_s, recording.offset_s
    if end_s - onset_s > longest_s:
        onset_s = float(generator.uniform(onset_s, end_s - longest_s))
        offset_s = onset_s + longest_s
    changed_ns = Path(recording.path).stat().st_mtime_ns
    return _read_part(Recording(recording.path, onset_s, offset_s), sample_rate, changed_ns)


@lru_cache(maxsize=8)
def _read_part(part: Recording, sample_rate: int, changed_ns: int) -> np.ndarray:
    samples = read_audio(part.path, sample_rate=sample_rate, onset_s=part.onset_s, offset_s=part.offset_s)
    samples.flags.writeable = False
    return samples


def _choose_place(samples: np.ndarray, count: int, step: int, generator: np.random.Generator) -> int:
    """Return a start from which `count` samples have some sound in their middle tenth, wherever there is any."""
    middle = max(1, count // 10)
    total = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    starts = np.arange(0, len(samples) - count + 1, step)
    centres = starts + (count - middle) // 2
    loud = total[centres + middle] - total[centres] > LOUD_SHARE * middle * total[-1] / len(samples)
    return int(generator.choice(starts[loud] if loud.any() else starts))
