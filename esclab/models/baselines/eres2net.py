"""ERes2Net: Res2Net blocks whose groups, and stages, are fused by attention in place of sums.

Source: Chen et al., "An enhanced Res2Net with local and global feature fusion for speaker verification", Interspeech
2023.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import (
    ConvLayer,
    Res2Split,
    Residual,
    count_bands,
    initialise_for_relu,
    put_bands_into_channels,
    scale_channels,
    stack_blocks,
)
from esclab.models.baselines.pooling import measure_statistics

BLOCKS = (3, 4, 6, 3)
EXPANSION, SCALE = 2, 2  # output channels of a block to those that name it; groups of a block
REDUCTION = 4  # of the fusion's hidden layer


class AttentiveFusion(nn.Module):
    """Two maps of the same shape, x (1 + u) + y (1 - u), with u in (-1, 1) for each cell from both (equation 4)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.layers = nn.Sequential(
            nn.Conv2d(2 * channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.Tanh(),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the fused maps."""
        share = self.layers(torch.cat([x, y], 1))
        return x * (1 + share) + y * (1 - share)


def _build_block(inputs: int, outputs: int, stride: int, *, fused: bool = False) -> nn.Module:
    group = outputs // EXPANSION // SCALE
    fusions = [AttentiveFusion(group) for _ in range(SCALE - 1)] if fused else []
    branch = nn.Sequential(
        ConvLayer(inputs, SCALE * group, 1, stride=stride),
        Res2Split([ConvLayer(group, group) for _ in range(SCALE)], fusions, keep_first=False),
        ConvLayer(SCALE * group, outputs, 1, linear=True),
    )
    return Residual(branch, inputs, outputs, stride=stride)


def _build_fused_block(inputs: int, outputs: int, stride: int) -> nn.Module:
    return _build_block(inputs, outputs, stride, fused=True)


class ERes2Net(SoundClassifier):
    """A 3x3 convolution, 16 blocks in four stages, each stage fused with the one before, statistics pooling.

    In the last two stages the groups of a block are fused by attention too (local fusion); the stages are fused from
    the bottom up (global fusion), each brought to the next one's shape by a convolution. 6.6 million parameters for 10
    classes and 80 bands, as the library of SpectroMaskNet's baselines prints. The size depends on the bands, which the
    pooling keeps apart.

    Parameters
    ----------
    classes : int
    bands : int
    width : {0.25, 0.5, 1}
        Share of the channels.
    """

    cam_layers = ("stage1", "stage2", "stage3", "stage4", "fusion4")

    def __init__(self, classes: int, bands: int = 80, *, width: float = 1.0) -> None:
        super().__init__(bands)
        stem, *channels, embedding = scale_channels((32, 64, 128, 256, 512, 192), width)
        self.stem = ConvLayer(1, stem)
        for number, (inputs, outputs) in enumerate(zip([stem, *channels], channels, strict=False), start=1):
            build = _build_fused_block if number > 2 else _build_block
            stage = stack_blocks(build, BLOCKS[number - 1], (inputs, outputs), stride=1 if number == 1 else 2)
            self.add_module(f"stage{number}", stage)
        for number, (inputs, outputs) in enumerate(pairwise(channels), start=2):
            self.add_module(f"descent{number}", nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False))
            self.add_module(f"fusion{number}", AttentiveFusion(outputs))
        rows = channels[-1] * count_bands(bands, halvings=3)
        self.fc = nn.Linear(2 * rows, embedding)
        self.classifier = nn.Linear(embedding, classes)
        initialise_for_relu(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the fused maps of all stages, shape (clip, channel, frame / 8, band / 8)."""
        x = self.get_submodule("stage1")(self.stem(features))
        fused = x
        for number in (2, 3, 4):
            x = self.get_submodule(f"stage{number}")(x)
            fused = self.get_submodule(f"fusion{number}")(x, self.get_submodule(f"descent{number}")(fused))
        return fused

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean and standard deviation over frames of each channel in each band."""
        return measure_statistics(put_bands_into_channels(maps))

    def project(self, pooled: Tensor) -> Tensor:
        """Return the embedding."""
        return self.fc(pooled)
