"""CAM++: a densely connected TDNN whose layers mask their own output by the context.

Source: Wang et al., "CAM++: a fast and efficient network for speaker verification using context-aware masking",
Interspeech 2023. It is called campplus here, because a plus sign joins strategies to the names of models.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import (
    ConvLayer,
    Residual,
    build_frame_conv,
    count_bands,
    put_bands_into_channels,
    scale_channels,
)
from esclab.models.baselines.pooling import measure_statistics
from esclab.models.recording import Gate

LAYERS, DILATIONS = (12, 24, 16), (1, 2, 2)  # of the three dense blocks
SEGMENT_FRAMES = 100  # over which the context is averaged, beside the whole clip


class ContextMask(Gate):
    """A convolution over frames whose output is masked: by channel, in each segment of frames (section 2.3, figure 2).

    It tells the mask's mean over frames, as the weights of channels.
    """

    weighs_cells = False

    def __init__(self, inputs: int, outputs: int, *, dilation: int) -> None:
        super().__init__()
        self.local = build_frame_conv(inputs, outputs, 3, dilation=dilation)
        self.squeeze = nn.Conv2d(inputs, inputs // 2, 1)
        self.activation = nn.ReLU()
        self.excite = nn.Conv2d(inputs // 2, outputs, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, inputs, frame, 1) to (clip, outputs, frame, 1)."""
        frames = x.shape[2]
        context = x.mean(2, keepdim=True) + F.avg_pool2d(x, (SEGMENT_FRAMES, 1), ceil_mode=True)
        mask = self.sigmoid(self.excite(self.activation(self.squeeze(context))).float())
        # The mask is one value a segment, so that it is cheaper to spread it after the two layers than the context.
        mask = mask.expand(-1, -1, -1, SEGMENT_FRAMES).flatten(2).unsqueeze(3)[:, :, :frames]
        self.tell("channel", mask.mean((2, 3)))
        local = self.local(x)
        return local * mask.to(local.dtype)


class DenseLayer(nn.Sequential):
    """Batch norm, ReLU, a 1x1 layer to a bottleneck, batch norm, ReLU, a masked convolution that adds channels."""

    def __init__(self, inputs: int, growth: int, *, dilation: int) -> None:
        bottleneck = 4 * growth
        super().__init__(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, bottleneck, 1, bias=False),
            nn.BatchNorm2d(bottleneck),
            nn.ReLU(),
            ContextMask(bottleneck, growth, dilation=dilation),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` and the new channels side by side."""
        return torch.cat([x, super().forward(x)], 1)


def _build_dense_block(inputs: int, growth: int, *, layers: int, dilation: int) -> nn.Sequential:
    """Return a dense block and the 1x1 layer that halves its channels."""
    dense = [DenseLayer(inputs + number * growth, growth, dilation=dilation) for number in range(layers)]
    outputs = inputs + layers * growth
    halve = (nn.BatchNorm2d(outputs), nn.ReLU(), nn.Conv2d(outputs, outputs // 2, 1, bias=False))
    return nn.Sequential(*dense, *halve)


def _build_front(channels: int) -> nn.Sequential:
    """Return the convolutions over frames and bands that stand before the TDNN; bands / 8 (section 2.2)."""

    def build_block(stride: int) -> nn.Module:
        branch = nn.Sequential(
            ConvLayer(channels, channels, stride=(1, stride)), ConvLayer(channels, channels, linear=True)
        )
        return Residual(branch, channels, channels, stride=(1, 2) if stride == 2 else 1)

    blocks = [build_block(stride) for stride in (2, 1, 2, 1)]
    return nn.Sequential(ConvLayer(1, channels), *blocks, ConvLayer(channels, channels, stride=(1, 2)))


class CAMPPlus(SoundClassifier):
    """Convolutions over frames and bands, 52 dense layers over frames with context-aware masks, statistics pooling.

    7.2 million parameters for 10 classes and 80 bands, as the paper prints; SpectroMaskNet's tables print 7.1.

    Parameters
    ----------
    classes : int
    bands : int
    width : {0.25, 0.5, 1}
        Share of the channels.
    """

    cam_layers = ("front", "layer1", "block1", "block2", "block3", "output")

    def __init__(self, classes: int, bands: int = 80, *, width: float = 1.0) -> None:
        super().__init__(bands)
        front, channels, growth, embedding = scale_channels((32, 128, 32, 512), width)
        self.front = _build_front(front)
        rows = front * count_bands(bands, halvings=3)
        self.layer1 = nn.Sequential(build_frame_conv(rows, channels, 5, stride=2), nn.BatchNorm2d(channels), nn.ReLU())
        for number, (layers, dilation) in enumerate(zip(LAYERS, DILATIONS, strict=True), start=1):
            block = _build_dense_block(channels, growth, layers=layers, dilation=dilation)
            self.add_module(f"block{number}", block)
            channels = (channels + layers * growth) // 2
        self.output = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.fc = nn.Linear(2 * channels, embedding, bias=False)
        self.embedding_norm = nn.BatchNorm1d(embedding, affine=False)
        self.classifier = nn.Linear(embedding, classes)

    def encode(self, features: Tensor) -> Tensor:
        """Return the last maps, shape (clip, channel, frame / 2, 1): one band that is the whole height."""
        x = self.layer1(put_bands_into_channels(self.front(features)))
        for number in range(1, len(LAYERS) + 1):
            x = self.get_submodule(f"block{number}")(x)
        return self.output(x)

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return each channel's mean and standard deviation over frames."""
        return measure_statistics(maps)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the embedding."""
        return self.embedding_norm(self.fc(pooled))
