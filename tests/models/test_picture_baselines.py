"""The networks that FreqCNN is compared with: torchvision's functions with one channel, fit for DeepLift."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.vgg import make_layers

from esclab.errors import OptionError
from esclab.models import build_model

TORCHVISION = {
    "alexnet": torchvision.models.alexnet,
    "vgg11": torchvision.models.vgg11,
    "resnet18": torchvision.models.resnet18,
    "resnet34": torchvision.models.resnet34,
    "resnet50-torchvision": torchvision.models.resnet50,
}
NAMES = ("fnn", "cnn5", *TORCHVISION)
ACTIVATIONS = (nn.ReLU, nn.Sigmoid, nn.Tanh)


def give_one_channel(network: nn.Module) -> nn.Module:
    """Replace torchvision's first convolution by one of one channel."""
    name, conv = next((name, x) for name, x in network.named_modules() if isinstance(x, nn.Conv2d))
    one = nn.Conv2d(1, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=conv.bias is not None)
    network.set_submodule(name, one)
    return network.eval()


def build_theirs(name: str) -> nn.Module:
    return give_one_channel(TORCHVISION[name](weights=None, num_classes=5))


def take_weights(model: nn.Module, theirs: nn.Module) -> None:
    """Give a model the weights of another with the same layers in the same order."""
    names = [name for name in model.state_dict() if not name.startswith("input_")]
    values = theirs.state_dict().values()
    model.load_state_dict(dict(zip(names, values, strict=True)), strict=False, assign=True)


@pytest.mark.parametrize("name", TORCHVISION)
def test_network_has_the_weights_of_torchvision(name):
    with torch.device("meta"):
        model, theirs = build_model(name, classes=5, bands=64), build_theirs(name)
    assert [x.shape for x in model.parameters()] == [x.shape for x in theirs.parameters()]


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "resnet34", "resnet50-torchvision"])
@torch.no_grad()
def test_network_answers_as_torchvision_does(name):
    torch.manual_seed(0)
    theirs = build_theirs(name)
    with torch.device("meta"):
        model = build_model(name, classes=5, bands=64)
    take_weights(model, theirs)
    model.standardise = lambda features: features  # its buffers are on the meta device
    picture = torch.randn(2, 1, 72, 64)
    torch.testing.assert_close(model.eval()(picture), theirs(picture), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_vgg_has_the_features_of_torchvision():
    torch.manual_seed(0)
    model = build_model("vgg11", classes=5, bands=64, width=0.25).eval()
    plan = [16, "M", 32, "M", 64, 64, "M", 128, 128, "M", 128, 128, "M"]
    theirs = give_one_channel(make_layers(plan))
    convolutions = nn.Sequential(*(model.get_submodule(name) for name in model.cam_layers))
    theirs.load_state_dict(dict(zip(theirs.state_dict(), convolutions.state_dict().values(), strict=True)))
    picture = torch.randn(2, 1, 64, 64)
    pooled = nn.functional.adaptive_avg_pool2d(theirs(picture), (7, 7)).flatten(1)
    torch.testing.assert_close(model.pool_maps(model.encode(picture)), pooled)


@pytest.mark.parametrize("name", [*NAMES, "freqcnn"])
def test_each_activation_is_used_once_and_not_in_place(name):
    model = build_model(name, classes=5, bands=64, width=0.25).eval()
    uses: list[nn.Module] = []
    for module in model.modules():
        assert not getattr(module, "inplace", False)
        if isinstance(module, ACTIVATIONS):
            module.register_forward_hook(lambda module, _, __: uses.append(module))
    with torch.no_grad():
        model(torch.randn(1, 1, 64, 64))
    assert len(uses) == len(set(uses)) == sum(isinstance(module, ACTIVATIONS) for module in model.modules()) > 0


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
@torch.no_grad()
def test_small_picture_is_filled_up_with_its_mean(name):
    model = build_model(name, classes=5, bands=20, width=0.25).eval()
    picture = torch.randn(1, 1, 70, 20)
    filled = torch.zeros(1, 1, 70, model.smallest)
    filled[..., :20] = picture
    assert torch.equal(model.encode(picture), model.encode(filled))


@torch.no_grad()
def test_fnn_averages_frames_to_a_square_picture():
    model = build_model("fnn", classes=5, bands=16, width=0.25).eval()
    picture = torch.randn(1, 1, 32, 16)
    assert torch.equal(model(picture), model(picture.view(1, 1, 16, 2, 16).mean(3)))
    assert torch.equal(model.encode(picture[:, :, :16]), picture[:, :, :16])


def test_fnn_has_three_and_cnn5_five_layers_with_weights():
    counts = {}
    for name in ("fnn", "cnn5"):
        modules = build_model(name, classes=5, bands=16, width=0.25).modules()
        counts[name] = [type(x).__name__ for x in modules if isinstance(x, nn.Linear | nn.Conv2d)]
    assert counts == {"fnn": ["Linear"] * 3, "cnn5": [*["Conv2d"] * 4, "Linear"]}


@pytest.mark.parametrize("name", NAMES)
def test_width_that_is_not_offered_is_refused(name):
    with pytest.raises(OptionError, match=r"width 0\.3: is not offered; choose 1/4, 1/2 or 1"):
        build_model(name, classes=5, bands=64, width=0.3)


def test_cnn5_refuses_too_few_bands():
    with pytest.raises(OptionError, match="15 bands: vanish in four poolings by two"):
        build_model("cnn5", classes=5, bands=15)
