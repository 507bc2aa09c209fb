"""TS-CNN: attention over frames and bands, in parallel.

Wang, Zou, Chong and Wang, "Environmental Sound Classification with Parallel Temporal-Spectral Attention",
Interspeech 2020, doi 10.21437/Interspeech.2020-1219.
"""

from __future__ import annotations

from esclab.training.recipe import Recipe

RECIPE = Recipe(
    name="ts-cnn",
    feature={"name": "logmel", "sample_rate": 44_100, "window_s": 0.040, "hop_s": 0.020, "bands": 40},
    model={"width": 1.0},
    iterations=2_000,
    batch_size=64,
    optimiser="adam",
    learning_rate=0.01,
    schedule="exponential",
    decay=0.98,
    decay_every=5,
    weight_decay=0.0,
    mixup_alpha=0.2,
    masks=1,
    mask_frames=3,
    mask_bands=3,
    evaluate_every=20,
    not_in_paper=("mixup_alpha", "masks", "mask_frames", "mask_bands", "standardise", "evaluate_every"),
    source="section 3.3; mixup's alpha, the masks' widths and standardised log-mels are the published forerunner's",
)

MODELS = (
    "cnn10",
    "t-cnn10",
    "s-cnn10",
    "ts-cnn10-1",
    "ts-cnn10-2",
    "ts-cnn10-3",
    "ts-cnn10-4",
    "ts-cnn10-concat",
    "st-cnn10-concat",
    "ts-cnn10-fixed",
    "ts-cnn10",
)

PRINTED_ACCURACY: dict[str, tuple[float, float, float]] = {
    "cnn10": (92.0, 85.2, 84.9),
    "t-cnn10": (94.5, 87.8, 87.2),
    "s-cnn10": (94.0, 87.5, 87.8),
    "ts-cnn10-1": (93.6, 86.9, 86.3),
    "ts-cnn10-2": (93.8, 87.0, 87.0),
    "ts-cnn10-3": (93.9, 86.9, 87.3),
    "ts-cnn10-4": (94.9, 87.8, 87.5),
    "ts-cnn10-concat": (92.5, 85.6, 85.8),
    "st-cnn10-concat": (93.0, 85.5, 86.1),
    "ts-cnn10-fixed": (95.0, 88.1, 88.3),
    "ts-cnn10": (95.8, 88.6, 88.5),
}
"""Table 1 as printed, in %: ESC-10, ESC-50, UrbanSound8K. The paper names no folds and no number of runs."""
