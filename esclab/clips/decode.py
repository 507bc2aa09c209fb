"""Decoding a recording block by block, with every value checked."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from esclab.clips.container import REPLACE, check_container
from esclab.errors import ClipError

LOWEST_HZ, HIGHEST_HZ = 1_000, 384_000
MOST_CHANNELS = 32
HIGHEST_PEAK = 1e4
BLOCK_SAMPLES = 1 << 20
EDGE_S = 0.05  # annotations may overshoot the end of a file by this much
CANCELLATION = 0.01  # mono energy below this share of the channels' is called cancellation


@contextmanager
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open a recording whose container and header are sound; decoding errors inside the block name the file.

    Raises
    ------
    ClipError
        When it cannot be opened, is cut or damaged, has a rate outside 1-384 kHz, over 32 channels or no
        samples.
    """
    check_container(path)
    name = os.fsencode(path) if os.name == "posix" else os.fspath(path)  # names need not be valid UTF-8
    try:
        file = soundfile.SoundFile(name)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a .raw file has no header
        raise _decoding_error(path, error) from error
    with file:
        _check_header(path, file)
        try:
            yield file
        except soundfile.SoundFileError as error:
            raise _decoding_error(path, error) from error


def _decoding_error(path: str | Path, error: Exception) -> ClipError:
    reason = getattr(error, "error_string", None) or str(error)
    return ClipError(path, f"cannot be decoded ({reason.rstrip('.')})", REPLACE)


def _check_header(path: str | Path, file: soundfile.SoundFile) -> None:
    if not LOWEST_HZ <= file.samplerate <= HIGHEST_HZ:
        raise ClipError(path, f"claims a sample rate of {file.samplerate} Hz", "convert it to a rate of 1 to 384 kHz")
    if file.channels > MOST_CHANNELS:
        raise ClipError(path, f"has {file.channels} channels", f"convert it to at most {MOST_CHANNELS}")
    if file.frames <= 0:
        raise ClipError(path, "holds no samples", REPLACE)


def find_part(
    path: str | Path, file: soundfile.SoundFile, *, onset_s: float, offset_s: float | None
) -> tuple[int, int]:
    """Return the first sample of a part of a file, and the one after its last; times in s, None for the end.

    Raises
    ------
    ClipError
        When the part is empty or reaches out of the file.
    """
    length_s = file.frames / file.samplerate
    end_s = length_s if offset_s is None else offset_s
    first, last = round(onset_s * file.samplerate), min(round(end_s * file.samplerate), file.frames)
    if not 0 <= first < last or end_s > length_s + EDGE_S:
        raise ClipError(
            path,
            f"has no part from {onset_s:g} to {end_s:g} s (it lasts {length_s:.3f} s)",
            "correct onset and offset",
        )
    return first, last


def read_blocks(path: str | Path, file: soundfile.SoundFile, *, first: int, last: int) -> Iterator[np.ndarray]:
    """Yield the samples from `first` to before `last` as mono blocks, float32 of shape (samples,).

    Channels are averaged with equal weight; a warning tells when that leaves less than 1 % of their energy.

    Raises
    ------
    ClipError
        When samples are missing, NaN, infinite or over 1e4.
    """
    if first:
        file.seek(first)
    position = first
    mono_energy = channel_energy = 0.0
    while position < last:
        wanted = min(max(1, BLOCK_SAMPLES // file.channels), last - position)
        block = file.read(wanted, dtype="float32", always_2d=True)
        _check_values(path, block, position)
        mono = block[:, 0] if file.channels == 1 else block.mean(axis=1)
        if file.channels > 1:
            mono_energy += float(np.square(mono, dtype=np.float64).sum())
            channel_energy += float(np.square(block, dtype=np.float64).sum()) / file.channels
        position += len(block)
        if len(block) < wanted:
            raise ClipError(path, f"is cut short ({position} of {last} samples can be decoded)", REPLACE)
        yield mono
    if mono_energy < CANCELLATION * channel_energy:
        warnings.warn(f"{path}: its channels cancel each other in the mono mix", UserWarning, stacklevel=3)


def _check_values(path: str | Path, block: np.ndarray, position: int) -> None:
    if not len(block) or (block.max() <= HIGHEST_PEAK and block.min() >= -HIGHEST_PEAK):
        return  # a NaN makes both comparisons false
    bad = ~(np.abs(block) <= HIGHEST_PEAK).all(axis=1)
    count, where = int(bad.sum()), position + int(bad.argmax())
    raise ClipError(
        path,
        f"has {count} samples that are NaN, infinite or over {HIGHEST_PEAK:g}, the first at {where}",
        REPLACE,
    )
