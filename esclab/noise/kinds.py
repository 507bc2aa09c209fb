"""The kinds of noise. To add one, write `draw(count, sample_rate, generator)` and one line in `NOISES`."""

from __future__ import annotations

import numpy as np

from esclab.noise.entry import NoiseEntry
from esclab.noise.shapes import color_noise, slope
from esclab.noise.vehicles import draw_bus, draw_tram

MAINS_HZ = 50
CLICKS_PER_S = 100.0


def draw_gaussian(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return white Gaussian noise: the same power in every Hz."""
    return generator.standard_normal(count)


def draw_pink(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return pink noise: power falls by 3 dB an octave (level below 10 Hz)."""
    return color_noise(count, sample_rate, generator, curve=slope(-3.0103))


def draw_brown(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return brown noise: power falls by 6 dB an octave (level below 10 Hz)."""
    return color_noise(count, sample_rate, generator, curve=slope(-6.0206))


def draw_hum(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return mains hum: 50 Hz and all its multiples at random phases, amplitude 1 / number, even ones half of that."""
    from scipy.fft import irfft

    # One second holds every partial in whole turns, so that it can be repeated without a seam.
    partials = np.arange(1, (sample_rate - 1) // 2 // MAINS_HZ + 1)
    amplitude = np.where(partials % 2 == 1, 1.0, 0.5) / partials
    spectrum = np.zeros(sample_rate // 2 + 1, dtype=np.complex128)
    spectrum[partials * MAINS_HZ] = amplitude * np.exp(2j * np.pi * generator.uniform(size=len(partials)))
    return np.resize(irfft(spectrum, sample_rate, workers=1) * (sample_rate / 2), count)


def draw_impulses(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return clicks of one sample at random times, 100 a second in the mean, of either sign and varied height."""
    clicks = max(1, int(generator.poisson(CLICKS_PER_S * count / sample_rate)))
    heights = generator.choice([-1.0, 1.0], clicks) * generator.lognormal(0.0, 0.5, clicks)
    samples = np.zeros(count)
    np.add.at(samples, generator.integers(count, size=clicks), heights)
    return samples


NOISES: dict[str, NoiseEntry] = {
    "gaussian": NoiseEntry("Gaussian noise", "white, the same power in every Hz", draw_gaussian),
    "pink": NoiseEntry("pink noise", "falls by 3 dB an octave", draw_pink),
    "brown": NoiseEntry("brown noise", "falls by 6 dB an octave", draw_brown),
    "hum": NoiseEntry("mains hum", "50 Hz and its multiples up to half the sample rate", draw_hum),
    "impulses": NoiseEntry("clicks", "single samples at random times, 100 a second", draw_impulses),
    "bus-like": NoiseEntry("bus-like (synthetic)", "synthesised diesel engine, rumble and air, no recording", draw_bus),
    "tram-like": NoiseEntry("tram-like (synthetic)", "synthesised rails, motor and squeal, no recording", draw_tram),
}
