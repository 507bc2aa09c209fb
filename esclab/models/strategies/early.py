"""Early fusion: several representations as the channels of one network's input."""

from __future__ import annotations

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


class EarlyFusion(Strategy):
    """Cut the representations that the feature `stack` joins along the bands apart again, and give them as channels.

    Source: SPSM, section 2.2 and Figure 1(a).

    Parameters
    ----------
    build : callable
        Of the network.
    bands : int
        Of all representations together.
    parts : int
        Number of representations.
    """

    def __init__(self, build: Build, bands: int, *, parts: int = 4) -> None:
        super().__init__(bands)
        self.count, self.bands_each = parts, count_bands(bands, parts)
        self.base: SoundClassifier = build(self.bands_each, channels=parts)

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The network's own."""
        return self.base.classifier

    @property
    def cam_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """The network's own."""
        return name_layers("base", self.base)

    def layer_bands(self, layer: str) -> Ranges:
        """Return the bands that a layer covers: as many ranges as there are representations."""
        inner = self.base.layer_bands(layer.removeprefix("base."))
        return tuple(one for n in range(self.count) for one in shift_ranges(inner, n * self.bands_each))

    def encode(self, features: Tensor) -> Tensor:
        """Return the network's last feature maps."""
        return self.base.encode(cut_representations(features, self.count))

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the maps as the network pools them."""
        return self.base.pool_maps(maps)

    def project(self, pooled: Tensor) -> Tensor:
        """Return the input of the classifier as the network makes it."""
        return self.base.project(pooled)

    def represent(self, features: Tensor) -> Tensor:
        """Return the network's representation."""
        return self.base.represent(cut_representations(features, self.count))

    def answer(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the network's logits and representation."""
        return self.base.answer(self._cut(features))

    def score_frames(self, features: Tensor) -> Tensor | None:
        """Return each frame's scores where the network's frames vote."""
        return self.base.score_frames(self._cut(features)) if isinstance(self.base, Strategy) else None

    def compute_loss(self, features: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the network's own loss and logits."""
        return self.base.compute_loss(self._cut(features), targets, label_smoothing=label_smoothing)

    def _cut(self, features: Tensor) -> Tensor:
        return cut_representations(self.standardise(features), self.count)
