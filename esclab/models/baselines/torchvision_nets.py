"""AlexNet, VGG-11 and ResNet-18, -34, -50 as torchvision has them, with one input channel.

Each layer, its order and its first weights are torchvision's. Activations are modules of their own that write to new
memory, so that DeepLift can follow them; the channels can be narrowed.

Sources: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014 (torchvision's AlexNet);
Simonyan and Zisserman, "Very Deep Convolutional Networks", ICLR 2015; He et al., "Deep Residual Learning for Image
Recognition", CVPR 2016.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier
from esclab.models.resnet50 import STAGES, STEM_CHANNELS, OwnReluBottleneck, build_shortcut, initialise_residuals

WIDTHS = (0.25, 0.5, 1.0)
UNITS = 4096
VGG11_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))
RESNET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class FullyConnectedNet(SoundClassifier):
    """Convolutions, then three fully connected layers on a fixed number of cells: what AlexNet and VGG share.

    Parameters
    ----------
    bands : int
    width : {0.25, 0.5, 1}
    smallest : int
        Frames and bands that the convolutions need; smaller pictures are filled up with the mean (our reading).
    cells : int
        Frames and bands to which the last maps are averaged, or repeated where they are fewer.
    """

    layers: nn.Sequential

    def __init__(self, bands: int, *, width: float, smallest: int, cells: int) -> None:
        super().__init__(bands)
        check_width(width)
        self.smallest = smallest
        self.cells = nn.AdaptiveAvgPool2d((cells, cells))

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last convolution, shape (clip, channel, frame, band)."""
        missing = [max(0, self.smallest - length) for length in features.shape[2:]]
        x = F.pad(features, (0, missing[1], 0, missing[0])) if any(missing) else features
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
        return x

    def project(self, pooled: Tensor) -> Tensor:
        """Return the output of the second fully connected layer."""
        return self.layers(pooled)


class AlexNet(FullyConnectedNet):
    """Five convolutional and three fully connected layers.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input; fewer than 63 are filled up with their mean, and so are frames.
    width : {0.25, 0.5, 1}
        Share of the channels and units; 1 has 57 million parameters.
    """

    cam_layers = ("block1", "block2", "block3")

    def __init__(self, classes: int, bands: int = 224, *, width: float = 1.0) -> None:
        super().__init__(bands, width=width, smallest=63, cells=6)
        a, b, c, d, e = (round(width * count) for count in (64, 192, 384, 256, 256))
        self.block1 = nn.Sequential(nn.Conv2d(1, a, 11, stride=4, padding=2), nn.ReLU())
        self.block2 = nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(a, b, 5, padding=2), nn.ReLU())
        self.block3 = nn.Sequential(
            nn.MaxPool2d(3, 2),
            nn.Conv2d(b, c, 3, padding=1), nn.ReLU(),
            nn.Conv2d(c, d, 3, padding=1), nn.ReLU(),
            nn.Conv2d(d, e, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.pool = nn.MaxPool2d(3, 2)
        units = round(width * UNITS)
        self.layers = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(36 * e, units), nn.ReLU(),
            nn.Dropout(0.5), nn.Linear(units, units), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Linear(units, classes)

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the maps on 6 x 6 cells, shape (clip, channel x 36)."""
        return self.cells(self.pool(maps)).flatten(1)


class VGG11(FullyConnectedNet):
    """Eight 3x3 convolutions in five stages, three fully connected layers, no batch norm (configuration A).

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input; fewer than 32 are filled up with their mean, and so are frames.
    width : {0.25, 0.5, 1}
        Share of the channels and units; 1 has 129 million parameters.
    """

    cam_layers = ("block1", "block2", "block3", "block4", "block5")

    def __init__(self, classes: int, bands: int = 224, *, width: float = 1.0) -> None:
        super().__init__(bands, width=width, smallest=32, cells=7)
        inputs = 1
        for name, channels in zip(self.cam_layers, VGG11_STAGES, strict=True):
            layers: list[nn.Module] = [] if name == "block1" else [nn.MaxPool2d(2)]
            for count in channels:
                outputs = round(width * count)
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            self.add_module(name, nn.Sequential(*layers))
        self.pool = nn.MaxPool2d(2)
        units = round(width * UNITS)
        self.layers = nn.Sequential(
            nn.Linear(49 * inputs, units), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(units, units), nn.ReLU(), nn.Dropout(0.5),
        )  # fmt: skip
        self.classifier = nn.Linear(units, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the maps on 7 x 7 cells, shape (clip, channel x 49)."""
        return self.cells(self.pool(maps)).flatten(1)


class OwnReluBasicBlock(BasicBlock):
    """torchvision's block of two convolutions and a shortcut, with two activations of its own."""

    def __init__(self, inputs: int, maps: int, *, stride: int) -> None:
        super().__init__(inputs, maps, stride, build_shortcut(inputs, maps, stride=stride))
        del self.relu
        self.activations = nn.ModuleList(nn.ReLU() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to `maps` channels, frames and bands divided by the stride."""
        first, second = self.activations
        y = self.bn2(self.conv2(first(self.bn1(self.conv1(x)))))
        return second(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(SoundClassifier):
    """ResNet-18, -34 or -50: a 7x7 convolution, max pooling, four stages of residual blocks, the mean, a classifier.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input.
    depth : {18, 34, 50}
        50 has bottlenecks. FPAM's own ResNet-50 (`esclab.models.resnet50`) has no max pooling.
    width : {0.25, 0.5, 1}
        Share of the channels.
    """

    cam_layers = tuple(STAGES)

    def __init__(self, classes: int, bands: int = 224, *, depth: Literal[18, 34, 50] = 18, width: float = 1.0) -> None:
        super().__init__(bands)
        check_width(width)
        if depth not in RESNET_BLOCKS:
            raise OptionError(f"depth {depth}", "is not offered", "choose 18, 34 or 50")
        kind = OwnReluBottleneck if depth == 50 else OwnReluBasicBlock
        inputs = round(width * STEM_CHANNELS)
        self.stem = nn.Sequential(
            nn.Conv2d(1, inputs, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
        )  # fmt: skip
        for (name, (channels, _, stride)), blocks in zip(STAGES.items(), RESNET_BLOCKS[depth], strict=True):
            maps, stage = round(width * channels), nn.Sequential()
            for number in range(blocks):
                stage.append(kind(inputs, maps, stride=stride if number == 0 else 1))
                inputs = maps * kind.expansion
            self.add_module(name, stage)
        self.classifier = nn.Linear(inputs, classes)
        initialise_residuals(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last stage, shape (clip, channel, frame / 32, band / 32), rounded up."""
        x = self.stem(features)
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
        return x

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean over frames and bands."""
        return maps.float().mean((2, 3))


def check_width(width: float) -> None:
    """Raise OptionError unless the width is offered."""
    if width not in WIDTHS:
        raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
