"""A network of three fully connected layers on a picture.

Source: FreqCNN, section 5.1 names "a three-layer FNN" and no more; its sizes are ours.
"""

from __future__ import annotations

from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier, initialise_weights

UNITS = (512, 256)
WIDTHS = (0.25, 0.5, 1.0)


class FNN(SoundClassifier):
    """Three fully connected layers with ReLU and dropout 0.5 between them, on the cells of a square picture.

    Pictures that are not square are averaged, or their frames repeated, to as many frames as bands.

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input.
    width : {0.25, 0.5, 1}
        Share of the 512 and 256 units.
    """

    cam_layers = ("picture",)

    def __init__(self, classes: int, bands: int = 224, *, width: float = 1.0) -> None:
        super().__init__(bands)
        if width not in WIDTHS:
            raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
        self.picture = nn.AdaptiveAvgPool2d((bands, bands))
        first, second = (round(width * units) for units in UNITS)
        self.layers = nn.Sequential(
            nn.Linear(bands * bands, first), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(first, second), nn.ReLU(), nn.Dropout(0.5),
        )  # fmt: skip
        self.classifier = nn.Linear(second, classes)
        initialise_weights(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the picture itself, with as many frames as bands: (clip, 1, band, band)."""
        return self.picture(features)

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the picture's cells, shape (clip, band x band)."""
        return maps.flatten(1)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the output of the second layer."""
        return self.layers(pooled)
