"""Sounds of machines: clock, helicopter and chainsaw.

All three are trains of pulses in bands that overlap; the rate of the pulses tells them apart.
Each function takes two generators: `source`, equal for every clip of a source, and `rng`, the clip's own.
"""

from __future__ import annotations

import numpy as np

from esclab.clips.synthesis.blocks import (
    Curve,
    Event,
    chain,
    count_samples,
    draw_log,
    fade,
    make_noise,
    make_pulses,
    pass_band,
    place_in_turn,
    resonances,
    scale_power,
    shape,
    tilt,
    wander,
)
from esclab.clips.synthesis.settings import SAMPLE_RATE


def make_clock(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return three to eight ticks at an even pace, each a few damped resonances; every second one may differ."""
    period_s = draw_log(source, 0.28, 0.9)
    low_hz, high_hz = _draw_band(source, (300.0, 1200.0), (4500.0, 13000.0))
    modes = [np.exp(source.uniform(np.log(1.15 * low_hz), np.log(0.8 * high_hz), 5)) for _ in range(2)]
    ring_s = source.uniform(0.006, 0.02)
    tock_db = source.uniform(-5.0, 0.0)
    count = min(int(rng.integers(4, 9)), int(4.4 / period_s))
    length_s = 5.0 * ring_s
    onsets = place_in_turn(rng, [length_s] * count, [period_s - length_s] * count)
    events = []
    for number, onset_s in enumerate(onsets):
        tick = _ring(rng, modes[number % 2], ring_s)
        level_db = (tock_db if number % 2 else 0.0) + rng.uniform(-1.0, 0.0)
        tick = scale_power(shape(tick, pass_band(low_hz, high_hz)), level_db)
        events.append(Event(onset_s, tick, low_hz, high_hz))
    return events


def make_helicopter(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return a helicopter: heavy beats of noise, nine to twenty-two a second."""
    low_hz, high_hz = _draw_band(source, (80.0, 250.0), (2000.0, 8000.0))
    blades_hz, sharpness = draw_log(source, 9.0, 22.0), source.uniform(1.0, 3.0)
    floor, body = source.uniform(0.03, 0.4), _draw_body(source, (-6.0, -1.0))
    samples = count_samples(rng.uniform(1.8, 4.0))
    rate = blades_hz * np.exp(0.01 * wander(rng, samples, 0.5))
    beats = make_pulses(rate, sharpness * blades_hz) + floor
    curve = chain(body, pass_band(low_hz, high_hz))
    return [_event(rng, make_noise(rng, samples, curve) * beats, (low_hz, high_hz))]


def make_chainsaw(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return a chainsaw: a rough two-stroke engine that revs up and down."""
    low_hz, high_hz = _draw_band(source, (100.0, 400.0), (4500.0, 12000.0))
    idle_hz, swing = draw_log(source, 35.0, 130.0), source.uniform(0.1, 0.3)
    rough, body = source.uniform(0.3, 0.9), _draw_body(source, (-3.0, 1.0))
    samples = count_samples(rng.uniform(1.8, 4.0))
    rate = idle_hz * np.exp(swing * wander(rng, samples, 1.2))
    pulses = make_pulses(rate, 0.35 * high_hz)
    noise = make_noise(rng, samples, tilt(0.0))
    engine = scale_power(pulses - pulses.mean()) + rough * scale_power(noise * pulses**0.25)
    return [_event(rng, shape(engine, chain(body, pass_band(low_hz, high_hz))), (low_hz, high_hz))]


def _draw_band(
    source: np.random.Generator, low_hz: tuple[float, float], high_hz: tuple[float, float]
) -> tuple[float, float]:
    return draw_log(source, *low_hz), draw_log(source, *high_hz)


def _draw_body(source: np.random.Generator, slope_db: tuple[float, float]) -> Curve:
    centres = np.exp(source.uniform(np.log(200.0), np.log(5000.0), 3))
    return chain(resonances(centres, 0.3 * centres, source.uniform(3.0, 12.0, 3)), tilt(source.uniform(-5.0, 0.0)))


def _ring(rng: np.random.Generator, modes_hz: np.ndarray, ring_s: float) -> np.ndarray:
    """Return damped resonances that start together and have fallen by 43 dB at the end."""
    time_s = np.arange(count_samples(5.0 * ring_s)) / SAMPLE_RATE
    phases = rng.uniform(0.0, 2.0 * np.pi, len(modes_hz))
    waves = np.sin(2.0 * np.pi * modes_hz[:, None] * time_s + phases[:, None])
    return fade(waves.sum(axis=0) * np.exp(-time_s / ring_s), 0.0008, 0.004)


def _event(rng: np.random.Generator, samples: np.ndarray, band_hz: tuple[float, float]) -> Event:
    faded = scale_power(fade(samples, rng.uniform(0.05, 0.25), rng.uniform(0.05, 0.25)))
    return Event(place_in_turn(rng, [len(faded) / SAMPLE_RATE], [0.0])[0], faded, *band_hz)
