"""What every network must keep to: one test a promise, over all of `MODELS` in both variants."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from esclab.errors import OptionError
from esclab.models import MODELS, build_model, find_model, model_options
from esclab.models.attention import TemporalSpectralAttention
from esclab.models.base import SoundClassifier
from esclab.models.recording import read_mixtures, record_attention

CLASSES = 7
BLOCKS = ("block1", "block2", "block3", "block4")
FRAMES = dict(zip(BLOCKS, (64, 32, 16, 8), strict=True))
BANDS = dict(zip(BLOCKS, (40, 20, 10, 5), strict=True))
# Which blocks attend, by which gates, and whether three branches are mixed.
ATTENDS = {
    "cnn10": ((), "", False),
    "t-cnn10": (BLOCKS, "t", False),
    "s-cnn10": (BLOCKS, "s", False),
    "ts-cnn10": (BLOCKS, "ts", True),
    "ts-cnn10-1": (("block1",), "ts", True),
    "ts-cnn10-2": (("block2",), "ts", True),
    "ts-cnn10-3": (("block3",), "ts", True),
    "ts-cnn10-4": (("block4",), "ts", True),
    "ts-cnn10-fixed": (BLOCKS, "ts", True),
    "ts-cnn10-concat": (BLOCKS, "ts", False),
    "st-cnn10-concat": (BLOCKS, "ts", False),
}
CASES = [(name, variant) for name in MODELS for variant in ("text", "code")]


def make_model(name: str, variant: str = "text", *, seed: int = 0, bands: int = 40) -> SoundClassifier:
    """Build a small network that has seen one batch, so that its logits tell inputs apart, in evaluation mode."""
    torch.manual_seed(seed)
    model = build_model(name, classes=CLASSES, bands=bands, width=0.25, variant=variant)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(2, 1, 32, bands))
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


@torch.no_grad()
def logits_of(model: SoundClassifier, features: Tensor | None = None) -> Tensor:
    return model(make_features() if features is None else features)


def test_the_eleven_models_of_the_paper_are_there():
    assert sorted(ATTENDS) == sorted(name for name in MODELS if "cnn10" in name)
    assert all(entry.summary for entry in MODELS.values())


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
    torch.testing.assert_close(logits_of(model)[:1], logits_of(model, features[:1]), atol=1e-5, rtol=1e-5)


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
    torch.testing.assert_close(logits_of(model, standardised * std + mean), expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(logits_of(model, standardised), expected, atol=1e-2)


def test_model_stands_a_band_that_never_changes(model):
    model.standardise_by(torch.zeros(40), torch.zeros(40))
    assert logits_of(model, torch.zeros(2, 1, 64, 40)).isfinite().all()
    assert logits_of(model).isfinite().all()


def test_model_cam_layers_are_maps_over_frames_and_bands(model):
    shapes = {}
    hooks = [
        model.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: shapes.update({name: out.shape}))
        for name in model.cam_layers
    ]
    logits_of(model)
    for hook in hooks:
        hook.remove()
    assert list(shapes) == list(model.cam_layers)
    assert len(shapes) > 0
    for shape, finer in zip(list(shapes.values())[1:], shapes.values(), strict=False):
        assert len(shape) == len(finer) == 4
        assert shape[2] < finer[2]
        assert shape[3] < finer[3]


def test_model_takes_channels_last_input_and_weights(model):
    expected = logits_of(model)
    features = make_features().to(memory_format=torch.channels_last)
    torch.testing.assert_close(logits_of(model, features), expected, atol=1e-5, rtol=1e-4)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(logits_of(model, features), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("frames", "bands"), [(16, 16), (17, 31), (101, 23), (33, 64)])
def test_model_takes_odd_sizes(case, frames, bands):
    logits = logits_of(make_model(*case, bands=bands), make_features(frames, bands))
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()


def test_model_under_bfloat16_stays_near_and_keeps_its_gates_in_float32(model):
    expected = logits_of(model)
    with torch.autocast("cpu", torch.bfloat16), record_attention(model) as maps:
        logits = logits_of(model)
    torch.testing.assert_close(logits.float(), expected, atol=0.15, rtol=0.1)
    for layer in maps.values():
        for weights in (layer.temporal, layer.spectral):
            assert weights is None or weights.dtype == torch.float32
            assert weights is None or not torch.equal(weights, weights.bfloat16().float())


def test_model_attends_where_its_name_says(case, model):
    blocks, gates, mixed = ATTENDS[case[0]]
    with record_attention(model) as maps:
        logits_of(model)
    assert tuple(maps) == blocks
    for block, layer in maps.items():
        assert (layer.temporal is not None, layer.spectral is not None) == ("t" in gates, "s" in gates)
        if layer.temporal is not None:
            assert layer.temporal.shape == (2, FRAMES[block])
        if layer.spectral is not None:
            assert layer.spectral.shape == (2, BANDS[block])
        assert list(layer.mixture) == (["alpha", "beta", "gamma"] if mixed else [])
    assert list(read_mixtures(model)) == (list(blocks) if mixed else [])


def test_model_has_the_gates_that_its_name_says_and_no_more(case, model):
    blocks, gates, _ = ATTENDS[case[0]]
    names = {name for name, _ in model.named_parameters() if "attention" in name}
    kinds = {"t": "temporal", "s": "spectral"}
    expected = {
        f"{block}.attention.gates.{kinds[gate]}.{part}"
        for block in blocks
        for gate in gates
        for part in ("weight", "bias")
    }
    if case[0].startswith("ts-cnn10") and case[0] not in ("ts-cnn10-fixed", "ts-cnn10-concat"):
        expected |= {f"{block}.attention.mixture_logits" for block in blocks}
    assert names == expected


def test_model_begins_with_equal_branches(model):
    for mixture in read_mixtures(model).values():
        assert mixture == pytest.approx({"alpha": 1 / 3, "beta": 1 / 3, "gamma": 1 / 3})


def test_recording_does_not_change_the_answer_and_ends_with_its_block(model):
    before = logits_of(model)
    with record_attention(model) as maps:
        during = logits_of(model)
    kept = {name: (layer.temporal, layer.spectral) for name, layer in maps.items()}
    after = logits_of(model, make_features() + 1)
    assert torch.equal(before, during)
    assert not torch.equal(before, after)
    assert {name: (layer.temporal, layer.spectral) for name, layer in maps.items()} == kept
    assert all(m.listener is None for m in model.modules() if isinstance(m, TemporalSpectralAttention))


def test_ts_cnn10_learns_its_mixture_and_the_fixed_one_stays():
    for name, learns in (("ts-cnn10", True), ("ts-cnn10-fixed", False)):
        model = make_model(name).train()
        (model(make_features()) * torch.randn(2, CLASSES)).sum().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.5 * parameter.grad
        for mixture in read_mixtures(model).values():
            assert (mixture != pytest.approx(dict.fromkeys(mixture, 1 / 3), abs=1e-6)) is learns
            assert sum(mixture.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", MODELS)
def test_variant_of_the_code_answers_otherwise(name):
    text, code = make_model(name), make_model(name, "code")
    code.load_state_dict(text.state_dict(), strict=False)
    assert not torch.allclose(logits_of(text), logits_of(code))


def test_models_differ_in_nothing_but_attention():
    plain = make_model("cnn10").state_dict()
    for name in ATTENDS:
        shapes = {key: value.shape for key, value in make_model(name).state_dict().items() if "attention" not in key}
        assert shapes == {key: value.shape for key, value in plain.items()}


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
