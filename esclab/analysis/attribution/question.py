"""What every method of attribution is asked: a network, clips, classes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from esclab.models.base import SoundClassifier

BATCH = 8  # inputs in one pass through the network: bounds memory; more are no faster on a processor
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Question:
    """Why does this network give these scores to these clips?

    Attributes
    ----------
    model : SoundClassifier
        In evaluation mode, its parameters without gradients (see `hold_still`).
    features : Tensor of shape (clip, 1, frame, band)
        As the front end gives them, on the model's device.
    targets : Tensor of int64, shape (clip,)
        Class to explain, for each clip.
    layer : str
        Name of the layer to map, "" for none.
    baseline : Tensor of shape (clip, 1, frame, band)
        What stands for "nothing there".
    seed : int
    progress : callable, optional
        Called as (done, count).
    """

    model: SoundClassifier
    features: Tensor
    targets: Tensor
    layer: str
    baseline: Tensor
    seed: int = 0
    progress: Progress | None = None

    @property
    def module(self) -> nn.Module:
        """The layer itself."""
        return self.model.get_submodule(self.layer)

    def count_passes(self, count: int, *, skipped: int = 0) -> Callable[[Tensor], Tensor]:
        """Return the network as a function that reports to `progress` how many of `count` inputs it has seen.

        `skipped` of them never come and count as done.
        """
        done = skipped

        def forward(features: Tensor) -> Tensor:
            nonlocal done
            logits: Tensor = self.model(features)
            done += len(features)
            if self.progress is not None:
                self.progress(min(done, count), count)
            return logits

        return forward


def differentiable(features: Tensor) -> Tensor:
    """Return a copy that gradients can be taken of; Captum warns where it must switch them on itself."""
    return features.detach().clone().requires_grad_()


def seed_clip(seed: int, features: Tensor) -> int:
    """Return a seed of one clip: the same in any batch, another for another clip."""
    return zlib.crc32(features.detach().cpu().contiguous().numpy().tobytes(), seed)
