"""Rows of `noise.csv` and `activation_share.csv`: one a run and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from esclab.analysis.calibration import measure_calibration
from esclab.analysis.robustness import CLEAN, NoiseCondition
from esclab.results import ActivationShareResult, Predictions
from esclab.training.ledger import digest_recipe
from esclab.training.run import Run

NOISE_KEY = (
    "model", "dataset", "protocol", "fold", "seed", "recipe", "recipe_digest",
    "kind", "snr_db", "region", "reference", "noise_seed", "weights",
)  # fmt: skip
SHARE_KEY = (*NOISE_KEY, "layer")


def describe_noise(
    runs: Sequence[Run], answers: Mapping[NoiseCondition, Sequence[Predictions]], *, noise_seed: int
) -> list[dict[str, Any]]:
    """Return one row a run and noisy condition, for `esclab.training.ledger.append_result` with `NOISE_KEY`.

    Parameters
    ----------
    runs : sequence of Run
    answers : mapping
        What `predict_noisy` gave for these runs.
    noise_seed : int
    """
    return [
        _describe(run, condition, part, noise_seed)
        for condition, parts in answers.items()
        if condition.kind != CLEAN
        for run, part in zip(runs, parts, strict=True)
    ]


def describe_shares(
    runs: Sequence[Run], result: ActivationShareResult, condition: NoiseCondition, *, noise_seed: int
) -> list[dict[str, Any]]:
    """Return one row a run and region of the result, with `SHARE_KEY`; `condition` gives kind, SNR and reference."""
    rows = []
    for run in runs:
        by_clip = result.by_clip
        part = by_clip[(by_clip["model"] == run.config.model) & (by_clip["seed"] == run.config.seed)]
        part = part[part["fold"] == run.config.held_out]
        for region, clips in part.groupby("region", sort=False):
            rows.append(
                {
                    **_name_run(run),
                    **_name_noise(condition, str(region), noise_seed),
                    "weights": run.summary["weights_sha256"][:12],
                    "layer": result.layer,
                    "noisy_share": round(float(clips["noisy"].mean()), 6),
                    "clean_share": round(float(clips["clean"].mean()), 6),
                    "clips": len(clips),
                    **_name_versions(run),
                }
            )
    return rows


def _describe(run: Run, condition: NoiseCondition, answered: Predictions, noise_seed: int) -> dict[str, Any]:
    return {
        **_name_run(run),
        **_name_noise(condition, str(condition.region), noise_seed),
        "weights": run.summary["weights_sha256"][:12],
        "accuracy": round(float(answered.correct.mean()), 6),
        "clean_accuracy": round(float(run.read_predictions().correct.mean()), 6),
        "ece": round(measure_calibration(answered).ece, 6),
        "clips": len(answered.true),
        **_name_versions(run),
    }


def _name_run(run: Run) -> dict[str, Any]:
    config = run.config
    return {
        "model": config.model,
        "dataset": config.dataset,
        "protocol": config.protocol,
        "fold": config.held_out,
        "seed": config.seed,
        "recipe": config.recipe.name,
        "recipe_digest": digest_recipe(run),
    }


def _name_noise(condition: NoiseCondition, region: str, noise_seed: int) -> dict[str, Any]:
    return {
        "kind": condition.kind,
        "snr_db": condition.snr_db,
        "region": region,
        "reference": condition.reference,
        "noise_seed": noise_seed,
    }


def _name_versions(run: Run) -> dict[str, str]:
    return {
        "versions": " ".join(f"{name}={number}" for name, number in run.config.versions.items()),
        "date": datetime.now(UTC).date().isoformat(),
    }
