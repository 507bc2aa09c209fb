"""Sizes of the networks from speech, what is theirs beside the contract of all networks, and their blocks by hand."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from esclab.analysis import attend_clip, attribute, methods_for
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import MODELS, build_model, model_options
from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import (
    ChannelGate,
    Res2Split,
    count_bands,
    put_bands_into_channels,
    scale_channels,
)
from esclab.models.baselines.campplus import ContextMask
from esclab.models.baselines.eres2net import AttentiveFusion
from esclab.models.baselines.pooling import AttentiveStatistics, measure_statistics
from esclab.models.baselines.res2net import EntrySplit
from esclab.models.recording import find_gates, record_attention

# Millions of parameters: what SpectroMaskNet's tables 6 and 7 (for ERes2Net its library) print, and what ours have.
SIZES = {
    "tdnn": (2.7, 2.57),
    "resnet-se": (9.1, 8.69),
    "ecapa-tdnn": (6.4, 6.19),
    "campplus": (7.1, 7.18),
    "cnn10": (5.2, 4.95),
    "res2net": (6.2, 5.94),
    "eres2net": (6.6, 6.61),
}
NAMES = [name for name in SIZES if name != "cnn10"]
ONE_BAND = ("tdnn", "ecapa-tdnn", "campplus")  # their last maps have one band
GATES = {
    "tdnn": {"pooling"},
    "resnet-se": {"pooling", *(f"stage{s}.{b}.branch.2" for s, n in enumerate((3, 4, 6, 3), 1) for b in range(n))},
    "ecapa-tdnn": {"block1.3", "block2.3", "block3.3", "pooling"},
    "campplus": {f"block{s}.{layer}.5" for s, n in enumerate((12, 24, 16), 1) for layer in range(n)},
    "res2net": set(),
    "eres2net": set(),
}
CLASSES = 7


def make_model(name: str, *, seed: int = 0, bands: int = 40) -> SoundClassifier:
    """Build a small network that has seen one batch, so that its logits tell inputs apart, in evaluation mode."""
    torch.manual_seed(seed)
    model = build_model(name, classes=CLASSES, bands=bands, width=0.25)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(4, 1, 64, bands))
    return model.eval()


make_once = cache(make_model)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> SoundClassifier:
    return copy.deepcopy(make_once(name))


def make_features(frames: int = 64, bands: int = 40) -> Tensor:
    return torch.randn(2, 1, frames, bands, generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def logits_of(model: SoundClassifier, features: Tensor | None = None) -> Tensor:
    return model(make_features() if features is None else features)


@pytest.mark.parametrize("sized", SIZES)
def test_size_is_within_five_percent_of_what_the_paper_prints(sized):
    printed, ours = SIZES[sized]
    with torch.device("meta"):
        network = build_model(sized, classes=10, bands=80)
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert millions == pytest.approx(ours, abs=0.005)
    assert millions == pytest.approx(printed, rel=0.05)


def test_embedding_comes_from_maps_that_are_pooled_and_projected(model):
    features = make_features()
    with torch.no_grad():
        maps = model.encode(model.standardise(features))
        pooled = model.pool_maps(maps)
        embedding = model.embed(features)
        assert maps.ndim == 4
        assert pooled.shape[0] == 2
        assert embedding.shape == (2, model.classifier.in_features)
        torch.testing.assert_close(model.project(pooled), embedding)
        assert torch.equal(model.classifier(embedding), model(features))


def test_maps_of_networks_over_frames_have_one_band(name, model):
    with torch.no_grad():
        assert (model.encode(make_features()).shape[3] == 1) is (name in ONE_BAND)


def test_cam_layers_are_maps_and_the_last_one_is_pooled(model):
    maps: dict[str, Tensor] = {}
    for layer in model.cam_layers:
        model.get_submodule(layer).register_forward_hook(lambda _, __, out, key=layer: maps.update({key: out}))
    logits_of(model)
    assert list(maps) == list(model.cam_layers)
    assert all(values.ndim == 4 for values in maps.values())
    with torch.no_grad():
        assert torch.equal(model.encode(make_features()), maps[model.cam_layers[-1]])


def test_gates_are_recorded_and_leave_the_answer(name, model):
    before = logits_of(model)
    with record_attention(model) as layers:
        during = logits_of(model)
    assert set(layers) == GATES[name]
    assert torch.equal(before, during)
    for layer in layers.values():
        assert (layer.temporal is None) is not (layer.channel is None)
        if layer.temporal is not None:
            torch.testing.assert_close(layer.temporal.sum(1), torch.ones(2))
        else:
            assert layer.channel.min() > 0
            assert layer.channel.max() < 1
    weighing = {layer for layer, gate in find_gates(model).items() if gate.weighs_cells}
    assert weighing == {layer for layer, recorded in layers.items() if recorded.temporal is not None}


def test_every_fast_method_maps_every_network(model):
    offered = set(methods_for(model))
    assert ("attention" in offered) is any(gate.weighs_cells for gate in find_gates(model).values())
    for method in {"layercam", "eigencam", "saliency", "deeplift", "attention"} & offered:
        maps = attribute(model, make_features(), method=method, target=1)
        assert maps.shape == (2, 64, 40)
        assert abs(maps).max() > 0


@pytest.mark.parametrize("one_band", ONE_BAND)
def test_activation_map_of_one_band_covers_the_whole_height(one_band):
    maps = attribute(make_once(one_band), make_features(), method="gradcam", target=1)
    assert (maps == maps[:, :, :1]).all()
    assert maps.std(axis=1).max() > 0


def test_attention_of_a_clip_shows_frames_and_leaves_channels_out():
    feature = build_feature("fbank")
    network = make_model("ecapa-tdnn", bands=feature.config.bands)
    samples = torch.randn(feature.config.sample_rate, generator=torch.Generator().manual_seed(0)).numpy()
    result = attend_clip(network, feature, samples)
    (layer,) = result.layers
    assert layer.name == "pooling"
    assert len(layer.temporal) == len(layer.time_s) == len(result.spectrogram.time_s)


def test_models_offer_a_share_of_their_channels(name):
    assert model_options(name) == {"width": 1.0}
    assert MODELS[name].summary
    with pytest.raises(OptionError, match=r"width 0\.3: is not offered; choose 1/4, 1/2 or 1"):
        build_model(name, classes=2, bands=40, width=0.3)


def test_channels_are_scaled():
    assert scale_channels((32, 512), 0.25) == [8, 128]


@pytest.mark.parametrize(("bands", "left"), [(80, 10), (31, 4), (16, 2), (1, 1)])
def test_bands_left_after_three_halvings(bands, left):
    assert count_bands(bands, halvings=3) == left


def test_bands_become_channels_in_order():
    maps = torch.arange(2 * 3 * 2).reshape(1, 2, 3, 2)
    rows = put_bands_into_channels(maps)
    assert rows.shape == (1, 4, 3, 1)
    assert rows[0, :, 0, 0].tolist() == [0, 1, 6, 7]
    assert rows[0, 1, :, 0].tolist() == [1, 3, 5]


def test_statistics_are_mean_and_spread_over_frames():
    x = torch.tensor([1.0, 3.0]).reshape(1, 1, 2, 1)
    assert measure_statistics(x).tolist() == [[2.0, 1.0]]
    weighed = measure_statistics(x, torch.tensor([0.75, 0.25]).reshape(1, 1, 2, 1))
    torch.testing.assert_close(weighed, torch.tensor([[1.5, 0.75**0.5]]))


def test_attentive_statistics_with_equal_scores_are_plain():
    pooling = AttentiveStatistics(3, hidden=2)
    nn.init.zeros_(pooling.score.weight)
    x = torch.randn(2, 3, 5, 1)
    torch.testing.assert_close(pooling(x), measure_statistics(x))


def test_attentive_statistics_follow_the_loud_frame():
    pooling = AttentiveStatistics(1, hidden=1, by_channel=False)
    for layer, weight in ((pooling.hidden, 1.0), (pooling.score, 100.0)):
        nn.init.constant_(layer.weight, weight)
    nn.init.zeros_(pooling.hidden.bias)
    mean, spread = pooling(torch.tensor([0.0, 0.0, 2.0]).reshape(1, 1, 3, 1))[0].tolist()
    assert mean == pytest.approx(2)
    assert spread == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("keep_first", "expected"), [(True, [1, 2, 6]), (False, [1, 3, 7])])
def test_res2_split_hands_each_group_on_to_the_next(keep_first, expected):
    split = Res2Split([nn.Identity()] * (3 - keep_first), keep_first=keep_first)
    x = torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1)
    assert split(x).flatten().tolist() == expected


def test_first_block_of_a_stage_convolves_its_groups_apart_and_averages_the_first():
    split = EntrySplit([nn.AvgPool2d(1, stride=2)] * 2, stride=2)
    x = torch.stack([torch.full((4, 4), 9.0), torch.arange(16.0).reshape(4, 4), torch.full((4, 4), 2.0)])[None]
    y = split(x)
    assert y[0, 0].tolist() == [[4, 6], [6, 9]]  # nine cells, with zeros beyond the edges
    assert y[0, 1].tolist() == [[0, 2], [8, 10]]
    assert y[0, 2].eq(2).all()


def test_channel_gate_with_weights_of_zero_halves():
    gate = ChannelGate(4, 2)
    for parameter in gate.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(2, 4, 3, 5)
    assert torch.equal(gate(x), x / 2)


def test_attentive_fusion_adds_where_it_has_no_preference():
    fusion = AttentiveFusion(4).eval()
    nn.init.zeros_(fusion.layers[4].weight)
    x, y = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5)
    torch.testing.assert_close(fusion(x, y), x + y)


def test_context_mask_is_that_of_clip_and_segment():
    mask = ContextMask(2, 1, dilation=1)
    nn.init.zeros_(mask.local.weight)
    mask.local.weight.data[0, 0, 1, 0] = 1.0  # the frame's own first channel
    for layer in (mask.squeeze, mask.excite):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = torch.ones(1, 2, 150, 1)
    x[:, :, :100] = 0.5
    mean = (100 * 0.5 + 50) / 150  # of each of the two channels, which the squeeze adds up
    expected = torch.cat([torch.full((100,), 2 * (mean + 0.5)), torch.full((50,), 2 * (mean + 1))]).sigmoid()
    torch.testing.assert_close(mask(x).flatten(), expected * x[0, 0, :, 0])
