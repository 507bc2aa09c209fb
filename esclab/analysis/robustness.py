"""Trained on clean clips, tested on noisy ones: what each kind and level of noise costs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from esclab.analysis.alignment import group_by_model
from esclab.analysis.calibration import measure_calibration
from esclab.analysis.intervals import paired_difference, summarize_accuracy
from esclab.analysis.significance import compare_models
from esclab.clips.audio import read_clip
from esclab.clips.dataset import ClipDataset
from esclab.clips.pick import find_row
from esclab.errors import OptionError
from esclab.results import WHOLE_CLIP, Predictions, Region, RobustnessResult
from esclab.training.run import Run

if TYPE_CHECKING:
    from esclab.features import Feature

CLEAN = "clean"
MOST_SNR_DB = 100.0  # much beyond, single precision loses the weaker of clip and noise beside the other


@dataclass(frozen=True)
class NoiseCondition:
    """One kind of noise at one level in one place.

    Attributes
    ----------
    kind : str
        As `esclab.noise.inject_noise` takes it, or "clean".
    snr_db : float
    region : Region
    reference : {"clip", "region"}
        What the SNR refers to.

    Raises
    ------
    OptionError
        When the SNR of noise is not within -100 to 100 dB.
    """

    kind: str = CLEAN
    snr_db: float = np.inf
    region: Region = WHOLE_CLIP
    reference: str = "clip"

    def __post_init__(self) -> None:
        """Check the SNR, for noise that was drawn once is scaled to any."""
        if self.kind != CLEAN and not abs(self.snr_db) <= MOST_SNR_DB:  # NaN is within nothing
            cause = f"is not within {-MOST_SNR_DB:g} to {MOST_SNR_DB:g} dB"
            raise OptionError(f"SNR {self.snr_db:g} dB", cause, "give a number such as 10")

    def __str__(self) -> str:
        """Return the condition in words, e.g. "gaussian 10 dB"."""
        if self.kind == CLEAN:
            return CLEAN
        where = "" if self.region == WHOLE_CLIP else f", {self.region}"
        return f"{self.kind} {self.snr_db:g} dB{where}"


def cross_conditions(
    kinds: Sequence[str],
    snrs_db: Sequence[float],
    regions: Sequence[Region] = (WHOLE_CLIP,),
    *,
    reference: str = "clip",
) -> list[NoiseCondition]:
    """Return every kind at every SNR in every region."""
    return [
        NoiseCondition(kind, float(snr), region, reference) for kind in kinds for region in regions for snr in snrs_db
    ]


def measure_robustness(
    runs: Sequence[Run],
    conditions: Sequence[NoiseCondition],
    *,
    seed: int = 0,
    dataset: ClipDataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RobustnessResult:
    """Test runs on noisy versions of their held-out clips.

    Parameters
    ----------
    runs : sequence of Run
        Finished runs of one dataset; each model and seed over the same folds.
    conditions : sequence of NoiseCondition
    seed : int
        Of the noise. A clip meets the same noise in every model, and at every SNR, only louder or softer.
    dataset : ClipDataset, optional
        Loaded by the runs' own name by default.
    progress : callable, optional
        Called with (clips done, clips in all).

    Raises
    ------
    OptionError
        When a kind is unknown or a clip is silent where the SNR refers to.

    Notes
    -----
    TS-CNN, Table 3.
    """
    answers = predict_noisy(runs, conditions, seed=seed, dataset=dataset, progress=progress)
    config = runs[0].config
    return summarize_robustness(answers, label=f"{config.dataset}, {config.protocol}, recipe {config.recipe.name}")


def predict_noisy(
    runs: Sequence[Run],
    conditions: Sequence[NoiseCondition],
    *,
    seed: int = 0,
    dataset: ClipDataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[NoiseCondition, list[Predictions]]:
    """Return what runs answer to their clean (first entry) and noisy held-out clips; see `measure_robustness`.

    Returns
    -------
    answers : dict of NoiseCondition to list of Predictions
        One entry a run, in the order of `runs`.
    """
    import torch

    from esclab.training.data import count_own_frames, predict_features

    dataset = load_clips_of(runs, dataset)
    clean = [run.read_predictions() for run in runs]
    answers: dict[NoiseCondition, list[Predictions]] = {NoiseCondition(): clean}
    answers |= {condition: list(clean) for condition in conditions}
    groups: dict[str, list[int]] = {}
    for number, run in enumerate(runs):  # runs that heard the same clips in the same way share the noisy features
        config = run.config
        groups.setdefault(repr((config.held_out, config.recipe.feature, config.duration_s)), []).append(number)
    count, done = sum(len(clean[group[0]].clips) for group in groups.values()), 0
    for group in groups.values():
        noisy: dict[str, np.ndarray] = {}
        clips = clean[group[0]].clips
        for clip, values in zip(clips, _transform_clips(dataset, runs[group[0]], clips, conditions, seed), strict=True):
            noisy[clip] = values
            done += 1
            if progress is not None:
                progress(done, count)
        for number in group:
            features = torch.from_numpy(np.stack([noisy[clip] for clip in clean[number].clips], axis=1))
            model = runs[number].load_model()
            lengths = count_own_frames(
                runs[number], dataset, rows=[find_row(dataset, clip) for clip in clean[number].clips]
            )
            for condition, batch in zip(conditions, features, strict=True):
                probabilities, _ = predict_features(model, batch, lengths)
                answers[condition][number] = replace(clean[number], probabilities=probabilities)
    return answers


def summarize_robustness(answers: dict[NoiseCondition, list[Predictions]], *, label: str = "") -> RobustnessResult:
    """Return accuracies, drops, calibration and paired differences from the answers of `predict_noisy`."""
    from esclab.training.crossval import join_folds

    clean = group_by_model(join_folds(answers[NoiseCondition()]))
    rows: list[dict[str, Any]] = []
    pairs: list[pd.DataFrame] = []
    for condition, parts in answers.items():
        predictions = join_folds(parts)
        where: dict[str, Any] = {"kind": condition.kind, "snr_db": condition.snr_db, "region": str(condition.region)}
        accuracy = summarize_accuracy(predictions).table.set_index("model").to_dict("index")
        for model, noisy in group_by_model(predictions).items():
            drop = paired_difference(clean[model], noisy)
            rows.append(
                {
                    "model": model,
                    **where,
                    **{str(name): value for name, value in accuracy[model].items()},
                    "seeds": len(noisy),
                    "drop": drop.mean,
                    "drop_low": drop.low,
                    "drop_high": drop.high,
                    "ece": float(np.mean([measure_calibration(one).ece for one in noisy])),
                }
            )
        if len(clean) > 1:
            pairs.append(compare_models(predictions).assign(**where))
    references = {condition.reference for condition in answers if condition.kind != CLEAN}
    return RobustnessResult(
        pd.DataFrame(rows),
        _correct_together(pairs),
        reference=" or ".join(sorted(references)) or "clip",
        label=label,
    )


def load_clips_of(runs: Sequence[Run], dataset: ClipDataset | None = None) -> ClipDataset:
    """Return the dataset that all runs were trained on.

    Raises
    ------
    OptionError
        When there are no runs, or they are of several datasets.
    DatasetError
        When the dataset is not here.
    """
    names = list(dict.fromkeys(run.config.dataset for run in runs))
    if len(names) != 1:
        cause = f"are of {' and '.join(names)}" if names else "are none"
        raise OptionError("runs", cause, "give finished runs of one dataset")
    if dataset is not None:
        return dataset
    from esclab.clips import load_dataset

    return load_dataset(names[0])


def seed_clip(seed: int, clip: str) -> int:
    """Return a seed for the noise of one clip: the same on every machine, another for every clip."""
    return int.from_bytes(hashlib.sha256(f"{seed} {clip}".encode()).digest()[:4], "little")


def transform_noisy(
    samples: np.ndarray, feature: Feature, conditions: Sequence[NoiseCondition], *, seed: int = 0
) -> np.ndarray:
    """Return the features of one clip under each condition, shape (condition, 1, frame, band), float32.

    Parameters
    ----------
    samples : ndarray of float32, shape (sample,)
        At the feature's sample rate.
    feature : Feature
    conditions : sequence of NoiseCondition
    seed : int
        Of the noise, the same for every condition.
    """
    import torch

    from esclab.noise import draw_noise

    drawn: dict[NoiseCondition, np.ndarray] = {}
    found = []
    for condition in conditions:
        noisy = samples
        if condition.kind != CLEAN:
            unit = replace(condition, snr_db=0.0)
            if unit not in drawn:  # one draw serves every level
                drawn[unit] = draw_noise(
                    samples, feature.config.sample_rate, kind=unit.kind, snr_db=0.0, region=unit.region,
                    reference=unit.reference, seed=seed,
                )  # fmt: skip
            noisy = (samples + drawn[unit] * 10 ** (-condition.snr_db / 20)).astype(np.float32)
        with torch.inference_mode():
            found.append(feature(torch.from_numpy(noisy)[None])[0].numpy())
    return np.stack(found)


def _transform_clips(
    dataset: ClipDataset, run: Run, clips: np.ndarray, conditions: Sequence[NoiseCondition], seed: int
) -> Iterator[np.ndarray]:
    """Yield, for each clip in turn, its features under each condition."""
    feature = run.build_feature()

    def transform(clip: str) -> np.ndarray:
        samples = read_clip(
            dataset,
            find_row(dataset, clip),
            sample_rate=feature.config.sample_rate,
            duration_s=run.config.duration_s,
        )
        try:
            return transform_noisy(samples, feature, conditions, seed=seed_clip(seed, clip))
        except OptionError as error:
            raise OptionError(f"clip {clip}, {error.where}", error.cause, error.next_step) from error

    with ThreadPoolExecutor(max_workers=2) as pool:
        yield from pool.map(transform, clips)


def _correct_together(pairs: list[pd.DataFrame]) -> pd.DataFrame:
    """Return all comparisons in one table, Holm's correction over all of them."""
    if not pairs:
        return pd.DataFrame()
    from statsmodels.stats.multitest import multipletests

    table = pd.concat(pairs, ignore_index=True)
    table["p_holm"] = multipletests(table["p_value"], method="holm")[1]
    first = ["kind", "snr_db", "region"]
    return table[[*first, *(name for name in table.columns if name not in first)]]
