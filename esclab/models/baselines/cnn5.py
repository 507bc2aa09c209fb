"""A convolutional network of five layers.

Source: FreqCNN, section 5.1 names "a five-layer CNN" and no more; its sizes are ours.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier, initialise_weights

CHANNELS = (32, 64, 128, 256)
WIDTHS = (0.25, 0.5, 1.0)
SMALLEST = 16


class CNN5(SoundClassifier):
    """Four 3x3 convolutions, each with batch norm, ReLU and 2x2 max pooling; the mean over all cells; a classifier.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input, at least 16.
    width : {0.25, 0.5, 1}
        Share of the 32 to 256 channels.
    """

    cam_layers = ("block1", "block2", "block3", "block4")

    def __init__(self, classes: int, bands: int = 224, *, width: float = 1.0) -> None:
        super().__init__(bands)
        if width not in WIDTHS:
            raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
        if bands < SMALLEST:
            raise OptionError(f"{bands} bands", "vanish in four poolings by two", f"give at least {SMALLEST} bands")
        channels = [1, *(round(width * count) for count in CHANNELS)]
        for name, (inputs, outputs) in zip(self.cam_layers, pairwise(channels), strict=True):
            conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            self.add_module(name, nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)))
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(channels[-1], classes)
        initialise_weights(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last block, shape (clip, channel, frame / 16, band / 16)."""
        x = features
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
        return x

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean over frames and bands."""
        return maps.float().mean((2, 3))

    def project(self, pooled: Tensor) -> Tensor:
        """Return the pooled maps after dropout."""
        return self.dropout(pooled)
