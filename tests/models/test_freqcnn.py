"""FreqCNN against the equations computed by hand and against the paper's tables, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import nn

from esclab.analysis.attention import attend_clip
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import build_model
from esclab.models.freqcnn import FreqCNN
from esclab.models.freqcnn_blocks import FreqBlock, PartAttention
from esclab.models.recording import record_attention

FUNCTIONS = {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}

# As printed: local channels, kernel, function; global ones; fully connected layers; conv. and pool; dropout.
TABLE_2 = (
    ((64, 5, "Sigmoid"), (64, 5, "Tanh"), (), (64, 7), 0.0),
    ((64, 5, "Sigmoid"), (64, 5, "Tanh"), (), (96, 7), 0.0),
    ((96, 5, "Sigmoid"), (96, 5, "Tanh"), (), (128, 7), 0.2),
    ((128, 5, "Sigmoid"), (128, 3, "Tanh"), (512, 256, 1), (256, 5), 0.2),
    ((256, 3, "Sigmoid"), (256, 3, "Tanh"), (256, 1), None, 0.0),
)
TABLE_7 = (
    ((32, 5, "Sigmoid"), (32, 5, "Sigmoid"), (), (32, 7), 0.0),
    ((32, 5, "Sigmoid"), (32, 5, "Sigmoid"), (), (32, 7), 0.0),
    ((64, 5, "Sigmoid"), (64, 5, "Sigmoid"), (), (64, 7), 0.2),
    ((96, 5, "Sigmoid"), (96, 3, "Sigmoid"), (256, 128, 1), (256, 5), 0.2),
    ((128, 3, "Sigmoid"), (128, 3, "Sigmoid"), (128, 1), None, 0.0),
)
TABLE_10 = (
    ((64, 5, "Sigmoid"), (64, 5, "Tanh"), (), (96, 7), 0.0),
    ((96, 5, "Sigmoid"), (96, 5, "Tanh"), (), (128, 7), 0.0),
    ((128, 5, "Sigmoid"), (128, 5, "Tanh"), (), (128, 7), 0.2),
    ((256, 5, "Sigmoid"), (256, 3, "Tanh"), (256, 128, 1), (256, 5), 0.2),
    ((256, 5, "Sigmoid"), (256, 3, "Tanh"), (256, 1), None, 0.0),
)
CASES = {
    "accent": (TABLE_2, 256, 3, (256, 512), 512, (256, 128, 64, 32, 16, 4)),
    "speaker": (TABLE_7, 224, 36, (256,), 128, (224, 112, 56, 28, 14, 7)),
    "emotion": (TABLE_10, 224, 6, (512, 512), 512, (224, 112, 56, 28, 14, 4)),
}


def make_model(**settings: object) -> FreqCNN:
    torch.manual_seed(0)
    return build_model("freqcnn", **{"classes": 3, "bands": 16, "width": 0.25, **settings}).eval()


def make_picture(frames: int = 16, bands: int = 16) -> torch.Tensor:
    return torch.randn(2, 1, frames, bands, generator=torch.Generator().manual_seed(1))


def clear_norms(module: nn.Module) -> nn.Module:
    """Make batch norms pass their input on in evaluation mode, exactly."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = 1e-20
    return module.eval()


def describe_layer(layer: nn.Sequential) -> tuple[int, int, str]:
    """Return channels, kernel and function, and check what surrounds them."""
    before, conv, after, function = layer
    assert isinstance(before, nn.BatchNorm2d)
    assert isinstance(after, nn.BatchNorm2d)
    assert conv.kernel_size[0] == conv.kernel_size[1] == 2 * conv.padding[0] + 1
    return conv.out_channels, conv.kernel_size[0], type(function).__name__


@pytest.mark.parametrize("task", CASES)
def test_configuration_has_the_layers_of_its_table(task):
    table, side, classes, tail, units, _ = CASES[task]
    with torch.device("meta"):
        model = FreqCNN(classes, side, task=task)
    for number, (local, whole, hidden, pool, dropout) in enumerate(table, start=1):
        block = model.get_submodule(f"block{number}")
        assert [describe_layer(layer) for layer in block.local] == [local] * 2
        assert [describe_layer(layer) for layer in block.whole] == [whole] * 2
        assert all(layer[1].stride == (1, 1) for layer in (*block.local, *block.whole))
        if hidden:
            gate = block.attention
            layers = (gate.from_local, *gate.layers)
            assert tuple(layer.out_features for layer in layers) == hidden
            assert [type(x).__name__ for x in (*gate.activations, gate.gate)] == [
                *["Tanh"] * len(gate.layers),
                "Sigmoid",
            ]
        else:
            assert block.attention is None
        if pool:
            norm, conv, pooling, drop = model.get_submodule(f"pool{number}")
            assert isinstance(norm, nn.BatchNorm2d)
            assert (conv.out_channels, conv.kernel_size[0], pooling.kernel_size, drop.p) == (*pool, 2, dropout)
    assert [describe_layer(layer) for layer in model.tail] == [(channels, 5, "Tanh") for channels in tail]
    assert all(layer[1].stride == (2, 2) for layer in model.tail)
    assert (model.fc.in_features, model.fc.out_features) == (tail[-1], units)
    assert [drop.p for drop in model.dropouts] == [0.5, 0.5]
    assert (type(model.activation), model.classifier.out_features) == (nn.ReLU, classes)


@pytest.mark.parametrize("task", CASES)
def test_configuration_has_the_sizes_of_its_table(task):
    _, side, classes, tail, _, sizes = CASES[task]
    with torch.device("meta"):
        model, picture = FreqCNN(classes, side, task=task).eval(), torch.zeros(1, 1, side, side)
    shapes = []
    for name in model.cam_layers:
        model.get_submodule(name).register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[2:])))
    assert model.encode(picture).shape == (1, tail[-1], sizes[-1], sizes[-1])
    assert shapes == [(size, size) for size in sizes[:-1]]
    assert model(picture).shape == (1, classes)


@pytest.mark.parametrize("axis", ["frequency", "time"])
@pytest.mark.parametrize("functions", [("sigmoid", "tanh"), ("relu", "sigmoid")])
def test_basic_block_computes_equation_8(axis, functions):
    torch.manual_seed(2)
    block = FreqBlock(1, 1, parts=2, axis=axis, kernels=(3, 5), activations=functions)
    clear_norms(block)
    picture = torch.randn(1, 1, 6, 4)
    f, g = (FUNCTIONS[name] for name in functions)
    kernels = [layer[1].weight[0, 0].detach().numpy() for layer in (*block.local, *block.whole)]
    whole = picture[0, 0].numpy()
    parts = np.split(whole, 2, axis=1 if axis == "frequency" else 0)
    local = [f(correlate2d(part, kernel, "same")) for part, kernel in zip(parts, kernels[:2], strict=True)]
    for kernel in kernels[2:]:
        whole = g(correlate2d(whole, kernel, "same"))
    expected = whole + np.concatenate(local, axis=1 if axis == "frequency" else 0)
    np.testing.assert_allclose(block(picture)[0, 0].detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_block_of_local_features_alone_joins_them():
    settings = {"parts": 2, "axis": "frequency", "kernels": (1, 1), "activations": ("relu", "relu")}
    block = clear_norms(FreqBlock(1, 1, local_only=True, **settings))
    with torch.no_grad():
        for layer, weight in zip(block.local, (2.0, 3.0), strict=True):
            layer[1].weight.fill_(weight)
    assert block(torch.ones(1, 1, 2, 4))[0, 0].tolist() == [[2, 2, 3, 3]] * 2
    assert len(block.whole) == 0


@pytest.mark.parametrize("kind", ["feature", "spatial"])
@pytest.mark.parametrize("hidden", [(3,), (4, 3)])
@torch.no_grad()
def test_attention_computes_equations_9_to_11(kind, hidden):
    torch.manual_seed(3)
    gate = PartAttention(3, 4, parts=2, axis="frequency", kind=kind, hidden=hidden)
    whole, local = torch.randn(1, 3, 4, 4), [torch.randn(1, 3, 4, 2) for _ in range(2)]
    maps = whole[0].numpy()
    first = np.concatenate([gate.from_whole.weight.numpy(), gate.from_local.weight.numpy()], axis=1)
    biases = [gate.from_local.bias.numpy(), *(layer.bias.numpy() for layer in gate.layers)]
    matrices = [first, *(layer.weight.numpy() for layer in gate.layers)]
    places = list(range(3)) if kind == "feature" else [(t, b) for t in range(4) for b in range(4)]
    expected = maps.copy()
    for feature in local:
        for place in places:
            index = place if kind == "feature" else (slice(None), *place)
            x = np.concatenate([maps[index].ravel(), feature[0].numpy().ravel()])
            for matrix, bias in zip(matrices[:-1], biases[:-1], strict=True):
                x = np.tanh(matrix @ x + bias)
            weight = FUNCTIONS["sigmoid"](matrices[-1] @ x + biases[-1])
            expected[index] += maps[index] * weight
    np.testing.assert_allclose(gate(whole, local)[0].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("axis", "shape"), [("frequency", (4, 2)), ("time", (2, 4))])
@pytest.mark.parametrize("kind", ["feature", "spatial"])
@torch.no_grad()
def test_recorded_weights_are_those_of_each_part_spread_over_it(axis, shape, kind):
    gate = PartAttention(1, 4, parts=2, axis=axis, kind=kind, hidden=(1,))
    for layer in (gate.from_whole, gate.from_local, gate.layers[0]):
        nn.init.constant_(layer.weight, 0.0)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    nn.init.constant_(gate.from_local.weight, 0.1)
    nn.init.constant_(gate.layers[0].weight, 2.0)
    told = {}
    gate.listener = lambda name, weights: told.update({name: weights})
    gate(torch.randn(1, 1, 4, 4), [torch.zeros(1, 1, *shape), torch.ones(1, 1, *shape)])
    second = FUNCTIONS["sigmoid"](2 * np.tanh(0.1 * 8))
    strip = told.pop("spectral" if axis == "frequency" else "temporal")
    np.testing.assert_allclose(strip[0].numpy(), [0.5, 0.5, second, second], rtol=1e-6)
    ((other, weights),) = told.items()
    assert (other, weights.shape) == (("channel", (1, 1)) if kind == "feature" else ("spatial", (1, 1, 4, 4)))
    np.testing.assert_allclose(weights.numpy(), (0.5 + second) / 2, rtol=1e-6)


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
@pytest.mark.parametrize("axis", ["frequency", "time"])
def test_attention_is_in_the_last_blocks(blocks, axis):
    model = make_model(attention_blocks=blocks, axis=axis, bands=32)
    with record_attention(model) as maps, torch.no_grad():
        model(make_picture(32, 32))
    assert list(maps) == [f"block{number}" for number in range(6 - blocks, 6)]
    for record in maps.values():
        assert (record.spectral is None, record.temporal is None) == (axis == "time", axis == "frequency")
        assert record.channel is not None


@pytest.mark.parametrize(
    "settings", [{"local_only": False}, {"local_only": True}, {"attention": "spatial", "attention_blocks": 3}]
)
@pytest.mark.parametrize("axis", ["frequency", "time"])
@pytest.mark.parametrize(("frames", "bands"), [(16, 16), (17, 31), (40, 20)])
@torch.no_grad()
def test_eight_parts_fit_pictures_of_any_size(settings, axis, frames, bands):
    model = make_model(**{"parts": 8, "axis": axis, "bands": bands, "attention_blocks": 0, **settings})
    logits = model(make_picture(frames, bands))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


def test_each_part_has_a_convolution_of_its_own():
    counts = {parts: len(make_model(parts=parts, bands=128, attention_blocks=0).block5.local) for parts in (0, 2, 4, 8)}
    assert counts == {0: 0, 2: 2, 4: 4, 8: 8}


@pytest.mark.parametrize("axis", ["frequency", "time"])
def test_block_has_no_parts_that_its_small_maps_leave_untrained(axis):
    model = make_model(parts=8, axis=axis, bands=64).train()
    assert [len(model.get_submodule(name).local) for name in model.cam_layers] == [8, 8, 8, 8, 4]
    model(make_picture(64, 64)).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_activations_are_those_asked_for():
    model = make_model(activations=("relu", "tanh"))
    local, whole = model.block3.local[1][3], model.block3.whole[1][3]
    assert (type(local), type(whole)) == (nn.ReLU, nn.Tanh)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "age"}, "task age: is not known; choose one of speaker, accent, emotion"),
        ({"axis": "phase"}, "axis phase: is not known; choose one of frequency, time"),
        ({"attention": "both"}, "attention both: is not known; choose one of feature, spatial"),
        ({"parts": -1}, "parts -1: is no number of parts"),
        ({"parts": 1.5}, "parts 1.5: is no number of parts"),
        ({"attention_blocks": 4}, "attention_blocks 4: is not offered"),
        ({"parts": 0}, "2 attention blocks: need local features that weigh a global one; set attention_blocks to 0"),
        ({"local_only": True}, "2 attention blocks: need local features"),
        ({"local_only": True, "parts": 0, "attention_blocks": 0}, "local_only: leaves nothing"),
        ({"activations": ("sigmoid",)}, "are not f and g; give two of sigmoid, tanh, relu"),
        ({"activations": ("sigmoid", "gelu")}, "are not f and g"),
        ({"bands": 15}, "15 bands: vanish in four poolings by two"),
        ({"width": 0.3}, "width 0.3: is not offered"),
    ],
)
def test_settings_without_sense_are_refused(settings, message):
    with pytest.raises(OptionError, match=message):
        make_model(**settings)


def test_too_few_frames_are_refused():
    with pytest.raises(OptionError, match="15 frames: vanish in four poolings by two; give at least 16 frames"):
        make_model()(make_picture(15))


def test_attention_of_a_clip_lies_on_the_bands_of_its_block():
    settings = {"sample_rate": 8000, "window_samples": 256, "hop_samples": 64, "duration_s": 1.0}
    feature = build_feature("spectrogram", **settings, bands=64, picture_frames=64)
    samples = np.sin(np.arange(8000) * 0.5).astype(np.float32)
    result = attend_clip(make_model(bands=64), feature, samples)
    assert [layer.name for layer in result.layers] == ["block4", "block5"]
    for layer, bands in zip(result.layers, (8, 4), strict=True):
        assert len(layer.frequency_hz) == bands
        assert len(set(layer.spectral[: bands // 2])) == len(set(layer.spectral[bands // 2 :])) == 1
        assert layer.spectral[0] != layer.spectral[-1]
