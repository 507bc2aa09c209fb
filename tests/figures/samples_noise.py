"""Made-up results on noise that look like real ones, for the tests of figures."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from esclab.results import (
    ActivationShareResult,
    GridResult,
    GridRow,
    Region,
    RobustnessResult,
    ScoreChangeResult,
    SensitivityResult,
    TimeFrequencyMap,
)
from tests.figures.samples import CLASSES, sample_map

MODELS = ("cnn10", "ts-cnn10")
BURST, BAND = Region(1.0, 1.3), Region(low_hz=1400.0, high_hz=2100.0)


def sample_grid(frames: int = 60, bands: int = 32) -> GridResult:
    """A clip clean, with noise in a range of time, in a range of frequency, and everywhere; two models' maps of it."""
    clean = sample_map(frames, bands)
    regions = (None, BURST, BAND, Region())
    pictures = [_add_noise(clean, region, level) for region, level in zip(regions, (0, -18, -18, -38), strict=True)]
    rows = [GridRow("log-mel", tuple(pictures))]
    for label, gain in (("CNN10 block-1 mean feature map", 0.03), ("TS-CNN10 block-1 mean feature map", 0.015)):
        rows.append(GridRow(label, tuple(_pool(picture, gain) for picture in pictures)))
    columns = ("clean", "noise in frames 50-64", "noise in bands 25-30", "noise everywhere, 10 dB")
    return GridResult(tuple(rows), columns, regions, "dog (synthetic-0007.wav), synth10")


def _add_noise(clean: TimeFrequencyMap, region: Region | None, level_db: float) -> TimeFrequencyMap:
    if region is None:
        return clean
    rng = np.random.default_rng(5)
    in_time = (clean.time_s >= region.onset_s) & (clean.time_s < region.offset_s)
    in_band = (clean.frequency_hz >= region.low_hz) & (clean.frequency_hz < region.high_hz)
    noise = np.where(in_time[:, None] & in_band, level_db + rng.normal(0, 3, clean.values.shape), -np.inf)
    return replace(clean, values=np.maximum(clean.values, noise))


def _pool(picture: TimeFrequencyMap, gain: float) -> TimeFrequencyMap:
    frames, bands = (size // 2 for size in picture.values.shape)
    values = picture.values[: 2 * frames, : 2 * bands].reshape(frames, 2, bands, 2).mean(axis=(1, 3))
    time_s = picture.time_s[: 2 * frames].reshape(frames, 2).mean(axis=1)
    frequency_hz = picture.frequency_hz[: 2 * bands].reshape(bands, 2).mean(axis=1)
    return TimeFrequencyMap(gain * np.maximum(values + 80, 0), time_s, frequency_hz, "block1", "activation")


def sample_robustness(
    models: tuple[str, ...] = MODELS,
    kinds: tuple[str, ...] = ("gaussian", "pink", "babble"),
    regions: tuple[str, ...] = ("whole clip",),
) -> RobustnessResult:
    """Accuracy that falls from 88 % towards chance; the first model falls fastest."""
    rows = []
    for i, model in enumerate(models):
        conditions = [("clean", math.inf, "whole clip")]
        conditions += [(k, snr, region) for k in kinds for region in regions for snr in (20.0, 15.0, 10.0, 5.0, 0.0)]
        for kind, snr_db, region in conditions:
            slope = 4 + 1.5 * len(kind) / 6
            middle = 8 - 2 * i - (6 if region != "whole clip" else 0)
            mean = 0.1 + (0.78 + 0.01 * i) / (1 + math.exp(-(snr_db - middle) / slope))
            half = 0.02 + 0.01 * (kind != "clean")
            rows.append((model, kind, snr_db, region, mean, mean - half, mean + half))
    table = pd.DataFrame(rows, columns=["model", "kind", "snr_db", "region", "mean", "low", "high"])
    return RobustnessResult(table, pd.DataFrame(), "clip", "esc10, official 5 folds, recipe quick")


def sample_sensitivity(slots: int = 10, ranges: int = 6) -> SensitivityResult:
    """Noise costs most on the barks and helps a little at the end."""
    spectrogram = sample_map(100, 32)
    slot_edges_s = np.linspace(0, 5, slots + 1)
    borders = np.concatenate([[0.0], (spectrogram.frequency_hz[:-1] + spectrogram.frequency_hz[1:]) / 2, [22050.0]])
    band_edges_hz = borders[np.linspace(0, 32, ranges + 1).round().astype(int)]
    x, y = np.meshgrid((slot_edges_s[:-1] + slot_edges_s[1:]) / 2, np.linspace(0, 1, ranges), indexing="ij")
    drop = 0.52 * np.exp(-(((x - 1.4) / 0.7) ** 2) - ((y - 0.5) / 0.3) ** 2) - 0.09 * (x > 4) * (1 - y) + 0.01
    return SensitivityResult(
        spectrogram, slot_edges_s, band_edges_hz, 0.83 - drop, 0.9 - np.round(drop * 40) / 40, 0.83, 0.9, 40,
        "ts-cnn10", "gaussian", 0.0, "dog", "40 clips of dog, esc10",
    )  # fmt: skip


def sample_activation_share(models: tuple[str, ...] = MODELS) -> ActivationShareResult:
    """Two regions; each further model puts a little less of its activation there."""
    regions = (BURST, BAND)
    rows, pairs = [], []
    for region, even, base in zip(regions, (0.06, 0.0938), (0.093, 0.141), strict=True):
        for i, model in enumerate(models):
            mean = base - 0.011 * i
            rows.append((model, str(region), mean, mean - 0.006, mean + 0.007, even + 0.004 * (i + 1), even, 400))
        for (i, a), (j, b) in combinations(enumerate(models), 2):
            p_value = 0.0004 if region is BURST else 0.0312
            difference = 0.011 * (j - i)
            low, high = difference - 0.004, difference + 0.004
            pairs.append((str(region), a, b, difference, low, high, p_value, 2 * p_value))
    table = pd.DataFrame(rows, columns=["model", "region", "mean", "low", "high", "clean", "even", "clips"])
    names = ["region", "model_a", "model_b", "difference", "low", "high", "p_value", "p_holm"]
    by_clip = pd.DataFrame(columns=["model", "region", "clip", "source", "fold", "seed", "noisy", "clean"])
    label = "esc10, gaussian noise at 10 dB (SNR of the clip)"
    return ActivationShareResult(table, pd.DataFrame(pairs, columns=names), by_clip, regions, label=label)


def sample_score_change(models: int = 2) -> ScoreChangeResult:
    """Scores of three classes that swap."""
    before, after = np.array([0.7, 0.2, 0.1]), np.array([0.15, 0.25, 0.6])
    rows = [
        {"model": f"model{m}", "class_name": name, "before": b, "after": a}
        for m in range(models)
        for name, b, a in zip(CLASSES[:3], before, after, strict=True)
    ]
    return ScoreChangeResult(pd.DataFrame(rows), CLASSES[0], "a clip: gaussian 10 dB")
