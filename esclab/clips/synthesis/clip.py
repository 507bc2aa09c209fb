"""One synthetic clip: its place in the plan, its events, and its samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from esclab.clips.synthesis import settings
from esclab.clips.synthesis.blocks import Event, count_samples, fade, shape
from esclab.clips.synthesis.machines import make_chainsaw, make_clock, make_helicopter
from esclab.clips.synthesis.scenery import draw_recorder, make_background, make_distractor
from esclab.clips.synthesis.textures import make_fire, make_rain, make_sea
from esclab.clips.synthesis.voices import make_baby, make_dog, make_rooster, make_sneeze

SOUNDS: dict[str, Callable[[np.random.Generator, np.random.Generator], list[Event]]] = {
    "dog": make_dog,
    "rooster": make_rooster,
    "rain": make_rain,
    "sea_waves": make_sea,
    "crackling_fire": make_fire,
    "crying_baby": make_baby,
    "sneezing": make_sneeze,
    "clock_tick": make_clock,
    "helicopter": make_helicopter,
    "chainsaw": make_chainsaw,
}
CLASS_NAMES = tuple(SOUNDS)
FOLDS = 5
TAKES = 2


@dataclass(frozen=True)
class ClipPlan:
    """Where a clip belongs.

    Attributes
    ----------
    number : int
        From 0; decides everything else.
    class_index : int
    fold, source_number : int
        From 1.
    take : int
        From 0; which of the source's clips it is.
    """

    number: int
    class_index: int
    fold: int
    source_number: int
    take: int

    @property
    def class_name(self) -> str:
        """Name of the class."""
        return CLASS_NAMES[self.class_index]

    @property
    def source(self) -> str:
        """Name of the source, e.g. "dog-2-03" for the third dog of fold 2."""
        return f"{self.class_name}-{self.fold}-{self.source_number:02d}"

    @property
    def clip(self) -> str:
        """Name of the clip, e.g. "2-dog-03-a"."""
        return f"{self.fold}-{self.class_name}-{self.source_number:02d}-{'abcdefgh'[self.take]}"


@dataclass(frozen=True)
class SyntheticClip:
    """A clip as it is written.

    Attributes
    ----------
    plan : ClipPlan
    samples : ndarray of float32, shape (sample,)
        Rounded to 16 bits, so that a FLAC file holds them exactly.
    events : tuple of Event
        Each with the sound that it adds to the clip, before rounding.
    snr_db : float
        Power of the events while they sound over that of the background in their band.
    background : str
        Kind of background, e.g. "wind".
    """

    plan: ClipPlan
    samples: np.ndarray
    events: tuple[Event, ...]
    snr_db: float
    background: str


def plan_clip(number: int) -> ClipPlan:
    """Return where clip `number` belongs.

    Classes turn fastest, then folds, then takes, then sources: the first 50 clips hold every class in every
    fold once, and a smaller dataset is the beginning of a larger one.
    """
    lap = number // (len(CLASS_NAMES) * FOLDS)
    return ClipPlan(
        number=number,
        class_index=number % len(CLASS_NAMES),
        fold=number // len(CLASS_NAMES) % FOLDS + 1,
        source_number=lap // TAKES + 1,
        take=lap % TAKES,
    )


def synthesize_clip(number: int, *, seed: int = 0) -> SyntheticClip:
    """Make one clip; the same number and seed give the same samples to the bit (on one kind of machine).

    Parameters
    ----------
    number : int
        From 0; see `plan_clip` for what it decides.
    seed : int
        Another seed gives another dataset of the same plan.

    Returns
    -------
    SyntheticClip
        `lay_out(clip.events)` is what its events alone sound like.
    """
    plan = plan_clip(number)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1, number]))
    voice, room = _open_source(plan, seed)
    recorder = draw_recorder(room)
    background, scene = make_background(room, rng)
    snr_db = rng.uniform(*settings.SNR_DB)
    events = _set_level(SOUNDS[plan.class_name](voice, rng), scene, snr_db)
    mixture = scene + lay_out(events) + _scatter_distractors(rng, events)
    recorded = shape(mixture, recorder) * _edges()
    gain = _choose_gain(rng, recorded)
    heard = [replace(event, samples=gain * shape(event.samples, recorder)) for event in events]
    samples = (np.round(32_768.0 * gain * recorded) / 32_768.0).astype(np.float32)
    return SyntheticClip(plan, samples, tuple(heard), float(snr_db), background)


def lay_out(events: list[Event] | tuple[Event, ...]) -> np.ndarray:
    """Return a clip, shape (sample,), that holds the events alone."""
    clip = np.zeros(settings.CLIP_SAMPLES)
    for event in events:
        start = count_samples(event.onset_s)
        clip[start : start + len(event.samples)] += event.samples
    return clip


def _open_source(plan: ClipPlan, seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Return generators that start alike for every clip of a source: one for its voice, one for its place."""
    key = [seed, 2, plan.class_index, plan.fold, plan.source_number]
    voice, room = np.random.SeedSequence(key).spawn(2)
    return np.random.default_rng(voice), np.random.default_rng(room)


def _set_level(events: list[Event], scene: np.ndarray, snr_db: float) -> list[Event]:
    low_hz, high_hz = min(event.low_hz for event in events), max(event.high_hz for event in events)
    sounding = np.concatenate([event.samples for event in events])
    gain = np.sqrt(_band_power(scene, low_hz, high_hz) / np.mean(sounding**2)) * 10.0 ** (snr_db / 20.0)
    return [replace(event, samples=event.samples * gain) for event in events]


def _band_power(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    low, high = round(low_hz * settings.DURATION_S), round(high_hz * settings.DURATION_S)
    return float(2.0 * power[low:high].sum() / len(samples) ** 2)


def _scatter_distractors(rng: np.random.Generator, events: list[Event]) -> np.ndarray:
    level = np.sqrt(np.mean(np.concatenate([event.samples for event in events]) ** 2))
    clip = np.zeros(settings.CLIP_SAMPLES)
    fewest, most = settings.DISTRACTORS
    for _ in range(int(rng.integers(fewest, most + 1))):
        sound = make_distractor(rng) * level * 10.0 ** (rng.uniform(*settings.DISTRACTOR_DB) / 20.0)
        start = int(rng.integers(0, settings.CLIP_SAMPLES - len(sound)))
        clip[start : start + len(sound)] += sound
    return clip


def _edges() -> np.ndarray:
    return fade(np.ones(settings.CLIP_SAMPLES), settings.EDGE_S, settings.EDGE_S)


def _choose_gain(rng: np.random.Generator, samples: np.ndarray) -> float:
    level = 10.0 ** (rng.uniform(*settings.LEVEL_DB) / 20.0)
    return float(min(level / np.sqrt(np.mean(samples**2)), settings.PEAK / np.abs(samples).max()))
