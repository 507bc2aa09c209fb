"""From feature maps to one vector a clip: mean and spread over frames, with and without attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from esclab.models.baselines.blocks import build_frame_conv
from esclab.models.recording import Gate

SMALLEST_VARIANCE = 1e-5  # keeps the root's gradient finite where a channel never changes


def measure_statistics(x: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return mean, then standard deviation over frames.

    Source: Snyder et al., "X-vectors", ICASSP 2018; weighed: Okabe et al., "Attentive statistics pooling for deep
    speaker embedding", Interspeech 2018, equations 5 and 6.

    Parameters
    ----------
    x : Tensor of shape (clip, channel, frame, 1)
    weights : Tensor, optional
        Of the frames, adding up to 1 over them; channel may be 1. Equal ones by default.

    Returns
    -------
    statistics : Tensor of float32, shape (clip, 2 x channel)
    """
    x = x.float()
    if weights is None:
        mean = x.mean(2, keepdim=True)
        variance = (x - mean).square().mean(2, keepdim=True)
    else:
        mean = (weights * x).sum(2, keepdim=True)
        variance = (weights * (x - mean).square()).sum(2, keepdim=True)
    return torch.cat([mean, variance.clamp_min(SMALLEST_VARIANCE).sqrt()], 1).flatten(1)


class AttentiveStatistics(Gate):
    """Mean and standard deviation over frames, weighed by how much each frame matters.

    Its weights add up to 1 over the frames; it tells their mean over channels as temporal attention.

    Sources: one weight a frame: Okabe et al. 2018, equations 3 to 6. One a frame and channel, and the clip's own mean
    and spread beside each frame: Desplanques et al., "ECAPA-TDNN", Interspeech 2020, section 3.1.

    Parameters
    ----------
    channels : int
    hidden : int
    by_channel : bool
        Whether each channel has weights of its own.
    with_context : bool
        Whether a frame is judged beside the whole clip's mean and standard deviation.
    """

    def __init__(
        self, channels: int, *, hidden: int = 128, by_channel: bool = True, with_context: bool = False
    ) -> None:
        super().__init__()
        self.with_context = with_context
        self.hidden = build_frame_conv(channels * (3 if with_context else 1), hidden, bias=True)
        self.activation = nn.Tanh()
        # The published bias is left out: the same number in every frame, it falls out of the softmax.
        self.score = build_frame_conv(hidden, channels if by_channel else 1)
        self.softmax = nn.Softmax(2)

    def forward(self, x: Tensor) -> Tensor:
        """Return statistics, (clip, 2 x channel), of maps (clip, channel, frame, 1)."""
        seen = x
        if self.with_context:
            whole = measure_statistics(x)[:, :, None, None].expand(-1, -1, x.shape[2], -1)
            seen = torch.cat([x, whole.to(x.dtype)], 1)
        weights = self.softmax(self.score(self.activation(self.hidden(seen))).float())
        self.tell("temporal", weights.mean((1, 3)))
        return measure_statistics(x, weights)
