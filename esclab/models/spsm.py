"""The two networks of SPSM: a VGG-style one for large tasks (1A) and a small one (1B).

Source: SPSM (Wang, Zou and Chong, "Acoustic scene classification with spectrogram processing strategies", DCASE
workshop 2020), section 3 and Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier, initialise_weights
from esclab.models.dropout import ByteDropout

WIDTHS = (0.25, 0.5, 1.0)
POOLS = ((1, 1), (4, 2), (4, 2), (2, 2))
"""Average pooling (frames, bands) before each block; global pooling follows the last one."""


@dataclass(frozen=True)
class Layout:
    """One column of Table 1.

    Attributes
    ----------
    channels, kernels : tuple of int
        Of each block's convolutions.
    convolutions : int
        In each block.
    hidden : int
        Outputs of the first fully connected layer.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    convolutions: int
    hidden: int


LAYOUTS = {
    "1a": Layout((64, 128, 256, 512), (3, 3, 3, 3), convolutions=2, hidden=512),
    "1b": Layout((32, 32, 64, 64), (7, 7, 3, 3), convolutions=1, hidden=200),
}


class SpsmBlock(nn.Module):
    """Average pooling, then convolutions, each with batch norm and ReLU."""

    def __init__(self, channels: tuple[int, int], layout: Layout, *, kernel: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.pool = pool
        inputs = (channels[0], *[channels[1]] * (layout.convolutions - 1))
        self.convs = nn.ModuleList(
            nn.Conv2d(count, channels[1], kernel, padding=kernel // 2, bias=False) for count in inputs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels[1]) for _ in inputs)
        # Modules of their own, used once each: DeepLift follows activations, so it needs to find them.
        self.activations = nn.ModuleList(nn.ReLU(inplace=True) for _ in inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to the block's channels on the pooled frames and bands."""
        # A short clip or a narrow band is pooled to one cell, not to none.
        pool = tuple(min(size, length) for size, length in zip(self.pool, x.shape[2:], strict=True))
        x = F.avg_pool2d(x, pool) if pool != (1, 1) else x
        for conv, norm, activation in zip(self.convs, self.norms, self.activations, strict=True):
            x = activation(norm(conv(x)))
        return x


class SpsmNet(SoundClassifier):
    """Four convolutional blocks, mean over bands, maximum over frames, two fully connected layers.

    A block is known by its name before its pooling, so "block1" has the input's own frames and bands.

    Parameters
    ----------
    classes, bands : int
    network : {"1a", "1b"}
        Column of Table 1: 18.90 MiB for 10 classes, or 473 KiB for 3 (468 KB are printed).
    width : {0.25, 0.5, 1}
        Share of the paper's channels.
    channels, joined : int
        Channels of the input, and how many first blocks are joined before the second (see `esclab.models.strategies`).
    """

    cam_layers = ("block1", "block2", "block3", "block4")
    stem = ("block1",)

    def __init__(
        self,
        classes: int,
        bands: int = 40,
        *,
        network: Literal["1a", "1b"] = "1a",
        width: float = 1.0,
        channels: int = 1,
        joined: int = 1,
    ) -> None:
        super().__init__(bands)
        if width not in WIDTHS:
            raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
        layout = LAYOUTS[network]
        outputs = [round(width * count) for count in layout.channels]
        inputs = [channels, joined * outputs[0], *outputs[1:-1]]
        for number, pair in enumerate(zip(inputs, outputs, strict=True)):
            block = SpsmBlock(pair, layout, kernel=layout.kernels[number], pool=POOLS[number])
            self.add_module(f"block{number + 1}", block)
        hidden = round(width * layout.hidden)
        self.fc1 = nn.Linear(outputs[-1], hidden)
        self.activation = nn.ReLU()
        self.dropout = ByteDropout(0.5)
        self.classifier = nn.Linear(hidden, classes)
        initialise_weights(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last block, shape (clip, channel, frame / 32, band / 8)."""
        return self.finish(self.get_submodule("block1")(features))

    def finish(self, maps: Tensor) -> Tensor:
        """Return the maps of the last block from those of the first."""
        for name in self.cam_layers[1:]:
            maps = self.get_submodule(name)(maps)
        return maps

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean over bands, then the maximum over frames."""
        return maps.mean(3, dtype=torch.float32).amax(2)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the output of the first fully connected layer; dropout stands between the two."""
        return self.dropout(self.activation(self.fc1(pooled)))
