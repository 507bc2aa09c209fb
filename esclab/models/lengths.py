"""Clips of different lengths in one batch: layers that never see the padding, and classifiers that know the lengths.

A batch is padded at the end of its frames. What a layer gives for a clip must not depend on the padding, so maps are
set to 0 behind a clip's end before a layer mixes frames, and means and norms are taken over the clip's own frames.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.models.base import SoundClassifier


class VariableLengthClassifier(SoundClassifier):
    """Base of networks that take the true length of each clip.

    A subclass writes `represent_clips`. Everything may be called without lengths: then all frames count.
    """

    takes_lengths = True

    def represent_clips(self, features: Tensor, lengths: Tensor | None) -> Tensor:
        """Return the representation (clip, d) of standardised features and, where clips are padded, their lengths."""
        raise TypeError(f"{type(self).__name__} does not define represent_clips")

    def represent(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the representation of standardised features, shape (clip, d)."""
        return self.represent_clips(features, fit_lengths(lengths, features))

    def embed(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the representation before the last layer, shape (clip, d)."""
        return self.represent(self.standardise(features), lengths)

    def answer(self, features: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (clip, class) and the representation (clip, d) of one pass."""
        embedding = self.embed(features, lengths)
        return self.classifier(embedding), embedding

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return logits, shape (clip, class).

        Parameters
        ----------
        features : Tensor of shape (clip, 1, frame, band)
        lengths : Tensor of int, shape (clip,), optional
            Frames of each clip, the rest is padding.
        """
        return self.answer(features, lengths)[0]

    def compute_loss(
        self, features: Tensor, targets: Tensor, *, label_smoothing: float = 0.0, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what training makes small, and the logits; as `SoundClassifier.compute_loss`."""
        logits = self(features, lengths).float()
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing), logits


class LengthConv2d(nn.Conv2d):
    """Convolution of maps (clip, channel, frame, band) that is 0 behind each clip's end.

    Its input must be 0 there too. The kernel is odd and the padding half of it, so that a stride of 2 leaves half of
    the frames, rounded up, of a clip as of the batch.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=bias)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the maps; `lengths` (clip,) are those of the input."""
        maps = super().forward(input)
        return maps if lengths is None else blank_padding(maps, stride_lengths(lengths, self.stride[0]))


class LengthGroupNorm(nn.GroupNorm):
    """Group normalisation whose mean and variance are those of a clip's own frames; 0 behind its end.

    Parameters
    ----------
    channels : int
        Normalised in as many groups, up to 8, as divide them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(math.gcd(channels, 8), channels)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return normalised maps (clip, channel, frame, band); `lengths` (clip,) are theirs."""
        if lengths is None:
            return _keep_layout(super().forward(input.contiguous()), input)
        groups = blank_padding(input.float(), lengths).unflatten(1, (self.num_groups, -1))
        cells = (lengths * groups.shape[2] * groups.shape[4])[:, None, None, None, None]
        mean = groups.sum((2, 3, 4), keepdim=True) / cells
        centred = blank_padding((groups - mean).flatten(1, 2), lengths).unflatten(1, (self.num_groups, -1))
        variance = centred.square().sum((2, 3, 4), keepdim=True) / cells
        maps = (centred * torch.rsqrt(variance + self.eps)).flatten(1, 2)
        maps = maps * self.weight[:, None, None] + self.bias[:, None, None]
        return blank_padding(maps, lengths).to(input.dtype)


def _keep_layout(maps: Tensor, like: Tensor) -> Tensor:
    """Return maps in the layout of others; PyTorch 2.11 normalises groups of channels-last maps 30 times as slowly."""
    channels_last = like.is_contiguous(memory_format=torch.channels_last)
    return maps.contiguous(memory_format=torch.channels_last) if channels_last else maps


def fit_lengths(lengths: Tensor | None, features: Tensor) -> Tensor | None:
    """Return lengths on the features' device, at least 1; None where no clip of (clip, 1, frame, band) is padded."""
    if lengths is None or bool((lengths >= features.shape[2]).all()):
        return None
    return lengths.to(features.device).clamp(1, features.shape[2])


def stride_lengths(lengths: Tensor, stride: int) -> Tensor:
    """Return how many frames of each clip a convolution with this stride leaves."""
    return (lengths + stride - 1) // stride


def keep_frames(lengths: Tensor, frames: int) -> Tensor:
    """Return which frames are a clip's own, bool, shape (clip, frame)."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


def blank_padding(maps: Tensor, lengths: Tensor | None) -> Tensor:
    """Return maps (clip, channel, frame, band) or (clip, channel, frame) with 0 behind each clip's end."""
    if lengths is None:
        return maps
    keep = keep_frames(lengths, maps.shape[2])[:, None]
    return maps * (keep if maps.dim() == 3 else keep[..., None]).to(maps.dtype)


def average_frames(maps: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the mean over each clip's own frames of (clip, channel, frame, ...), shape (clip, channel, ...)."""
    if lengths is None:
        return maps.mean(2)
    share = lengths.to(maps.dtype).view(-1, *[1] * (maps.dim() - 2))
    return blank_padding(maps, lengths).sum(2) / share
