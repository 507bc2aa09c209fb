"""SpectroMaskNet's gates: channel, temporal and frequency attention multiplied; channel attention alone; a cell gate.

Source: SpectroMaskNet, "Global branch design" and "Local branch design".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from esclab.models.attention import scale_cells
from esclab.models.lengths import average_frames, blank_padding
from esclab.models.recording import Gate

REDUCTION = 8
KERNEL = 7  # of the 1-D convolutions; not in the paper, that of the branch's other convolutions
ALIVE = 0.1  # bias that a squeezing convolution begins with


def _squeeze(channels: int) -> nn.Conv1d:
    """Return the 1x1 convolution to 1/8 of the channels.

    It is followed by ReLU and leaves two channels of 16. Both would often begin dead, and stay so: so its weights begin
    positive, as the means after a ReLU are.
    """
    conv = nn.Conv1d(channels, max(1, channels // REDUCTION), 1)
    with torch.no_grad():
        conv.weight.abs_()
    nn.init.constant_(conv.bias, ALIVE)  # type: ignore[arg-type]
    return conv


class ChannelAttention(Gate):
    """Weigh channels by sigmoid(W2 relu(W1 z)), z the mean over a clip's frames and bands; W1 leaves 1/8 of them.

    It is the squeeze-and-excitation of Table 4, the local branch's simplified channel attention (as its equation has
    it), and A_c of the global branch.
    """

    weighs_cells = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = _squeeze(channels)
        self.activation = nn.ReLU()
        self.excite = nn.Conv1d(self.squeeze.out_channels, channels, 1)
        self.gate = nn.Sigmoid()

    def weigh(self, means: Tensor) -> Tensor:
        """Return the weights (clip, channel, 1) for means over cells (clip, channel, 1)."""
        weights = self.gate(self.excite(self.activation(self.squeeze(means))).float())
        self.tell("channel", weights)
        return weights

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return weighed maps (clip, channel, frame, band)."""
        weights = self.weigh(average_frames(x.mean(3, keepdim=True), lengths))
        return x * weights[..., None].to(x.dtype)


class LineAttention(nn.Module):
    """Weigh frames, or bands, by their means (clip, channel, place): 1x1 reduction, ReLU, 1-D convolution, sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = _squeeze(channels)
        self.activation = nn.ReLU()
        self.excite = nn.Conv1d(self.squeeze.out_channels, 1, KERNEL, padding=KERNEL // 2)
        self.gate = nn.Sigmoid()

    def forward(self, means: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return weights, float32, shape (clip, place); `lengths` where places are frames."""
        hidden = blank_padding(self.activation(self.squeeze(means)), lengths)
        return self.gate(self.excite(hidden).float()).squeeze(1)


class ProductAttention(Gate):
    """GlobalAttention's weighing: X' = X * (A_c x A_t x A_f), the weights of channel, frame and band multiplied.

    A_c is `ChannelAttention`'s; A_t and A_f are `LineAttention` on the means over bands, and over frames.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = ChannelAttention(channels)
        self.frames = LineAttention(channels)
        self.bands = LineAttention(channels)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return weighed maps (clip, channel, frame, band)."""
        over_bands, over_frames = x.mean(3), average_frames(x, lengths)
        channel = self.channels.weigh(over_frames.mean(2, keepdim=True))
        temporal, spectral = self.frames(over_bands, lengths), self.bands(over_frames)
        self.tell("temporal", temporal)
        self.tell("spectral", spectral)
        cells = (temporal[:, :, None] * spectral[:, None, :]).unsqueeze(1)
        return scale_cells(x * channel[..., None].to(x.dtype), cells)


class CellGate(Gate):
    """Weigh every cell of every channel by the sigmoid of a 1x1 convolution of all: sigmoid(W_g * Y) * Y."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return weighed maps (clip, channel, frame, band); a listener hears the mean over channels."""
        weights = self.gate(self.conv(x))
        if self.listener is not None:
            self.tell("spatial", weights.float().mean(1, keepdim=True))
        return x * weights


class Fusion(Gate):
    """F = lambda F_G + (1 - lambda) F_L, with a learned lambda that begins at 0.5.

    Source: SpectroMaskNet, "Feature fusion strategy".
    """

    weighs_cells = False
    START = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(self.START))

    @property
    def mixture(self) -> dict[str, float]:
        """The weight of the global branch, "lambda"."""
        return {"lambda": float(self.weight.detach())}

    def forward(self, overall: Tensor, local: Tensor) -> Tensor:
        """Return the mixture of both branches' representations (clip, d)."""
        return torch.lerp(local, overall, self.weight.to(local.dtype))

    def penalise(self) -> Tensor:
        """Return (lambda - 0.5) ** 2, which L2 regularisation makes small."""
        return (self.weight - self.START).square()
