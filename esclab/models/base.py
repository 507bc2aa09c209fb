"""What every classifier offers: logits, an embedding, named layers for class activation maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Ranges = tuple[tuple[int, int], ...]
"""Bands: the first of a range, and the one after its last."""


class SoundClassifier(nn.Module):
    """Base of all networks: features `(clip, 1, frame, band)` to logits `(clip, class)`.

    A subclass sets `cam_layers` (names of submodules, shallow to deep, with output `(clip, channel, frame, band)`) and
    `classifier` (the last linear layer), and writes `encode` and `pool_maps`, and `project` where layers stand between
    pooling and classifier. Wrappers (votes, fusion) build on these three. A network that is not made so writes
    `represent` instead. The training clips' mean and spread travel with the weights, so a trained network takes
    features as the front end gives them.

    Parameters
    ----------
    bands : int
        Bands of the input.

    Attributes
    ----------
    takes_lengths : bool
        Whether `answer`, `forward` and `compute_loss` take the true lengths of padded clips
        (`VariableLengthClassifier`).
    logs_steps : bool
        Whether a training writes the numbers of its gates (`Gate.mixture`) after every step, beside every epoch's.
    """

    cam_layers: tuple[str, ...] = ()
    takes_lengths: bool = False
    logs_steps: bool = False
    classifier: nn.Module

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.input_mean: Tensor
        self.input_std: Tensor
        self.register_buffer("input_mean", torch.zeros(bands))
        self.register_buffer("input_std", torch.ones(bands))

    def layer_bands(self, layer: str) -> Ranges:
        """Return the bands of the input that a layer's maps cover: all, unless a subclass gives its layers a part.

        Parameters
        ----------
        layer : str
            One of `cam_layers`, or a layer with attention.

        Returns
        -------
        ranges : tuple of (int, int)
            Several where one map covers several representations at once.
        """
        return ((0, len(self.input_mean)),)

    def standardise_by(self, mean: Tensor, std: Tensor) -> None:
        """Bring each band of every input to zero mean and unit spread, given those of the training clips, (band,)."""
        self.input_mean.copy_(mean)
        self.input_std.copy_(std.clamp_min(1e-3))

    def encode(self, features: Tensor) -> Tensor:
        """Return the last feature maps of standardised features, shape (clip, channel, frame, band)."""
        raise TypeError(f"{type(self).__name__} does not define encode")

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return feature maps (clip, channel, frame, band) pooled over frames and bands, shape (clip, d)."""
        raise TypeError(f"{type(self).__name__} does not define pool_maps")

    def project(self, pooled: Tensor) -> Tensor:
        """Return the input of the classifier from pooled maps, any shape (..., d)."""
        return pooled

    def represent(self, features: Tensor) -> Tensor:
        """Return the representation of standardised features, shape (clip, d)."""
        return self.project(self.pool_maps(self.encode(features)))

    def embed(self, features: Tensor) -> Tensor:
        """Return the representation before the last layer, shape (clip, d)."""
        return self.represent(self.standardise(features))

    def standardise(self, features: Tensor) -> Tensor:
        """Return features with the mean and spread of the training clips taken out, band by band."""
        return (features - self.input_mean) / self.input_std

    def answer(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (clip, class) and the representation (clip, d) of one pass."""
        embedding = self.embed(features)
        return self.classifier(embedding), embedding

    def forward(self, features: Tensor) -> Tensor:
        """Return logits, shape (clip, class)."""
        return self.answer(features)[0]

    def compute_loss(self, features: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return what training makes small, and the logits.

        Parameters
        ----------
        features : Tensor of shape (clip, 1, frame, band)
        targets : Tensor of shape (clip, class)
            Shares of the classes.
        label_smoothing : float

        Returns
        -------
        loss : Tensor of shape ()
            Cross-entropy; a network with a loss of its own (local losses, penalties) adds it here.
        logits : Tensor of shape (clip, class), float32
        """
        logits = self(features).float()
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing), logits


def initialise_weights(model: nn.Module) -> None:
    """Set convolutions and linear layers to Xavier-uniform weights and zero biases (PANNs)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
