from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from esclab.results import Predictions


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
