"""Attribution to the input of a linear network, whose answer is known, and the maps to hold others against."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from esclab.analysis.attribution import attribute, methods_for
from esclab.analysis.cells import spread_cells
from esclab.models import build_model
from esclab.models.base import SoundClassifier
from esclab.models.recording import record_attention

FRAMES, BANDS = 6, 4
MEAN, STD = torch.tensor([-10.0, -20.0, -30.0, -40.0]), torch.tensor([1.0, 2.0, 4.0, 8.0])


class Linear(SoundClassifier):
    def __init__(self) -> None:
        super().__init__(BANDS)
        self.classifier = nn.Linear(FRAMES * BANDS, 2)
        self.standardise_by(MEAN, STD)

    def represent(self, features: Tensor) -> Tensor:
        return features.flatten(1)


@pytest.fixture
def model() -> Linear:
    torch.manual_seed(0)
    return Linear()


@pytest.fixture
def features() -> Tensor:
    return torch.randn(3, 1, FRAMES, BANDS, generator=torch.Generator().manual_seed(1)) * 10 - 25


def slopes(model: Linear, target: int) -> np.ndarray:
    """Return the change of the logit per unit of each cell."""
    return (model.classifier.weight[target].reshape(FRAMES, BANDS) / STD).detach().numpy()


def test_saliency_of_a_linear_network_is_the_size_of_its_weights(model, features):
    maps = attribute(model, features, method="saliency", target=[0, 1, 1])
    np.testing.assert_allclose(maps[0], np.abs(slopes(model, 0)), rtol=1e-5)
    np.testing.assert_allclose(maps[2], np.abs(slopes(model, 1)), rtol=1e-5)


EXACT = {
    "integrated-gradients": {"steps": 3},
    "deeplift": {},
    "gradientshap": {"samples": 11, "noise": 0.0},
    "occlusion": {"window": (1, 1)},
}


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("baseline", ["mean", "silence"])
def test_linear_network_gives_each_cell_weight_times_difference(model, features, method, baseline):
    maps = attribute(model, features, method=method, target=1, baseline=baseline, **EXACT[method])
    lowest = features.amin((1, 2, 3)).numpy()
    for clip in range(3):
        base = MEAN.expand(FRAMES, BANDS) if baseline == "mean" else torch.full((FRAMES, BANDS), float(lowest[clip]))
        expected = slopes(model, 1) * (features[clip, 0] - base).numpy()
        np.testing.assert_allclose(maps[clip], expected, rtol=1e-3, atol=1e-5)
        with torch.no_grad():
            scores = model(torch.stack([features[clip], base[None]]))[:, 1]
        assert maps[clip].sum() == pytest.approx(float(scores[0] - scores[1]), rel=1e-3, abs=1e-4)


def test_gradientshap_with_noise_is_right_in_expectation(model, features):
    maps = attribute(model, features[:1], method="gradientshap", target=0, samples=4000, noise=0.5)[0]
    deviation = 0.5 * float(STD.mean())
    expected = slopes(model, 0) * (features[0, 0] - MEAN).numpy()
    error = np.abs(slopes(model, 0)) * deviation / np.sqrt(4000)
    assert np.all(np.abs(maps - expected) < 5 * error + 1e-4)
    assert np.any(np.abs(maps - expected) > 0.1 * error)


def test_occlusion_gives_a_cell_the_mean_over_windows_that_cover_it(model, features):
    maps = attribute(model, features[:1], method="occlusion", target=0, window=(3, BANDS), stride=(3, BANDS))[0]
    cells = slopes(model, 0) * (features[0, 0] - MEAN).numpy()
    np.testing.assert_allclose(maps[:3], np.full((3, BANDS), cells[:3].sum()), rtol=1e-3)
    np.testing.assert_allclose(maps[3:], np.full((3, BANDS), cells[3:].sum()), rtol=1e-3)
    whole = attribute(model, features[:1], method="occlusion", target=0, window=(99, 99))[0]
    np.testing.assert_allclose(whole, np.full((FRAMES, BANDS), cells.sum()), rtol=1e-3)
    halves = attribute(model, features[:1], method="occlusion", target=0, window=(4, BANDS))[0]  # steps of 2: 2 windows
    np.testing.assert_allclose(halves[2, 0], (cells[:4].sum() + cells[2:].sum()) / 2, rtol=1e-3)


def test_default_target_is_the_predicted_class_of_each_clip(model, features):
    with torch.no_grad():
        lead = model(features) @ torch.tensor([1.0, -1.0])
        model.classifier.bias[1] += lead.sort().values[:2].mean()  # so that the classes share the clips
        predicted = model(features).argmax(1)
    assert set(predicted.tolist()) == {0, 1}
    maps = attribute(model, features, method="integrated-gradients", steps=2)
    chosen = attribute(model, features, method="integrated-gradients", steps=2, target=predicted.tolist())
    np.testing.assert_array_equal(maps, chosen)


def test_spectrogram_is_the_standardised_input_from_its_minimum(model, features):
    standardised = ((features[:, 0] - MEAN) / STD).numpy()
    expected = standardised - standardised.min(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(attribute(model, features, method="spectrogram"), expected, rtol=1e-5, atol=1e-6)


def test_random_is_noise_of_the_seed_and_the_clip(model, features):
    maps = attribute(model, features, method="random", smooth=0)
    assert 0 <= maps.min() < 0.1 < 0.9 < maps.max() <= 1
    assert not np.allclose(maps[0], maps[1])
    np.testing.assert_array_equal(attribute(model, features[1:2], method="random", smooth=0)[0], maps[1])
    assert not np.allclose(attribute(model, features, method="random", smooth=0, seed=1), maps)
    assert attribute(model, features, method="random").std() < 0.5 * maps.std()  # smoothing makes it even


def test_methods_for_a_network_are_those_it_has(model):
    maps_of_layers = {"gradcam", "gradcam++", "layercam", "eigencam", "scorecam"}
    plain = set(methods_for(build_model("cnn10", classes=2, bands=16, width=0.25)))
    attentive = set(methods_for(build_model("t-cnn10", classes=2, bands=16, width=0.25)))
    assert attentive - plain == {"attention"}
    assert plain - set(methods_for(model)) == maps_of_layers


def set_gates(model: SoundClassifier, logit: float) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".gates." in name:
                parameter.fill_(logit if name.endswith("bias") else 0.0)


def test_attention_of_known_gates_is_their_weight():
    model, features = build_model("ts-cnn10", classes=2, bands=16, width=0.25), torch.randn(2, 1, 32, 16)
    set_gates(model, np.log(3))  # sigmoid 3/4; a third of it twice, and a third of 1
    maps = attribute(model, features, method="attention")
    np.testing.assert_allclose(maps, np.full((2, 32, 16), (0.75 + 0.75 + 1) / 3), rtol=1e-5)
    serial = build_model("ts-cnn10-concat", classes=2, bands=16, width=0.25)
    set_gates(serial, np.log(3))
    maps = attribute(serial, features, method="attention")
    np.testing.assert_allclose(maps, np.full((2, 32, 16), 0.75**2), rtol=1e-5)


def test_attention_of_a_layer_and_its_mean_over_layers_lie_on_the_input():
    torch.manual_seed(3)
    model, features = build_model("ts-cnn10", classes=2, bands=20, width=0.25).eval(), torch.randn(1, 1, 37, 20)
    with torch.no_grad(), record_attention(model) as recorded:
        model(features)
    spread = [spread_cells(layer.cells.numpy(), 37, 20) for layer in recorded.values()]
    np.testing.assert_allclose(attribute(model, features, method="attention", layer="block3"), spread[2], rtol=1e-5)
    np.testing.assert_allclose(attribute(model, features, method="attention"), np.mean(spread, axis=0), rtol=1e-5)
