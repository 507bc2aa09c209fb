"""SPSMT: one classifier, shared by all frames that the convolutions leave, and the mean of its scores."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from esclab.models.base import SoundClassifier
from esclab.models.strategies.base import Build, Ranges, Strategy, average_scores, check_choice, name_layers


class FrameVotes(Strategy):
    """Let every frame of the last feature maps vote; no weights are added.

    Each frame of the maps is pooled as the network pools a clip that is no longer, and its own layers behind the
    pooling score it (equation 5). For SPSM's networks and ResNet-50 this is the mean over bands; CNN10, whose pooling
    adds maximum and mean over frames, sees twice the mean, to which its layers are used.

    Source: SPSM, section 2.4.

    Parameters
    ----------
    build : callable
        Of the network.
    bands, channels : int
        Of the input.
    loss : {"local", "vote"}
        What is trained: the mean of the frames' own cross-entropies (the text leaves it open; the published code's), or
        the cross-entropy of the vote.
    variant : {"text", "code"}
        The vote is the mean of the frames' scores, or, in the published code, of their logits.
    """

    def __init__(
        self,
        build: Build,
        bands: int,
        *,
        channels: int = 1,
        loss: Literal["local", "vote"] = "local",
        variant: Literal["text", "code"] = "text",
    ) -> None:
        super().__init__(bands)
        check_choice("loss", loss, ("local", "vote"))
        check_choice("variant", variant, ("text", "code"))
        self.loss, self.variant = loss, variant
        self.base: SoundClassifier = build(bands, channels=channels)

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The last linear layer, which scores each frame."""
        return self.base.classifier

    @property
    def cam_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """The network's own."""
        return name_layers("base", self.base)

    def layer_bands(self, layer: str) -> Ranges:
        """Return the bands that a layer covers."""
        return self.base.layer_bands(layer.removeprefix("base."))

    def encode(self, features: Tensor) -> Tensor:
        """Return the network's last feature maps."""
        return self.base.encode(features)

    def represent_frames(self, features: Tensor) -> Tensor:
        """Return what the classifier sees of each frame of standardised features, shape (clip, frame, d)."""
        maps = self.encode(features)
        clips, frames = len(maps), maps.shape[2]
        alone = maps.transpose(1, 2).flatten(0, 1).unsqueeze(2)
        return self.base.project(self.base.pool_maps(alone)).unflatten(0, (clips, frames))

    def represent(self, features: Tensor) -> Tensor:
        """Return the mean representation over frames, shape (clip, d)."""
        return self.represent_frames(features).mean(1)

    def answer(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the vote and the mean representation over frames."""
        frames, scores = self._score(features)
        return self._vote(scores), frames.mean(1)

    def score_frames(self, features: Tensor) -> Tensor:
        """Return each frame's scores, shape (clip, frame, class)."""
        return self._score(features)[1].softmax(2)

    def compute_loss(self, features: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the loss and the logits; see `loss`."""
        if self.loss == "vote":
            return super().compute_loss(features, targets, label_smoothing=label_smoothing)
        scores = self._score(features)[1]
        local = targets.repeat_interleave(scores.shape[1], dim=0)
        return F.cross_entropy(scores.flatten(0, 1), local, label_smoothing=label_smoothing), self._vote(scores)

    def _score(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return each frame's representation and logits."""
        frames = self.represent_frames(self.standardise(features))
        return frames, self.classifier(frames).float()

    def _vote(self, scores: Tensor) -> Tensor:
        return average_scores(scores, logits=self.variant == "code")
