"""What surrounds the events: backgrounds, unlabelled distractors, and the recording chain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from esclab.clips.synthesis.blocks import (
    Curve,
    chain,
    count_samples,
    draw_contour,
    draw_log,
    fade,
    make_noise,
    pass_band,
    resonances,
    scale_power,
    tilt,
    wander,
)
from esclab.clips.synthesis.settings import CLIP_SAMPLES, PEAK_DB, SAMPLE_RATE, TILT_DB_PER_OCTAVE

Background = Callable[[np.random.Generator, np.random.Generator], np.ndarray]


def make_background(source: np.random.Generator, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Return the kind and the samples (power 1) of a background; the kind belongs to the source."""
    kind = str(source.choice(list(BACKGROUNDS)))
    floor = make_noise(rng, CLIP_SAMPLES, tilt(source.uniform(-4.0, -2.0)))
    return kind, scale_power(BACKGROUNDS[kind](source, rng) + source.uniform(0.2, 0.6) * floor)


def draw_recorder(source: np.random.Generator) -> Curve:
    """Return the gain of a recording chain: a slope and three broad peaks or dips."""
    centres = np.exp(source.uniform(np.log(150.0), np.log(9000.0), 3))
    peaks = resonances(centres, 0.4 * centres, source.uniform(*PEAK_DB, 3))
    return chain(peaks, tilt(source.uniform(*TILT_DB_PER_OCTAVE)), pass_band(45.0, 18_000.0))


def make_distractor(rng: np.random.Generator) -> np.ndarray:
    """Return a short unlabelled sound of power 1: a click, a beep, a sweep, a hum or a burst."""
    kind = rng.integers(5)
    samples = count_samples((0.03, 0.25, 0.5, 0.8, 0.35)[kind] * rng.uniform(0.6, 1.5))
    start_hz = draw_log(rng, 250.0, 3000.0)
    if kind in (0, 4):
        noise = make_noise(rng, samples, pass_band(start_hz, start_hz * rng.uniform(1.5, 5.0)))
        return scale_power(fade(noise * np.exp(-4.0 * np.linspace(0, 1, samples)), 0.002, 0.2))
    stop_hz = start_hz * (1.0 if kind == 1 else rng.uniform(0.5, 2.0))
    phase = 2 * np.pi * np.cumsum(draw_contour([0, 1], [start_hz, stop_hz], samples)) / SAMPLE_RATE
    tone = np.sin(phase) + rng.uniform(0.1, 0.6) * np.sin(2 * phase) + rng.uniform(0.0, 0.4) * np.sin(3 * phase)
    return scale_power(fade(tone, 0.03, 0.1))


def _make_pink(source: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    return make_noise(rng, CLIP_SAMPLES, tilt(-3.0))


def _make_brown(source: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    return make_noise(rng, CLIP_SAMPLES, tilt(-6.0))


def _make_wind(source: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    curve = chain(pass_band(60.0, draw_log(source, 500.0, 2500.0)), tilt(-3.0))
    return scale_power(make_noise(rng, CLIP_SAMPLES, curve) * np.exp(0.5 * wander(rng, CLIP_SAMPLES, 0.8)))


def _make_hum(source: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    base_hz = source.choice([50.0, 60.0]) * source.integers(2, 5)
    time_s = np.arange(CLIP_SAMPLES) / SAMPLE_RATE
    tones = sum(
        np.sin(2 * np.pi * base_hz * k * time_s + rng.uniform(0, 6)) * source.uniform(0.2, 1.0) / k for k in range(1, 5)
    )
    return scale_power(0.5 * scale_power(np.asarray(tones)) + make_noise(rng, CLIP_SAMPLES, tilt(-3.0)))


def _make_babble(source: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    total = np.zeros(CLIP_SAMPLES)
    for centre_hz in np.exp(source.uniform(np.log(350.0), np.log(3500.0), 3)):
        noise = make_noise(rng, CLIP_SAMPLES, pass_band(centre_hz / 1.4, centre_hz * 1.4))
        total += noise * np.exp(0.6 * wander(rng, CLIP_SAMPLES, 4.0))
    return scale_power(total)


def _make_traffic(source: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    curve = chain(pass_band(50.0, draw_log(source, 800.0, 4000.0)), tilt(-4.0))
    return scale_power(make_noise(rng, CLIP_SAMPLES, curve) * np.exp(0.7 * wander(rng, CLIP_SAMPLES, 0.3)))


BACKGROUNDS: dict[str, Background] = {
    "pink": _make_pink,
    "brown": _make_brown,
    "wind": _make_wind,
    "hum": _make_hum,
    "babble": _make_babble,
    "traffic": _make_traffic,
}
