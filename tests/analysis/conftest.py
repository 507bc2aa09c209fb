from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from esclab.clips import load_dataset
from esclab.results import Predictions
from esclab.training.crossval import cross_validate
from esclab.training.recipe import QUICK
from esclab.training.run import Run


@pytest.fixture(scope="session")
def answer() -> Callable[..., Predictions]:
    """Return a maker of predictions; unless told, each clip is a source and all are in one fold."""

    def make(
        true: Sequence[int],
        predicted: Sequence[int],
        *,
        classes: int = 2,
        confidence: float | Sequence[float] = 0.75,
        folds: Sequence[int] | None = None,
        sources: Sequence[object] | None = None,
        model: str = "model",
        seed: int = 0,
    ) -> Predictions:
        count = len(true)
        sure = np.broadcast_to(np.asarray(confidence, dtype=float), count)
        probabilities = np.repeat((1 - sure)[:, None] / (classes - 1), classes, axis=1)
        probabilities[np.arange(count), predicted] = sure
        return Predictions(
            clips=np.array([f"clip{n:04d}" for n in range(count)]),
            sources=np.array([f"source{name}" for name in (range(count) if sources is None else sources)]),
            folds=np.ones(count, dtype=int) if folds is None else np.asarray(folds),
            true=np.asarray(true),
            probabilities=probabilities,
            class_names=tuple("abcdefghij"[:classes]),
            model=model,
            seed=seed,
        )

    return make


@pytest.fixture(scope="session")
def tiny_runs(esclab_home: str, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Return finished runs of cnn10 and ts-cnn10 over folds 1 and 2 of 50 made clips, 4 steps each on 1 s."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    recipe = replace(QUICK, iterations=4, batch_size=8, duration_s=1.0)
    root = tmp_path_factory.mktemp("tiny-runs")
    reports = list(cross_validate(["cnn10", "ts-cnn10"], load_dataset("synth10:50"), recipe, root=root, folds=[1, 2]))
    torch.set_num_threads(before)
    return [report.run for report in reports if report.epoch is not None and report.epoch.iteration == 4]
