from __future__ import annotations

import numpy as np
import pytest

from esclab.results import Predictions

PREDICTIONS = Predictions(
    clips=np.array(["x", "y", "z"]),
    sources=np.array(["1", "2", "2"]),
    folds=np.array([1, 1, 2]),
    true=np.array([0, 1, 1]),
    probabilities=np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]),
    class_names=("a", "b"),
    model="net",
    seed=3,
)


def test_answer_is_the_likeliest_class():
    assert PREDICTIONS.predicted.tolist() == [0, 0, 1]
    assert PREDICTIONS.correct.tolist() == [True, False, True]


@pytest.mark.parametrize("rows", [np.array([False, True, True]), np.array([1, 2])])
def test_selected_clips_keep_all_that_belongs_to_them(rows):
    part = PREDICTIONS.select(rows)
    assert part.clips.tolist() == ["y", "z"]
    assert part.sources.tolist() == ["2", "2"]
    assert part.folds.tolist() == [1, 2]
    assert part.true.tolist() == [1, 1]
    assert part.probabilities.tolist() == [[0.6, 0.4], [0.2, 0.8]]
    assert (part.class_names, part.model, part.seed) == (("a", "b"), "net", 3)
