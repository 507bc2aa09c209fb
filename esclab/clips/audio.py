"""Reading recordings: decoded, checked, mixed to mono, resampled, padded or cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from esclab.clips.dataset import ClipDataset
from esclab.clips.decode import EDGE_S, HIGHEST_HZ, LOWEST_HZ, find_part, open_audio, read_blocks
from esclab.clips.resample import resample, resample_blocks
from esclab.errors import ClipError, OptionError

LIMIT_S = 7200.0  # a longer part is never read at once


@dataclass(frozen=True)
class AudioInfo:
    """What the header of a recording says.

    Attributes
    ----------
    duration_s : float
    sample_rate : int
        In Hz.
    channels : int
    samples : int
        Per channel.
    """

    duration_s: float
    sample_rate: int
    channels: int
    samples: int


def audio_info(path: str | Path) -> AudioInfo:
    """Return duration, rate and channels of a recording without decoding it.

    Raises
    ------
    ClipError
        When it cannot be opened, is cut or damaged, or has a rate outside 1-384 kHz, over 32 channels or no
        samples.
    """
    with open_audio(path) as file:
        return AudioInfo(file.frames / file.samplerate, file.samplerate, file.channels, file.frames)


def read_audio(
    path: str | Path,
    *,
    sample_rate: int,
    duration_s: float | None = None,
    onset_s: float = 0.0,
    offset_s: float | None = None,
) -> np.ndarray:
    """Return one recording, or a part of it, as a mono signal.

    Channels are averaged with equal weight; channels that cancel each other give a warning. Nothing is
    normalised.

    Parameters
    ----------
    path : str or Path
        Any format that libsndfile decodes: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF and others.
    sample_rate : int
        Rate of the result in Hz; see `esclab.clips.resample.resample`.
    duration_s : float, optional
        Cut at the end, or padded with zeros at the end, to this length; by default the length of the part
        itself.
    onset_s, offset_s : float
        The part of the file, in s; the whole file by default.

    Returns
    -------
    ndarray of float32, shape (samples,)
        `round(duration_s * sample_rate)` samples where `duration_s` is given. Full scale is 1.

    Raises
    ------
    ClipError
        When the file cannot be used: not audio, cut, damaged, empty, NaN, Inf or peaks over 1e4, a rate
        outside 1-384 kHz, over 32 channels, a part outside the file or longer than two hours.
    OptionError
        When `sample_rate` or `duration_s` is out of range.
    """
    _check_options(sample_rate, duration_s)
    with open_audio(path) as file:
        first, last = find_part(path, file, onset_s=onset_s, offset_s=offset_s)
        if duration_s is not None:  # the filter reaches a little beyond the end that is kept
            last = min(last, first + int((duration_s + EDGE_S) * file.samplerate) + 1)
        if (last - first) / file.samplerate > LIMIT_S:
            hours = (last - first) / file.samplerate / 3600
            raise ClipError(
                path,
                f"claims {hours:.4g} hours of sound",
                "give duration_s, or use read_windows for long files",
            )
        blocks = list(read_blocks(path, file, first=first, last=last))
        samples = resample(np.concatenate(blocks), file.samplerate, sample_rate)
    return samples if duration_s is None else fit_length(samples, round(duration_s * sample_rate))


def read_clip(dataset: ClipDataset, row: int, *, sample_rate: int, duration_s: float | None = None) -> np.ndarray:
    """Return one clip of a dataset as a mono signal.

    Parameters
    ----------
    dataset : ClipDataset
    row : int
        Row number in the dataset's table, from 0.
    sample_rate : int
        Rate of the result in Hz.
    duration_s : float, optional
        Length to which the clip is padded or cut; the dataset's own by default.

    Returns
    -------
    ndarray of float32, shape (round(duration_s * sample_rate),)

    Raises
    ------
    ClipError
        As `read_audio`.
    OptionError
        When the table has no such row.
    """
    if not 0 <= row < len(dataset):
        raise OptionError(f"row {row}", f"{dataset.name} has {len(dataset)} clips", "choose a row from 0 on")
    path, onset_s, offset_s = clip_part(dataset, row)
    return read_audio(
        path,
        sample_rate=sample_rate,
        duration_s=dataset.duration_s if duration_s is None else duration_s,
        onset_s=onset_s,
        offset_s=offset_s,
    )


def read_windows(path: str | Path, *, sample_rate: int, window_s: float, hop_s: float) -> Iterator[np.ndarray]:
    """Yield windows of a recording of any length; memory does not grow with it.

    Window k starts at k * `hop_s`. The last window is the one that reaches the end of the file, padded with
    zeros; where windows leave gaps (`hop_s` > `window_s`) and the file ends in one, it is the one before.

    Parameters
    ----------
    path : str or Path
    sample_rate : int
        Rate of the result in Hz.
    window_s, hop_s : float
        Length of a window and distance between the starts of two, in s.

    Yields
    ------
    ndarray of float32, shape (round(window_s * sample_rate),)

    Raises
    ------
    ClipError
        As `read_audio`, but for the limit of two hours.
    OptionError
        When a length is not positive.
    """
    _check_options(sample_rate, window_s)
    _check_options(sample_rate, hop_s)
    window, hop = round(window_s * sample_rate), round(hop_s * sample_rate)
    with open_audio(path) as file:
        blocks = read_blocks(path, file, first=0, last=file.frames)
        pending = np.zeros(0, dtype=np.float32)
        skip = 0  # samples between two windows, where hop > window
        for block in resample_blocks(blocks, file.samplerate, sample_rate):
            pending = np.concatenate([pending, block[skip:]])
            skip = max(0, skip - len(block))
            while len(pending) > window:
                yield pending[:window].copy()
                skip = max(0, hop - len(pending))
                pending = pending[hop:]
        if len(pending):
            yield fit_length(pending, window)


def clip_part(dataset: ClipDataset, row: int) -> tuple[str, float, float | None]:
    """Return path, onset (s) and offset (s, None for the end of the file) of a row of the table."""
    path, onset_s, offset_s = dataset.table[["path", "onset_s", "offset_s"]].iloc[row]
    return (
        str(path),
        0.0 if np.isnan(onset_s) else float(onset_s),
        None if np.isnan(offset_s) else float(offset_s),
    )


def fit_length(samples: np.ndarray, count: int) -> np.ndarray:
    """Return `samples` cut at the end, or padded with zeros at the end, to `count`."""
    return samples[:count] if len(samples) >= count else np.pad(samples, (0, count - len(samples)))


def iterate_part(path: str | Path, onset_s: float, offset_s: float | None) -> Iterator[tuple[np.ndarray, int]]:
    """Yield (mono block, sample rate) of a part of a recording at its own rate, however long it is."""
    with open_audio(path) as file:
        first, last = find_part(path, file, onset_s=onset_s, offset_s=offset_s)
        for block in read_blocks(path, file, first=first, last=last):
            yield block, file.samplerate


def _check_options(sample_rate: int, length_s: float | None) -> None:
    if not LOWEST_HZ <= sample_rate <= HIGHEST_HZ or sample_rate != int(sample_rate):
        raise OptionError(
            f"sample_rate={sample_rate}", "out of range", f"give whole Hz from {LOWEST_HZ} to {HIGHEST_HZ}"
        )
    if length_s is not None and not 1 <= length_s * sample_rate <= LIMIT_S * sample_rate:
        raise OptionError(f"{length_s} s", "out of range", f"give a length from one sample to {LIMIT_S:g} s")
