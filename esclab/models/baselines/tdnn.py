"""The time-delay network of x-vectors, with attentive statistics.

Sources: Snyder et al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018, table 1; the pooling is
that of Okabe et al., Interspeech 2018.
"""

from __future__ import annotations

from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.baselines.blocks import FrameLayer, scale_channels
from esclab.models.baselines.pooling import AttentiveStatistics

SHAPES = ((5, 1), (3, 2), (3, 3), (1, 1), (1, 1))  # kernel and dilation of each layer, in frames


class TDNN(SoundClassifier):
    """Five convolutions over frames, attentive statistics, a small embedding.

    2.6 million parameters for 10 classes and 80 bands, as in the tables of SpectroMaskNet (2.6 to 2.7). The network of
    the paper that brought x-vectors widens its fifth layer to 1500 channels and has two layers of 512 after the pooling
    (4.6 million); here the fifth has 512 channels and one layer of 192 follows. Convolutions are padded, so that maps
    keep their frames.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input; they are the channels of the first layer.
    width : {0.25, 0.5, 1}
        Share of the channels.
    """

    cam_layers = ("layer1", "layer2", "layer3", "layer4", "layer5")

    def __init__(self, classes: int, bands: int = 80, *, width: float = 1.0) -> None:
        super().__init__(bands)
        channels, embedding = scale_channels((512, 192), width)
        for number, (kernel, dilation) in enumerate(SHAPES, start=1):
            layer = FrameLayer(bands if number == 1 else channels, channels, kernel, dilation=dilation)
            self.add_module(f"layer{number}", layer)
        self.pooling = AttentiveStatistics(channels, by_channel=False)
        self.fc = nn.Linear(2 * channels, embedding, bias=False)
        self.activation = nn.ReLU()
        self.norm = nn.BatchNorm1d(embedding)
        self.classifier = nn.Linear(embedding, classes)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the fifth layer, shape (clip, channel, frame, 1): one band that is the whole height."""
        x = features.transpose(1, 3)
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
        return x

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return each channel's weighed mean and standard deviation over frames."""
        return self.pooling(maps)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the embedding."""
        return self.norm(self.activation(self.fc(pooled)))
