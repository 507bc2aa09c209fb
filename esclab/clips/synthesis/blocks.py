"""Building blocks of synthesis: spectral curves, shaped noise, pulses, contours, fades, and the events they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from esclab.clips.synthesis.settings import DURATION_S, SAMPLE_RATE

Curve = Callable[[np.ndarray], np.ndarray]

# Multiples of 3 * 3 * 5 * 7 * 7 samples (0.05 s) have quick Fourier transforms.
_FFT_STEP = 2205


@dataclass(frozen=True)
class Event:
    """One sound with the box in time and frequency that holds it.

    Attributes
    ----------
    onset_s : float
        Where it starts in its clip.
    samples : ndarray of shape (sample,)
        The sound itself, without background.
    low_hz, high_hz : float
        Range that holds nearly all of its energy.
    """

    onset_s: float
    samples: np.ndarray
    low_hz: float
    high_hz: float

    @property
    def offset_s(self) -> float:
        """Where it ends in its clip, in s."""
        return self.onset_s + len(self.samples) / SAMPLE_RATE


def draw_log(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number between `low` and `high`, evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def count_samples(duration_s: float) -> int:
    """Return the number of samples in `duration_s` seconds."""
    return round(duration_s * SAMPLE_RATE)


def pass_band(low_hz: float, high_hz: float) -> Curve:
    """Return the gain of a band: about 1 between the edges, -3 dB on them, -96 dB an octave beyond."""

    def gain(frequency_hz: np.ndarray) -> np.ndarray:
        ratio = np.maximum(frequency_hz, 20.0)
        below, above = low_hz / ratio, ratio / high_hz
        for _ in range(5):  # to the 32nd power, by squaring
            below, above = np.square(below), np.square(above)
        return 1.0 / np.sqrt((1.0 + below) * (1.0 + above))

    return gain


def tilt(db_per_octave: float) -> Curve:
    """Return a gain that changes by `db_per_octave`, 0 dB at 1 kHz and level below 40 Hz."""

    def gain(frequency_hz: np.ndarray) -> np.ndarray:
        return (np.maximum(frequency_hz, 40.0) / 1000.0) ** (db_per_octave / 6.0206)

    return gain


def resonances(centres_hz: np.ndarray, widths_hz: np.ndarray, heights_db: np.ndarray) -> Curve:
    """Return a gain with a peak (or a dip, where the height is negative) at each centre, 0 dB far from all."""

    def gain(frequency_hz: np.ndarray) -> np.ndarray:
        level_db = np.zeros_like(frequency_hz)
        for centre, width, height in zip(centres_hz, widths_hz, heights_db, strict=True):
            level_db += height / (1.0 + ((frequency_hz - centre) / width) ** 2)
        return 10.0 ** (level_db / 20.0)

    return gain


def chain(*curves: Curve) -> Curve:
    """Return the product of several gains."""
    return lambda frequency_hz: np.prod([curve(frequency_hz) for curve in curves], axis=0)


def shape(samples: np.ndarray, curve: Curve) -> np.ndarray:
    """Filter samples by a gain over frequency, without delay."""
    length = round_up(len(samples) + _FFT_STEP // 4)
    return np.fft.irfft(np.fft.rfft(samples, length) * curve(_frequencies(length)), length)[: len(samples)]


def make_noise(rng: np.random.Generator, samples: int, curve: Curve) -> np.ndarray:
    """Return Gaussian noise whose spectrum follows `curve`, at a power of 1."""
    length = round_up(samples)
    frequency_hz = _frequencies(length)
    spectrum = rng.standard_normal(2 * len(frequency_hz)).view(np.complex128) * curve(frequency_hz)
    return scale_power(np.fft.irfft(spectrum, length)[:samples])


def make_pulses(frequency_hz: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """Return a train of smooth pulses, rich in harmonics up to about `cutoff_hz`.

    Each pulse is exp(k (cos(phase) - 1)), whose harmonics fall as a Gaussian of width sqrt(k): bright, yet
    free of aliases.

    Parameters
    ----------
    frequency_hz : ndarray of shape (sample,)
        Pulses per second at each sample.
    cutoff_hz : float
        Where the harmonics have fallen by 4 dB.
    """
    phase = 2.0 * np.pi * np.cumsum(frequency_hz) / SAMPLE_RATE
    return np.exp((cutoff_hz / frequency_hz) ** 2 * (np.cos(phase) - 1.0))


def draw_contour(times: list[float], values: list[float], samples: int) -> np.ndarray:
    """Return a curve through points at relative `times` (0..1), straight on a logarithmic scale."""
    return np.exp(np.interp(np.linspace(0.0, 1.0, samples), times, np.log(values)))


def wander(rng: np.random.Generator, samples: int, rate_hz: float) -> np.ndarray:
    """Return a smooth random curve, mean near 0, deviation near 1, that turns about `rate_hz` times a second."""
    knots = max(4, int(samples / SAMPLE_RATE * rate_hz * 2) + 2)
    values = rng.standard_normal(knots + 1)
    position = np.linspace(0.0, knots - 0.000001, 16 * knots)
    left = position.astype(int)
    weight = 0.5 - 0.5 * np.cos(np.pi * (position - left))
    curve = values[left] * (1.0 - weight) + values[left + 1] * weight
    return np.interp(np.linspace(0.0, knots, samples), position, curve)


def fade(samples: np.ndarray, in_s: float, out_s: float) -> np.ndarray:
    """Return samples that rise from silence and fall back to it along half a cosine."""
    faded = samples.copy()
    half = len(samples) // 2
    rise = min(count_samples(in_s), half)
    fall = min(count_samples(out_s), half)
    if rise:
        faded[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    if fall:
        faded[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    return faded


def scale_power(samples: np.ndarray, gain_db: float = 0.0) -> np.ndarray:
    """Return samples scaled to a mean square of 1, then by `gain_db`."""
    power = float(np.mean(samples**2))
    return samples * (10.0 ** (gain_db / 20.0) / np.sqrt(power)) if power > 0.0 else samples


def place_in_turn(rng: np.random.Generator, durations_s: list[float], gaps_s: list[float]) -> list[float]:
    """Return onsets of sounds that follow each other with the given gaps, the whole row placed anywhere in the clip.

    Parameters
    ----------
    rng : numpy Generator
    durations_s : list of float
        Length of each sound; sounds that would end past the clip get no onset, so the answer may be shorter.
    gaps_s : list of float
        Pause after each sound.
    """
    limit_s = DURATION_S - 0.1
    starts = np.concatenate([[0.0], np.cumsum(np.add(durations_s, gaps_s))[:-1]])
    ends = starts + np.asarray(durations_s)
    kept = max(1, int(np.sum(ends <= limit_s - 0.1)))
    first = rng.uniform(0.1, max(0.1001, limit_s - ends[kept - 1]))
    return [float(first + start) for start in starts[:kept]]


def round_up(samples: int) -> int:
    """Return the next length that has a quick Fourier transform."""
    return -(-samples // (2 * _FFT_STEP)) * 2 * _FFT_STEP


@lru_cache(maxsize=128)
def _frequencies(length: int) -> np.ndarray:
    frequency_hz = np.fft.rfftfreq(length, 1.0 / SAMPLE_RATE)
    frequency_hz.flags.writeable = False
    return frequency_hz
