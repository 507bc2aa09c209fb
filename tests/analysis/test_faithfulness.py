from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from esclab.analysis.faithfulness import (
    average_drop,
    curve_area,
    deletion_curve,
    find_ends,
    increase_in_confidence,
    insertion_curve,
    keep_important,
    predict_classes,
    predict_targets,
)
from esclab.errors import OptionError
from esclab.models.base import SoundClassifier

FRAMES, BANDS = 10, 4
MEAN = -20.0


class Watcher(SoundClassifier):
    """Two classes: the score of class 1 is 8 times the mean of four cells (frames 2 and 3, bands 1 and 2), less 4."""

    def __init__(self) -> None:
        super().__init__(BANDS)
        self.classifier = nn.Linear(1, 2)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[0.0], [8.0]]))
            self.classifier.bias.copy_(torch.tensor([0.0, -4.0]))
        self.standardise_by(torch.full((BANDS,), MEAN), torch.full((BANDS,), 10.0))
        self.sizes: list[int] = []

    def represent(self, features: Tensor) -> Tensor:
        self.sizes.append(len(features))
        return features[:, 0, 2:4, 1:3].mean((1, 2))[:, None]


@pytest.fixture
def model() -> Watcher:
    return Watcher().eval()


@pytest.fixture
def features() -> Tensor:
    """Return 3 clips, 1 above the mean in standard units everywhere."""
    return torch.full((3, 1, FRAMES, BANDS), MEAN + 10)


TARGETS = np.array([1, 1, 1])
IDEAL = np.zeros((3, FRAMES, BANDS))
IDEAL[:, 2:4, 1:3] = 1


def logistic(score: float) -> float:
    return 1 / (1 + np.exp(-score))


def test_predict_targets_gives_the_probability_of_each_clips_class(model, features):
    found = predict_targets(model, features, np.array([1, 0, 1]))
    np.testing.assert_allclose(found, [logistic(4), logistic(-4), logistic(4)])
    np.testing.assert_array_equal(predict_classes(model, features), [1, 1, 1])


def test_clips_go_through_the_network_in_batches(model, features):
    predict_targets(model, features.repeat(30, 1, 1, 1), np.ones(90, dtype=int))
    assert model.sizes == [32, 32, 26]


def test_find_ends_are_the_clip_and_the_training_mean(model, features):
    whole, none = find_ends(model, features, TARGETS)
    np.testing.assert_allclose(whole, logistic(4))
    np.testing.assert_allclose(none, logistic(-4))


def test_curves_of_an_ideal_map_by_hand(model, features):
    # 40 cells in 20 steps: two of the four cells that count go at each of the first two steps.
    deletion = deletion_curve(model, features, IDEAL, targets=TARGETS, steps=20)
    insertion = insertion_curve(model, features, IDEAL, targets=TARGETS, steps=20)
    expected = np.array([logistic(4), logistic(0), *[logistic(-4)] * 19])
    np.testing.assert_allclose(deletion, np.tile(expected, (3, 1)), rtol=1e-6)
    np.testing.assert_allclose(insertion, 1 - deletion, rtol=1e-5)
    np.testing.assert_allclose(curve_area(deletion), (expected[0] / 2 + expected[1:-1].sum() + expected[-1] / 2) / 20)


def test_ideal_map_falls_faster_and_rises_faster_than_random_ones(model, features):
    random = np.random.default_rng(0).random(IDEAL.shape)
    areas = {}
    for name, maps in (("ideal", IDEAL), ("random", random)):
        options = {"targets": TARGETS, "steps": 10}
        areas[name] = (
            curve_area(deletion_curve(model, features, maps, **options)),
            curve_area(insertion_curve(model, features, maps, **options)),
        )
    assert (areas["ideal"][0] < areas["random"][0] - 0.1).all()
    assert (areas["ideal"][1] > areas["random"][1] + 0.1).all()


def test_equal_cells_go_in_no_order_of_time(model, features):
    """In the order of the array, half of the cells would hold all that count; drawn, about half of those."""
    (curve, *_) = deletion_curve(model, features, np.zeros(IDEAL.shape), targets=TARGETS, steps=2)
    assert logistic(-4) < curve[1] < logistic(4)
    again = deletion_curve(model, features, np.ones(IDEAL.shape), targets=TARGETS, steps=2)
    np.testing.assert_array_equal(again[0], curve)


def test_known_ends_are_not_computed_again(model, features):
    ends = find_ends(model, features, TARGETS)
    model.sizes.clear()
    known = deletion_curve(model, features, IDEAL, targets=TARGETS, steps=4, ends=ends)
    assert len(model.sizes) == 3
    np.testing.assert_array_equal(known, deletion_curve(model, features, IDEAL, targets=TARGETS, steps=4))


def test_baseline_may_be_a_tensor(model, features):
    curve = deletion_curve(model, features, IDEAL, targets=TARGETS, steps=1, baseline=torch.tensor(MEAN + 5))
    np.testing.assert_allclose(curve[:, -1], logistic(0))


def test_keep_important_weighs_cells_by_the_maps_evidence(model, features):
    half = np.where(IDEAL > 0, 2.0, -9.0)
    half[:, 0, 0] = 4  # the maximum lies where nothing counts, so that the cells that count are kept by half
    np.testing.assert_allclose(keep_important(model, features, half, targets=TARGETS), logistic(0), rtol=1e-6)
    np.testing.assert_allclose(keep_important(model, features, IDEAL, targets=TARGETS), logistic(4))
    np.testing.assert_allclose(keep_important(model, features, 0 * IDEAL, targets=TARGETS), logistic(-4))
    np.testing.assert_allclose(keep_important(model, features, -IDEAL, targets=TARGETS), logistic(-4))


def test_average_drop_and_increase_by_hand():
    before, after = np.array([0.8, 0.5, 0.5, 0.0]), np.array([0.2, 0.5, 0.9, 0.1])
    np.testing.assert_allclose(average_drop(before, after), [0.75, 0, 0, 0])
    np.testing.assert_array_equal(increase_in_confidence(before, after), [0, 0, 1, 1])


def test_features_and_maps_stay_as_they_were(model, features):
    before, maps = features.clone(), IDEAL.copy()
    deletion_curve(model, features, maps, targets=TARGETS)
    insertion_curve(model, features, maps, targets=TARGETS)
    keep_important(model, features, maps, targets=TARGETS)
    assert torch.equal(features, before)
    np.testing.assert_array_equal(maps, IDEAL)


def test_what_does_not_fit_is_refused(model, features):
    with pytest.raises(OptionError, match="one map a clip"):
        deletion_curve(model, features, IDEAL[:2], targets=TARGETS)
    with pytest.raises(OptionError, match="finite"):
        keep_important(model, features, IDEAL * np.nan, targets=TARGETS)
    with pytest.raises(OptionError, match="from 1 to 40"):
        insertion_curve(model, features, IDEAL, targets=TARGETS, steps=0)
    with pytest.raises(OptionError, match="from 1 to 40"):
        insertion_curve(model, features, IDEAL, targets=TARGETS, steps=41)
    with pytest.raises(OptionError, match="baseline"):
        deletion_curve(model, features, IDEAL, targets=TARGETS, baseline="black")
