"""Late fusion: an encoder for each representation, their pooled vectors added, one classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.strategies.base import (
    Build,
    Ranges,
    Strategy,
    count_bands,
    cut_representations,
    name_layers,
    shift_ranges,
)

FRAMES = 64  # of the silence that is passed through a network to see which layers it uses


class LateFusion(Strategy):
    """Encode and pool each representation by a network of its own, add the vectors, and classify the sum.

    Source: SPSM, section 2.2 and Figure 1(c). That the vectors are added, not put in a row, is not in the text; it
    gives the 72.5 MB of Table 3 (in a row they would have 75.5).

    Parameters
    ----------
    build : callable
        Of each network; those after the first keep nothing behind the pooling.
    bands : int
        Of all representations together.
    parts : int
        Number of representations.
    """

    def __init__(self, build: Build, bands: int, *, parts: int = 4) -> None:
        super().__init__(bands)
        self.bands_each = count_bands(bands, parts)
        networks = [build(self.bands_each) for _ in range(parts)]
        for network in networks[1:]:
            for name in find_head(network, self.bands_each):
                delattr(network, name)
        self.parts = nn.ModuleList(networks)

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The first network's last layer."""
        return self._list_parts()[0].classifier

    @property
    def cam_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of all encoders, shallow to deep; the last is the first representation's."""
        parts = self._list_parts()
        names = [name_layers(f"parts.{number}", parts[number]) for number in reversed(range(len(parts)))]
        return tuple(name for level in zip(*names, strict=True) for name in level)

    def layer_bands(self, layer: str) -> Ranges:
        """Return the bands that a layer covers: those of its representation."""
        number, _, inner = layer.removeprefix("parts.").partition(".")
        return shift_ranges(self._list_parts()[int(number)].layer_bands(inner), int(number) * self.bands_each)

    def encode(self, features: Tensor) -> Tensor:
        """Return the encoders' last feature maps, joined along the channels."""
        parts = self._list_parts()
        pictures = cut_representations(features, len(parts)).split(1, dim=1)
        return torch.cat([part.encode(x) for part, x in zip(parts, pictures, strict=True)], dim=1)

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the encoders' pooled vectors one after the other."""
        parts = self._list_parts()
        pooled = [part.pool_maps(x) for part, x in zip(parts, maps.chunk(len(parts), dim=1), strict=True)]
        return torch.cat(pooled, dim=1)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the input of the classifier from the sum of the encoders' vectors."""
        return self._list_parts()[0].project(pooled.unflatten(-1, (len(self.parts), -1)).sum(-2))

    def _list_parts(self) -> list[SoundClassifier]:
        return list(self.parts)  # type: ignore[arg-type]


@torch.no_grad()
def find_head(network: SoundClassifier, bands: int) -> list[str]:
    """Return the names of a network's children that have weights and that `encode` and `pool_maps` do not use."""
    used: set[nn.Module] = set()
    hooks = [module.register_forward_hook(lambda module, *_: used.add(module)) for module in network.modules()]
    network.eval()
    network.pool_maps(network.encode(torch.zeros(1, 1, FRAMES, bands)))
    network.train()
    for hook in hooks:
        hook.remove()
    return [
        name
        for name, child in network.named_children()
        if any(True for _ in child.parameters()) and used.isdisjoint(child.modules())
    ]
