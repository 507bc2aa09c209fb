"""The attention layer against equations 1 to 8 of TS-CNN, written out in numpy."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.models.attention import Arrangement, TemporalSpectralAttention
from esclab.models.recording import Gate, LayerAttention, read_mixtures, record_attention

WEIGHT_T, BIAS_T = np.array([0.5, -1.0, 2.0]), 0.25
WEIGHT_F, BIAS_F = np.array([-0.75, 0.3, 1.5]), -0.5
MIXTURE_LOGITS = np.array([0.2, -0.7, 1.1])


def make_map() -> np.ndarray:
    """Return U, shape (clip 2, channel 3, frame 4, band 5)."""
    return np.random.default_rng(0).normal(size=(2, 3, 4, 5))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gate_by_hand(u: np.ndarray, kind: str) -> np.ndarray:
    """Equations 1 to 4: V = f_conv(U), v = sigmoid(f_GAP(V)), as (clip, frame) or (clip, band)."""
    weight, bias = (WEIGHT_T, BIAS_T) if kind == "temporal" else (WEIGHT_F, BIAS_F)
    clips, _, frames, bands = u.shape
    v_map = np.zeros((clips, frames, bands))
    for n, t, f in np.ndindex(clips, frames, bands):
        v_map[n, t, f] = bias + sum(weight[c] * u[n, c, t, f] for c in range(3))
    return sigmoid(v_map.mean(axis=2 if kind == "temporal" else 1))


def scale_by_hand(u: np.ndarray, kind: str) -> np.ndarray:
    """Equations 5 and 6."""
    v = gate_by_hand(u, kind)
    return u * (v[:, None, :, None] if kind == "temporal" else v[:, None, None, :])


def mix_by_hand(u: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Equation 7."""
    alpha, beta, gamma = weights
    return alpha * scale_by_hand(u, "temporal") + beta * scale_by_hand(u, "spectral") + gamma * u


BY_HAND = {
    "temporal": lambda u: scale_by_hand(u, "temporal"),
    "spectral": lambda u: scale_by_hand(u, "spectral"),
    "parallel": lambda u: mix_by_hand(u, np.exp(MIXTURE_LOGITS) / np.exp(MIXTURE_LOGITS).sum()),
    "parallel-fixed": lambda u: mix_by_hand(u, np.full(3, 1 / 3)),
    "temporal-spectral": lambda u: scale_by_hand(scale_by_hand(u, "temporal"), "spectral"),
    "spectral-temporal": lambda u: scale_by_hand(scale_by_hand(u, "spectral"), "temporal"),
}


def make_layer(arrangement: str) -> TemporalSpectralAttention:
    """Build a layer with the known gate weights."""
    layer = TemporalSpectralAttention(3, arrangement)
    with torch.no_grad():
        for kind, conv in layer.gates.items():
            weight, bias = (WEIGHT_T, BIAS_T) if kind == "temporal" else (WEIGHT_F, BIAS_F)
            conv.weight.copy_(torch.from_numpy(weight)[None, :, None, None])
            conv.bias.fill_(bias)
        if arrangement == "parallel":
            layer.mixture_logits.copy_(torch.from_numpy(MIXTURE_LOGITS))
    return layer


@torch.no_grad()
def weigh(layer: TemporalSpectralAttention, u: np.ndarray) -> np.ndarray:
    return layer(torch.from_numpy(u).float()).numpy()


def test_every_arrangement_has_its_calculation_by_hand():
    assert set(BY_HAND) == set(get_args(Arrangement))


@pytest.mark.parametrize("arrangement", BY_HAND)
def test_attention_equals_the_equations(arrangement):
    np.testing.assert_allclose(weigh(make_layer(arrangement), make_map()), BY_HAND[arrangement](make_map()), atol=1e-6)


def test_arrangements_all_differ():
    outputs = [weigh(make_layer(arrangement), make_map()) for arrangement in BY_HAND]
    for number, output in enumerate(outputs):
        assert all(np.abs(output - other).max() > 1e-3 for other in outputs[:number])


@pytest.mark.parametrize("arrangement", BY_HAND)
def test_recorded_gates_equal_the_equations(arrangement):
    layer, u = make_layer(arrangement), make_map()
    with record_attention(torch.nn.ModuleDict({"attention": layer})) as maps:
        weigh(layer, u)
    (record,) = maps.values()
    seen = {"temporal": u, "spectral": u}  # what each gate looks at
    if arrangement == "temporal-spectral":
        seen["spectral"] = scale_by_hand(u, "temporal")
    if arrangement == "spectral-temporal":
        seen["temporal"] = scale_by_hand(u, "spectral")
    for kind in ("temporal", "spectral"):
        weights = getattr(record, kind)
        assert (weights is None) == (kind not in layer.gates)
        if weights is not None:
            np.testing.assert_allclose(weights.numpy(), gate_by_hand(seen[kind], kind), atol=1e-6)


def test_gates_average_the_mapped_channels_before_the_sigmoid():
    # One channel, weight 1: bands of -8 and 8 average to 0, whose sigmoid is 1/2; their sigmoids' mean is so only by
    # symmetry, so bands of 0 and 8 tell the two apart: sigmoid(4) = 0.982, not (0.5 + 0.9997) / 2 = 0.75.
    layer = TemporalSpectralAttention(1, "temporal")
    with torch.no_grad():
        layer.gates["temporal"].weight.fill_(1.0)
        layer.gates["temporal"].bias.zero_()
    u = np.array([[[[0.0, 8.0], [-8.0, 8.0]]]])
    np.testing.assert_allclose(weigh(layer, u), u * np.array([0.98201379, 0.5])[:, None], atol=1e-6)


def test_gates_of_a_bfloat16_map_are_averaged_in_float32():
    layer = TemporalSpectralAttention(1, "temporal")
    torch.nn.init.ones_(layer.gates["temporal"].weight)
    torch.nn.init.zeros_(layer.gates["temporal"].bias)
    u = (torch.randn(2, 1, 30, 40, generator=torch.Generator().manual_seed(0)) + 1).bfloat16()
    with record_attention(torch.nn.ModuleDict({"attention": layer})) as maps:
        layer(u)
    (record,) = maps.values()
    torch.testing.assert_close(record.temporal, u.double().mean(3)[:, 0].sigmoid().float(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("arrangement", ["parallel", "parallel-fixed"])
def test_mixture_begins_equal_and_sums_to_1(arrangement):
    mixture = TemporalSpectralAttention(3, arrangement).mixture
    np.testing.assert_allclose(list(mixture.values()), [1 / 3] * 3, atol=1e-7)


@pytest.mark.parametrize("arrangement", ["temporal", "spectral", "temporal-spectral", "spectral-temporal"])
def test_mixture_is_none_without_branches(arrangement):
    layer = TemporalSpectralAttention(3, arrangement)
    assert layer.mixture == {}


def test_mixture_names_its_branches_in_the_order_of_equation_7():
    layer = make_layer("parallel")
    expected = np.exp(MIXTURE_LOGITS) / np.exp(MIXTURE_LOGITS).sum()
    assert layer.mixture == pytest.approx(dict(zip(("alpha", "beta", "gamma"), expected, strict=True)))
    assert read_mixtures(torch.nn.ModuleDict({"block7": torch.nn.ModuleDict({"attention": layer})})) == {
        "block7": layer.mixture
    }


@pytest.mark.parametrize("arrangement", BY_HAND)
def test_attention_keeps_precision_layout_and_input(arrangement):
    layer = make_layer(arrangement)
    u = torch.from_numpy(make_map()).float()
    expected = layer(u)
    assert torch.equal(u, torch.from_numpy(make_map()).float())
    torch.testing.assert_close(layer(u.to(memory_format=torch.channels_last)), expected)
    half = layer(u.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, atol=0.05, rtol=0.02)


def make_model() -> torch.nn.Module:
    return torch.nn.ModuleDict({"block1": torch.nn.ModuleDict({"attention": make_layer("parallel")})})


def test_recording_ends_even_when_its_block_fails():
    model = make_model()
    layer = model["block1"]["attention"]
    with pytest.raises(ZeroDivisionError), record_attention(model) as maps:
        _ = weigh(layer, make_map()), 1 / 0
    assert layer.listener is None
    kept = maps["block1"].temporal.clone()
    weigh(layer, make_map() + 1)
    assert torch.equal(maps["block1"].temporal, kept)


def test_recording_keeps_the_newest_pass_with_its_mixture():
    model = make_model()
    layer = model["block1"]["attention"]
    with record_attention(model) as maps:
        weigh(layer, make_map() + 1)
        with torch.no_grad():
            layer.mixture_logits.copy_(torch.tensor([0.0, 0.0, 100.0]))
        weigh(layer, make_map())
    np.testing.assert_allclose(maps["block1"].temporal, gate_by_hand(make_map(), "temporal"), atol=1e-6)
    assert maps["block1"].mixture == pytest.approx({"alpha": 0.0, "beta": 0.0, "gamma": 1.0})


def test_recording_keeps_no_graph_of_the_training():
    model = make_model()
    with record_attention(model) as maps:
        model["block1"]["attention"](torch.from_numpy(make_map()).float())
    assert not maps["block1"].temporal.requires_grad
    assert not maps["block1"].spectral.requires_grad


def test_recording_of_nothing_is_empty():
    with record_attention(torch.nn.Linear(2, 2)) as maps:
        pass
    assert maps == {}
    assert LayerAttention() == LayerAttention(mixture={})


def test_attention_refuses_an_unknown_arrangement():
    with pytest.raises(OptionError, match="attention both: is not known; choose one of temporal, spectral, parallel"):
        TemporalSpectralAttention(3, "both")


def test_recording_inside_a_recording_hands_back_to_the_outer_one():
    layer = TemporalSpectralAttention(2)
    x = torch.ones(1, 2, 3, 4)
    with record_attention(layer) as outer:
        with record_attention(layer) as inner:
            layer(x)
        assert inner
        assert not outer
        layer(x)
    assert outer
    assert layer.listener is None


class SpatialGate(Gate):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = torch.sigmoid(x.mean(1, keepdim=True))
        self.tell("spatial", weights)
        self.tell("channel", x.mean((2, 3)))
        return x * weights


def test_recorded_spatial_gate_gives_cells_and_means_as_strips():
    x = torch.from_numpy(make_map())
    gate = SpatialGate()
    with record_attention(gate) as maps:
        gate(x)
    (layer,) = maps.values()
    expected = sigmoid(make_map().mean(1))
    np.testing.assert_allclose(layer.cells.numpy(), expected)
    np.testing.assert_allclose(layer.strips[0].numpy(), expected.mean(2))
    np.testing.assert_allclose(layer.strips[1].numpy(), expected.mean(1))
    np.testing.assert_allclose(layer.channel.numpy(), make_map().mean((2, 3)))


def test_gate_of_channels_alone_has_no_cells():
    assert LayerAttention(channel=torch.ones(1, 3)).cells is None
