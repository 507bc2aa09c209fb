"""Noise of a kind, at an SNR, in a range of time and of frequency."""

from __future__ import annotations

import math

import numpy as np

from esclab.errors import OptionError
from esclab.noise.check import check_waveform
from esclab.noise.cut import Cut, filter_band, make_window, place_region
from esclab.noise.entry import NoiseEntry
from esclab.noise.find import find_noise
from esclab.noise.level import SILENCE, energy, reference_energy
from esclab.results import WHOLE_CLIP, Region

MOST_DRAWS = 20
TOLERANCE_DB = 0.1


def inject_noise(
    waveform: np.ndarray,
    sample_rate: int,
    *,
    kind: str | NoiseEntry = "gaussian",
    snr_db: float = 10.0,
    region: Region = WHOLE_CLIP,
    reference: str = "clip",
    seed: int = 0,
) -> np.ndarray:
    """Return a waveform with noise added inside a region.

    Nothing is scaled or cut to fit full scale, so samples may pass 1; see `common_gain` for writing and playing.

    Parameters
    ----------
    waveform, sample_rate, kind, snr_db, region, reference, seed
        As in `draw_noise`.

    Returns
    -------
    ndarray of the same type and shape
        The waveform plus `draw_noise` of the same arguments; `measure_snr` finds `snr_db` again.

    Raises
    ------
    OptionError, DatasetError, ClipError
        As `draw_noise`; also when the noise is so weak that single precision loses it beside the waveform.
    """
    noise = draw_noise(waveform, sample_rate, kind=kind, snr_db=snr_db, region=region, reference=reference, seed=seed)
    waveform = np.asarray(waveform)
    noisy = waveform + noise
    kept = energy(noisy.astype(np.float64) - waveform)
    if abs(math.log10(max(kept, 1e-300) / energy(noise))) > TOLERANCE_DB / 10.0:
        raise OptionError(
            f"snr_db={snr_db:g}", f"is finer than {waveform.dtype} holds beside this clip", "choose a lower SNR"
        )
    return noisy


def draw_noise(
    waveform: np.ndarray,
    sample_rate: int,
    *,
    kind: str | NoiseEntry = "gaussian",
    snr_db: float = 10.0,
    region: Region = WHOLE_CLIP,
    reference: str = "clip",
    seed: int = 0,
) -> np.ndarray:
    """Return noise for a waveform, inside a region and at its level, without the waveform itself.

    The SNR compares energies: 10 log10(sum(s**2) / sum(noise**2)), where `s` is the whole clip for the reference
    "clip", and what `cut_region` leaves of the clip for the reference "region".

    The noise is drawn for longer than the region, filtered to its band, and faded in and out within its time range
    (80 ms; 10 ms where all frequencies are in). It is exactly 0 outside the time range, and for ranges of 0.1 s or
    more 40 dB down from 50 Hz beyond the band on; shorter ranges need 4 / duration. Only noise in the whole clip at
    all frequencies is not faded. In time ranges of the same length the same noise appears.

    Parameters
    ----------
    waveform : ndarray of float32 or float64, shape (sample,)
        One mono clip; never changed.
    sample_rate : int
        In Hz.
    kind : str or NoiseEntry
        A name in `NOISES`, "tau-bus", "tau-tram", a path, or DATASET/CLIP; see `find_noise`.
    snr_db : float
    region : Region
        The whole clip by default.
    reference : {"clip", "region"}
    seed : int
        The same seed gives the same noise, at any SNR; another seed gives another.

    Returns
    -------
    ndarray of the same type and shape

    Raises
    ------
    OptionError
        When an option is unknown or out of range, the waveform is not one finite mono clip, its reference is silent,
        the region lies outside it, or the noise has no energy in the region.
    DatasetError, ClipError
        When a recording is not there, or cannot be read.
    """
    samples = check_waveform(waveform)
    if not math.isfinite(snr_db):
        raise OptionError(f"snr_db={snr_db}", "is not a finite number", "give decibels, or leave the clip clean")
    if seed < 0:
        raise OptionError(f"seed={seed}", "is below 0", "give a whole number from 0 on")
    entry = find_noise(kind)
    cut = place_region(len(samples), sample_rate, region)
    signal = reference_energy(samples, cut, reference)
    part = _draw_part(entry, cut, np.random.default_rng(seed))
    gain = math.sqrt(signal / energy(part)) * _as_ratio(-snr_db)
    noise = np.zeros_like(samples)
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        noise[cut.first : cut.last] = part * gain
    if not np.isfinite(noise).all() or not noise.any():
        raise OptionError(f"snr_db={snr_db:g}", f"{samples.dtype} cannot hold such noise", "choose an SNR nearer to 0")
    return noise


def _draw_part(entry: NoiseEntry, cut: Cut, generator: np.random.Generator) -> np.ndarray:
    """Return the region's samples of noise at the kind's own level; a pause of a recording is drawn again."""
    window = None if cut.is_whole else make_window(cut, starts=True, ends=True)
    drawn_energy = 0.0
    for _ in range(MOST_DRAWS):
        drawn = entry.draw(cut.count + 2 * cut.reach, cut.sample_rate, generator)
        part = filter_band(drawn, cut)[cut.reach : cut.reach + cut.count] if cut.has_band else drawn
        part = part if window is None else part * window
        drawn_energy = energy(drawn)
        if energy(part) / len(part) > SILENCE * drawn_energy / len(drawn):
            return part
    if drawn_energy == 0:
        raise OptionError(f"noise {entry.label}", "is silent", "choose another recording or kind")
    place = Region(cut.first / cut.sample_rate, cut.last / cut.sample_rate, cut.low_hz, cut.high_hz)
    raise OptionError(f"noise {entry.label}", f"has no energy in {place}", "choose another kind or a wider region")


def _as_ratio(level_db: float) -> float:
    """Return an amplitude ratio; levels beyond any use become 0 or infinity instead of an error."""
    try:
        return 10.0 ** (level_db / 20.0)
    except OverflowError:
        return math.inf
