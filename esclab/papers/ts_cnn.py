"""TS-CNN: attention over frames and bands, in parallel.

Wang, Zou, Chong and Wang, "Environmental Sound Classification with Parallel Temporal-Spectral Attention",
Interspeech 2020, doi 10.21437/Interspeech.2020-1219.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from esclab.errors import OptionError
from esclab.results import WHOLE_CLIP, GridResult, GridRow, Region, TimeFrequencyMap
from esclab.training.recipe import Recipe

if TYPE_CHECKING:
    from esclab.features import Feature
    from esclab.training.run import Run

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

PRINTED_TABLE_3: dict[tuple[str, float], tuple[float, float]] = {
    ("clean", math.inf): (85.2, 88.6),
    ("gaussian", 20.0): (83.5, 87.1),
    ("gaussian", 10.0): (80.5, 85.9),
    ("gaussian", 0.0): (71.2, 79.9),
    ("bus", 20.0): (82.3, 86.0),
    ("bus", 10.0): (71.9, 76.9),
    ("bus", 0.0): (58.3, 65.6),
    ("tram", 20.0): (78.5, 80.3),
    ("tram", 10.0): (62.7, 66.9),
    ("tram", 0.0): (49.5, 53.9),
}
"""Table 3 as printed, in %: CNN10 and TS-CNN10, trained on clean, tested on noisy clips of ESC-50."""

FIGURE_4_FRAMES = (50, 64)
FIGURE_4_BANDS = (25, 30)
FIGURE_4_SNR_DB = 10.0


def figure_4_regions(feature: Feature, *, variant: Literal["text", "code"] = "text") -> dict[str, Region]:
    """Return where Figure 4 puts noise, by the titles of its columns: some frames, some bands, everywhere.

    Frames 50-64 and bands 25-30 in the paper's text, 50-62 and 25-29 in the published code; see `figure_4`.
    """
    from esclab.analysis.activation import region_of_cells
    from esclab.noise import PUBLISHED_FEATURE_NOISE

    frames, bands = FIGURE_4_FRAMES, FIGURE_4_BANDS
    if variant == "code":  # half-open ranges
        (first, end), (low, high) = (
            PUBLISHED_FEATURE_NOISE["time"]["frames"], PUBLISHED_FEATURE_NOISE["frequency"]["bands"],
        )  # fmt: skip
        frames, bands = (first, end - 1), (low, high - 1)
    return {
        "frames {}-{}".format(*frames): region_of_cells(feature, frames=frames),
        "bands {}-{}".format(*bands): region_of_cells(feature, bands=bands),
        "whole clip": WHOLE_CLIP,
    }


def figure_4(
    runs: Sequence[Run],
    samples: np.ndarray,
    *,
    label: str = "",
    layer: str = "block1",
    snr_db: float = FIGURE_4_SNR_DB,
    variant: Literal["text", "code"] = "text",
    seed: int = 0,
) -> GridResult:
    """Show what noise in frames, in bands and everywhere does to each network's first feature maps.

    Parameters
    ----------
    runs : sequence of Run
        CNN10 and TS-CNN10 in the paper; any runs with one front end and this layer.
    samples : ndarray of float32, shape (sample,)
        The clip, at the front end's sample rate and the runs' length.
    label : str
        What the clip is called.
    layer : str
    snr_db : float
        Of the whole clip. The paper states 10 dB for the third noise alone (our reading: for all three).
    variant : {"text", "code"}
        "text" adds noise to the waveform. "code" follows the published forerunner: normal noise of spread 3 on the
        log-mel's cells of 13 frames, and of 5 bands; on the waveform at `snr_db` for the whole clip.
    seed : int

    Returns
    -------
    GridResult
        Rows: the input, then a mean feature map a run. Columns: clean, and the three noises.

    Raises
    ------
    OptionError
        When the runs have different front ends, or a model has no such layer.

    Notes
    -----
    TS-CNN, Figure 4.
    """
    from esclab.analysis.activation import map_activation
    from esclab.analysis.robustness import NoiseCondition, transform_noisy
    from esclab.noise import PUBLISHED_FEATURE_NOISE, inject_feature_noise

    feature = runs[0].build_feature()
    if any(run.config.recipe.feature != runs[0].config.recipe.feature for run in runs):
        raise OptionError("runs", "have different front ends", "give runs of one recipe")
    regions = figure_4_regions(feature, variant=variant)
    on_waveform = [region for region in regions.values() if variant == "text" or region == WHOLE_CLIP]
    conditions = [NoiseCondition("gaussian", snr_db, region) for region in on_waveform]
    clean, *noisy = transform_noisy(samples, feature, [NoiseCondition(), *conditions], seed=seed)[:, 0]
    if variant == "code":
        cells = (PUBLISHED_FEATURE_NOISE[name] for name in ("time", "frequency"))
        noisy = [*(inject_feature_noise(clean, **place, seed=seed) for place in cells), *noisy]
    inputs = (clean, *noisy)
    time_s = feature.time_s(len(clean))
    shown = TimeFrequencyMap(clean, time_s, feature.frequency_hz, "", feature.unit, feature.axis)
    rows = [GridRow(feature.name.replace("logmel", "log-mel"), tuple(replace(shown, values=x) for x in inputs))]
    for run in runs:
        model = run.load_model()
        maps = tuple(map_activation(model, feature, x, layer=layer) for x in inputs)
        rows.append(GridRow(f"{run.config.model} {layer}", maps))
    names = list(regions)
    columns = ("clean", *names[:2], f"{names[2]}, {snr_db:g} dB")
    return GridResult(tuple(rows), columns, (None, *list(regions.values())[:2], None), label)
