"""Sounds of the weather and of fire: rain, sea waves and crackling fire.

Their bands and slopes overlap widely; how the noise moves in time tells them apart.
Each function takes two generators: `source`, equal for every clip of a source, and `rng`, the clip's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esclab.clips.synthesis.blocks import (
    Curve,
    Event,
    chain,
    count_samples,
    draw_log,
    fade,
    make_noise,
    pass_band,
    place_in_turn,
    round_up,
    scale_power,
    shape,
    tilt,
)
from esclab.clips.synthesis.settings import SAMPLE_RATE


@dataclass(frozen=True)
class Texture:
    """The band and slope of one place's noise."""

    low_hz: float
    high_hz: float
    slope_db: float

    @classmethod
    def draw(
        cls, source: np.random.Generator, *, low_hz: tuple[float, float], slope_db: tuple[float, float]
    ) -> Texture:
        """Draw a texture: its lower edge and its slope (dB an octave) from the given ranges."""
        return cls(draw_log(source, *low_hz), draw_log(source, 5000.0, 14000.0), source.uniform(*slope_db))

    @property
    def curve(self) -> Curve:
        """Gain over frequency."""
        return chain(pass_band(self.low_hz, self.high_hz), tilt(self.slope_db))


def make_rain(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return a shower: steady noise under many small drops."""
    texture = Texture.draw(source, low_hz=(300.0, 900.0), slope_db=(-2.5, 2.0))
    drops_hz, drops_db = draw_log(source, 25.0, 200.0), source.uniform(-5.0, 4.0)
    duration_s = rng.uniform(1.5, 4.0)
    samples = count_samples(duration_s)
    drops = _strike(rng, samples, drops_hz, 0.5)
    rain = make_noise(rng, samples, texture.curve) + scale_power(shape(drops, texture.curve), drops_db)
    return [_event(rng, texture, fade(rain, rng.uniform(0.05, 0.25), rng.uniform(0.05, 0.25)))]


def make_sea(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return one or two waves: noise that swells for a second or two, grows brighter, breaks and runs out."""
    texture = Texture.draw(source, low_hz=(100.0, 350.0), slope_db=(-5.5, -1.0))
    length_s, crest, bright_db = (
        source.uniform(1.3, 2.5),
        source.uniform(0.25, 0.75),
        source.uniform(3.0, 6.0),
    )
    waves = []
    for _ in range(int(rng.integers(1, 3))):
        samples = count_samples(length_s * rng.uniform(0.9, 1.1))
        position = np.linspace(0.0, 1.0, samples)
        swell = np.sin(0.5 * np.pi * np.minimum(position / crest, (1.0 - position) / (1.0 - crest))) ** 2
        dull = make_noise(rng, samples, chain(texture.curve, tilt(-bright_db)))
        bright = make_noise(rng, samples, chain(texture.curve, tilt(bright_db / 2)))
        waves.append(dull * swell + bright * swell**2.5)
    durations = [len(wave) / SAMPLE_RATE for wave in waves]
    onsets = place_in_turn(rng, durations, [rng.uniform(0.0, 0.3) for _ in waves])
    return [
        Event(onset_s, scale_power(wave, rng.uniform(-3.0, 0.0)), texture.low_hz, texture.high_hz)
        for onset_s, wave in zip(onsets, waves, strict=False)
    ]


def make_fire(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return a fire: a low hiss under single cracks of very different strength at random times."""
    texture = Texture.draw(source, low_hz=(150.0, 700.0), slope_db=(-4.0, 1.0))
    cracks_hz, hiss_db = draw_log(source, 8.0, 35.0), source.uniform(-10.0, 0.0)
    duration_s = rng.uniform(1.8, 4.0)
    samples = count_samples(duration_s)
    cracks = shape(_strike(rng, samples, cracks_hz, 0.7), texture.curve)
    fire = scale_power(cracks) + scale_power(make_noise(rng, samples, texture.curve), hiss_db)
    return [_event(rng, texture, fade(fire, rng.uniform(0.05, 0.25), rng.uniform(0.05, 0.25)))]


def _strike(rng: np.random.Generator, samples: int, rate_hz: float, spread: float) -> np.ndarray:
    """Return short decaying bursts at random times; `spread` is the deviation of the logarithm of their strength."""
    count = max(3, int(rng.poisson(rate_hz * samples / SAMPLE_RATE)))
    train = np.zeros(samples)
    signs = rng.choice([-1.0, 1.0], count)
    np.add.at(train, rng.integers(0, samples, count), signs * np.exp(spread * rng.standard_normal(count)))
    length = count_samples(0.03)
    decay = np.exp(-np.arange(length) / count_samples(0.006)) * rng.standard_normal(length)
    size = round_up(samples + length)
    return np.fft.irfft(np.fft.rfft(train, size) * np.fft.rfft(decay, size), size)[:samples]


def _event(rng: np.random.Generator, texture: Texture, samples: np.ndarray) -> Event:
    onset_s = place_in_turn(rng, [len(samples) / SAMPLE_RATE], [0.0])[0]
    return Event(onset_s, scale_power(samples), texture.low_hz, texture.high_hz)
