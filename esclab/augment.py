"""Changes to a training batch that keep its labels true: mixup, masks over time and frequency, a roll in time.

All draw from the generator that they are given, so that a resumed training sees the same batches.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor


def mix_up(features: Tensor, targets: Tensor, *, alpha: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Mix each clip with another of the batch, labels alike.

    Parameters
    ----------
    features : Tensor of shape (clip, 1, frame, band)
    targets : Tensor of shape (clip, class)
        Class probabilities.
    alpha : float
        Both parameters of the beta distribution that one weight per batch is drawn from; 0 leaves the batch as it is.
    generator : Generator
        On the CPU.

    Returns
    -------
    features, targets : Tensor
        New tensors of the same shapes.

    Notes
    -----
    Source: Zhang et al. 2018 (mixup), as TS-CNN section 3.3 uses it.
    """
    if alpha <= 0:
        return features, targets
    weight = _draw_beta(alpha, generator)
    order = torch.randperm(len(features), generator=generator).to(features.device)
    return torch.lerp(features[order], features, weight), torch.lerp(targets[order], targets, weight)


def mask_blocks(
    features: Tensor, *, frames: int, bands: int, count: int = 1, value: Tensor, generator: Generator
) -> Tensor:
    """Blank `count` random stretches of frames and of bands in each clip.

    Parameters
    ----------
    features : Tensor of shape (clip, 1, frame, band)
    frames, bands : int
        Greatest width of a mask; each width is drawn evenly from 0 to it.
    count : int
        Masks of each kind per clip.
    value : Tensor of shape (band,)
        What the masked cells become, e.g. each band's mean over the training clips.
    generator : Generator
        On the CPU.

    Notes
    -----
    Source: Park et al. 2019 (SpecAugment) without time warping, as TS-CNN section 3.3 uses it.
    """
    if count == 0 or (frames <= 0 and bands <= 0):
        return features
    clips, _, frame_count, band_count = features.shape
    masked = torch.zeros(clips, 1, frame_count, band_count, dtype=torch.bool)
    for _ in range(count):
        masked |= _draw_stretch(clips, frame_count, frames, generator)[:, None, :, None]
        masked |= _draw_stretch(clips, band_count, bands, generator)[:, None, None, :]
    return torch.where(masked.to(features.device), value, features)


def roll_time(features: Tensor, *, generator: Generator) -> Tensor:
    """Shift each clip along time by a random number of frames; what leaves at one end enters at the other.

    Parameters
    ----------
    features : Tensor of shape (clip, 1, frame, band)
    generator : Generator
        On the CPU.
    """
    clips, _, frames, bands = features.shape
    shift = torch.randint(frames, (clips, 1), generator=generator)
    index = (torch.arange(frames) - shift) % frames
    return features.gather(2, index.to(features.device)[:, None, :, None].expand(clips, 1, frames, bands))


def _draw_stretch(clips: int, length: int, widest: int, generator: Generator) -> Tensor:
    """Return bool (clip, length), true over one random stretch of 0 to `widest` cells per clip."""
    width = torch.randint(min(widest, length) + 1, (clips, 1), generator=generator)
    start = (torch.rand(clips, 1, generator=generator) * (length - width + 1)).long()
    position = torch.arange(length)
    return (position >= start) & (position < start + width)


def _draw_beta(alpha: float, generator: Generator) -> float:
    """Draw from Beta(alpha, alpha) by uniform numbers only: Johnk's rejection up to 1, Ulrich's formula above."""
    while True:
        uniform = torch.rand(2, generator=generator, dtype=torch.float64)
        if alpha > 1.0:  # Johnk's acceptance falls to 1 in 180,000 at an alpha of 10
            radius = math.sqrt(1.0 - uniform[0].item() ** (2.0 / (2.0 * alpha - 1.0)))
            return 0.5 + 0.5 * radius * math.cos(2.0 * math.pi * uniform[1].item())
        x, y = uniform.pow(1.0 / alpha).tolist()
        if 0.0 < x + y <= 1.0:
            return x / (x + y)
