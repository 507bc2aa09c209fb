"""Writing sounds: 16-bit WAV that nothing clips, several with one gain so that their loudness can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from esclab.errors import OptionError
from esclab.storage import replace_file

HEADROOM_DB = 1.0  # what is left above the loudest sample of several sounds
STEPS = 32_768  # of 16-bit PCM, from 0 to full scale


def write_audio(path: str | Path, samples: np.ndarray, sample_rate: int, *, gain: float = 1.0) -> Path:
    """Write a mono sound as 16-bit PCM WAV.

    Parameters
    ----------
    path : str or Path
        Ends in ".wav"; its folder is made when it is missing.
    samples : ndarray of shape (sample,)
        Full scale is 1.
    sample_rate : int
        In Hz.
    gain : float
        What the samples are multiplied by.

    Returns
    -------
    path : Path

    Raises
    ------
    OptionError
        When samples are not finite or not mono, would clip, or the name, rate or gain does not fit.
    StorageError
        When the file cannot be written.
    """
    import soundfile

    path = Path(path)
    if path.suffix.lower() != ".wav":
        raise OptionError(path, "is no name of a WAV file", "let it end in .wav")
    samples = _check_samples(path, samples)
    if sample_rate < 1 or sample_rate != int(sample_rate):
        raise OptionError(f"sample_rate={sample_rate}", "is not a rate", "give whole Hz, such as 44100")
    if not (np.isfinite(gain) and gain > 0):
        raise OptionError(f"gain={gain}", "is not a positive number", "give a gain such as 1")
    peak = gain * float(np.abs(samples).max())
    if peak > 1:
        raise OptionError(path, f"would clip, with a peak of {peak:.4g}", f"use a gain of at most {gain / peak:.4g}")
    # Full scale itself lies one step above what 16 bits hold.
    steps = np.minimum(np.rint(samples * (gain * STEPS)), STEPS - 1).astype(np.int16)
    with replace_file(path) as file:
        soundfile.write(file, steps, int(sample_rate), subtype="PCM_16", format="WAV")
    return path


def write_sounds(sounds: Mapping[str | Path, np.ndarray], sample_rate: int) -> list[Path]:
    """Write several sounds with one gain: the loudest sample of all comes to 1 dB below full scale.

    Parameters
    ----------
    sounds : mapping of path to ndarray of shape (sample,)
        As `write_audio` takes them.
    sample_rate : int
        In Hz.

    Returns
    -------
    paths : list of Path
        In the order of `sounds`. Their levels differ as the sounds' own do.

    Raises
    ------
    OptionError, StorageError
        As `write_audio`; also when there are no sounds.
    """
    if not sounds:
        raise OptionError("sounds", "there are none", "give at least one")
    peak = max(float(np.abs(_check_samples(path, samples)).max()) for path, samples in sounds.items())
    gain = 10 ** (-HEADROOM_DB / 20) / peak if peak else 1.0
    return [write_audio(path, samples, sample_rate, gain=gain) for path, samples in sounds.items()]


def _check_samples(path: str | Path, samples: np.ndarray) -> np.ndarray:
    """Return the samples in double precision, once it is clear that they are one channel of numbers."""
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1 or len(samples) == 0:
        raise OptionError(path, f"samples have the shape {samples.shape}", "give one channel of at least one sample")
    if not np.isfinite(samples).all():
        raise OptionError(path, "a sample is not a finite number", "find out where it comes from")
    return samples
