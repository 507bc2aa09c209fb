from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from esclab.analysis.randomisation import randomisation_similarity, randomise_weights, rank_similarity
from esclab.models import build_model
from esclab.models.base import SoundClassifier


@pytest.fixture(scope="module")
def model() -> SoundClassifier:
    """Return a network with statistics and mixtures that differ from those of a new one."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = build_model("ts-cnn10", classes=3, bands=16, width=0.25)
        made.standardise_by(torch.full((16,), -30.0), torch.full((16,), 12.0))
        for name, parameter in made.named_parameters():
            if name.endswith("mixture_logits"):
                parameter.data = torch.tensor([1.0, 2.0, 3.0])
        made.train()(torch.randn(4, 1, 32, 16) * 12 - 30)
    return made.eval()


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    return torch.randn(2, 1, 32, 16, generator=torch.Generator().manual_seed(0)) * 12 - 30


def test_randomised_copy_forgets_weights_and_keeps_the_standardisation(model):
    fresh = randomise_weights(model)
    old, new = model.state_dict(), fresh.state_dict()
    assert torch.equal(new["input_mean"], old["input_mean"])
    assert torch.equal(new["input_std"], old["input_std"])
    for name in ("block1.conv1.weight", "block4.bn1.running_mean", "fc1.weight", "classifier.weight"):
        assert not torch.equal(new[name], old[name])
    assert sorted(new["block1.attention.mixture_logits"].tolist()) == [1, 2, 3]
    assert not fresh.training


def test_randomising_leaves_the_network_and_the_generator_as_they_were(model):
    weights, state = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    first, second = randomise_weights(model, seed=3), randomise_weights(model, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert torch.equal(first.classifier.weight, second.classifier.weight)
    assert not torch.equal(first.classifier.weight, randomise_weights(model, seed=4).classifier.weight)


@pytest.mark.parametrize("method", ["spectrogram", "random"])
def test_map_that_does_not_look_at_the_network_has_similarity_1(model, features, method):
    found = randomisation_similarity(model, features, method, targets=np.array([0, 2]))
    np.testing.assert_allclose(found, 1)


def test_map_that_looks_at_the_network_changes_with_its_weights(model, features):
    found = randomisation_similarity(model, features, "deeplift", targets=np.array([0, 2]))
    assert (np.abs(found) < 0.5).all()


def test_rank_similarity_is_spearmans_correlation_of_each_clip():
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 5, (2, 3, 6, 4))
    expected = [spearmanr(one.ravel(), other.ravel()).statistic for one, other in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_similarity(a, b), expected)
    np.testing.assert_allclose(rank_similarity(a, np.exp(a)), 1)
    np.testing.assert_allclose(rank_similarity(a, -a), -1)


def test_rank_similarity_of_a_constant_map_is_0_and_of_two_is_1():
    varied, constant = np.random.default_rng(0).random((1, 3, 3)), np.zeros((1, 3, 3))
    assert rank_similarity(varied, constant) == [0]
    assert rank_similarity(constant, constant + 1) == [1]
