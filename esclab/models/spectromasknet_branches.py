"""SpectroMaskNet's two branches: four stages of GlobalAttention modules, and four of LocalAttention modules.

Source: SpectroMaskNet, "Core parameters of each stage" and "Internal details of modules".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

from torch import Tensor, nn

from esclab.models.lengths import LengthConv2d, LengthGroupNorm, average_frames, stride_lengths
from esclab.models.spectromasknet_attention import CellGate, ChannelAttention, ProductAttention

DEPTHS = (2, 3, 3, 2)
CHANNELS = (16, 32, 48, 64)
STRIDES = (1, 2, 2, 1)
KERNEL = 7
EXPANSION = 2  # of the local feature enhancement; not in the paper
Attention = Literal["global-local", "se", "none"]


class GlobalModule(nn.Module):
    """One or two 7x7 convolutions with group norm and ReLU, attention, and a residual connection.

    The paper does not say how many convolutions a module has (our reading: one; two is the other option), nor where
    its residual connection begins (our reading: around all of it, with a 1x1 convolution where sizes change). A
    padding of 1 is printed, which would shrink the maps; 3 keeps their size, as the text says.

    Parameters
    ----------
    inputs, outputs, stride : int
    convolutions : {1, 2}
    attention : {"global-local", "se", "none"}
        Channel, frame and band weights multiplied; channel weights alone; nothing.
    """

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, convolutions: int = 1, attention: Attention
    ) -> None:
        super().__init__()
        self.stride = stride
        self.convs = nn.ModuleList(
            LengthConv2d(outputs if number else inputs, outputs, KERNEL, stride=1 if number else stride, bias=False)
            for number in range(convolutions)
        )
        self.norms = nn.ModuleList(LengthGroupNorm(outputs) for _ in range(convolutions))
        self.activations = nn.ModuleList(nn.ReLU() for _ in range(convolutions))
        kinds: dict[str, Callable[[int], nn.Module]] = {"global-local": ProductAttention, "se": ChannelAttention}
        self.attention = kinds[attention](outputs) if attention in kinds else None
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else LengthConv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (clip, channel, frame, band); `lengths` (clip,) are those of the input."""
        y, here = x, None if lengths is None else stride_lengths(lengths, self.stride)
        for conv, norm, activation in zip(self.convs, self.norms, self.activations, strict=True):
            y = activation(norm(conv(y, lengths if y is x else here), here))
        if self.attention is not None:
            y = self.attention(y, here)
        if self.shortcut is None:
            return y + x
        # Picked before the 1x1 convolution, not by it: see `PointwiseConv2d`.
        return y + self.shortcut(x[:, :, :: self.stride, :: self.stride], here)


class LocalModule(nn.Module):
    """Norm, 7x7 depthwise separable convolution, channel attention, local feature enhancement, gate, and a residual.

    The text names group norm for all modules and, for this one, "Layer Normalization": group norm it is. The first
    module of a stage enters by a 3x3 convolution, which changes channels and size (Table "Stage 1": 3x3; for the later
    stages our reading).

    Parameters
    ----------
    inputs, outputs, stride : int
    attention : {"global-local", "se", "none"}
        Simplified channel attention and gate; channel weights alone; neither.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, attention: Attention) -> None:
        super().__init__()
        self.stride = stride
        same = inputs == outputs and stride == 1
        self.entry = None if same else LengthConv2d(inputs, outputs, 3, stride=stride, bias=False)
        self.entry_norm = None if same else LengthGroupNorm(outputs)
        self.norm = LengthGroupNorm(outputs)
        self.depthwise = LengthConv2d(outputs, outputs, KERNEL, groups=outputs)
        self.pointwise = LengthConv2d(outputs, outputs, 1)
        self.channels = None if attention == "none" else ChannelAttention(outputs)
        self.expand = LengthConv2d(outputs, EXPANSION * outputs, 1)
        self.enhance = LengthConv2d(EXPANSION * outputs, EXPANSION * outputs, 3, groups=EXPANSION * outputs)
        self.activation = nn.ReLU()
        self.restore = LengthConv2d(EXPANSION * outputs, outputs, 1)
        self.gate = CellGate(outputs) if attention == "global-local" else None

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (clip, channel, frame, band); `lengths` (clip,) are those of the input."""
        if self.entry is not None and self.entry_norm is not None:
            x = self.entry(x, lengths)
            lengths = None if lengths is None else stride_lengths(lengths, self.stride)
            x = self.entry_norm(x, lengths)
        y = self.pointwise(self.depthwise(self.norm(x, lengths), lengths), lengths)
        if self.channels is not None:
            y = self.channels(y, lengths)
        y = self.restore(self.activation(self.enhance(self.expand(y, lengths), lengths)), lengths)
        if self.gate is not None:
            y = self.gate(y)
        return x + y


class Stage(nn.ModuleList):
    """Modules one after the other; a module of its own, so that its maps can be watched."""

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (clip, channel, frame, band); `lengths` (clip,) are those of the input."""
        for module in self:
            x = module(x, lengths)
            lengths = None if lengths is None else stride_lengths(lengths, cast(GlobalModule, module).stride)
        return x

    @property
    def stride(self) -> int:
        """By how much the stage shortens its input; only its first module does."""
        return cast(GlobalModule, self[0]).stride


class Branch(nn.Module):
    """Four stages and the mean over frames and bands, to one number a channel of the last.

    Parameters
    ----------
    build : callable
        `build(inputs, outputs, stride=)` makes a module.
    channels : tuple of int
        Of each stage.
    """

    def __init__(self, build: Callable[..., nn.Module], channels: tuple[int, ...] = CHANNELS) -> None:
        super().__init__()
        stages = zip((1, *channels), channels, DEPTHS, STRIDES, strict=False)
        for number, (inputs, outputs, depth, stride) in enumerate(stages, start=1):
            first = build(inputs, outputs, stride=stride)
            self.add_module(f"stage{number}", Stage([first, *(build(outputs, outputs) for _ in range(depth - 1))]))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the branch's representation, shape (clip, channel); what is behind a clip's end must be 0."""
        for stage in self.children():
            x = stage(x, lengths)
            lengths = None if lengths is None else stride_lengths(lengths, cast(Stage, stage).stride)
        return average_frames(x.mean(3), lengths)
