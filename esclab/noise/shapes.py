"""Building blocks of synthesised noise at any sample rate: coloured noise, slow drift, trains of pulses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Curve = Callable[[np.ndarray], np.ndarray]


def color_noise(count: int, sample_rate: int, generator: np.random.Generator, *, curve: Curve) -> np.ndarray:
    """Return Gaussian noise with a mean square of 1 whose spectrum follows a curve.

    Parameters
    ----------
    count : int
    sample_rate : int
        In Hz.
    generator : numpy Generator
    curve : callable
        Amplitude over frequency in Hz (from 0 on), at any level.
    """
    from scipy.fft import irfft, next_fast_len

    length = next_fast_len(count, real=True)
    frequency_hz = np.arange(length // 2 + 1) * (sample_rate / length)
    spectrum = generator.standard_normal(2 * len(frequency_hz)).view(np.complex128)
    spectrum *= curve(frequency_hz)
    return scale_power(irfft(spectrum, length, workers=1)[:count])


def slope(db_per_octave: float, *, level_below_hz: float = 10.0) -> Curve:
    """Return a curve that changes by `db_per_octave` and is level below `level_below_hz`."""
    return lambda frequency_hz: np.maximum(frequency_hz, level_below_hz) ** (db_per_octave / 6.0206)


def soft_band(low_hz: float, high_hz: float) -> Curve:
    """Return a curve that is -3 dB on both borders and falls by 12 dB an octave beyond."""

    def curve(frequency_hz: np.ndarray) -> np.ndarray:
        below = (low_hz / np.maximum(frequency_hz, 1.0)) ** 4
        return 1.0 / np.sqrt((1.0 + below) * (1.0 + (frequency_hz / high_hz) ** 4))

    return curve


def drift(count: int, sample_rate: int, generator: np.random.Generator, *, rate_hz: float) -> np.ndarray:
    """Return a smooth random curve, mean near 0, deviation near 1, that turns about `rate_hz` times a second."""
    from scipy.interpolate import make_interp_spline

    knots_s = np.arange(np.ceil(2.0 * rate_hz * count / sample_rate) + 5) / (2.0 * rate_hz)
    spline = make_interp_spline(knots_s, generator.standard_normal(len(knots_s)), k=3)
    start_s = knots_s[1] + generator.uniform(0.0, knots_s[1])
    return spline(start_s + np.arange(count) / sample_rate)


def pulse_train(phase: np.ndarray, sharpness: float | np.ndarray) -> np.ndarray:
    """Return a pulse of height 1 around every whole number of `phase` (in turns).

    Each is exp(k (cos - 1)) with k the square of `sharpness`: its harmonics fall as a Gaussian whose deviation is
    `sharpness` harmonics, so it is bright and yet free of aliases.
    """
    return np.exp(np.square(sharpness) * (np.cos(2.0 * np.pi * phase) - 1.0))


def scale_power(samples: np.ndarray, level_db: float = 0.0) -> np.ndarray:
    """Return samples scaled to a mean square of 1, then by `level_db`; silence stays silence."""
    power = float(np.square(samples).mean())
    return samples * (10.0 ** (level_db / 20.0) / np.sqrt(power)) if power > 0 else samples
