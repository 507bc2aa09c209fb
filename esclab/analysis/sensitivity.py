"""Where a clip is tender: what a model answers as a burst of noise moves over time and frequency."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from esclab.analysis.robustness import NoiseCondition, load_clips_of, seed_clip, transform_noisy
from esclab.clips.audio import read_clip
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.features import in_hertz
from esclab.results import Region, SensitivityResult, TimeFrequencyMap
from esclab.training.run import Run

if TYPE_CHECKING:
    from esclab.features import Feature
    from esclab.models.base import SoundClassifier

AT_ONCE = 64  # noisy versions of a clip in memory


def measure_sensitivity(
    model: SoundClassifier,
    feature: Feature,
    clips: Sequence[np.ndarray],
    *,
    targets: Sequence[int],
    slots: int = 10,
    ranges: int = 8,
    kind: str = "gaussian",
    snr_db: float = 0.0,
    reference: str = "clip",
    seeds: Sequence[int] | None = None,
    frames: Sequence[int] | None = None,
    name: str = "",
    class_name: str = "",
    label: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> SensitivityResult:
    """Move a burst of noise over a grid and record the score of each clip's class.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode.
    feature : Feature
        The front end it was trained on.
    clips : sequence of ndarray of float32, shape (sample,)
        Of one length, at the feature's sample rate.
    targets : sequence of int
        Class index of each clip.
    slots, ranges : int
        Number of time slots of equal length, and of frequency ranges with equally many bands.
    kind, snr_db, reference
        The noise; see `esclab.noise.inject_noise`. With "clip" every burst has the same energy.
    seeds : sequence of int, optional
        Seed of each clip's noise; 0, 1, ... by default.
    frames : sequence of int, optional
        Each clip's own frames, where its padding is hidden from the network (`Run.hides_padding`).
    name, class_name, label : str
        What the model, the class and the whole are called in the figure.
    progress : callable, optional
        Called with (clips done, clips in all).

    Raises
    ------
    OptionError
        When there is no clip, or the grid is finer than frames or bands.
    """
    if not clips:
        raise OptionError("clips", "are none", "give one clip at least")
    shown = in_hertz(feature)  # noise has a place in Hz, whatever the network hears
    pictures = [transform_noisy(samples, shown, [NoiseCondition()])[0, 0] for samples in clips]
    length, bands = pictures[0].shape
    if not (1 <= slots <= length and 1 <= ranges <= bands):
        cause = f"does not fit a clip of {length} frames and {bands} bands"
        raise OptionError(f"grid of {slots} x {ranges}", cause, "choose a coarser one")
    slot_edges_s = np.linspace(0.0, len(clips[0]) / feature.config.sample_rate, slots + 1)
    band_edges_hz = divide_bands(shown.frequency_hz, ranges, highest_hz=feature.config.sample_rate / 2)
    conditions = [
        NoiseCondition(kind, snr_db, Region(start, end, low, high), reference)
        for start, end in itertools.pairwise(slot_edges_s)
        for low, high in itertools.pairwise(band_edges_hz)
    ]
    score, correct, clean = np.zeros(len(conditions)), np.zeros(len(conditions)), np.zeros(2)
    for number, (samples, target) in enumerate(zip(clips, targets, strict=True)):
        seed = number if seeds is None else seeds[number]
        own = None if frames is None else frames[number]
        probabilities = _answer(model, feature, samples, [NoiseCondition(), *conditions], seed, own)
        right = probabilities.argmax(1) == target
        clean += probabilities[0, target], right[0]
        score += probabilities[1:, target]
        correct += right[1:]
        if progress is not None:
            progress(number + 1, len(clips))
    shape = (slots, ranges)
    return SensitivityResult(
        spectrogram=TimeFrequencyMap(
            np.mean(pictures, axis=0), shown.time_s(length), shown.frequency_hz, label, shown.unit
        ),
        slot_edges_s=slot_edges_s,
        band_edges_hz=band_edges_hz,
        score=(score / len(clips)).reshape(shape),
        accuracy=(correct / len(clips)).reshape(shape),
        clean_score=float(clean[0]) / len(clips),
        clean_accuracy=float(clean[1]) / len(clips),
        clips=len(clips),
        model=name,
        kind=kind,
        snr_db=snr_db,
        class_name=class_name,
        label=label,
    )


def measure_class_sensitivity(
    run: Run, class_name: str, *, dataset: ClipDataset | None = None, seed: int = 0, **options: object
) -> SensitivityResult:
    """Measure the sensitivity of a run over all held-out clips of a class.

    Parameters
    ----------
    run : Run
    class_name : str
    dataset : ClipDataset, optional
    seed : int
        Of the noise, another for every clip.
    **options
        As `measure_sensitivity`.

    Raises
    ------
    OptionError
        When the run has no such class, or no held-out clip of it.
    """
    from esclab.training.data import count_own_frames

    names = run.config.class_names
    if class_name not in names:
        raise OptionError(f"class {class_name}", "is not known", f"choose one of {', '.join(names)}")
    dataset = load_clips_of([run], dataset)
    table = dataset.table
    rows = np.flatnonzero((table["fold"] == run.config.held_out) & (table["class_name"] == class_name))
    feature = run.build_feature()
    clips = [
        read_clip(dataset, int(row), sample_rate=feature.config.sample_rate, duration_s=run.config.duration_s)
        for row in rows
    ]
    lengths = count_own_frames(run, dataset, rows=rows)
    return measure_sensitivity(
        run.load_model(), feature, clips, frames=None if lengths is None else lengths.tolist(),
        targets=[names.index(class_name)] * len(clips),
        seeds=[seed_clip(seed, str(table["clip"].iloc[row])) for row in rows],
        name=run.config.model, class_name=class_name,
        label=f"{len(clips)} clip{'s' * (len(clips) != 1)} of {class_name.replace('_', ' ')}, {dataset.name}",
        **options,  # type: ignore[arg-type]
    )  # fmt: skip


def divide_bands(frequency_hz: np.ndarray, ranges: int, *, highest_hz: float) -> np.ndarray:
    """Return borders (Hz) of ranges with equally many bands (as near as can be), from 0 to `highest_hz`."""
    borders = np.concatenate([[0.0], (frequency_hz[:-1] + frequency_hz[1:]) / 2, [highest_hz]])
    return borders[np.linspace(0, len(frequency_hz), ranges + 1).round().astype(int)]


def _answer(
    model: SoundClassifier,
    feature: Feature,
    samples: np.ndarray,
    conditions: Sequence[NoiseCondition],
    seed: int,
    frames: int | None,
) -> np.ndarray:
    """Return class probabilities under each condition, shape (condition, class), of the first `frames` or all."""
    import torch

    from esclab.training.data import predict_features

    parts = []
    for start in range(0, len(conditions), AT_ONCE):
        features = transform_noisy(samples, feature, conditions[start : start + AT_ONCE], seed=seed)
        parts.append(predict_features(model, torch.from_numpy(features)[:, :, :frames])[0])
    return np.concatenate(parts)
