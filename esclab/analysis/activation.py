"""How strongly a layer responds to each place of a clip, and which share of that falls where noise is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esclab.analysis.cells import locate_cells, needs_padding
from esclab.analysis.intervals import bootstrap_interval
from esclab.analysis.robustness import CLEAN, NoiseCondition, load_clips_of, seed_clip, transform_noisy
from esclab.clips.audio import read_clip
from esclab.clips.dataset import ClipDataset
from esclab.clips.pick import find_row
from esclab.errors import OptionError
from esclab.features import in_hertz
from esclab.results import ActivationShareResult, Region, TimeFrequencyMap
from esclab.training.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.features import Feature
    from esclab.models.base import Ranges, SoundClassifier

BATCH = 32
ACTIVATION_UNIT = "activation"


def record_activations(model: SoundClassifier, features: Tensor, *, layer: str) -> Tensor:
    """Return a layer's output, averaged over channels.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode.
    features : Tensor of shape (clip, 1, frame, band)
    layer : str
        One of `model.cam_layers`, e.g. "block1".

    Returns
    -------
    activations : Tensor of shape (clip, frame, band)
        On the layer's own frames and bands; where it covers several ranges of bands (`layer_bands`), once for each.

    Raises
    ------
    OptionError
        When the model has no such layer.
    """
    import torch

    if layer not in model.cam_layers:
        raise OptionError(f"layer {layer}", "is not known", f"choose one of {', '.join(model.cam_layers)}")
    found: list[Tensor] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda *call: found.append(call[2].mean(1)))
    try:
        with torch.inference_mode():
            for batch in features.split(BATCH):
                model(batch)
    finally:
        handle.remove()
    return torch.cat(found).repeat(1, 1, len(model.layer_bands(layer)))


def map_activation(
    model: SoundClassifier, feature: Feature, features: np.ndarray, *, layer: str, label: str = ""
) -> TimeFrequencyMap:
    """Return a layer's mean feature map of one clip, with axes.

    Parameters
    ----------
    model : SoundClassifier
    feature : Feature
        The front end that made `features`.
    features : ndarray of shape (frame, band)
    layer, label : str

    Notes
    -----
    TS-CNN, Figure 4, shows these maps of block 1.
    """
    import torch

    values = record_activations(model, torch.from_numpy(features.copy())[None, None], layer=layer)[0].numpy()
    time_s, frequency_hz = locate_layer(feature, features.shape, values.shape, ranges=model.layer_bands(layer))
    return TimeFrequencyMap(values, time_s, frequency_hz, label, ACTIVATION_UNIT, axis=feature.axis)


def locate_layer(
    feature: Feature, shape: tuple[int, ...], shape_here: tuple[int, ...], *, ranges: Ranges | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of a layer's frames (s) and bands (Hz), given the input's and the layer's (frame, band).

    `ranges` are the bands that the layer covers, see `SoundClassifier.layer_bands`; all by default.
    """
    frames, bands_hz, ranges = feature.time_s(shape[0]), feature.frequency_hz, ranges or ((0, shape[1]),)
    high, high_here = ranges[0][1] - ranges[0][0], shape_here[1] // len(ranges)
    # One axis that only padded convolutions explain tells that the other is theirs too.
    padded = needs_padding(shape[0], shape_here[0]) or needs_padding(high, high_here)
    parts = [_locate_axis(bands_hz[first:last], high_here, padded=padded) for first, last in ranges]
    return _locate_axis(frames, shape_here[0], padded=padded), np.concatenate(parts)


def _locate_axis(axis: np.ndarray, length_here: int, *, padded: bool) -> np.ndarray:
    """Return the centres of a layer's cells along one axis of the input."""
    return np.interp(locate_cells(len(axis), length_here, padded=padded), np.arange(len(axis)), axis)


def region_of_cells(
    feature: Feature, *, frames: tuple[int, int] | None = None, bands: tuple[int, int] | None = None
) -> Region:
    """Return the region that frames and bands of a front end cover.

    Parameters
    ----------
    feature : Feature
    frames, bands : (int, int), optional
        First and last, both included, counted from 0; all by default. Bands are those of a front end with places in
        Hz (`features.in_hertz`).
    """
    region = {}
    if frames is not None:
        half_s = (feature.time_s(2)[1] - feature.time_s(2)[0]) / 2
        region["onset_s"], region["offset_s"] = (
            max(0.0, feature.time_s(frames[0] + 1)[-1] - half_s),
            feature.time_s(frames[1] + 1)[-1] + half_s,
        )
    if bands is not None:
        centres = in_hertz(feature).frequency_hz
        borders = np.concatenate([[0.0], (centres[:-1] + centres[1:]) / 2, [np.inf]])
        region["low_hz"], region["high_hz"] = borders[bands[0]], borders[bands[1] + 1]
    return Region(**{name: float(value) for name, value in region.items()})


def measure_activation_share(
    runs: Sequence[Run],
    regions: Sequence[Region],
    *,
    kind: str = "gaussian",
    snr_db: float = 10.0,
    reference: str = "clip",
    layer: str = "block1",
    seed: int = 0,
    dataset: ClipDataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ActivationShareResult:
    """Measure which share of a layer's activation falls into a noisy region, with and without the noise.

    Parameters
    ----------
    runs : sequence of Run
        Finished runs of one dataset, each model on the same folds and seeds.
    regions : sequence of Region
        One at a time is filled with noise.
    kind, snr_db, reference, seed
        The noise; see `esclab.noise.inject_noise`.
    layer : str
    dataset : ClipDataset, optional
    progress : callable, optional
        Called with (runs done, runs in all).

    Returns
    -------
    ActivationShareResult
        A clip counts once a model: shares are averaged over seeds. p values are Wilcoxon's signed-rank test on clips,
        with Holm's correction over all rows.

    Notes
    -----
    TS-CNN claims for its Figure 4, from one clip, that its feature maps are less activated in noisy sections than
    CNN10's. The share is the mean feature map's sum inside the region over its sum everywhere, so it does not change
    when attention scales the whole map.
    """
    dataset = load_clips_of(runs, dataset)
    conditions = [NoiseCondition(), *(NoiseCondition(kind, snr_db, region, reference) for region in regions)]
    rows: list[dict[str, object]] = []
    known: dict[str, np.ndarray] = {}
    for number, run in enumerate(runs, start=1):
        rows += _share_in_run(run, dataset, conditions, layer=layer, seed=seed, known=known)
        if progress is not None:
            progress(number, len(runs))
    by_clip = pd.DataFrame(rows)
    return ActivationShareResult(
        _summarize_shares(by_clip),
        _compare_shares(by_clip),
        by_clip.drop(columns="even"),
        tuple(regions),
        layer=layer,
        label=f"{dataset.name}, {kind} noise at {snr_db:g} dB (SNR of the {reference})",
    )


def _share_in_run(
    run: Run,
    dataset: ClipDataset,
    conditions: Sequence[NoiseCondition],
    *,
    layer: str,
    seed: int,
    known: dict[str, np.ndarray],
) -> list[dict[str, object]]:
    """Return one row a clip and region; `known` keeps the noisy features that other runs need too."""
    import torch

    from esclab.training.data import count_own_frames

    feature, model = run.build_feature(), run.load_model()
    predictions = run.read_predictions()
    places = [find_row(dataset, str(clip)) for clip in predictions.clips]
    lengths = count_own_frames(run, dataset, rows=places)
    rows: list[dict[str, object]] = []
    for number, (row, clip) in enumerate(zip(places, predictions.clips, strict=True)):
        key = f"{clip} {run.config.recipe.feature} {run.config.duration_s}"
        if key not in known:
            samples = read_clip(dataset, row, sample_rate=feature.config.sample_rate, duration_s=run.config.duration_s)
            known[key] = transform_noisy(samples, feature, conditions, seed=seed_clip(seed, str(clip))).astype(
                np.float16
            )
        frames = None if lengths is None else int(lengths[number])
        features = torch.from_numpy(known[key][:, :, :frames].astype(np.float32))
        maps = record_activations(model, features, layer=layer).numpy()
        axes = locate_layer(feature, features.shape[2:], maps.shape[1:], ranges=model.layer_bands(layer))
        for condition, noisy in zip(conditions, maps, strict=True):
            if condition.kind == CLEAN:
                continue
            inside = cells_inside(condition.region, *axes, axis=feature.axis)
            rows.append(
                {
                    "model": run.config.model, "region": str(condition.region), "clip": str(clip),
                    "source": str(predictions.sources[number]), "fold": int(predictions.folds[number]),
                    "seed": run.config.seed,
                    "noisy": share_inside(noisy, inside), "clean": share_inside(maps[0], inside),
                    "even": float(inside.mean()),
                }
            )  # fmt: skip
    return rows


def cells_inside(
    region: Region, time_s: np.ndarray, frequency_hz: np.ndarray, *, axis: str = "frequency"
) -> np.ndarray:
    """Return which cells have their centre in the region, bool of shape (frame, band); all bands where none has Hz."""
    in_time = (time_s >= region.onset_s) & (time_s < region.offset_s)
    in_band = (frequency_hz >= region.low_hz) & (frequency_hz < region.high_hz) | (axis != "frequency")
    return in_time[:, None] & in_band[None, :]


def share_inside(values: np.ndarray, inside: np.ndarray) -> float:
    """Return the share of a map's sum (values below 0 count as 0) that falls inside; NaN for a map without any."""
    values = np.maximum(values, 0.0)
    total = float(values.sum())
    return float(values[inside].sum()) / total if total > 0 else float("nan")


def _summarize_shares(by_clip: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (model, region), part in by_clip.groupby(["model", "region"], sort=False):
        clips = _average_seeds(part)
        low, high = _interval(clips["noisy"], clips)
        rows.append(
            {
                "model": model,
                "region": region,
                "mean": _mean_over_folds(clips["noisy"], clips),
                "low": low,
                "high": high,
                "clean": _mean_over_folds(clips["clean"], clips),
                "even": part["even"].mean(),
                "clips": len(clips),
            }
        )
    return pd.DataFrame(rows)


def _compare_shares(by_clip: pd.DataFrame) -> pd.DataFrame:
    from scipy.stats import wilcoxon
    from statsmodels.stats.multitest import multipletests

    rows = []
    for region, part in by_clip.groupby("region", sort=False):
        models = {model: _average_seeds(rows_of) for model, rows_of in part.groupby("model", sort=False)}
        for (name_a, a), (name_b, b) in combinations(models.items(), 2):
            difference = a["noisy"] - b["noisy"]
            low, high = _interval(difference, a)
            equal = bool((difference == 0).all())
            rows.append(
                {
                    "region": region,
                    "model_a": name_a,
                    "model_b": name_b,
                    "difference": _mean_over_folds(difference, a),
                    "low": low,
                    "high": high,
                    "p_value": 1.0 if equal else float(wilcoxon(difference.to_numpy()).pvalue),
                }
            )
    table = pd.DataFrame(rows)
    if len(table):
        table["p_holm"] = multipletests(table["p_value"], method="holm")[1]
    return table


def _average_seeds(part: pd.DataFrame) -> pd.DataFrame:
    """Return one row a clip, sorted by clip."""
    return part.groupby("clip").agg({"noisy": "mean", "clean": "mean", "fold": "first", "source": "first"})


def _mean_over_folds(values: pd.Series, clips: pd.DataFrame) -> float:
    return float(values.groupby(clips["fold"]).mean().mean())


def _interval(values: pd.Series, clips: pd.DataFrame) -> tuple[float, float]:
    return bootstrap_interval(values.to_numpy(), clips["fold"].to_numpy(), clips["source"].to_numpy(dtype=str))
