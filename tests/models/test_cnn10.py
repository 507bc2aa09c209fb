from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.models import build_model
from esclab.models.base import SoundClassifier
from esclab.models.cnn10 import CNN10, ConvBlock


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
