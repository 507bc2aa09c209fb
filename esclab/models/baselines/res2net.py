"""Res2Net: a residual network that sees several scales within each block.

Source: Gao et al., "Res2Net: a new multi-scale backbone architecture", TPAMI 2019, figure 2 and table 1; the first
block of each stage as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import (
    ConvLayer,
    Res2Split,
    Residual,
    initialise_for_relu,
    scale_channels,
    stack_blocks,
)

BLOCKS = (3, 4, 6, 3)
EXPANSION = 4  # output channels of a block to those that name it
GROUP_SHARE = 26 / 64  # channels of a group, likewise: the paper's 26w
SCALE = 4  # groups of a block: the paper's 4s


class EntrySplit(nn.Module):
    """The groups of a stage's first block: each convolved by itself, but the first, which is averaged over 3x3 cells.

    Parameters
    ----------
    layers : sequence of modules
        One for each convolved group, all with `stride`.
    stride : int
    """

    def __init__(self, layers: Sequence[nn.Module], *, stride: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.pool = nn.AvgPool2d(3, stride=stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to (clip, channel, frame / stride, band / stride)."""
        first, *groups = x.chunk(len(self.layers) + 1, 1)
        convolved = [layer(group) for layer, group in zip(self.layers, groups, strict=True)]
        return torch.cat([self.pool(first), *convolved], 1)


def _build_block(inputs: int, outputs: int, stride: int) -> nn.Module:
    group = max(1, int(GROUP_SHARE * outputs / EXPANSION))
    layers = [ConvLayer(group, group, stride=stride) for _ in range(SCALE - 1)]
    branch = nn.Sequential(
        ConvLayer(inputs, SCALE * group, 1),
        EntrySplit(layers, stride=stride) if inputs != outputs else Res2Split(layers),
        ConvLayer(SCALE * group, outputs, 1, linear=True),
    )
    return Residual(branch, inputs, outputs, stride=stride)


class Res2Net(SoundClassifier):
    """Res2Net-50 26w 4s at half its width: a 7x7 convolution, 16 blocks in four stages, the mean over all cells.

    5.9 million parameters for 10 classes, whatever the bands; SpectroMaskNet's tables print 6.2, its library 5.0. The
    whole width has four times as many.

    Parameters
    ----------
    classes : int
    bands : int
    width : {0.25, 0.5, 1}
        Share of the channels, which are half of the paper's at 1.
    """

    cam_layers = ("stage1", "stage2", "stage3", "stage4")

    def __init__(self, classes: int, bands: int = 80, *, width: float = 1.0) -> None:
        super().__init__(bands)
        stem, *channels = scale_channels((32, *(EXPANSION * count for count in (32, 64, 128, 256))), width)
        self.stem = nn.Sequential(ConvLayer(1, stem, 7, stride=2), nn.MaxPool2d(3, stride=2, padding=1))
        for number, (inputs, outputs) in enumerate(zip([stem, *channels], channels, strict=False), start=1):
            stage = stack_blocks(_build_block, BLOCKS[number - 1], (inputs, outputs), stride=1 if number == 1 else 2)
            self.add_module(f"stage{number}", stage)
        self.classifier = nn.Linear(channels[-1], classes)
        initialise_for_relu(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last stage, shape (clip, channel, frame / 32, band / 32)."""
        x = self.stem(features)
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
        return x

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return each channel's mean over frames and bands."""
        return maps.float().mean((2, 3))
