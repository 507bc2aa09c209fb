"""ResNet-34 at half its usual width with channel gates, as speaker recognition uses it.

Sources: the gates: Hu et al., "Squeeze-and-excitation networks", CVPR 2018; the network and its pooling: Heo et al.,
"Clova baseline system for the VoxCeleb speaker recognition challenge 2020", section 2.
"""

from __future__ import annotations

from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import (
    ChannelGate,
    ConvLayer,
    Residual,
    count_bands,
    initialise_for_relu,
    put_bands_into_channels,
    scale_channels,
    stack_blocks,
)
from esclab.models.baselines.pooling import AttentiveStatistics

BLOCKS = (3, 4, 6, 3)
REDUCTION, LEAST_HIDDEN = 8, 4  # of the channel gates; a hidden layer of one or two units would die at once


def _build_block(inputs: int, outputs: int, stride: int) -> nn.Module:
    branch = nn.Sequential(
        ConvLayer(inputs, outputs, stride=stride),
        ConvLayer(outputs, outputs, linear=True),
        ChannelGate(outputs, max(LEAST_HIDDEN, outputs // REDUCTION)),
    )
    return Residual(branch, inputs, outputs, stride=stride)


class ResNetSE(SoundClassifier):
    """A 3x3 convolution, 16 residual blocks in four stages, attentive statistics over channels and bands.

    8.7 million parameters for 10 classes and 80 bands; SpectroMaskNet's tables print 9.1, its library 7.8. The size
    depends on the bands, which the pooling keeps apart.

    Parameters
    ----------
    classes : int
    bands : int
    width : {0.25, 0.5, 1}
        Share of the channels.
    """

    cam_layers = ("stage1", "stage2", "stage3", "stage4")

    def __init__(self, classes: int, bands: int = 80, *, width: float = 1.0) -> None:
        super().__init__(bands)
        *channels, embedding = scale_channels((32, 64, 128, 256, 512), width)
        self.stem = ConvLayer(1, channels[0])
        for number, (inputs, outputs) in enumerate(zip([channels[0], *channels], channels, strict=False), start=1):
            stage = stack_blocks(_build_block, BLOCKS[number - 1], (inputs, outputs), stride=1 if number == 1 else 2)
            self.add_module(f"stage{number}", stage)
        rows = channels[-1] * count_bands(bands, halvings=3)
        self.pooling = AttentiveStatistics(rows)
        self.fc = nn.Linear(2 * rows, embedding, bias=False)
        self.norm = nn.BatchNorm1d(embedding)
        self.classifier = nn.Linear(embedding, classes)
        initialise_for_relu(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last stage, shape (clip, channel, frame / 8, band / 8)."""
        x = self.stem(features)
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
        return x

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the weighed mean and standard deviation over frames of each channel in each band."""
        return self.pooling(put_bands_into_channels(maps))

    def project(self, pooled: Tensor) -> Tensor:
        """Return the embedding."""
        return self.norm(self.fc(pooled))
