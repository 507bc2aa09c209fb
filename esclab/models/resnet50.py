"""ResNet-50 on spectrograms, the backbone and baseline of FPAM.

Sources: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; sizes of FPAM, Table 1. Its residual
blocks are torchvision's.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier
from esclab.models.pointwise import PointwiseConv2d

STAGES = {"res2": (64, 3, 1), "res3": (128, 4, 2), "res4": (256, 6, 2), "res5": (512, 3, 2)}
"""Name of each stage: maps inside its blocks, blocks, stride of the first."""
STEM_CHANNELS = 64
WIDTHS = (0.25, 0.5, 1.0)


class OwnReluBottleneck(Bottleneck):
    """torchvision's block (three convolutions and a shortcut), with an activation of its own after each sum.

    torchvision uses one in-place ReLU three times, where DeepLift cannot tell one use from the next.
    """

    def __init__(self, inputs: int, maps: int, *, stride: int) -> None:
        super().__init__(inputs, maps, stride, build_shortcut(inputs, maps * self.expansion, stride=stride))
        del self.relu
        self.activations = nn.ModuleList(nn.ReLU() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to 4 times `maps` channels, frames and bands divided by the stride."""
        first, second, third = self.activations
        y = first(self.bn1(self.conv1(x)))
        y = second(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return third(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(SoundClassifier):
    """ResNet-50 with one input channel and no max pooling: 1 x 201 x 64 becomes 2048 x 13 x 4.

    Each stride of 2 is a padded convolution, so odd sizes are rounded up: 201, 101, 51, 26, 13 frames.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input.
    width : {0.25, 0.5, 1}
        Share of the paper's channels; 1 has 23.5 million parameters for 10 classes.
    variant : {"text", "code"}
        The paper's Table 1, or its published code, whose first convolution has stride 1.
    """

    cam_layers = tuple(STAGES)

    def __init__(
        self,
        classes: int,
        bands: int = 64,
        *,
        width: float = 1.0,
        variant: Literal["text", "code"] = "text",
    ) -> None:
        super().__init__(bands)
        check_settings(width, variant)
        stem = round(width * STEM_CHANNELS)
        self.conv1 = nn.Conv2d(1, stem, 7, stride=1 if variant == "code" else 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.activation = nn.ReLU()
        channels = stem
        for name, (maps, blocks, stride) in STAGES.items():
            maps = round(width * maps)
            self.add_module(name, build_stage(channels, maps, blocks, stride=stride))
            channels = maps * Bottleneck.expansion
        self.classifier = nn.Linear(channels, classes)
        initialise_residuals(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last stage, shape (clip, channel, frame / 16, band / 16), rounded up."""
        return self.run_stages(features)["res5"]

    def run_stages(self, features: Tensor) -> dict[str, Tensor]:
        """Return the maps of every stage by name."""
        x, maps = self.activation(self.bn1(self.conv1(features))), {}
        for name in STAGES:
            if hasattr(self, name):
                maps[name] = x = self.get_submodule(name)(x)
        return maps

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean over frames and bands (Table 1, FC of the baseline)."""
        return maps.float().mean((2, 3))


def build_shortcut(inputs: int, outputs: int, *, stride: int) -> nn.Sequential | None:
    """Return what a block's input passes on its way to the sum; None where it fits as it is."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(PointwiseConv2d(inputs, outputs, stride=stride), nn.BatchNorm2d(outputs))


def build_stage(inputs: int, maps: int, blocks: int, *, stride: int) -> nn.Sequential:
    """Return a stage of residual blocks, `maps` maps inside each and 4 times as many out; the first has the stride."""
    outputs = maps * Bottleneck.expansion
    first = OwnReluBottleneck(inputs, maps, stride=stride)
    return nn.Sequential(first, *(OwnReluBottleneck(outputs, maps, stride=1) for _ in range(blocks - 1)))


def initialise_residuals(model: nn.Module) -> None:
    """Set convolutions to He's normal weights (fan-out), as torchvision does; linear layers keep PyTorch's."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def check_settings(width: float, variant: str) -> None:
    """Raise OptionError unless width and variant are offered."""
    if width not in WIDTHS:
        raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
    if variant not in ("text", "code"):
        raise OptionError(f"variant {variant}", "is not known", "choose text or code")
