"""Hear an explanation: a clip split into what a map calls important and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from esclab.errors import ClipError, OptionError
from esclab.results import TimeFrequencyMap

if TYPE_CHECKING:
    from scipy.signal import ShortTimeFFT

WINDOW_S = 2048 / 44_100  # rounded to a power of two of samples at every rate
SHORTEST_WINDOW = 16  # samples
EDGE = np.array([0.25, 0.5, 0.25])  # softens the mask by one STFT frame and one bin
SHARE_ERROR = 0.01  # how near the share of energy is met, as a part of it
MOST_TRIALS = 20


@dataclass(frozen=True)
class SoundSplit:
    """A clip split in two sounds that add up to it.

    Attributes
    ----------
    kept, removed : ndarray of float32, shape (sample,)
        What the map calls important, and the rest.
    share_kept : float
        Energy of `kept` as a share of the clip's.
    mask : ndarray of shape (frame, bin)
        What each cell of the clip's short-time spectrum was multiplied by to give `kept`, in 0..1.
    time_s : ndarray of shape (frame,)
        Centre of each frame of the mask, in s.
    frequency_hz : ndarray of shape (bin,)
        Centre of each bin of the mask, in Hz.
    """

    kept: np.ndarray
    removed: np.ndarray
    share_kept: float
    mask: np.ndarray
    time_s: np.ndarray
    frequency_hz: np.ndarray


def split_sound(
    samples: np.ndarray, sample_rate: int, importance: TimeFrequencyMap, *, share: float = 0.5
) -> SoundSplit:
    """Split a clip into the sound of its most important cells and the sound of the rest.

    Parameters
    ----------
    samples : ndarray of shape (sample,)
    sample_rate : int
        In Hz.
    importance : TimeFrequencyMap
        On the frames and bands of any front end; only the order of its values counts.
    share : float
        Share of the clip's energy that is kept, above 0 and at most 1; 1 gives the clip.

    Returns
    -------
    split : SoundSplit

    Raises
    ------
    OptionError
        When the map or the share does not fit.
    ClipError
        When the clip is silent or not finite.

    Notes
    -----
    The map is interpolated from its frames and bands to the frames and bins of a short-time spectrum (Hann window of
    about 46 ms, a quarter of it as hop), and held beyond the outer ones. Cells are kept from the most important one
    down; equal ones share what is left, so that a map without differences keeps a fainter clip. The edge of the mask is
    softened by one frame and one bin against musical noise, and the cut placed so that the kept sound has its share of
    the energy. The sound is made from the clip's own phase (Griffin and Lim 1984, least-squares inversion). A sound of
    high energy fills the share quickly: compare maps at equal shares.
    """
    samples = _check_samples(samples)
    _check_map(importance)
    if not 0 < share <= 1:
        raise OptionError(f"share={share}", "is no share", "give a number above 0 and at most 1")
    transform = _build_transform(sample_rate)
    spectrum = _transform(transform, samples)
    time_s, frequency_hz = mask_axes(len(samples), sample_rate)
    values = _interpolate(importance.values, importance.time_s, time_s)
    if importance.axis == "frequency":
        values = _interpolate(values.T, importance.frequency_hz, frequency_hz).T
    else:  # it tells when, not where
        values = np.repeat(values.mean(axis=1, keepdims=True), len(frequency_hz), axis=1)
    above, through = _rank_energy(values, np.abs(spectrum) ** 2)
    energy = float(np.sum(samples**2))
    mask, kept = np.ones_like(values), samples
    low, high = 0.0, 1.0
    for _ in range(MOST_TRIALS if share < 1 else 0):
        level = (low + high) / 2
        mask = _soften(_cut(above, through, level))
        kept = _invert(transform, spectrum * mask, len(samples))
        found = float(np.sum(kept**2)) / energy
        if abs(found - share) < SHARE_ERROR * share:
            break
        low, high = (level, high) if found < share else (low, level)
    return SoundSplit(
        kept=kept.astype(np.float32),
        removed=(samples - kept).astype(np.float32),
        share_kept=float(np.sum(kept**2)) / energy,
        mask=mask,
        time_s=time_s,
        frequency_hz=frequency_hz,
    )


def apply_mask(samples: np.ndarray, mask: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Return a clip whose short-time spectrum is multiplied by a mask.

    Parameters
    ----------
    samples : ndarray of shape (sample,)
    mask : ndarray of shape (frame, bin)
        On the grid of `mask_axes`; ones give the clip.
    sample_rate : int
        In Hz.

    Returns
    -------
    samples : ndarray of float32, shape (sample,)

    Raises
    ------
    OptionError
        When the mask does not lie on the clip's grid or is not finite.
    ClipError
        When the clip is silent or not finite.
    """
    samples = _check_samples(samples)
    transform = _build_transform(sample_rate)
    spectrum = _transform(transform, samples)
    if np.shape(mask) != spectrum.shape or not np.isfinite(mask).all():
        raise OptionError(
            "mask", f"of shape {np.shape(mask)} does not fit {spectrum.shape}", "give numbers on the grid of mask_axes"
        )
    return _invert(transform, spectrum * mask, len(samples)).astype(np.float32)


def mask_axes(count: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid of masks for a clip of `count` samples: centres of frames in s and of bins in Hz.

    The first and last frames are centred outside of the clip; they hold its first and last samples.
    """
    transform = _build_transform(sample_rate)
    return transform.t(_padded(transform, count)), transform.f


def _build_transform(sample_rate: int) -> ShortTimeFFT:
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    window = max(SHORTEST_WINDOW, 2 ** round(np.log2(WINDOW_S * sample_rate)))
    return ShortTimeFFT(hann(window, sym=False), window // 4, sample_rate)


def _padded(transform: ShortTimeFFT, count: int) -> int:
    """Return to how many samples a clip is padded: one shorter than the window has no spectrum."""
    return max(count, transform.m_num)


def _transform(transform: ShortTimeFFT, samples: np.ndarray) -> np.ndarray:
    """Return the short-time spectrum, shape (frame, bin)."""
    return transform.stft(np.pad(samples, (0, _padded(transform, len(samples)) - len(samples)))).T


def _invert(transform: ShortTimeFFT, spectrum: np.ndarray, count: int) -> np.ndarray:
    return transform.istft(spectrum.T, k1=_padded(transform, count))[:count]


def _interpolate(values: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return values between rows at `old` for rows at `new`; equal rows stay equal to the last bit."""
    if len(old) == 1:
        return np.repeat(values, len(new), axis=0)
    index = np.clip(np.searchsorted(old, new, side="right") - 1, 0, len(old) - 2)
    weight = np.clip((new - old[index]) / (old[index + 1] - old[index]), 0.0, 1.0)[:, None]
    return values[index] + weight * (values[index + 1] - values[index])


def _rank_energy(values: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each cell the share of energy in cells of higher value, and in cells of higher or equal value."""
    _, group = np.unique(-values.ravel(), return_inverse=True)
    total = np.cumsum(np.bincount(group, weights=energy.ravel()))
    through = total / total[-1]
    above = np.concatenate([[0.0], through[:-1]])
    return above[group].reshape(values.shape), through[group].reshape(values.shape)


def _cut(above: np.ndarray, through: np.ndarray, level: float) -> np.ndarray:
    """Return the mask that keeps the share `level` of the energy; the cells that tie at the cut let a part through."""
    width = np.maximum(through - above, np.finfo(float).tiny)
    return np.sqrt(np.clip((level - above) / width, 0.0, 1.0))


def _soften(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import convolve1d

    return convolve1d(convolve1d(mask, EDGE, axis=0, mode="nearest"), EDGE, axis=1, mode="nearest")


def _check_samples(samples: np.ndarray) -> np.ndarray:
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1 or not np.isfinite(samples).all() or not samples.any():
        raise ClipError("clip", "is silent, not finite or not mono", "choose a clip that can be heard")
    return samples


def _check_map(importance: TimeFrequencyMap) -> None:
    shape = (len(importance.time_s), len(importance.frequency_hz))
    if importance.values.shape != shape or 0 in shape or not np.isfinite(importance.values).all():
        raise OptionError(
            "importance",
            f"of shape {importance.values.shape} must be finite and lie on {shape[0]} frames and {shape[1]} bands",
            "give a map with its own axes",
        )
