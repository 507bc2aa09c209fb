"""What every classifier offers: logits, an embedding, named layers for class activation maps."""

from __future__ import annotations

from torch import Tensor, nn


class SoundClassifier(nn.Module):
    """Base of all networks: features `(clip, 1, frame, band)` to logits `(clip, class)`.

    A subclass sets `cam_layers` (names of submodules, shallow to deep, whose output is `(clip, channel, frame, band)`),
    `classifier` (the last linear layer) and writes `embed`.
    """

    cam_layers: tuple[str, ...] = ()
    classifier: nn.Module

    def embed(self, features: Tensor) -> Tensor:
        """Return the representation before the last layer, shape (clip, d)."""
        raise TypeError(f"{type(self).__name__} does not define embed")

    def forward(self, features: Tensor) -> Tensor:
        """Return logits, shape (clip, class)."""
        return self.classifier(self.embed(features))


def initialise_weights(model: nn.Module) -> None:
    """Set convolutions and linear layers to Xavier-uniform weights and zero biases (PANNs)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
