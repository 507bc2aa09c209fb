"""Synthesised noise like that inside a bus or a tram: stand-ins where no recording is at hand, not models of one."""

from __future__ import annotations

import numpy as np

from esclab.noise.shapes import color_noise, drift, pulse_train, scale_power, slope, soft_band

CYLINDERS = 6
HIGHEST_SHARE = 0.45  # of the sample rate: partials above would fold back


def draw_bus(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return noise like that in a bus: a diesel engine whose speed drifts, clatter, low rumble and air."""
    speed = drift(count, sample_rate, generator, rate_hz=0.2)
    firing_hz = generator.uniform(35.0, 60.0) * np.exp(0.12 * speed)
    phase = np.cumsum(firing_hz) / sample_rate
    # Cylinders differ, which puts sound at fractions of the firing rate.
    strength = generator.uniform(0.6, 1.0, CYLINDERS)[np.round(phase).astype(int) % CYLINDERS]
    engine = strength * pulse_train(phase, 300.0 / firing_hz)
    knocks = color_noise(count, sample_rate, generator, curve=soft_band(700.0, 3500.0)) * pulse_train(phase, 3.0)
    rumble = color_noise(count, sample_rate, generator, curve=soft_band(20.0, 90.0))
    air = color_noise(count, sample_rate, generator, curve=slope(-4.0, level_below_hz=60.0))
    return (
        scale_power(engine - engine.mean())
        + scale_power(strength * knocks, -14.0)
        + scale_power(rumble, -2.0)
        + scale_power(air, -9.0)
    )


def draw_tram(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return noise like that in a tram: rolling on rails, knocks at their joints, motor whine, wheels that squeal."""
    rolling = color_noise(count, sample_rate, generator, curve=soft_band(40.0, 350.0))
    rolling *= np.exp(0.2 * drift(count, sample_rate, generator, rate_hz=1.0))
    air = color_noise(count, sample_rate, generator, curve=slope(-4.0, level_below_hz=100.0))
    return (
        scale_power(rolling)
        + scale_power(_whine(count, sample_rate, generator), -9.0)
        + scale_power(_squeal(count, sample_rate, generator), -12.0)
        + scale_power(_knock(count, sample_rate, generator), -5.0)
        + scale_power(air, -10.0)
    )


def _whine(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return a motor: a few harmonics that sweep slowly together."""
    sweep = drift(count, sample_rate, generator, rate_hz=0.12)
    pitch_hz = np.minimum(generator.uniform(200.0, 450.0) * np.exp(0.35 * sweep), 2000.0)
    phase = np.cumsum(pitch_hz) / sample_rate
    whine = np.zeros(count)
    for number in (1, 2, 3, 6):
        heard = number * pitch_hz < HIGHEST_SHARE * sample_rate
        whine += heard * np.sin(2.0 * np.pi * (number * phase + generator.uniform())) / number
    return whine


def _squeal(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return wheels in a curve: partials at ratios of no harmony that swell and fade."""
    swell = np.exp(1.2 * drift(count, sample_rate, generator, rate_hz=0.5))
    waver = np.exp(0.003 * drift(count, sample_rate, generator, rate_hz=6.0))
    squeal = np.zeros(count)
    for ratio in (1.0, 2.32, 3.9, 5.6):
        pitch_hz = 1150.0 * ratio * np.exp(generator.uniform(-0.1, 0.1))
        if 1.1 * pitch_hz < HIGHEST_SHARE * sample_rate:
            phase = np.cumsum(pitch_hz * waver) / sample_rate + generator.uniform()
            squeal += swell * np.sin(2.0 * np.pi * phase) / ratio
    return squeal


def _knock(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Return rail joints: two bogies, each two axles, over a joint every second or so; each hit a damped thud."""
    from scipy.signal import oaconvolve

    period_s = generator.uniform(0.8, 1.4)
    joints_s = np.arange(-1.0, count / sample_rate, period_s) + generator.uniform(0.0, period_s)
    hits_s = (joints_s[:, None] + np.array([0.0, 0.12, 0.45, 0.57])).ravel()
    hits = np.round((hits_s + generator.normal(0.0, 0.004, len(hits_s))) * sample_rate).astype(int)
    hits = hits[(hits >= 0) & (hits < count)]
    train = np.zeros(count)
    np.add.at(train, hits, generator.uniform(0.5, 1.0, len(hits)))
    time_s = np.arange(int(0.3 * sample_rate)) / sample_rate
    pitches_hz = generator.uniform([70.0, 150.0, 280.0], [110.0, 240.0, 420.0])
    thud = (np.sin(2.0 * np.pi * np.outer(pitches_hz, time_s)) * np.exp(-time_s / 0.035)).sum(axis=0)
    return oaconvolve(train, thud)[:count]
