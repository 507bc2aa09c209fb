"""FPAM and its backbone against Table 1, and its attention against equations 1 to 4, written out in numpy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from esclab.errors import OptionError
from esclab.models import build_model
from esclab.models.base import SoundClassifier
from esclab.models.fpam import resample_map
from esclab.models.fpam_attention import ChannelGate, Pyramid, SpatialGate
from esclab.models.recording import record_attention
from esclab.models.resnet50 import OwnReluBottleneck

TABLE_1 = {
    "conv1": (64, 101, 32),
    "res2": (256, 101, 32),
    "res3": (512, 51, 16),
    "res4": (1024, 26, 8),
    "res5": (2048, 13, 4),
}


def build_full(name: str, **settings: object) -> SoundClassifier:
    """Build a network at full width without drawing its weights, which takes long."""
    with torch.device("meta"):
        return build_model(name, classes=10, bands=64, **settings)


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def trace_shapes(model: SoundClassifier, names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[1:])})
        )
        for name in names
    ]
    logits = model.to_empty(device="cpu").eval()(torch.zeros(1, 1, 201, 64))
    for hook in hooks:
        hook.remove()
    assert logits.shape == (1, 10)
    return shapes


def test_resnet50_has_the_sizes_of_table_1():
    assert trace_shapes(build_full("resnet50"), tuple(TABLE_1)) == TABLE_1


def test_fpam_has_the_sizes_of_table_1_and_works_at_its_middle_level():
    levels = {"level3": (1024, 51, 16), "level4": (1024, 26, 8), "level5": (1024, 13, 4), "pyramid": (1024, 26, 8)}
    assert trace_shapes(build_full("fpam"), (*TABLE_1, *levels)) == TABLE_1 | levels


def test_fpam_on_levels_2_to_4_works_at_level_3_and_has_no_fifth_stage():
    model = build_full("fpam", levels=(2, 3, 4))
    levels = {"level2": (1024, 101, 32), "level3": (1024, 51, 16), "level4": (1024, 26, 8), "pyramid": (1024, 51, 16)}
    assert trace_shapes(model, tuple(levels)) == levels
    assert model.cam_layers == ("res2", "res3", "res4", "pyramid")
    assert not hasattr(model, "res5")


def test_published_code_keeps_twice_the_frames_and_bands_and_joins_the_pooled_fifth_stage():
    model = build_full("fpam", variant="code")
    sizes = {"conv1": (64, 201, 64), "res5": (2048, 26, 8), "pyramid": (1024, 51, 16)}
    assert trace_shapes(model, tuple(sizes)) == sizes
    assert model.classifier.in_features == 1024 + 2048


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("resnet50", {}, 23_522_250),
        ("fpam", {}, 72_311_871),
        ("fpam", {"align_norm": False}, 72_311_871 - 3 * 2 * 1024),
        ("fpam", {"align_kernel": 1}, 42_951_743),
        ("fpam", {"align_kernel": 1, "gate": "wide"}, 74_494_925),
        ("fpam", {"levels": (2, 3, 4)}, 40_832_063),
        ("fpam", {"width": 0.25}, 4_539_759),
    ],
)
def test_parameters_are_as_many_as_stated(name, settings, count):
    assert count_parameters(build_full(name, **settings)) == count


def test_resnet50_parameters_are_torchvisions_with_one_input_channel():
    from torchvision.models import resnet50

    with torch.device("meta"):
        theirs = resnet50(num_classes=10)
    assert count_parameters(build_full("resnet50")) == count_parameters(theirs) - 2 * 64 * 7 * 7


def test_bottleneck_computes_what_torchvisions_does():
    from torchvision.models.resnet import Bottleneck

    torch.manual_seed(0)
    ours = OwnReluBottleneck(8, 4, stride=2).eval()
    shortcut = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
    theirs = Bottleneck(8, 4, 2, shortcut).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 8, 7, 6)
    assert torch.equal(ours(x), theirs(x))


def test_every_activation_is_used_once():
    model = build_model("fpam", classes=3, bands=64, width=0.25).eval()
    uses: dict[int, int] = {}
    for module in model.modules():
        if isinstance(module, nn.ReLU | nn.Sigmoid):
            module.register_forward_hook(lambda module, *_: uses.update({id(module): uses.get(id(module), 0) + 1}))
            assert not getattr(module, "inplace", False)
    model(torch.randn(1, 1, 33, 64))
    assert len(uses) == 1 + 16 * 3 + 3 + 1
    assert set(uses.values()) == {1}


def test_resnet50_embeds_a_clip_by_the_mean_of_its_last_maps():
    model = build_model("resnet50", classes=3, bands=64, width=0.25).eval()
    maps: list[torch.Tensor] = []
    model.res5.register_forward_hook(lambda _, __, out: maps.append(out))
    embedding = model.embed(torch.randn(2, 1, 41, 64))
    np.testing.assert_allclose(embedding.detach().numpy(), maps[0].detach().numpy().mean((2, 3)), rtol=1e-5)


def test_head_of_the_published_code_sees_the_mean_of_the_pyramid_and_of_the_fifth_stage():
    model = build_model("fpam", classes=3, bands=64, width=0.25, variant="code").eval()
    maps: dict[str, np.ndarray] = {}
    for name in ("pyramid", "res5"):
        model.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: maps.update({name: out.detach().numpy().mean((2, 3))})
        )
    embedding = model.embed(torch.randn(2, 1, 41, 64)).detach().numpy()
    np.testing.assert_allclose(embedding, np.concatenate([maps["pyramid"], maps["res5"]], 1), rtol=1e-5, atol=1e-5)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def convolve(x: np.ndarray, conv: nn.Conv2d) -> np.ndarray:
    """Return the convolution of (channel, frame, band), borders padded with zeros, one product at a time."""
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    margin = weight.shape[2] // 2
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin)))
    result = np.zeros((len(weight), *x.shape[1:]))
    for o, t, f in np.ndindex(result.shape):
        patch = padded[:, t : t + weight.shape[2], f : f + weight.shape[3]]
        result[o, t, f] = bias[o] + (weight[o] * patch).sum()
    return result


def pool_cells(x: np.ndarray, reduce: str) -> np.ndarray:
    """Return the maximum or mean over the 3x3 cells around each cell that exist."""
    result = np.zeros_like(x)
    for c, t, f in np.ndindex(x.shape):
        patch = x[c, max(t - 1, 0) : t + 2, max(f - 1, 0) : f + 2]
        result[c, t, f] = getattr(patch, reduce)()
    return result


def make_map(channels: int = 3) -> np.ndarray:
    """Return F_m, shape (clip 1, channel, frame 4, band 5)."""
    return np.random.default_rng(0).normal(size=(1, channels, 4, 5)).astype(np.float32)


@pytest.mark.parametrize("gate", ["narrow", "wide"])
def test_spatial_gate_equals_equations_1_and_2(gate):
    torch.manual_seed(0)
    layer, f_m = SpatialGate(3, gate), make_map()
    with record_attention(layer) as maps, torch.no_grad():
        f_sa = layer(torch.from_numpy(f_m)).numpy()
    x = f_m[0]
    if gate == "narrow":
        pooled = [x.max(0, keepdims=True), x.mean(0, keepdims=True)]
    else:
        pooled = [pool_cells(x, "max"), pool_cells(x, "mean")]
    joined = np.concatenate([*pooled, convolve(x, layer.conv3), convolve(x, layer.conv1)])
    f_s = sigmoid(convolve(joined, layer.join))[0]
    np.testing.assert_allclose(f_sa[0], x * f_s, atol=1e-5)
    (recorded,) = maps.values()
    np.testing.assert_allclose(recorded.spatial[0].numpy(), f_s, atol=1e-5)


@pytest.mark.parametrize("variant", ["text", "code"])
def test_channel_gate_equals_equation_3(variant):
    torch.manual_seed(0)
    gate, f_fuse = ChannelGate(6, 4, variant=variant), make_map(6)
    with record_attention(gate) as maps, torch.no_grad():
        weights = gate(torch.from_numpy(f_fuse)).numpy()
    refined = np.concatenate([convolve(f_fuse[0], gate.conv1), convolve(f_fuse[0], gate.conv3)])
    mean = refined.mean((1, 2))
    highest = refined.max((1, 2)) if variant == "text" else mean
    assert weights.shape == (1, 4, 1, 1)
    np.testing.assert_allclose(weights[0, :, 0, 0], sigmoid(highest + mean), atol=1e-5)
    (recorded,) = maps.values()
    np.testing.assert_allclose(recorded.channel[0].numpy(), sigmoid(highest + mean), atol=1e-5)
    assert recorded.cells is None


def test_pyramid_equals_equation_4():
    torch.manual_seed(0)
    pyramid = Pyramid(3, 4)
    levels = [np.random.default_rng(n).normal(size=(2, 4, 3, 5)).astype(np.float32) for n in range(3)]
    with torch.no_grad():
        weights = pyramid.attention(torch.from_numpy(np.concatenate(levels, 1))).numpy()
        result = pyramid([torch.from_numpy(level) for level in levels]).numpy()
    np.testing.assert_allclose(result, sum(weights * level for level in levels) / 3, atol=1e-6)


def test_resampling_brings_levels_to_the_middle_ones_size_and_leaves_that_as_it_is():
    middle = torch.randn(1, 2, 26, 8)
    assert resample_map(middle, middle.shape[2:]) is middle
    ramp = torch.linspace(0, 1, 51)[None, None, :, None].expand(1, 1, 51, 16)
    assert resample_map(ramp, middle.shape[2:]).shape == (1, 1, 26, 8)
    # The mean of the ramp's two cells under the first of 26: (0 + 0.98) / 2 of a step of 1 / 50.
    assert resample_map(ramp, middle.shape[2:])[0, 0, 0, 0].item() == pytest.approx(0.4808 / 50, abs=1e-4)
    assert resample_map(torch.ones(1, 1, 13, 4), middle.shape[2:]).eq(1).all()


def test_fpam_records_where_each_level_looks_and_which_channels_stay():
    torch.manual_seed(0)
    model = build_model("fpam", classes=3, bands=64, width=0.25).train()
    with record_attention(model) as maps, torch.no_grad():
        model(torch.randn(2, 1, 201, 64))
    shapes = {name: layer.spatial.shape[1:] for name, layer in maps.items() if layer.spatial is not None}
    assert shapes == {"level3": (51, 16), "level4": (26, 8), "level5": (13, 4)}
    assert maps["pyramid"].channel.shape == (2, 256)
    for name in shapes:  # gates that begin near 0 or 1 would not learn
        assert 0.01 < maps[name].spatial.min() < maps[name].spatial.max() < 0.99
    assert 0.2 < maps["pyramid"].channel.min() < maps["pyramid"].channel.max() < 0.9


WIDE_GATE = """
import torch
from esclab.models.fpam_attention import SpatialGate
gate = SpatialGate(1024, "wide")
x = torch.randn(2, 1024, 26, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
assert gate.join.weight.shape == (1, 4096, 3, 3)
with torch.autocast("cpu", torch.bfloat16):
    loss = gate(x).float().square().mean()
loss.backward()
assert x.grad.isfinite().all() and all(p.grad.isfinite().all() for p in gate.parameters())
"""


def test_wide_gate_at_full_size_trains_in_bfloat16_without_ending_the_process():
    done = subprocess.run([sys.executable, "-c", WIDE_GATE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("resnet50", {"width": 0.3}, r"width 0\.3: is not offered; choose 1/4, 1/2 or 1"),
        ("resnet50", {"variant": "texts"}, "variant texts: is not known; choose text or code"),
        ("fpam", {"levels": (1, 2, 3)}, r"levels \(1, 2, 3\): make no pyramid of FPAM; choose 3,4,5 or 2,3,4"),
        ("fpam", {"levels": 3}, "levels 3: make no pyramid"),
        ("fpam", {"align_kernel": 5}, "align_kernel 5: is not offered; choose 1 or 3"),
        ("fpam", {"gate": "broad"}, "gate broad: is not known; choose narrow or wide"),
    ],
)
def test_settings_without_sense_are_refused(name, settings, message):
    with pytest.raises(OptionError, match=message):
        build_model(name, **{"classes": 3, "bands": 64, "width": 0.25, **settings})
