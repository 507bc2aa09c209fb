"""The blocks of FreqCNN: features of parts of the spectrum, beside and on top of those of the whole.

Source: FreqCNN, section 4 (equations 7 to 11).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esclab.models.recording import Gate

Axis = Literal["frequency", "time"]
AttentionKind = Literal["feature", "spatial"]
DIMENSIONS: dict[str, int] = {"time": 2, "frequency": 3}  # of (clip, channel, frame, band)
ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


def build_layer(inputs: int, outputs: int, *, kernel: int, activation: str = "", stride: int = 1) -> nn.Sequential:
    """Return one convolutional layer: batch norm and convolution; batch norm and activation, where it has one.

    Batch norm stands "right before each activation and convolutional layer" (section 5.1), zero padding keeps the
    size. A batch norm follows every convolution sooner or later, so its shift is the bias of equation 7.
    """
    layers: list[nn.Module] = [
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
    ]
    if activation:
        layers += [nn.BatchNorm2d(outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


class PartAttention(Gate):
    """Let each local feature weigh the parts of the global feature, and add up (equations 9 to 11).

    Local feature a_k gives a weight h_i in (0, 1) to each part p_i of the global feature, through fully connected
    layers that see both: h_i = sigmoid(W2 tanh(W1 [p_i; a_k] + b1) + b2). The same layers serve all k and i, as the
    equation has no index on W. A_k joins the weighed p_i, and the output is the sum of all A_k and the global feature.

    W1 sees whole maps, so it is made for square pictures of one size; maps of another size are averaged to that one
    before it (our reading: the paper has one size).

    What is recorded: the mean of a_k's weights over all p_i is what the k-th part of the spectrum weighs, told as
    "spectral" (one weight a band, the same all over a part), or as "temporal" for parts along time. The mean over all
    a_k is told too: as "channel" for feature-based, as "spatial" for spatial-based attention.

    Parameters
    ----------
    channels, side : int
        Of the global feature, `side` frames times `side` bands.
    parts : int
    axis : {"frequency", "time"}
        Along which the parts lie.
    kind : {"feature", "spatial"}
        What is weighed: p_i is a whole map of the global feature, or the values of all maps in one cell (figure 3).
    hidden : tuple of int
        Units of the fully connected layers before the last.
    """

    def __init__(
        self, channels: int, side: int, *, parts: int, axis: Axis, kind: AttentionKind, hidden: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.kind, self.axis, self.side = kind, axis, side
        length = -(-side // parts)
        self.part_shape = (side, length) if axis == "frequency" else (length, side)
        # The two halves of W1, one for p_i and one for a_k: a product with [p_i; a_k] is the sum of theirs.
        self.from_whole = nn.Linear(side * side if kind == "feature" else channels, hidden[0], bias=False)
        self.from_local = nn.Linear(channels * side * length, hidden[0])
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(hidden, (*hidden[1:], 1), strict=True))
        self.activations = nn.ModuleList(nn.Tanh() for _ in hidden)
        self.gate = nn.Sigmoid()

    def forward(self, whole: Tensor, local: list[Tensor]) -> Tensor:
        """Return the global feature plus all weighed ones, same shape as `whole`: (clip, channel, frame, band)."""
        weights = self.weigh_parts(whole, local)
        if self.listener is not None:
            self._tell_weights(weights, whole, local)
        factors = 1 + weights.sum(1)  # of equation 11: the global feature once as it is and once for every k
        shape = (*factors.shape, 1, 1) if self.kind == "feature" else (len(factors), 1, *whole.shape[2:])
        return whole * factors.view(shape).to(whole.dtype)

    def weigh_parts(self, whole: Tensor, local: list[Tensor]) -> Tensor:
        """Return the weights h of equation 9, shape (clip, local feature, part of the global feature), float32.

        The parts of the global feature are its maps, or its cells frame by frame.
        """
        if self.kind == "feature":
            parts = _resize(whole, (self.side, self.side)).flatten(2)
        else:
            parts = whole.flatten(2).transpose(1, 2)
        features = torch.stack([_resize(x, self.part_shape).flatten(1) for x in local], 1)
        x = self.from_whole(parts).unsqueeze(1) + self.from_local(features).unsqueeze(2)
        for activation, layer in zip(self.activations, self.layers, strict=True):
            x = layer(activation(x))
        return self.gate(x.float()).squeeze(-1)

    def _tell_weights(self, weights: Tensor, whole: Tensor, local: list[Tensor]) -> None:
        lengths = torch.tensor([x.shape[DIMENSIONS[self.axis]] for x in local], device=weights.device)
        strip = weights.mean(2).repeat_interleave(lengths, 1)
        self.tell("spectral" if self.axis == "frequency" else "temporal", strip)
        mean = weights.mean(1)
        if self.kind == "feature":
            self.tell("channel", mean)
        else:
            self.tell("spatial", mean.view(len(mean), 1, *whole.shape[2:]))


class FreqBlock(nn.Module):
    """One block: local features of parts, a global feature of the whole, and their sum or attention.

    Each part has a convolution of its own, the whole has two (section 5.1). A basic block adds the joined local
    features to the global one (equations 7, 8); with `attention` the local ones weigh the global one (equations 9 to
    11). Where bands or frames do not divide, the first parts are longer by one; a map has at most as many parts as
    bands or frames.

    Parameters
    ----------
    inputs, channels : int
    parts : int
        0: the global feature alone.
    axis : {"frequency", "time"}
    kernels : (int, int)
        Of the local and of the global convolutions.
    activations : (str, str)
        f and g: of the local and of the global convolutions.
    local_only : bool
        The joined local features alone.
    attention : PartAttention, optional
    """

    def __init__(
        self,
        inputs: int,
        channels: int,
        *,
        parts: int,
        axis: Axis,
        kernels: tuple[int, int],
        activations: tuple[str, str],
        local_only: bool = False,
        attention: PartAttention | None = None,
    ) -> None:
        super().__init__()
        self.dimension = DIMENSIONS[axis]
        self.local = nn.ModuleList(
            build_layer(inputs, channels, kernel=kernels[0], activation=activations[0]) for _ in range(parts)
        )
        self.whole = nn.ModuleList(
            build_layer(count, channels, kernel=kernels[1], activation=activations[1])
            for count in (() if local_only else (inputs, channels))
        )
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to `channels` maps of the same size."""
        local = [layer(part) for layer, part in zip(self.local, self._split(x), strict=False)]
        if not self.whole:
            return torch.cat(local, self.dimension)
        for layer in self.whole:
            x = layer(x)
        if not local:
            return x
        return x + torch.cat(local, self.dimension) if self.attention is None else self.attention(x, local)

    def _split(self, x: Tensor) -> tuple[Tensor, ...]:
        parts = min(len(self.local), x.shape[self.dimension])
        return torch.tensor_split(x, parts, self.dimension) if parts else ()


def _resize(x: Tensor, shape: tuple[int, int]) -> Tensor:
    return x if x.shape[2:] == shape else F.adaptive_avg_pool2d(x, shape)
