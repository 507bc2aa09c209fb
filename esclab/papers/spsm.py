"""SPSM: votes of representations, sub-bands and frames.

Wang, Zou and Chong, "Acoustic Scene Classification with Spectrogram Processing Strategies", DCASE workshop 2020, arXiv
2007.03781.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from esclab.training.recipe import QUICK, Recipe

WINDOW_SAMPLES, HOP_SAMPLES, SAMPLE_RATE = 2048, 512, 44_100

REPRESENTATIONS: dict[str, Mapping[str, Any]] = {
    "logmel": {
        "name": "logmel", "sample_rate": SAMPLE_RATE, "window_s": WINDOW_SAMPLES / SAMPLE_RATE,
        "hop_s": HOP_SAMPLES / SAMPLE_RATE, "bands": 40,
    },
    "cqt": {"name": "cqt", "sample_rate": SAMPLE_RATE, "hop_samples": HOP_SAMPLES, "bands": 64},
    "gammatone": {
        "name": "gammatone", "sample_rate": SAMPLE_RATE, "window_samples": WINDOW_SAMPLES, "hop_samples": HOP_SAMPLES,
        "bands": 64,
    },
    "mfcc": {
        "name": "mfcc", "sample_rate": SAMPLE_RATE, "window_samples": WINDOW_SAMPLES, "hop_samples": HOP_SAMPLES,
        "bands": 40,
    },
    "stack": {
        "name": "stack", "sample_rate": SAMPLE_RATE, "window_samples": WINDOW_SAMPLES, "hop_samples": HOP_SAMPLES,
        "bands": 64,
    },
}  # fmt: skip
"""Front ends of section 4.2, for the network 1A; `stack` holds all four with 64 bands each, as early, middle and late
fusion need them (our reading: they need equal numbers of bands). The network 1B takes 64 bands of each."""

RECIPE = Recipe(
    name="spsm",
    feature=REPRESENTATIONS["logmel"],
    iterations=12_000,
    batch_size=64,
    optimiser="adam",
    learning_rate=0.001,
    schedule="exponential",
    decay=0.91,
    decay_every=200,
    weight_decay=0.0,
    mixup_alpha=0.2,
    evaluate_every=20,
    not_in_paper=("mixup_alpha", "standardise", "evaluate_every"),
    source="section 4.2; mixup's alpha and standardised features are the published code's (there over all clips)",
)

RECIPE_QUICK = replace(
    QUICK,
    name="spsm-quick",
    feature=REPRESENTATIONS["logmel"],
    source="reduced: esclab's own quick recipe on SPSM's front ends, a quarter of the channels, 400 iterations of 32",
)

MODELS = ("spsm-1a", "spsm-1a+spsmt", "spsm-1a+spsmf", "spsm-1a+early", "spsm-1a+middle", "spsm-1a+late", "spsm-1b")

FUSED = ("spsm-1a", "spsm-1a+spsmf", "spsm-1a+spsmt")
"""Networks of Table 2. Their votes are over the four representations: SPSMR of the first, SPSMR + SPSMF of the second,
SPSMR + SPSMT of the third; the last row, 453.1 MB, is the vote of the second and third together, eight networks."""

PRINTED_TABLE_2: dict[str, tuple[float, float, float]] = {
    "DCASE2020 1A baseline": (54.1, 1.365, 19.1),
    "logmel": (72.1, 0.879, 18.9),
    "cqt": (71.2, 0.870, 18.9),
    "gammatone": (76.1, 0.762, 18.9),
    "mfcc": (63.6, 1.029, 18.9),
    "SPSMR": (79.4, 0.696, 75.5),
    "logmel+spsmf": (75.5, 1.135, 94.4),
    "cqt+spsmf": (74.5, 1.185, 94.4),
    "gammatone+spsmf": (78.8, 1.169, 94.4),
    "mfcc+spsmf": (60.9, 1.801, 94.4),
    "SPSMR+spsmf": (80.9, 0.737, 377.6),
    "logmel+spsmt": (74.5, 0.987, 18.9),
    "cqt+spsmt": (73.3, 1.032, 18.9),
    "gammatone+spsmt": (78.2, 0.866, 18.9),
    "mfcc+spsmt": (67.6, 1.081, 18.9),
    "SPSMR+spsmt": (79.7, 0.701, 75.5),
    "SPSMR+spsmf+spsmt": (81.8, 0.694, 453.1),
}
"""Table 2 as printed: macro accuracy in %, log loss, and size in MB (MiB of float32 parameters), on DCASE2020 1A, fold
1. The published code's page says that these numbers are of device a only."""

PRINTED_TABLE_3: dict[str, tuple[float, float, float]] = {
    "logmel": (72.1, 0.879, 18.9),
    "cqt": (71.2, 0.870, 18.9),
    "gammatone": (76.1, 0.762, 18.9),
    "mfcc": (63.6, 1.029, 18.9),
    "early": (75.2, 0.852, 18.9),
    "middle": (77.0, 0.777, 20.2),
    "late": (76.4, 0.698, 72.5),
    "SPSMR": (79.4, 0.696, 75.5),
}
"""Table 3 as printed, in the columns of Table 2."""

PRINTED_TABLE_4: dict[str, tuple[float, float, float]] = {
    "DCASE2020 1B baseline": (87.3, 0.437, 450.0),
    "logmel": (87.5, 0.428, 468.0),
    "logmel+spsmt": (90.8, 0.371, 468.0),
    "early+spsmt": (92.1, 0.312, 491.0),
}
"""Table 4 as printed: macro accuracy in %, log loss, and size in KB, on DCASE2020 1B, fold 1, network 1B. The first two
networks have 473 KiB, the third, of three representations, 485."""
