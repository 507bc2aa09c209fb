"""FreqCNN: local and global features of a spectrogram's parts, and attention of the first on the second.

Wu, Mao and Yi, "Audio classification using attention-augmented convolutional neural network", Knowledge-Based Systems
161, 2018, doi 10.1016/j.knosys.2018.07.033.

Its corpora are not free. The Free Spoken Digit Dataset stands in for them: `fsdd:speakers` for the speakers of CHAINS
with unheard text (digits held out, as CHAINS held out paragraphs), `fsdd:digits` for unheard speakers (as eNTERFACE's
ten folds). Three of the five folds of `fsdd:speakers` are compared, as CHAINS has three.
"""

from __future__ import annotations

from dataclasses import replace

from esclab.papers.cells import TableCell
from esclab.training.recipe import Recipe

FOLDS = (1, 2, 3)
RECIPE = Recipe(
    name="freqcnn",
    feature={
        "name": "spectrogram", "sample_rate": 16_000, "window_samples": 512, "hop_samples": 64,
        "bands": 224, "picture_frames": 224, "duration_s": 1.0,
    },
    duration_s=1.0,
    epochs=60,
    batch_size=128,
    optimiser="sgd",
    learning_rate=0.01,
    momentum=0.9,
    weight_decay=1e-8,
    schedule="constant",
    oversample=True,
    measured_statistics=True,
    evaluate_every=5,
    not_in_paper=(
        "duration_s", "standardise", "epochs", "iterations", "schedule", "measured_statistics", "evaluate_every",
    ),
    source="sections 5 and 5.2 (accent: 256 x 256, batch 48; emotion: batch 48); windows, length and epochs are ours",
)  # fmt: skip
RECIPE_FSDD = replace(
    RECIPE,
    name="freqcnn-fsdd",
    feature={**RECIPE.feature, "sample_rate": 8_000, "hop_samples": 32},
    source="as freqcnn, for recordings of 8 kHz: the picture spans 0-4 kHz, without up-sampling",
)
RECIPE_REDUCED = replace(
    RECIPE,
    name="freqcnn-64",
    feature={
        **RECIPE.feature, "sample_rate": 8_000, "window_samples": 256, "hop_samples": 64,
        "bands": 64, "picture_frames": 64,
    },
    epochs=20,
    not_in_paper=(*RECIPE.not_in_paper, "feature"),
    source="reduced: as freqcnn-fsdd with a picture of 64 x 64 in place of 224 x 224, and 20 epochs",
)  # fmt: skip

PRINTED_TABLE_3: dict[str, tuple[float, float, float, float]] = {
    "i-vector": (78.00, 61.80, 83.80, 74.50),
    "freqcnn": (88.55, 71.91, 77.50, 79.32),
    "fnn": (70.78, 50.56, 62.92, 61.42),
    "cnn5": (64.76, 41.57, 82.08, 62.81),
    "alexnet": (58.43, 64.04, 74.17, 64.90),
    "vgg11": (55.72, 48.31, 59.17, 54.40),
    "resnet18": (69.28, 38.20, 77.50, 61.66),
}
"""Table 3 as printed, in %: recall of AU, UK and US, and UAR, on UT-Podcast. i-vector's are quoted;
AlexNet's UAR is 0.65 below the mean of its recalls."""

PRINTED_TABLE_4: dict[tuple[bool, int], tuple[float, float]] = {
    (True, 2): (76.85, 70.53),
    (True, 4): (79.27, 75.86),
    (True, 8): (73.22, 70.27),
    (False, 0): (74.89, 72.45),
    (False, 2): (76.10, 75.41),
    (False, 4): (80.18, 77.68),
    (False, 8): (75.49, 76.38),
}
"""Table 4 as printed, in %: accuracy and UAR by "local only" and the number of parts. Without attention: its cell of
two parts, local and global, is Table 5's "All BC"."""

PRINTED_TABLE_5: dict[tuple[str, str, int], tuple[float, float]] = {
    ("frequency", "", 0): (76.10, 75.41),
    ("frequency", "feature", 1): (78.37, 75.77),
    ("frequency", "feature", 2): (82.30, 79.32),
    ("frequency", "feature", 3): (76.55, 73.67),
    ("frequency", "spatial", 1): (77.91, 76.33),
    ("frequency", "spatial", 2): (74.28, 74.74),
    ("frequency", "spatial", 3): (77.46, 72.59),
    ("time", "", 0): (74.43, 73.27),
    ("time", "feature", 1): (74.74, 75.88),
    ("time", "feature", 2): (73.37, 74.46),
    ("time", "feature", 3): (70.65, 66.40),
    ("time", "spatial", 1): (77.46, 73.88),
    ("time", "spatial", 2): (77.31, 74.08),
    ("time", "spatial", 3): (75.34, 73.81),
}
"""Table 5 as printed, in %: accuracy and UAR by axis, kind of attention and number of attention blocks."""

PRINTED_TABLE_8: dict[str, tuple[tuple[float, float], ...]] = {
    "freqcnn": ((99.08, 99.08), (99.85, 99.86), (95.20, 95.21), (98.04, 98.05)),
    "vgg11": ((70.52, 70.52), (78.16, 77.85), (76.94, 76.95), (75.21, 75.11)),
    "resnet18": ((86.47, 86.35), (89.58, 89.49), (49.07, 49.11), (75.04, 74.99)),
    "resnet34": ((71.96, 72.04), (77.55, 77.25), (48.65, 48.70), (66.05, 66.00)),
    "resnet50-torchvision": ((73.14, 73.00), (76.77, 76.29), (50.93, 50.96), (66.95, 66.75)),
}
"""Table 8 as printed, in %: accuracy and UAR on CHAINS' three folds, and their averages; without its i-vectors."""

PRINTED_TABLE_9: dict[tuple[str, str], tuple[tuple[float, float], ...]] = {
    ("sigmoid", "sigmoid"): ((99.08, 99.08), (99.85, 99.86), (95.20, 95.21), (98.04, 98.05)),
    ("tanh", "sigmoid"): ((98.17, 98.21), (99.61, 99.65), (93.94, 93.94), (97.24, 97.27)),
    ("sigmoid", "tanh"): ((98.43, 98.44), (99.15, 99.17), (95.45, 95.47), (97.68, 97.69)),
    ("tanh", "tanh"): ((99.02, 99.09), (99.31, 99.34), (93.52, 93.53), (97.28, 97.32)),
    ("relu", "tanh"): ((99.35, 99.42), (99.23, 99.28), (90.74, 90.79), (96.44, 96.50)),
    ("tanh", "relu"): ((95.88, 95.99), (99.54, 99.52), (76.85, 76.92), (90.76, 90.81)),
    ("relu", "relu"): ((96.08, 96.17), (98.69, 98.68), (85.94, 86.01), (93.57, 93.62)),
}
"""Table 9 as printed, in %: as Table 8, by f (of the local convolutions) and g (of the global ones), in this order."""

PRINTED_TABLE_11: dict[str, float] = {
    "MFCC, BDPCA and LDA features, RBF network": 75.89,
    "spectrograms, DNN": 60.53,
    "long and short time-based features, SVM": 78.57,
    "mel spectrograms, 3D-CNN and DBN": 78.08,
    "spectrograms, FreqCNN": 83.65,
}
"""Table 11 as printed: accuracy on eNTERFACE in %, all but the last quoted from other papers. The text has 83.62."""

PRINTED_TABLE_12: dict[str, tuple[int, ...]] = {
    "Angry": (180, 8, 3, 12, 5, 2),
    "Sadness": (6, 4, 165, 14, 15, 6),
    "Surprise": (3, 2, 3, 186, 6, 10),
    "Fear": (4, 5, 6, 12, 178, 5),
    "Happiness": (2, 5, 4, 11, 10, 178),
}
"""Table 12 as printed: clips of a true class by answer (Angry, Disgust, Sadness, Surprise, Fear, Happiness). The row of
Disgust is not in the text at hand; section 5.3 gives its accuracy, 79.52 %, which is 167 of 210 clips."""

TABLE_4_CELLS = tuple(
    TableCell(
        f"{'local only' if local_only else 'local and global' if parts else 'global only'}, {parts} parts",
        "freqcnn",
        {"parts": parts, "local_only": local_only, "attention_blocks": 0},
        *printed,
    )
    for (local_only, parts), printed in PRINTED_TABLE_4.items()
)
TABLE_5_CELLS = tuple(
    TableCell(
        f"{axis}, {blocks} AC, {kind}-based" if blocks else f"{axis}, all BC",
        "freqcnn",
        {"axis": axis, "attention_blocks": blocks} | ({"attention": kind} if kind else {}),
        *printed,
    )
    for (axis, kind, blocks), printed in PRINTED_TABLE_5.items()
)
"""Tables 4 and 5 vary Table 2's network; with `task="accent"` in the recipe's model settings these are its cells."""

TABLES: dict[int, tuple[TableCell, ...]] = {
    3: tuple(TableCell(model, model, {}, None, row[3]) for model, row in PRINTED_TABLE_3.items() if "-" not in model),
    4: TABLE_4_CELLS,
    5: TABLE_5_CELLS,
    8: tuple(TableCell(model, model, {}, *folds[-1]) for model, folds in PRINTED_TABLE_8.items()),
    9: tuple(
        TableCell(f"f {f}, g {g}", "freqcnn", {"activations": (f, g)}, *folds[-1])
        for (f, g), folds in PRINTED_TABLE_9.items()
    ),
}
"""What can be trained, by the number of its table; a model without settings is the same run in all of them."""
