from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.models import MODELS, build_model
from esclab.models.base import SoundClassifier
from esclab.models.cnn10 import CNN10, ConvBlock
from esclab.models.recording import read_mixtures, record_attention

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
CASES = [(name, variant) for name in ATTENDS for variant in ("text", "code")]


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def model(case: tuple[str, str]) -> SoundClassifier:
    return make_model(*case)


def make_model(name: str, variant: str = "text") -> SoundClassifier:
    torch.manual_seed(0)
    return build_model(name, classes=7, bands=40, width=0.25, variant=variant).eval()


def make_features() -> Tensor:
    return torch.randn(2, 1, 64, 40, generator=torch.Generator().manual_seed(5))


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_cnn10_at_width_1_has_4_954_010_parameters():
    assert count_parameters(build_model("cnn10", classes=10, bands=40)) == 4_954_010


def test_ts_cnn10_adds_two_gates_and_three_weights_a_block():
    added = count_parameters(build_model("ts-cnn10", classes=10, bands=40)) - 4_954_010
    assert added == 2 * (64 + 128 + 256 + 512 + 4) + 4 * 3


@pytest.mark.parametrize(("width", "channels"), [(0.25, (16, 32, 64, 128)), (0.5, (32, 64, 128, 256))])
def test_cnn10_width_scales_its_channels(width, channels):
    model = CNN10(3, width=width)
    assert tuple(model.get_submodule(name).conv2.out_channels for name in model.cam_layers) == channels
    assert model.fc1.out_features == channels[-1]


def make_block(variant: str, *, arrangement: str | None = None) -> ConvBlock:
    torch.manual_seed(3)
    block = ConvBlock(2, 4, arrangement=arrangement, variant=variant).eval()
    for norm in (module for module in block.modules() if isinstance(module, nn.BatchNorm2d)):
        for values in (norm.weight.data, norm.running_var):
            nn.init.uniform_(values, 0.5, 2.0)
        for values in (norm.bias.data, norm.running_mean):
            nn.init.uniform_(values, -1.0, 1.0)
    return block


def normalise(x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    def over(values: Tensor) -> Tensor:
        return values[None, :, None, None]

    scaled = (x - over(norm.running_mean)) / torch.sqrt(over(norm.running_var) + 1e-5)
    return scaled * over(norm.weight) + over(norm.bias)


def pool_2x2(x: Tensor) -> Tensor:
    clips, channels, frames, bands = x.shape
    return x.reshape(clips, channels, frames // 2, 2, bands // 2, 2).mean((3, 5))


@torch.no_grad()
def test_conv_block_of_the_text_is_conv_norm_relu_twice_then_attention_then_pooling():
    block, x = make_block("text", arrangement="temporal"), torch.randn(2, 2, 6, 8)
    expected = x
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        expected = normalise(F.conv2d(expected, conv.weight, padding=1), norm).clamp_min(0)
    expected = pool_2x2(block.attention(expected))
    torch.testing.assert_close(block(x), expected)


@torch.no_grad()
def test_conv_block_of_the_code_has_leaky_relu_before_norm_and_norm_after_attention():
    block, x = make_block("code", arrangement="temporal"), torch.randn(2, 2, 6, 8)
    expected = x
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        activated = F.conv2d(expected, conv.weight, padding=1)
        expected = normalise(torch.where(activated > 0, activated, 0.2 * activated), norm)
    expected = pool_2x2(normalise(block.attention(expected), block.bn3))
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(("variant", "share"), [("text", 0.2), ("code", 0.0)])
def test_conv_block_drops_a_fifth_in_training_by_the_text_and_nothing_by_the_code(variant, share):
    block = make_block(variant).train()
    nn.init.constant_(block.bn2.bias, 10.0)  # so that a zero is a dropped cell
    torch.manual_seed(0)
    dropped = (block(torch.randn(20, 2, 32, 32)) == 0).float().mean().item()
    assert dropped == pytest.approx(share, abs=0.02)


def test_cnn10_pools_over_bands_by_mean_then_over_frames_by_maximum_plus_mean():
    torch.manual_seed(0)
    model = build_model("cnn10", classes=5, bands=40, width=0.25).eval()
    maps: list[Tensor] = []
    model.block4.register_forward_hook(lambda _, __, out: maps.append(out))
    with torch.no_grad():
        embedding = model.embed(torch.randn(2, 1, 64, 40)).numpy()
    by_frame = maps[0].numpy().mean(3)
    pooled = by_frame.max(2) + by_frame.mean(2)
    weight, bias = model.fc1.weight.detach().numpy(), model.fc1.bias.detach().numpy()
    np.testing.assert_allclose(embedding, np.maximum(pooled @ weight.T + bias, 0), atol=1e-5)


def test_cnn10_normalises_its_input_band_by_band():
    torch.manual_seed(0)
    model = build_model("cnn10", classes=5, bands=40, width=0.25).eval()
    mean, std = torch.linspace(-2, 2, 40), torch.linspace(0.5, 3, 40)
    features = torch.randn(2, 1, 64, 40)
    with torch.no_grad():
        expected = model(features)
        model.bn0.running_mean.copy_(mean)
        model.bn0.running_var.copy_(std**2)
        torch.testing.assert_close(model(features * std + mean), expected, atol=1e-4, rtol=1e-3)


def test_cnn10_starts_with_xavier_weights_and_zero_biases():
    torch.manual_seed(0)
    model = build_model("ts-cnn10", classes=10, bands=40, width=0.5)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            receptive = module.weight[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
            bound = np.sqrt(6 / ((module.weight.shape[0] + module.weight.shape[1]) * receptive))
            assert module.weight.abs().max() <= bound
            assert module.weight.abs().max() > 0.8 * bound
            assert module.bias is None or not module.bias.any()


def test_base_class_says_what_a_network_lacks():
    with pytest.raises(TypeError, match="SoundClassifier does not define encode"):
        SoundClassifier(40).embed(torch.zeros(1, 1, 64, 40))


def test_the_eleven_models_of_the_paper_are_there():
    assert sorted(ATTENDS) == sorted(name for name in MODELS if "cnn10" in name)


def test_model_attends_where_its_name_says(case, model):
    blocks, gates, mixed = ATTENDS[case[0]]
    with record_attention(model) as maps, torch.no_grad():
        model(make_features())
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


def test_ts_cnn10_learns_its_mixture_and_the_fixed_one_stays():
    for name, learns in (("ts-cnn10", True), ("ts-cnn10-fixed", False)):
        model = make_model(name).train()
        (model(make_features()) * torch.randn(2, 7)).sum().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.5 * parameter.grad
        for mixture in read_mixtures(model).values():
            assert (mixture != pytest.approx(dict.fromkeys(mixture, 1 / 3), abs=1e-6)) is learns
            assert sum(mixture.values()) == pytest.approx(1)


def test_models_differ_in_nothing_but_attention():
    plain = make_model("cnn10").state_dict()
    for name in ATTENDS:
        shapes = {key: value.shape for key, value in make_model(name).state_dict().items() if "attention" not in key}
        assert shapes == {key: value.shape for key, value in plain.items()}


def test_cnn10_cam_layers_halve_frames_and_bands(model):
    shapes = {}
    for name in model.cam_layers:
        model.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[2:])})
        )
    with torch.no_grad():
        model(make_features())
    assert shapes == {"block1": (32, 20), "block2": (16, 10), "block3": (8, 5), "block4": (4, 2)}
