"""The attention of FPAM: where in a level's maps to look, and which channels of the pyramid to keep.

Source: FPAM, section 3.1 (equations 1 to 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.recording import Gate

Width = Literal["narrow", "wide"]


class SpatialGate(Gate):
    """Weigh each cell of a feature map (equations 1 and 2).

    Two poolings, a 3x3 and a 1x1 convolution are joined; a 3x3 convolution and the sigmoid make one weight in (0, 1)
    a cell of them. The paper does not say over what it pools.

    Parameters
    ----------
    channels : int
        Channels of the feature map.
    gate : {"narrow", "wide"}
        "narrow", as published: maximum and mean over the channels, and convolutions to one map, 4 maps in all.
        "wide": the other reading of equation 1, which keeps the channels: maximum and mean over 3x3 cells, and
        convolutions to as many maps, 4 x `channels` in all.
    """

    def __init__(self, channels: int, gate: Width = "narrow") -> None:
        super().__init__()
        if gate not in get_args(Width):
            raise OptionError(f"gate {gate}", "is not known", f"choose {' or '.join(get_args(Width))}")
        self.gate = gate
        maps = channels if gate == "wide" else 1
        self.conv3 = nn.Conv2d(channels, maps, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, maps, 1)
        if gate == "wide":
            self.max_pool = nn.MaxPool2d(3, stride=1, padding=1)
            self.mean_pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.join = nn.Conv2d(4 * maps, 1, 3, padding=1)
        self.activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted feature map, same shape as `x`: (clip, channel, frame, band)."""
        if self.gate == "wide":
            joined = torch.cat([self.max_pool(x), self.mean_pool(x), self.conv3(x), self.conv1(x)], 1)
        # Convolutions to one map in float32 whatever the maps' precision: PyTorch 2.11's bfloat16 backward pass of one
        # with 4096 channels ends the process on some processors.
        with torch.autocast(x.device.type, enabled=False):
            if self.gate == "narrow":
                y = x.float()
                joined = torch.cat([y.amax(1, keepdim=True), y.mean(1, keepdim=True), self.conv3(y), self.conv1(y)], 1)
            weights = self.activation(self.join(joined.float()))
        self.tell("spatial", weights)
        return x * weights.to(x.dtype)


class ChannelGate(Gate):
    """Weigh the channels of the pyramid (equation 3).

    A 1x1 and a 3x3 convolution refine the joined levels to half the channels each; maximum plus mean over the cells
    and the sigmoid make one weight in (0, 1) a channel.

    Parameters
    ----------
    inputs, channels : int
        Channels of the joined levels, and of each level.
    variant : {"text", "code"}
        "code" takes maximum and mean, as published, of what has been averaged to one cell before: twice the mean.
    """

    weighs_cells = False

    def __init__(self, inputs: int, channels: int, *, variant: Literal["text", "code"] = "text") -> None:
        super().__init__()
        self.variant = variant
        self.conv1 = nn.Conv2d(inputs, channels // 2, 1)
        self.conv3 = nn.Conv2d(inputs, channels - channels // 2, 3, padding=1)
        self.activation = nn.Sigmoid()

    def forward(self, joined: Tensor) -> Tensor:
        """Return weights of shape (clip, channel, 1, 1), float32, from joined levels (clip, channel, frame, band)."""
        refined = torch.cat([self.conv1(joined), self.conv3(joined)], 1).float()
        mean = refined.mean((2, 3), keepdim=True)
        highest = mean if self.variant == "code" else refined.amax((2, 3), keepdim=True)
        weights = self.activation(highest + mean)
        self.tell("channel", weights)
        return weights


class Pyramid(nn.Module):
    """Bring levels together: each times the channel weights of all, then their mean (equations 3 and 4).

    Parameters
    ----------
    levels, channels : int
        Number of levels, and channels of each.
    variant : {"text", "code"}
        See `ChannelGate`.
    """

    def __init__(self, levels: int, channels: int, *, variant: Literal["text", "code"] = "text") -> None:
        super().__init__()
        self.attention = ChannelGate(levels * channels, channels, variant=variant)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Return one map, shape (clip, channel, frame, band), of levels of that shape."""
        weights = self.attention(torch.cat(list(levels), 1))
        # The same weights times each level: one product with their mean.
        mean = torch.stack(list(levels)).mean(0)
        return mean * weights.to(mean.dtype)
