"""CNN10, and CNN10 with temporal-spectral attention in chosen blocks.

Sources: CNN10 is PANNs' (Kong et al. 2020); its attention variants are those of TS-CNN, section 3.2.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.attention import Arrangement, TemporalSpectralAttention
from esclab.models.base import SoundClassifier, initialise_weights
from esclab.models.dropout import ByteDropout

CHANNELS = (64, 128, 256, 512)
WIDTHS = (0.25, 0.5, 1.0)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU; attention; 2x2 average pooling; dropout.

    `variant="code"` follows the published forerunner TFNet: LeakyReLU (0.2) before batch norm, batch norm after the
    attention too, no dropout.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        arrangement: Arrangement | None,
        variant: Literal["text", "code"] = "text",
    ) -> None:
        super().__init__()
        self.variant = variant
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.attention = TemporalSpectralAttention(outputs, arrangement) if arrangement else nn.Identity()
        self.bn3 = nn.BatchNorm2d(outputs) if variant == "code" and arrangement else nn.Identity()
        # Modules of their own, used once each: DeepLift follows activations, so it needs to find them.
        self.activations = nn.ModuleList(self._build_activation() for _ in range(2))
        self.dropout = ByteDropout(0.2 if variant == "text" else 0.0)

    def _build_activation(self) -> nn.Module:
        return nn.LeakyReLU(0.2, inplace=True) if self.variant == "code" else nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to twice or as many channels, half the frames and bands."""
        stages = zip((self.conv1, self.conv2), (self.bn1, self.bn2), self.activations, strict=True)
        for conv, norm, activation in stages:
            x = norm(activation(conv(x))) if self.variant == "code" else activation(norm(conv(x)))
        return self.dropout(F.avg_pool2d(self.bn3(self.attention(x)), 2))


class BandNorm(nn.BatchNorm2d):
    """Batch norm of each band of (clip, channel, frame, band), all channels alike."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with each band at zero mean and unit variance, scaled and moved as learned."""
        return super().forward(x.transpose(1, 3)).transpose(1, 3)


class CNN10(SoundClassifier):
    """Four convolutional blocks, pooling over bands and frames, two fully connected layers.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input, at least 16.
    width : {0.25, 0.5, 1}
        Share of the paper's channels; 1 has 4.95 million parameters for 10 classes.
    arrangement : str, optional
        Kind of attention (see `TemporalSpectralAttention`); none by default.
    blocks : tuple of int
        Blocks that get it, from 1.
    variant : {"text", "code"}
        The paper's text with PANNs' dropout of 0.2, or its published forerunner.
    channels, joined : int
        Channels of the input, and how many first blocks are joined before the second (see `esclab.models.strategies`).
    """

    cam_layers = ("block1", "block2", "block3", "block4")
    stem = ("bn0", "block1")

    def __init__(
        self,
        classes: int,
        bands: int = 40,
        *,
        width: float = 1.0,
        arrangement: Arrangement | None = None,
        blocks: tuple[int, ...] = (1, 2, 3, 4),
        variant: Literal["text", "code"] = "text",
        channels: int = 1,
        joined: int = 1,
    ) -> None:
        super().__init__(bands)
        if width not in WIDTHS:
            raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
        if variant not in ("text", "code"):
            raise OptionError(f"variant {variant}", "is not known", "choose text or code")
        if not isinstance(blocks, tuple | list) or not set(blocks) <= {1, 2, 3, 4}:
            raise OptionError(f"blocks {blocks}", "are not blocks of CNN10", "choose some of (1, 2, 3, 4)")
        if bands < 16:
            raise OptionError(f"{bands} bands", "vanish in four poolings by two", "give at least 16 bands")
        self.bn0 = BandNorm(bands)
        counts = [round(width * count) for count in CHANNELS]
        inputs = [channels, joined * counts[0], *counts[1:-1]]
        for number, pair in enumerate(zip(inputs, counts, strict=True), start=1):
            block = ConvBlock(*pair, arrangement=arrangement if number in blocks else None, variant=variant)
            self.add_module(f"block{number}", block)
        self.dropout = ByteDropout(0.5)
        self.fc1 = nn.Linear(counts[-1], counts[-1])
        self.activation = nn.ReLU()
        self.classifier = nn.Linear(counts[-1], classes)
        initialise_weights(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last block, shape (clip, channel, frame / 16, band / 16)."""
        return self.finish(self.get_submodule("block1")(self.bn0(features)))

    def finish(self, maps: Tensor) -> Tensor:
        """Return the maps of the last block from those of the first."""
        for name in self.cam_layers[1:]:
            maps = self.get_submodule(name)(maps)
        return maps

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean over bands, then maximum plus mean over frames."""
        x = maps.mean(3, dtype=torch.float32)
        return x.amax(2) + x.mean(2)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the output of the first fully connected layer."""
        return self.activation(self.fc1(self.dropout(pooled)))
