"""What every network must keep to: one test a promise, over all of `MODELS` in all their variants, built small."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from esclab.errors import OptionError
from esclab.models import MODELS, build_model, find_model, model_options
from esclab.models.base import SoundClassifier
from esclab.models.recording import Gate, find_gates, read_mixtures, record_attention

CLASSES = 7
KINDS = ("temporal", "spectral", "spatial", "channel")
SILENT = {"mask", "fusion"}  # gates without weights in evaluation: blocks blanked in training, branches mixed
SMALL = {"width": 0.25}  # where a network has these settings


def variants_of(name: str) -> tuple[str, ...]:
    return ("text", "code") if "variant" in model_options(name) else ("only",)


CASES = [(name, variant) for name in MODELS for variant in variants_of(name)]


def make_model(name: str, variant: str = "text", *, seed: int = 0, bands: int = 40) -> SoundClassifier:
    """Build a small network that has seen one batch, so that its logits tell inputs apart, in evaluation mode."""
    torch.manual_seed(seed)
    settings = {key: value for key, value in SMALL.items() if key in model_options(name)}
    if variant != "only":
        settings["variant"] = variant
    model = build_model(name, classes=CLASSES, bands=bands, **settings)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(16, 1, 64, bands))  # fewer clips estimate a variance of next to nothing here and there
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()


make_once = cache(make_model)


def make_features(frames: int = 64, bands: int = 40) -> Tensor:
    return torch.randn(2, 1, frames, bands, generator=torch.Generator().manual_seed(5))


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def model(case: tuple[str, str]) -> SoundClassifier:
    return copy.deepcopy(make_once(*case))


def assert_near(logits: Tensor, expected: Tensor, *, share: float) -> None:
    """Assert that logits differ by at most this share of the largest one, or of 1 where all are smaller."""
    torch.testing.assert_close(logits.float(), expected, atol=share * max(1.0, expected.abs().max().item()), rtol=0)


@torch.no_grad()
def logits_of(model: SoundClassifier, features: Tensor | None = None) -> Tensor:
    return model(make_features() if features is None else features)


def test_model_maps_a_batch_to_finite_logits(model):
    logits = logits_of(model)
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()
    assert not torch.equal(logits[0], logits[1])


def test_model_embedding_is_what_its_last_layer_sees(model):
    with torch.no_grad():
        embedding = model.embed(make_features())
        assert embedding.shape == (2, model.classifier.in_features)
        assert torch.equal(model.classifier(embedding), logits_of(model))


def test_model_gradient_reaches_every_parameter(model):
    model.train()
    torch.manual_seed(1)
    (model(make_features()) * torch.randn(2, CLASSES)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.any()] == []
    assert all(gradient.isfinite().all() for gradient in gradients.values())


def test_model_answers_in_evaluation_do_not_depend_on_the_batch(model):
    features = make_features()
    assert_near(logits_of(model)[:1], logits_of(model, features[:1]), share=2e-5)


def test_model_leaves_its_input_untouched(model):
    features = make_features()
    logits_of(model, features)
    assert torch.equal(features, make_features())


def test_model_built_with_one_seed_has_the_same_weights(case):
    first, second, third = make_model(*case), make_model(*case), make_model(*case, seed=1)
    assert torch.equal(logits_of(first), logits_of(second))
    assert not torch.equal(logits_of(first), logits_of(third))


def test_model_saved_and_loaded_gives_identical_logits(case, model, tmp_path):
    model.standardise_by(torch.linspace(-1, 1, 40), torch.linspace(0.5, 2, 40))
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other = make_model(*case, seed=99)
    assert not torch.equal(logits_of(other), logits_of(model))
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"), strict=True)
    assert torch.equal(logits_of(other), logits_of(model))


def test_model_standardises_each_band_of_its_input(model):
    mean, std = torch.linspace(-30, -10, 40), torch.linspace(2, 9, 40)
    standardised = make_features()
    expected = logits_of(model, standardised)
    model.standardise_by(mean, std)
    assert_near(logits_of(model, standardised * std + mean), expected, share=2e-4)
    assert not torch.allclose(logits_of(model, standardised), expected, atol=1e-2 * float(expected.abs().max()))


def test_model_stands_a_band_that_never_changes(model):
    model.standardise_by(torch.zeros(40), torch.zeros(40))
    assert logits_of(model, torch.zeros(2, 1, 64, 40)).isfinite().all()
    assert logits_of(model).isfinite().all()


def test_model_cam_layers_are_maps_over_frames_and_bands(model):
    shapes: dict[str, torch.Size] = {}
    for name in model.cam_layers:
        model.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: shapes.update({name: out.shape}))
    logits_of(model)
    assert sorted(shapes) == sorted(model.cam_layers)
    assert len(shapes) > 0
    for shape in shapes.values():
        assert len(shape) == 4
        assert shape[0] == 2
        assert 1 <= shape[2] <= 64
        assert 1 <= shape[3] <= 40


def test_model_takes_channels_last_input_and_weights(model):
    expected = logits_of(model)
    features = make_features().to(memory_format=torch.channels_last)
    assert_near(logits_of(model, features), expected, share=5e-5)
    model.to(memory_format=torch.channels_last)
    assert_near(logits_of(model, features), expected, share=5e-5)


@pytest.mark.parametrize(("frames", "bands"), [(16, 16), (17, 31), (101, 23), (33, 64)])
def test_model_takes_odd_sizes(case, frames, bands):
    logits = logits_of(make_model(*case, bands=bands), make_features(frames, bands))
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()


def test_model_under_bfloat16_stays_near_and_keeps_its_gates_in_float32(model):
    expected = logits_of(model)
    with torch.autocast("cpu", torch.bfloat16), record_attention(model) as maps:
        logits = logits_of(model)
    assert (logits.float() - expected).abs().mean() <= 0.15 * max(1.0, expected.abs().max().item())
    for layer in maps.values():
        for weights in (getattr(layer, kind) for kind in KINDS):
            assert weights is None or weights.dtype == torch.float32
            assert weights is None or not torch.equal(weights, weights.bfloat16().float())


def test_model_records_each_of_its_gates_with_weights_for_every_clip(model):
    with record_attention(model) as maps:
        logits_of(model)
    assert set(maps) == set(find_gates(model)) - SILENT
    for name, layer in maps.items():
        recorded = {kind: getattr(layer, kind) for kind in KINDS if getattr(layer, kind) is not None}
        assert recorded or layer.mixture
        for kind, weights in recorded.items():
            assert weights.shape[0] == 2
            assert weights.ndim == (3 if kind == "spatial" else 2)
            assert weights.isfinite().all()
        assert find_gates(model)[name].weighs_cells == (layer.cells is not None)
    mixtures = {name: mixture for name, mixture in read_mixtures(model).items() if name not in SILENT}
    assert mixtures == {name: layer.mixture for name, layer in maps.items() if layer.mixture}


def test_recording_does_not_change_the_answer_and_ends_with_its_block(model):
    before = logits_of(model)
    with record_attention(model) as maps:
        during = logits_of(model)
    kept = {name: [id(getattr(layer, kind)) for kind in KINDS] for name, layer in maps.items()}
    after = logits_of(model, make_features() + 1)
    assert torch.equal(before, during)
    assert not torch.equal(before, after)
    assert {name: [id(getattr(layer, kind)) for kind in KINDS] for name, layer in maps.items()} == kept
    assert all(module.listener is None for module in model.modules() if isinstance(module, Gate))


@pytest.mark.parametrize("name", [name for name, variant in CASES if variant == "code"])
def test_variant_of_the_code_answers_otherwise(name):
    text, code = make_model(name), make_model(name, "code")
    theirs = code.state_dict()
    fitting = {key: value for key, value in text.state_dict().items() if theirs.get(key, value).shape == value.shape}
    code.load_state_dict(fitting, strict=False)
    assert not torch.allclose(logits_of(text), logits_of(code))


def test_every_model_says_what_it_is():
    assert all(entry.summary for entry in MODELS.values())


def test_find_model_suggests_the_nearest_name():
    with pytest.raises(OptionError, match=r"model ts-cnn1O: is not known; did you mean .*ts-cnn10"):
        find_model("ts-cnn1O")


def test_find_model_lists_all_names_where_none_is_near():
    with pytest.raises(OptionError, match=r"model xyz: is not known; choose one of cnn10, .*st-cnn10-concat"):
        find_model("xyz")


def test_build_model_refuses_an_unknown_setting_and_lists_the_known():
    with pytest.raises(OptionError, match=r"model cnn10: has no setting widht; choose among width, .*variant"):
        build_model("cnn10", classes=2, bands=40, widht=0.5)


@pytest.mark.parametrize("setting", [{"arrangement": "spectral"}, {"blocks": (2,)}])
def test_build_model_keeps_what_makes_the_variant(setting):
    with pytest.raises(OptionError, match="model ts-cnn10-1: has no setting"):
        build_model("ts-cnn10-1", classes=2, bands=40, **setting)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0.3}, r"width 0\.3: is not offered; choose 1/4, 1/2 or 1"),
        ({"width": "wide"}, "width wide: is not offered"),
        ({"width": 0}, "width 0: is not offered"),
        ({"variant": "texts"}, "variant texts: is not known; choose text or code"),
        ({"arrangement": "temporary"}, r"attention temporary: is not known; choose one of temporal, .*parallel-fixed"),
        ({"arrangement": "parallel", "blocks": (5,)}, r"blocks \(5,\): are not blocks of CNN10"),
        ({"arrangement": "parallel", "blocks": 2}, "blocks 2: are not blocks of CNN10"),
        ({"bands": 15}, "15 bands: vanish in four poolings by two; give at least 16 bands"),
    ],
)
def test_build_model_refuses_a_value_without_sense(settings, message):
    with pytest.raises(OptionError, match=message):
        build_model("cnn10", **{"classes": 2, "bands": 40, **settings})


def test_model_options_are_those_that_a_user_may_set():
    assert model_options("cnn10") == {"width": 1.0, "arrangement": None, "blocks": (1, 2, 3, 4), "variant": "text"}
    assert model_options("ts-cnn10-2") == {"width": 1.0, "variant": "text"}
