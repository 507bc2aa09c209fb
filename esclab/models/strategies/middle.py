"""Middle fusion: a first block for each representation, joined along the channels for the rest of one network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.strategies.base import Build, Ranges, Strategy, count_bands, cut_representations, name_layers


class MiddleFusion(Strategy):
    """Give each representation first blocks of its own, and all of them the rest of the network.

    Source: SPSM, section 2.2 and Figure 1(b). How many blocks come first is not in the text; one each gives the 20.2 MB
    of Table 3.

    Parameters
    ----------
    build : callable
        Of a network with a `stem`.
    bands : int
        Of all representations together.
    parts : int
        Number of representations.
    """

    def __init__(self, build: Build, bands: int, *, parts: int = 4) -> None:
        super().__init__(bands)
        self.bands_each = count_bands(bands, parts)
        networks: list[Any] = [build(self.bands_each, joined=parts) for _ in range(parts)]
        self.stems = nn.ModuleList(take_stem(network) for network in networks)
        self.base: Any = networks[0]

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The network's own."""
        return self.base.classifier

    @property
    def cam_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the first blocks, then those of the rest of the network."""
        named = name_layers("base", self.base)
        first = [name.removeprefix("base.") for name in named if name.split(".")[1] in self.base.stem]
        stems = [f"stems.{number}.{name}" for name in first for number in range(len(self.stems))]
        return (*stems, *(name for name in named if name.removeprefix("base.") not in first))

    def layer_bands(self, layer: str) -> Ranges:
        """Return the bands that a layer covers: one representation's for a first block, all of them afterwards."""
        ranges = tuple((n * self.bands_each, (n + 1) * self.bands_each) for n in range(len(self.stems)))
        return (ranges[int(layer.split(".")[1])],) if layer.startswith("stems.") else ranges

    def encode(self, features: Tensor) -> Tensor:
        """Return the network's last feature maps."""
        pictures = cut_representations(features, len(self.stems)).split(1, dim=1)
        return self.base.finish(torch.cat([stem(x) for stem, x in zip(self.stems, pictures, strict=True)], dim=1))

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the maps as the network pools them."""
        return self.base.pool_maps(maps)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the input of the classifier as the network makes it."""
        return self.base.project(pooled)


def take_stem(network: SoundClassifier) -> nn.Sequential:
    """Take a network's first modules out of it, and return them one after the other."""
    names: tuple[str, ...] = network.stem  # type: ignore[assignment]
    stem = nn.Sequential(OrderedDict((name, network.get_submodule(name)) for name in names))
    for name in names:
        delattr(network, name)
    return stem
