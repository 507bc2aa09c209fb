"""Class activation maps of a network of two channels, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from esclab.analysis.attribution import attribute
from esclab.models.base import SoundClassifier

MEAN_OF_FOUR = ((0.25, 0.25), (0.25, 0.25))


class TwoChannels(SoundClassifier):
    """Logits: a linear layer of two channels relu(kernel x + bias), each summed over 2 x 2 cells by weights `pool`."""

    cam_layers = ("conv", "activation")

    def __init__(self, *, kernels=(1.0, -1.0), bias=0.0, pool=MEAN_OF_FOUR, weights=((4.0, 8.0), (4.0, -8.0))) -> None:
        super().__init__(bands=2)
        self.conv = nn.Conv2d(1, 2, 1)
        self.activation = nn.ReLU(inplace=True)
        self.classifier = nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor(kernels).reshape(2, 1, 1, 1))
            self.conv.bias.fill_(bias)
            self.classifier.weight.copy_(torch.tensor(weights))
            self.classifier.bias.zero_()
        self.register_buffer("pool", torch.tensor(pool))

    def represent(self, features: Tensor) -> Tensor:
        return (self.activation(self.conv(features)) * self.pool).sum((2, 3))


FEATURES = torch.tensor([[[[1.0, -2.0], [3.0, 0.0]]]])  # channels: [[1, 0], [3, 0]] and [[0, 2], [0, 0]]


def explain(model: SoundClassifier, features: Tensor = FEATURES, **settings) -> np.ndarray:
    return attribute(model, features, layer="activation", **settings)[0]


def test_gradcam_weighs_channels_by_their_mean_gradient():
    # Gradients are 4 / 4 = 1 and 8 / 4 = 2 for class 0, 1 and -2 for class 1.
    np.testing.assert_allclose(explain(TwoChannels(), method="gradcam", target=0), [[1, 4], [3, 0]])
    np.testing.assert_allclose(explain(TwoChannels(), method="gradcam", target=1), [[1, 0], [3, 0]])
    tilted = TwoChannels(pool=((1.0, -1.0), (0.5, 0.0)))  # mean 1/8: gradients of 0.5 and 1
    np.testing.assert_allclose(explain(tilted, method="gradcam", target=0), [[0.5, 2], [1.5, 0]])


def test_gradcam_before_an_activation_in_place_takes_the_layer_as_it_was():
    # The convolution gives x, of which the activation lets 2 of 4 cells through: a mean gradient of 1 * 2 / 4.
    model = TwoChannels(weights=((4.0, 0.0), (0.0, 0.0)))
    for method, expected in (("gradcam", [[0.5, 0], [1.5, 0]]), ("layercam", [[1, 0], [3, 0]])):
        maps = attribute(model, FEATURES, method=method, target=0, layer="conv")[0]
        np.testing.assert_allclose(maps, expected)


def test_gradcam_pp_weighs_channels_by_equation_19():
    # a = 1 / (2 + g sum(A)): 1 / (2 + 1 * 4) and 1 / (2 + 2 * 2); times 4 cells of g: weights 4/6 and 8/6.
    np.testing.assert_allclose(
        explain(TwoChannels(), method="gradcam++", target=0), [[2 / 3, 8 / 3], [2, 0]], rtol=1e-6
    )
    # Class 1: the second channel's gradient is negative, and counts nothing.
    np.testing.assert_allclose(explain(TwoChannels(), method="gradcam++", target=1), [[2 / 3, 0], [2, 0]], rtol=1e-6)


def test_layercam_weighs_each_cell_by_its_own_positive_gradient():
    # Gradients 4 pool and 8 pool; what is below 0 counts nothing: [[4, 0], [2, 0]] times [[1, 0], [3, 0]].
    tilted = TwoChannels(pool=((1.0, -1.0), (0.5, 0.0)))
    np.testing.assert_allclose(explain(tilted, method="layercam", target=0), [[4, 0], [6, 0]])
    np.testing.assert_allclose(explain(TwoChannels(), method="layercam", target=0), [[1, 4], [3, 0]])


def test_eigencam_of_one_pattern_in_all_channels_is_that_pattern():
    pattern = torch.tensor([[[[1.0, 2.0], [0.0, 3.0]]]])
    maps = explain(TwoChannels(kernels=(3.0, 4.0)), pattern, method="eigencam")
    np.testing.assert_allclose(maps, 5 * pattern[0, 0], rtol=1e-5)


def test_scorecam_prefers_the_channel_that_raises_the_score():
    # Alone, the first channel's cell gives 4 * 3 / 4 = 3, the second's -4 * 3 / 4 = -3: shares e^3 and e^-3.
    model, features = TwoChannels(weights=((4.0, -4.0), (0.0, 0.0))), torch.tensor([[[[3.0, -3.0], [0.0, 0.0]]]])
    share = 1 / (1 + np.exp(-6))
    maps = explain(model, features, method="scorecam", target=0)
    np.testing.assert_allclose(maps, [[3 * share, 3 * (1 - share)], [0, 0]], rtol=1e-5)


def test_scorecam_hears_the_baseline_where_a_mask_is_zero():
    # All silence: with a baseline of the lowest value (-3) the second channel's mask leaves -3 in every cell.
    model, features = TwoChannels(weights=((4.0, -4.0), (0.0, 0.0))), torch.tensor([[[[3.0, -3.0], [0.0, 0.0]]]])
    first, second = 4 * 3 / 4 - 4 * 9 / 4, -4 * 12 / 4
    share = 1 / (1 + np.exp(second - first))
    maps = explain(model, features, method="scorecam", target=0, baseline="silence")
    np.testing.assert_allclose(maps, [[3 * share, 3 * (1 - share)], [0, 0]], rtol=1e-5)


def test_scorecam_gives_no_weight_to_a_channel_that_is_the_same_everywhere():
    positive = torch.tensor([[[[1.0, 2.0], [0.0, 3.0]]]])  # the second channel is 0 in every cell
    np.testing.assert_allclose(explain(TwoChannels(), positive, method="scorecam", target=0), positive[0, 0])
    nothing = explain(TwoChannels(), torch.zeros(1, 1, 2, 2), method="scorecam", target=0)
    np.testing.assert_array_equal(nothing, np.zeros((2, 2)))


def test_scorecam_of_some_channels_takes_those_that_vary_most():
    # Variances of [1, 0, 3, 0] and [0, 2, 0, 0]: the first is larger.
    maps = explain(TwoChannels(), method="scorecam", target=0, channels=1)
    np.testing.assert_allclose(maps, [[1, 0], [3, 0]])


def test_scorecam_progress_counts_channels_and_clips():
    seen = []
    attribute(
        TwoChannels(),
        torch.cat([FEATURES, FEATURES.clamp_min(0)]),
        method="scorecam",
        progress=lambda done, count: seen.append((done, count)),
    )
    assert seen == [(2, 4), (4, 4)]


def test_deeplift_follows_the_rescale_rule_through_an_activation_in_place():
    # relu(x - 1) from 0 to 3 rises by 2 over 3; plain gradient times input would give 3.
    model = TwoChannels(kernels=(1.0, 0.0), bias=-1.0)
    features = torch.tensor([[[[3.0, 0.5], [-2.0, 2.0]]]])
    np.testing.assert_allclose(attribute(model, features, method="deeplift", target=0)[0], [[2, 0], [0, 1]], rtol=1e-6)


@pytest.mark.parametrize("method", ["gradcam", "gradcam++", "layercam", "eigencam", "scorecam"])
def test_default_layer_is_the_last(method):
    model = TwoChannels()
    last = attribute(model, FEATURES, method=method, target=0, layer="activation")
    np.testing.assert_array_equal(attribute(model, FEATURES, method=method, target=0), last)
