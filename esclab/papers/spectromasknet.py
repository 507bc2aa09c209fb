"""SpectroMaskNet: recipes, printed tables.

Chen, Zhang, Ding, Xiao, Guan, Xiao, Wang, Yi, Hu and Zhang, "A lightweight dual branch masking network for
environmental sound classification". Its figures are in `esclab.papers.spectromasknet_figures`.

The paper names no folds and no number of runs; its scores on ESC-10 in Table 5 are whole steps of 2.5 %. Its tables
disagree: Table 1 prints the pretrained scores under "None"; UrbanSound8K is 96.32 or 95.23, Speech Commands 97.52 or
96.52.
"""

from __future__ import annotations

from dataclasses import replace

from esclab.papers.cells import TableCell
from esclab.training.recipe import Recipe

MODEL = "spectromasknet"
FEATURES = ("mel", "spectrogram", "mfcc", "fbank")

RECIPE = Recipe(
    name="spectromasknet",
    feature={"name": "fbank", "sample_rate": 16_000, "bands": 80, "level_db": -20.0},
    variable_length=True,
    epochs=80,
    batch_size=8,
    optimiser="adam",
    learning_rate=1e-4,
    schedule="warm-up-cosine",
    warm_up=0.1,
    weight_decay=0.0,
    masks=2,
    mask_frames=40,
    mask_bands=10,
    label_smoothing=0.1,
    evaluate_every=5,
    not_in_paper=("standardise", "warm_up", "masks", "mask_frames", "mask_bands", "evaluate_every"),
    source='"Hyperparameter settings", "Pretraining strategy" (80 epochs); masks\' sizes and warm-up are ours',
)
RECIPE_FINE_TUNE = replace(
    RECIPE,
    name="spectromasknet-fine-tune",
    epochs=60,
    source='as spectromasknet, for weights of another dataset: 60 epochs ("Pretraining strategy"; elsewhere 150)',
)
RECIPE_QUICK = replace(
    RECIPE,
    name="spectromasknet-quick",
    feature={**RECIPE.feature, "hop_s": 0.02, "bands": 40},
    model={"width": 0.25},
    epochs=35,
    batch_size=16,
    learning_rate=0.003,
    mask_frames=20,
    mask_bands=5,
    not_in_paper=(*RECIPE.not_in_paper, "feature", "model", "epochs", "batch_size", "learning_rate"),
    source="reduced, about five minutes a fold of 400 clips on two cores: a quarter of the channels, 40 bands, "
    "half the frames, 35 epochs of batches of 16 at a rate of 0.003",
)

_RANDOM = {"masking": "random", "block": 10, "ratio": 0.5}
TABLES: dict[int, tuple[TableCell, ...]] = {
    3: (
        TableCell("blocks of 4", MODEL, {**_RANDOM, "block": 4}, 89.5),
        TableCell("blocks of 8", MODEL, {**_RANDOM, "block": 8}, 90.7),
        TableCell("blocks of 10", MODEL, {**_RANDOM, "block": 10}, 91.5),
        TableCell("blocks of 15", MODEL, {**_RANDOM, "block": 15}, 86.2),
        TableCell("ratio 0.3", MODEL, {**_RANDOM, "ratio": 0.3}, 87.0),
        TableCell("ratio 0.5", MODEL, {**_RANDOM, "ratio": 0.5}, 91.5),
        TableCell("ratio 0.7", MODEL, {**_RANDOM, "ratio": 0.7}, 88.5),
        TableCell("ratio 0.9", MODEL, {**_RANDOM, "ratio": 0.9}, 86.3),
        TableCell("random", MODEL, _RANDOM, 91.5),
        TableCell("high-energy", MODEL, {**_RANDOM, "masking": "high-energy"}, 86.5),
        TableCell("grid", MODEL, {**_RANDOM, "masking": "grid"}, 89.8),
    ),
    4: (
        TableCell("global unmasked, local masked", MODEL, {"masked": "local"}, 91.5),
        TableCell("local unmasked, global masked", MODEL, {"masked": "global"}, 88.5),
        TableCell("squeeze-and-excitation in both", MODEL, {"attention": "se"}, 87.5),
        TableCell("no attention", MODEL, {"attention": "none"}, 86.1),
    ),
}
"""Tables 3 and 4 with their printed accuracy on ESC-50, in %; none names what pretraining or seeds it had."""

PRINTED_TABLE_1: dict[str, tuple[float, float, float, float]] = {
    "esc10": (96.47, 94.13, 96.91, 97.50),
    "esc50": (92.54, 94.18, 93.21, 95.50),
    "urbansound8k": (93.89, 91.83, 95.32, 96.32),
    "speech-commands": (95.87, 96.91, 97.89, 97.52),
}
"""Table 1 as printed, in %, by `FEATURES`."""

PRINTED_TABLE_2: dict[str, tuple[float, float]] = {
    "resnet-se": (171, 298),
    "ecapa-tdnn": (45, 265),
    "cnn10": (80, 265),
    "eres2net": (170, 288),
    "campplus": (73, 305),
    "spectromasknet": (45, 305),
}
"""Table 2 as printed: latency in ms and memory in MB, estimated on an Orange Pi 5B."""

PRINTED_TABLE_5: dict[str, dict[str, float]] = {
    "none": {"esc10": 95.0, "esc50": 91.5, "urbansound8k": 95.23, "speech-commands": 97.52},
    "urbansound8k": {"esc10": 97.5, "esc50": 95.5, "urbansound8k": 95.23, "speech-commands": 97.61},
    "speech-commands": {"esc10": 97.5, "esc50": 93.0, "urbansound8k": 96.14, "speech-commands": 97.61},
}
"""Table 5 as printed, in %, by what the network was pretrained on: 60 epochs on UrbanSound8K, 15 on Speech Commands."""

PRINTED_TABLE_6: dict[str, tuple[str, float, float]] = {
    "ast": ("ImageNet and AudioSet", 88.1, 95.6),
    "passt-s": ("ImageNet and AudioSet", 85.4, 96.8),
    "eat": ("AudioSet", 88.0, 95.9),
    "eat-m": ("AudioSet", 25.5, 96.3),
    "eat-s": ("AudioSet", 5.3, 95.25),
    "tdnn": ("UrbanSound8K", 2.7, 83.31),
    "res2net": ("UrbanSound8K", 6.2, 90.51),
    "spectromasknet": ("UrbanSound8K", 2.7, 95.5),
}
"""Table 6 as printed: pretraining, millions of parameters, accuracy on ESC-50 in %."""

PRINTED_TABLE_7: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "none": {
        "tdnn": (90.12, 78.51, 95.41, 2.7),
        "resnet-se": (92.51, 89.50, 95.45, 9.1),
        "ecapa-tdnn": (89.58, 81.25, 96.45, 6.4),
        "campplus": (95.10, 86.75, 95.54, 7.1),
        "cnn10": (85.31, 73.89, 96.43, 5.2),
        "spectromasknet": (95.00, 91.50, 97.52, 2.7),
    },
    "urbansound8k": {
        "tdnn": (91.06, 83.31, 96.11, 2.7),
        "resnet-se": (93.81, 90.05, 95.78, 9.1),
        "ecapa-tdnn": (90.28, 83.11, 96.12, 6.4),
        "campplus": (96.39, 84.24, 95.82, 7.1),
        "cnn10": (88.05, 78.91, 96.98, 5.2),
        "spectromasknet": (97.50, 95.5, 97.61, 2.7),
    },
}
"""Table 7 as printed: accuracy on ESC-10, ESC-50 and Speech Commands in %, millions of parameters, by pretraining. The
text's own network has 1.0 million (see `esclab.models.spectromasknet`)."""
