from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.analysis import mean_feature_baseline
from esclab.clips.dataset import ClipDataset
from esclab.errors import DatasetError


def _dataset(classes, folds):
    count = len(classes)
    table = pd.DataFrame(
        {
            "clip": [f"clip{n}" for n in range(count)],
            "class_index": classes,
            "fold": folds,
            "source": [f"source{n}" for n in range(count)],
        }
    )
    return ClipDataset("tiny", table, ("low", "high"), 1.0, 16_000, "made by hand")


@pytest.fixture
def dataset():
    return _dataset(np.arange(12) % 2, np.repeat([1, 2, 3], 4))


@pytest.fixture
def features(dataset):
    """Class 0 is loud in band 0 and class 1 in band 1, on average over time only."""
    values = np.random.default_rng(0).normal(size=(12, 1, 50, 2)).astype(np.float32)
    values[np.arange(12), 0, :, dataset.table["class_index"]] += 3
    return values


def test_baseline_tells_apart_classes_that_differ_in_mean(dataset, features):
    predictions = mean_feature_baseline(features, dataset)
    assert predictions.correct.all()
    assert predictions.model == "logistic regression on mean log-mel"
    assert predictions.folds.tolist() == dataset.table["fold"].tolist()
    assert predictions.clips.tolist() == dataset.table["clip"].tolist()
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1)


def test_baseline_does_not_hear_the_order_of_frames(dataset, features):
    first = mean_feature_baseline(features, dataset)
    second = mean_feature_baseline(features[:, :, ::-1], dataset)
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)


def test_a_clip_does_not_change_the_scaling_of_its_own_fold(dataset, features):
    before = mean_feature_baseline(features, dataset).probabilities
    features[0] += 1000
    after = mean_feature_baseline(features, dataset).probabilities
    np.testing.assert_allclose(after[1:4], before[1:4])  # the rest of the test fold
    assert np.abs(after[4:] - before[4:]).max() > 0.01  # the folds that train on it


def test_a_class_absent_from_training_gets_no_probability():
    dataset = _dataset([0, 1, 0, 1, 2, 2], [1, 1, 2, 2, 2, 2])
    dataset = ClipDataset("tiny", dataset.table, ("a", "b", "c"), 1.0, 16_000, "made by hand")
    features = np.random.default_rng(0).normal(size=(6, 1, 4, 3))
    probabilities = mean_feature_baseline(features, dataset).probabilities
    assert (probabilities[2:, 2] == 0).all()
    assert (probabilities[:2, 2] > 0).all()


def test_baseline_refuses_features_of_other_clips(dataset, features):
    with pytest.raises(DatasetError, match="do not fit 12 clips"):
        mean_feature_baseline(features[:5], dataset)


def test_baseline_refuses_features_that_are_not_finite(dataset, features):
    features[3, 0, 0, 0] = np.nan
    with pytest.raises(DatasetError, match="not a finite number"):
        mean_feature_baseline(features, dataset)


def test_baseline_refuses_a_single_fold(features):
    with pytest.raises(DatasetError, match="fewer than two classes"):
        mean_feature_baseline(features, _dataset(np.arange(12) % 2, np.ones(12, dtype=int)))


def test_baseline_predicts_only_the_folds_that_test(dataset, features):
    whole = mean_feature_baseline(features, dataset)
    part = mean_feature_baseline(features, replace(dataset, test_folds=(2,)))
    assert part.clips.tolist() == ["clip4", "clip5", "clip6", "clip7"]
    np.testing.assert_array_equal(part.probabilities, whole.probabilities[4:8])
