"""Made-up explanations, embeddings and series that look like real ones, for the tests of figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from esclab.results import (
    AttributionMap,
    AttributionResult,
    ConfusionResult,
    ConfusionSeriesResult,
    EmbeddingResult,
    FaithfulnessResult,
    ReliabilityResult,
    TrustResult,
)
from tests.figures.samples import CLASSES, EVENTS, sample_calibration, sample_map

METHODS = (
    "gradcam",
    "gradcam_plus_plus",
    "layercam",
    "scorecam",
    "saliency",
    "smoothgrad",
    "integrated_gradients",
    "occlusion",
    "rise",
    "random",
    "spectrogram",
)
MEASURES = pd.DataFrame(
    [
        ("deletion", "Deletion: area under the curve (0..1)", "lower"),
        ("insertion", "Insertion: area under the curve (0..1)", "higher"),
        ("pointing", "Maximum inside the event (% of clips)", "higher"),
        ("energy", "Energy inside the event (%)", "higher"),
        ("iou", "Overlap with the event (IoU)", "higher"),
        ("randomised", "Similarity to an untrained network (rank correlation)", "zero"),
        ("time", "Time a clip (ms)", "lower"),
    ],
    columns=["measure", "title", "better"],
)


def sample_attribution() -> AttributionResult:
    """A coarse map, a fine signed one, and one that finds no evidence."""
    spectrogram = sample_map()
    rng = np.random.default_rng(5)
    level = np.clip((spectrogram.values + 75) / 60, 0, 1)
    coarse = level[:240].reshape(15, 16, 8, 8).mean(axis=(1, 3))
    smooth = np.repeat(np.repeat(coarse, 16, axis=0), 8, axis=1)
    smooth = np.concatenate([smooth, smooth[-10:]])
    fine = level**2 * rng.normal(0.3, 1, level.shape)
    return AttributionResult(
        spectrogram,
        (
            AttributionMap(smooth, "gradcam", "block4", "ts-cnn10", "dog", 0.874),
            AttributionMap(fine, "integrated_gradients", "", "ts-cnn10", "dog", 0.874),
            AttributionMap(-level, "gradcam", "block4", "cnn10", "crackling_fire", 0.021),
        ),
        EVENTS,
    )


def sample_faithfulness(methods: tuple[str, ...] = METHODS[:3] + METHODS[-2:], models: int = 2) -> FaithfulnessResult:
    """Curves of every method for the first of two models."""
    share = np.linspace(0, 1, 21)
    parts = []
    for m, model in enumerate(("ts-cnn10", "cnn10")[:models]):
        for i, method in enumerate(methods):
            speed = 2.0 if method == "random" else 3 + 9 * ((i * 5 + m) % 11) / 11
            for curve, mean in (
                ("deletion", 0.06 + 0.82 * np.exp(-speed * share)),
                ("insertion", 0.88 - 0.8 * np.exp(-speed * share)),
            ):
                half = 0.09 * np.sqrt(share * (1 - share)) + 0.02
                columns = {"share": share, "mean": mean, "low": mean - half, "high": np.minimum(mean + half, 1)}
                parts.append(pd.DataFrame(columns).assign(model=model, method=method, curve=curve))
    return FaithfulnessResult(pd.concat(parts, ignore_index=True), "synth10, fold 1, 80 clips")


def sample_trust(methods: tuple[str, ...] = METHODS, models: tuple[str, ...] = ("ts-cnn10", "cnn10")) -> TrustResult:
    """Seven measures; time has no interval, and the references no time."""
    rng = np.random.default_rng(6)
    rows = []
    for model in models:
        for i, method in enumerate(methods):
            skill = {"random": 0.0, "spectrogram": 0.45}.get(method, 0.3 + 0.6 * ((i * 4) % 9) / 9)
            skill += rng.normal(0, 0.03)
            values = {
                "deletion": 0.5 - 0.4 * skill,
                "insertion": 0.3 + 0.5 * skill,
                "pointing": 20 + 70 * skill,
                "energy": 12 + 50 * skill,
                "iou": 0.08 + 0.4 * skill,
                "randomised": 0.9 - 0.8 * skill,
                "time": 15.0 * (1 + i) ** 2,
            }
            for measure, value in values.items():
                if measure == "time":
                    half, value = np.nan, np.nan if method in ("random", "spectrogram") else value
                else:
                    half = abs(value) * 0.09
                rows.append((model, method, measure, value, value - half, value + half, 80))
    columns = ["model", "method", "measure", "mean", "low", "high", "clips"]
    table = pd.DataFrame(rows, columns=columns)
    return TrustResult(table, MEASURES, sample_faithfulness(), "synth10, fold 1, CAMs at block4")


def sample_embedding(epochs: tuple[int, ...] = (1, 5, 10, 40), classes: int = 10, clips: int = 20) -> EmbeddingResult:
    """Classes that part as the epochs go by."""
    rng = np.random.default_rng(7)
    names = CLASSES if classes == 10 else tuple(f"{CLASSES[i % 10]} {i}" for i in range(classes))
    angle = 2 * np.pi * np.arange(classes) / classes
    centres = np.column_stack([np.cos(angle), np.sin(angle)]) * (1 + 0.35 * (np.arange(classes) % 3))[:, None]
    tables, quality = [], []
    for epoch in epochs:
        apart = 30 * (1 - np.exp(-epoch / 8))
        true = np.repeat(np.arange(classes), clips)
        points = centres[true] * apart + rng.normal(0, 5, (len(true), 2))
        points *= 20 / points.std()
        wrong = rng.random(len(true)) < 0.5 * np.exp(-epoch / 10) + 0.05
        predicted = np.where(wrong, (true + rng.integers(1, max(classes, 2), len(true))) % classes, true)
        tables.append(
            pd.DataFrame(
                {
                    "epoch": epoch,
                    "clip": [f"synthetic-{i:04d}.wav" for i in range(len(true))],
                    "x": points[:, 0],
                    "y": points[:, 1],
                    "class_name": np.array(names, dtype=object)[true],
                    "predicted": np.array(names, dtype=object)[predicted],
                    "correct": predicted == true,
                    "fold": 1 + np.arange(len(true)) % 5,
                }
            )
        )
        quality.append((epoch, 0.6 - 0.75 * np.exp(-epoch / 8), 1 - 0.6 * np.exp(-epoch / 8), float(1 - wrong.mean())))
    table = pd.DataFrame(quality, columns=["epoch", "silhouette", "purity", "accuracy"])
    label = "ts-cnn10 on synth10, fold 1"
    return EmbeddingResult(pd.concat(tables, ignore_index=True), table, names, "tsne", "ts-cnn10", "embedding", label)


def sample_confusion_series(epochs: tuple[int, ...] = (1, 5, 10, 40), classes: int = 10) -> ConfusionSeriesResult:
    """From guessing two classes to nearly all right."""
    rng = np.random.default_rng(8)
    names = CLASSES if classes == 10 else tuple(f"{CLASSES[i % 10]} {i}" for i in range(classes))
    matrices = []
    for epoch in epochs:
        guess = np.zeros((classes, classes))
        guess[:, [0, classes // 2]] = 0.5
        right = 1 - np.exp(-epoch / 9)
        chances = right * (np.eye(classes) * 0.93 + 0.07 / classes) + (1 - right) * guess
        counts = np.stack([rng.multinomial(40, row / row.sum()) for row in chances])
        matrices.append(ConfusionResult(counts, names, f"epoch {epoch}"))
    return ConfusionSeriesResult(epochs, tuple(matrices), "ts-cnn10 on synth10, fold 1")


def sample_reliability() -> ReliabilityResult:
    """One model on clean clips, with noise, and with more noise."""
    curves = []
    for label, loss in (("clean", 0.0), ("10 dB", 0.08), ("0 dB", 0.2)):
        clean = sample_calibration()
        bins = clean.bins.assign(accuracy=np.clip(clean.bins["accuracy"] - loss, 0, 1))
        curves.append(replace(clean, bins=bins, ece=clean.ece + loss, label=label))
    return ReliabilityResult(tuple(curves), "ts-cnn10 on esc10, white noise")
