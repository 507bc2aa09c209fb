"""What every classifier offers: logits, an embedding, named layers for class activation maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SoundClassifier(nn.Module):
    """Base of all networks: features `(clip, 1, frame, band)` to logits `(clip, class)`.

    A subclass sets `cam_layers` (names of submodules, shallow to deep, with output `(clip, channel, frame, band)`),
    `classifier` (the last linear layer) and writes `represent`. The training clips' mean and spread travel with the
    weights, so a trained network takes features as the front end gives them.

    Parameters
    ----------
    bands : int
        Bands of the input.
    """

    cam_layers: tuple[str, ...] = ()
    classifier: nn.Module

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.input_mean: Tensor
        self.input_std: Tensor
        self.register_buffer("input_mean", torch.zeros(bands))
        self.register_buffer("input_std", torch.ones(bands))

    def standardise_by(self, mean: Tensor, std: Tensor) -> None:
        """Bring each band of every input to zero mean and unit spread, given those of the training clips, (band,)."""
        self.input_mean.copy_(mean)
        self.input_std.copy_(std.clamp_min(1e-3))

    def represent(self, features: Tensor) -> Tensor:
        """Return the representation of standardised features, shape (clip, d)."""
        raise TypeError(f"{type(self).__name__} does not define represent")

    def embed(self, features: Tensor) -> Tensor:
        """Return the representation before the last layer, shape (clip, d)."""
        return self.represent((features - self.input_mean) / self.input_std)

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
