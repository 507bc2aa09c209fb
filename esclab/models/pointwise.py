"""A 1x1 convolution that is safe with a stride."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PointwiseConv2d(nn.Conv2d):
    """A 1x1 convolution without bias that picks its cells first.

    With a stride in the convolution itself, PyTorch 2.11's backward pass in bfloat16 and channels-last writes outside
    its memory on a CPU, for fewer than 16 channels.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int or (int, int)
        Of frames and bands.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int | tuple[int, int] = 1) -> None:
        super().__init__(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to every stride-th frame and band."""
        frames, bands = self.stride
        return F.conv2d(x[:, :, ::frames, ::bands], self.weight)
