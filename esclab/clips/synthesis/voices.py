"""Sounds of a throat: dog, rooster, crying baby and sneeze.

Their ranges of pitch and formants overlap widely; the contour of the pitch and the lengths tell them apart.
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
    draw_contour,
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


@dataclass(frozen=True)
class Throat:
    """What makes one animal or person sound like itself."""

    pitch_hz: float
    formants_hz: np.ndarray
    cutoff_hz: float
    high_hz: float
    breath: float

    @classmethod
    def draw(cls, source: np.random.Generator, *, pitch_hz: tuple[float, float], size: tuple[float, float]) -> Throat:
        """Draw a throat: its pitch and the scale of its formants (1 is an adult's mouth) from the given ranges."""
        scale = draw_log(source, *size)
        return cls(
            pitch_hz=draw_log(source, *pitch_hz),
            formants_hz=np.array([800.0, 1700.0, 3200.0]) * scale * source.uniform(0.85, 1.15, 3),
            cutoff_hz=draw_log(source, 1500.0, 3500.0),
            high_hz=draw_log(source, 3500.0, 9000.0),
            breath=source.uniform(0.05, 0.35),
        )

    def utter(self, rng: np.random.Generator, pitch_hz: np.ndarray, envelope: np.ndarray) -> np.ndarray:
        """Return a voiced sound of power 1 with the given pitch and loudness over time."""
        steady_hz = pitch_hz * np.exp(0.012 * wander(rng, len(pitch_hz), 12.0))
        breath = make_noise(rng, len(pitch_hz), tilt(-3.0))
        excitation = scale_power(make_pulses(steady_hz, self.cutoff_hz)) + self.breath * breath
        return scale_power(shape(excitation * envelope, self._mouth(0.8 * float(pitch_hz.min()))))

    def hiss(self, rng: np.random.Generator, envelope: np.ndarray, low_hz: float) -> np.ndarray:
        """Return breath of power 1 through the same mouth, with the given loudness over time."""
        return scale_power(make_noise(rng, len(envelope), self._mouth(low_hz)) * envelope)

    def _mouth(self, low_hz: float) -> Curve:
        formants = resonances(self.formants_hz, self.formants_hz * 0.15 + 60.0, np.array([18.0, 16.0, 12.0]))
        return chain(formants, pass_band(low_hz, self.high_hz))


def make_dog(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return one to four barks: short, with a sudden start and a pitch that jumps up and falls."""
    throat = Throat.draw(source, pitch_hz=(250.0, 550.0), size=(0.6, 1.1))
    length_s, gap_s, fall = source.uniform(0.12, 0.4), source.uniform(0.15, 0.7), source.uniform(0.45, 0.7)
    count = int(rng.integers(1, 5))
    durations = [length_s * rng.uniform(0.85, 1.15) for _ in range(count)]
    onsets = place_in_turn(rng, durations, [gap_s * rng.uniform(0.7, 1.4) for _ in range(count)])
    events = []
    for onset_s, duration_s in zip(onsets, durations, strict=False):
        samples = count_samples(duration_s)
        pitch = throat.pitch_hz * rng.uniform(0.93, 1.07) * draw_contour([0, 0.25, 1], [0.75, 1.1, fall], samples)
        envelope = fade(np.exp(-2.5 * np.linspace(0, 1, samples)), 0.012, 0.4 * duration_s)
        bark = throat.utter(rng, pitch, envelope)
        events.append(_event(throat, onset_s, bark * rng.uniform(0.7, 1.0), pitch))
    return events


def make_rooster(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return one crow: short syllables that climb, then a long one that holds and sinks."""
    throat = Throat.draw(source, pitch_hz=(450.0, 850.0), size=(1.0, 1.6))
    short = int(source.integers(1, 4))
    lengths = [*source.uniform(0.13, 0.24, short), source.uniform(0.45, 1.0)]
    steps = [*np.sort(source.uniform(0.75, 1.15, short)), 1.3]
    sink, pause_s = source.uniform(0.5, 0.7), source.uniform(0.03, 0.08)
    pieces, pitches = [], []
    for number, (length_s, step) in enumerate(zip(lengths, steps, strict=True)):
        samples = count_samples(length_s * rng.uniform(0.92, 1.08))
        last = number == short
        points = [0.8, 1.05, 1.0, sink] if last else [0.85, 1.0, 1.0, 0.92]
        pitch = throat.pitch_hz * step * draw_contour([0, 0.12, 0.55, 1], points, samples)
        envelope = fade(np.ones(samples), 0.03, 0.3 * length_s if last else 0.04)
        pieces += [throat.utter(rng, pitch, envelope), np.zeros(count_samples(pause_s))]
        pitches.append(pitch)
    crow = np.concatenate(pieces[:-1])
    onset_s = place_in_turn(rng, [len(crow) / SAMPLE_RATE], [0.0])[0]
    return [_event(throat, onset_s, crow, np.concatenate(pitches))]


def make_baby(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return one to four cries of half a second or more: the pitch arches and trembles, a breath between them."""
    throat = Throat.draw(source, pitch_hz=(320.0, 600.0), size=(1.0, 1.7))
    length_s, gap_s, tremble_hz = (
        source.uniform(0.35, 0.9),
        source.uniform(0.15, 0.5),
        source.uniform(5.0, 8.0),
    )
    count = int(rng.integers(1, 5))
    durations = [length_s * rng.uniform(0.8, 1.2) for _ in range(count)]
    onsets = place_in_turn(rng, durations, [gap_s * rng.uniform(0.8, 1.3) for _ in range(count)])
    events = []
    for onset_s, duration_s in zip(onsets, durations, strict=False):
        samples = count_samples(duration_s)
        arch = draw_contour([0, 0.2, 0.6, 1], [0.8, 1.12, 1.05, 0.72], samples)
        vibrato = np.exp(0.035 * np.sin(2 * np.pi * tremble_hz * np.arange(samples) / SAMPLE_RATE + rng.uniform(0, 6)))
        pitch = throat.pitch_hz * rng.uniform(0.95, 1.05) * arch * vibrato
        envelope = fade(1.0 + 0.25 * wander(rng, samples, 4.0), 0.12, 0.3 * duration_s)
        events.append(_event(throat, onset_s, throat.utter(rng, pitch, envelope), pitch))
    return events


def make_sneeze(source: np.random.Generator, rng: np.random.Generator) -> list[Event]:
    """Return one or two sneezes: a voice that rises, a catch of breath, and a burst of noise that dies away."""
    throat = Throat.draw(source, pitch_hz=(230.0, 450.0), size=(0.8, 1.4))
    voice_s, burst_s = source.uniform(0.1, 0.4), source.uniform(0.2, 0.5)
    catch_s, loud_db, decay = source.uniform(0.02, 0.08), source.uniform(4.0, 12.0), source.uniform(3.0, 5.0)
    count = int(rng.integers(1, 3))
    sounds, pitches = [], []
    for _ in range(count):
        samples = count_samples(voice_s * rng.uniform(0.85, 1.15))
        pitch = throat.pitch_hz * draw_contour([0, 1], [0.75, 1.15], samples)
        voice = throat.utter(rng, pitch, fade(np.linspace(0.3, 1.0, samples), 0.04, 0.02))
        length = count_samples(burst_s * rng.uniform(0.85, 1.15))
        envelope = fade(np.exp(-decay * np.linspace(0, 1, length)), 0.01, 0.3 * burst_s)
        burst = throat.hiss(rng, envelope, 0.8 * float(pitch.min()))
        burst = scale_power(burst, loud_db)
        sounds.append(np.concatenate([voice, np.zeros(count_samples(catch_s)), burst]))
        pitches.append(pitch)
    durations = [len(sound) / SAMPLE_RATE for sound in sounds]
    onsets = place_in_turn(rng, durations, [rng.uniform(0.4, 1.2) for _ in sounds])
    return [_event(throat, onset, sound, pitch) for onset, sound, pitch in zip(onsets, sounds, pitches, strict=False)]


def _event(throat: Throat, onset_s: float, samples: np.ndarray, pitch_hz: np.ndarray) -> Event:
    return Event(onset_s, samples, 0.8 * float(pitch_hz.min()), throat.high_hz)
