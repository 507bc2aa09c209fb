"""What can still be heard of a damaged recording, for those who ask for it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from esclab.clips.container import check_regular, find_riff_data
from esclab.clips.ogg import REPLACE, read_pages
from esclab.clips.resample import resample
from esclab.errors import ClipError


@dataclass(frozen=True)
class Salvage:
    """The sound part at the start of a damaged recording.

    Attributes
    ----------
    samples : ndarray of float32, shape (samples,)
        Mono, at the rate that was asked for.
    kept_s : float
        How long it lasts, in s.
    lost_s : float
        How much is missing at the end, in s; NaN where the file no longer tells (an Ogg file that was cut).
    """

    samples: np.ndarray
    kept_s: float
    lost_s: float


def salvage_audio(path: str | Path, *, sample_rate: int) -> Salvage:
    """Return what comes before the damage in a WAV or Ogg file that `read_audio` refuses.

    Parameters
    ----------
    path : str or Path
    sample_rate : int
        Rate of the result in Hz.

    Raises
    ------
    ClipError
        When it is no WAV or Ogg file, or nothing can be saved.
    """
    check_regular(path)
    data = Path(path).read_bytes()
    if data[:4] == b"OggS":
        sound, last_sample = _sound_pages(data, str(path))
    elif data[:4] == b"RIFF":
        sound, last_sample = data, None
    else:
        raise ClipError(path, "only WAV and Ogg files can be salvaged", REPLACE)
    try:
        samples, own_rate = soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise ClipError(path, f"cannot be salvaged ({error})", REPLACE) from error
    if not len(samples) or not np.isfinite(samples).all():
        raise ClipError(path, "cannot be salvaged (no sound samples)", REPLACE)
    kept_s = len(samples) / own_rate
    if data[:4] == b"RIFF":
        start, claimed = find_riff_data(io.BytesIO(data), str(path))
        lost_s = kept_s * max(0.0, claimed / (len(data) - start) - 1)
    else:
        lost_s = np.nan if last_sample is None else max(0.0, last_sample / own_rate - kept_s)
    return Salvage(resample(samples.mean(axis=1), own_rate, sample_rate), kept_s, lost_s)


def _sound_pages(data: bytes, path: str) -> tuple[bytes, int | None]:
    """Return the pages before the damage, and the last sample that a sound page after it names."""
    pages = []
    file = io.BytesIO(data)
    try:
        for page in read_pages(file, path):
            pages.append(page)
        return data, pages[-1].granule
    except ClipError:
        sound = b"".join(page.data for page in pages)
    at = data.rfind(b"OggS")
    while at > len(sound):
        try:
            return sound, next(read_pages(io.BytesIO(data[at:]), path)).granule
        except ClipError:
            at = data.rfind(b"OggS", 0, at)
    return sound, None
