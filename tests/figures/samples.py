"""Made-up results that look like real ones, for the tests of figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from esclab.results import (
    AccuracyResult,
    AttentionLayer,
    AttentionResult,
    CalibrationResult,
    ConfusionResult,
    GalleryResult,
    LearningResult,
    TimeFrequencyMap,
)

CLASSES = (
    "dog",
    "rooster",
    "rain",
    "sea_waves",
    "crackling_fire",
    "crying_baby",
    "sneezing",
    "clock_tick",
    "helicopter",
    "chainsaw",
)
EVENTS = pd.DataFrame(
    {"onset_s": [0.8, 3.1], "offset_s": [1.7, np.nan], "low_hz": [900.0, np.nan], "high_hz": [4200.0, 400.0]}
)


def mel_bands_hz(bands: int = 64, low_hz: float = 50.0, high_hz: float = 16000.0) -> np.ndarray:
    """Centres evenly spaced on the HTK mel scale."""
    mel = np.linspace(*(2595 * np.log10(1 + hz / 700) for hz in (low_hz, high_hz)), bands)
    return 700 * (10 ** (mel / 2595) - 1)


def sample_map(frames: int = 250, bands: int = 64, duration_s: float = 5.0) -> TimeFrequencyMap:
    """Two barks over pink noise, and a hum at the end."""
    rng = np.random.default_rng(0)
    time_s = (np.arange(frames) + 0.5) * duration_s / frames
    frequency_hz = mel_bands_hz(bands)
    level_db = -62 - 4 * np.log2(frequency_hz / 50)[None, :] + rng.normal(0, 3, (frames, bands))
    for onset_s in (0.9, 1.4):
        envelope = np.exp(-np.clip(time_s - onset_s, 0, None) / 0.12) * (time_s > onset_s)
        for harmonic in (1, 2, 3, 4):
            peak = np.exp(-(((frequency_hz - 950 * harmonic) / 180) ** 2))
            level_db += 60 / harmonic**0.5 * envelope[:, None] * peak[None, :]
    level_db += 28 * (time_s > 3.1)[:, None] * np.exp(-(((frequency_hz - 200) / 120) ** 2))[None, :]
    return TimeFrequencyMap(np.maximum(level_db, -100), time_s, frequency_hz, "dog (synthetic-0007.wav)", "dB")


def sample_attention() -> AttentionResult:
    """Four layers of falling resolution: the first nearly flat, the third without spectral weights."""
    rng = np.random.default_rng(1)
    spectrogram = sample_map()
    layers = []
    for i, (narrow, mixture) in enumerate(
        [
            (0.02, {"alpha": 0.36, "beta": 0.33, "gamma": 0.31}),
            (0.06, {"alpha": 0.45, "beta": 0.30, "gamma": 0.25}),
            (0.25, {"alpha": 0.62, "beta": 0.38}),
            (0.40, {"alpha": 0.88, "beta": 0.09, "gamma": 0.03}),
        ]
    ):
        pool = 2**i
        frames = spectrogram.values[: 250 // pool * pool].reshape(-1, pool, 64).mean(axis=(1, 2))
        bands = spectrogram.values.reshape(250, -1, pool).mean(axis=(0, 2))
        time_s = spectrogram.time_s[: 250 // pool * pool].reshape(-1, pool).mean(axis=1)
        frequency_hz = spectrogram.frequency_hz.reshape(-1, pool).mean(axis=1)

        def squash(level: np.ndarray, by: float = narrow) -> np.ndarray:
            level = (level - level.min()) / np.ptp(level)
            return 0.5 + by * (level - 0.3) + rng.normal(0, by / 30, level.shape)

        layers.append(
            AttentionLayer(
                f"block{i + 1}", time_s, frequency_hz, squash(frames), None if i == 2 else squash(bands), mixture
            )
        )
    return AttentionResult(spectrogram, tuple(layers), "ts-cnn10")


def sample_confusion(classes: int = 10) -> ConfusionResult:
    """Forty clips a class, most of them right, the last class with a strong rival."""
    rng = np.random.default_rng(2)
    chances = np.full((classes, classes), 0.1 / classes) + np.eye(classes) * np.linspace(2, 0.6, classes)
    chances[-1, 0] += 0.3
    counts = np.stack([rng.multinomial(40, row / row.sum()) for row in chances])
    names = CLASSES if classes == 10 else tuple(f"{CLASSES[i % 10]} {i}" for i in range(classes))
    return ConfusionResult(counts, names, f"ts-cnn10 on synth{classes}, fold 1")


def sample_learning() -> LearningResult:
    """Three runs of forty epochs; the held-out fold is measured every other epoch, and not at all in the last run."""
    rng = np.random.default_rng(3)
    histories = {}
    for i, run in enumerate(("cnn10, seed 0", "ts-cnn10, seed 0", "ts-cnn10, no augmentation")):
        epoch = np.arange(1, 41)
        loss = 2.2 * np.exp(-epoch / (12 - 2 * i)) + 0.05 + rng.normal(0, 0.02, 40) ** 2
        table = pd.DataFrame(
            {
                "epoch": epoch,
                "iteration": epoch * 50,
                "train_loss": loss,
                "train_accuracy": np.exp(-loss / 2),
                "valid_loss": np.where(epoch % 2 == 0, loss + 0.3, np.nan),
                "valid_accuracy": np.where(epoch % 2 == 0, np.exp(-loss / 2 - 0.12), np.nan),
                "learning_rate": 1e-3,
            }
        )
        histories[run] = table if i < 2 else table.drop(columns=["valid_loss", "valid_accuracy"])
    return LearningResult(histories)


def sample_accuracy() -> AccuracyResult:
    """Four models over five folds and two seeds, and listeners, who have neither folds nor an interval."""
    rng = np.random.default_rng(4)
    models = {"cnn10": 0.84, "ts-cnn10": 0.876, "fpam-cnn10": 0.861, "spsm-cnn10": 0.853}
    rows = [
        (model, fold, seed, float(np.clip(mean + rng.normal(0, 0.025), 0, 1)))
        for model, mean in models.items()
        for fold in range(1, 6)
        for seed in (0, 1)
    ]
    by_fold = pd.DataFrame(rows, columns=["model", "fold", "seed", "accuracy"])
    grouped = by_fold.groupby("model", sort=False)["accuracy"]
    table = grouped.agg(mean="mean", spread="std", folds="size").reset_index()
    table["low"], table["high"] = table["mean"] - 0.021, table["mean"] + 0.019
    table.loc[len(table)] = ["human listeners", 0.957, np.nan, 0, np.nan, np.nan]
    return AccuracyResult(table, by_fold, 0.1, "esc10, official 5 folds, recipe quick")


def sample_calibration() -> CalibrationResult:
    """Ten bins of an overconfident model; the first is empty."""
    low = np.arange(10) / 10
    confidence, accuracy = low + 0.055, np.clip(low - 0.02 + 0.02 * np.cos(low * 9), 0, 1)
    count = np.array([0, 3, 9, 17, 24, 31, 30, 42, 77, 167])
    bins = pd.DataFrame({"low": low, "high": low + 0.1, "confidence": confidence, "accuracy": accuracy, "count": count})
    bins.loc[0, ["confidence", "accuracy"]] = np.nan
    return CalibrationResult(bins, 0.083, "ts-cnn10 on esc10, all folds")


def sample_gallery(count: int = 4) -> GalleryResult:
    """Clips of different lengths with the same bands."""
    names = CLASSES[:count]
    maps = (sample_map(60 + 10 * i, 32, 1.0 + i / 4) for i in range(count))
    return GalleryResult(tuple(replace(m, label=name) for m, name in zip(maps, names, strict=True)), "synth10")


def sample_results() -> dict[str, Any]:
    """One result for each figure, by the figure's name."""
    # These modules take their maps and classes from this one.
    from tests.figures import samples_cost as costs
    from tests.figures import samples_course as course
    from tests.figures import samples_explain as explain
    from tests.figures import samples_noise as noise
    from tests.figures import samples_votes as votes

    return {
        "accuracy": sample_accuracy(),
        "activation_share": noise.sample_activation_share(),
        "attention": sample_attention(),
        "attribution": explain.sample_attribution(),
        "calibration": sample_calibration(),
        "confusion": sample_confusion(),
        "confusion_series": explain.sample_confusion_series(),
        "cost": costs.sample_cost(),
        "durations": course.sample_durations(),
        "embedding": explain.sample_embedding(),
        "faithfulness": explain.sample_faithfulness(),
        "gallery": sample_gallery(),
        "grid": noise.sample_grid(),
        "learning": sample_learning(),
        "reliability": explain.sample_reliability(),
        "robustness": noise.sample_robustness(),
        "score_change": noise.sample_score_change(),
        "sensitivity": noise.sample_sensitivity(),
        "spectrogram": sample_map(),
        "trajectory": course.sample_trajectory(),
        "trust": explain.sample_trust(),
        "votes": votes.sample_votes(),
    }
