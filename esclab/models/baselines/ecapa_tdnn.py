"""ECAPA-TDNN: a TDNN of Res2Net blocks with channel gates, whose layers all reach the pooling.

Source: Desplanques et al., "ECAPA-TDNN: emphasized channel attention, propagation and aggregation in TDNN based speaker
verification", Interspeech 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import ChannelGate, FrameLayer, Res2Split, scale_channels
from esclab.models.baselines.pooling import AttentiveStatistics

SCALE = 8  # groups of a Res2Net layer
BOTTLENECK = 128  # of the channel gates and of the pooling


class SqueezeRes2Block(nn.Sequential):
    """A 1x1 layer, a dilated Res2Net layer, a 1x1 layer, a channel gate (figure 2 of the paper)."""

    def __init__(self, channels: int, *, dilation: int, hidden: int) -> None:
        group = channels // SCALE
        groups = [FrameLayer(group, group, 3, dilation=dilation) for _ in range(SCALE - 1)]
        super().__init__(
            FrameLayer(channels, channels),
            Res2Split(groups),
            FrameLayer(channels, channels),
            ChannelGate(channels, hidden),
        )


class EcapaTDNN(SoundClassifier):
    """One convolution over frames, three gated Res2Net blocks, their outputs side by side, attentive statistics.

    The channels of the smaller of the paper's two networks: 6.2 million parameters for 10 classes and 80 bands, as the
    paper prints; SpectroMaskNet's tables print 6.4.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input; they are the channels of the first layer.
    width : {0.25, 0.5, 1}
        Share of the channels.
    """

    cam_layers = ("layer1", "block1", "block2", "block3", "aggregation")

    def __init__(self, classes: int, bands: int = 80, *, width: float = 1.0) -> None:
        super().__init__(bands)
        channels, wide, embedding, hidden = scale_channels((512, 1536, 192, BOTTLENECK), width)
        self.layer1 = FrameLayer(bands, channels, 5)
        for number, dilation in enumerate((2, 3, 4), start=1):
            self.add_module(f"block{number}", SqueezeRes2Block(channels, dilation=dilation, hidden=hidden))
        self.aggregation = nn.Sequential(nn.Conv2d(3 * channels, wide, 1), nn.ReLU())
        self.pooling = AttentiveStatistics(wide, hidden=hidden, with_context=True)
        self.pooled_norm = nn.BatchNorm1d(2 * wide)
        self.fc = nn.Linear(2 * wide, embedding, bias=False)
        self.norm = nn.BatchNorm1d(embedding)
        self.classifier = nn.Linear(embedding, classes)

    def encode(self, features: Tensor) -> Tensor:
        """Return the aggregated maps, shape (clip, channel, frame, 1): one band that is the whole height."""
        total = self.layer1(features.transpose(1, 3))
        outputs = []
        for number in (1, 2, 3):
            # Section 3.3: the input and the shortcut of a block are the sum of all outputs before it.
            outputs.append(total + self.get_submodule(f"block{number}")(total))
            total = total + outputs[-1]
        return self.aggregation(torch.cat(outputs, 1))

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return each channel's weighed mean and standard deviation over frames."""
        return self.pooling(maps)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the embedding."""
        return self.norm(self.fc(self.pooled_norm(pooled)))
