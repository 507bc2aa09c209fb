"""Building blocks that several speech networks share: convolutions over frames, channel gates, Res2Net's split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.cnn10 import WIDTHS
from esclab.models.pointwise import PointwiseConv2d
from esclab.models.recording import Gate


def scale_channels(channels: Sequence[int], width: float) -> list[int]:
    """Return a share of the published channels.

    Raises
    ------
    OptionError
        When the share is none of 1/4, 1/2 and 1.
    """
    if width not in WIDTHS:
        raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
    return [round(width * count) for count in channels]


def count_bands(bands: int, *, halvings: int) -> int:
    """Return how many bands are left after padded 3x3 convolutions of stride 2, which keep an odd end."""
    for _ in range(halvings):
        bands = -(-bands // 2)
    return bands


def put_bands_into_channels(maps: Tensor) -> Tensor:
    """Return maps (clip, channel, frame, band) as (clip, channel x band, frame, 1)."""
    return maps.transpose(2, 3).flatten(1, 2).unsqueeze(3)


def build_frame_conv(
    inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, dilation: int = 1, bias: bool = False
) -> nn.Conv2d:
    """Return a convolution over the frames of maps (clip, channel, frame, 1), padded so that frames stay in place."""
    return nn.Conv2d(
        inputs, outputs, (kernel, 1), stride=(stride, 1), dilation=(dilation, 1),
        padding=(dilation * (kernel - 1) // 2, 0), bias=bias,
    )  # fmt: skip


class FrameLayer(nn.Sequential):
    """A convolution over frames, ReLU, batch norm: one layer of a TDNN, (clip, channel, frame, 1) to the same."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, *, dilation: int = 1) -> None:
        super().__init__(
            build_frame_conv(inputs, outputs, kernel, dilation=dilation), nn.ReLU(), nn.BatchNorm2d(outputs)
        )


class ConvLayer(nn.Sequential):
    """A padded convolution over frames and bands, batch norm and, unless it is the last of a block, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, *, stride: int | tuple[int, int] = 1, linear: bool = False
    ) -> None:
        if kernel == 1:
            conv: nn.Conv2d = PointwiseConv2d(inputs, outputs, stride=stride)
        else:
            conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs), *([] if linear else [nn.ReLU()]))


class ChannelGate(Gate):
    """Squeeze and excitation: a weight in (0, 1) for each channel, from its mean over frames and bands.

    Source: Hu et al., "Squeeze-and-excitation networks", CVPR 2018, equations 2 to 4.
    """

    weighs_cells = False

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, hidden)
        self.activation = nn.ReLU()
        self.excite = nn.Linear(hidden, channels)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`, (clip, channel, frame, band), with its channels weighed."""
        weights = self.sigmoid(self.excite(self.activation(self.squeeze(x.mean((2, 3))))).float())
        self.tell("channel", weights)
        return x * weights[:, :, None, None].to(x.dtype)


class Res2Split(nn.Module):
    """Channels in groups, each convolved together with the output of the group before.

    Source: Gao et al., "Res2Net: a new multi-scale backbone architecture", TPAMI 2019, equation 1.

    Parameters
    ----------
    layers : sequence of modules
        One for each convolved group, all with the same number of channels.
    fusions : sequence of modules
        `fusion(group, output_before)` in place of their sum, one less than layers; none by default.
    keep_first : bool
        Whether the first group passes as it is, in addition to the convolved ones.
    """

    def __init__(
        self, layers: Sequence[nn.Module], fusions: Sequence[nn.Module] = (), *, keep_first: bool = True
    ) -> None:
        super().__init__()
        self.layers, self.fusions = nn.ModuleList(layers), nn.ModuleList(fusions)
        self.keep_first = keep_first

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to the same shape."""
        groups = list(x.chunk(len(self.layers) + self.keep_first, 1))
        done = [groups.pop(0)] if self.keep_first else []
        before: Tensor | None = None
        for number, (layer, group) in enumerate(zip(self.layers, groups, strict=True)):
            if before is not None:
                group = self.fusions[number - 1](group, before) if len(self.fusions) else group + before
            before = layer(group)
            done.append(before)
        return torch.cat(done, 1)


class Residual(nn.Module):
    """A branch plus a shortcut, then ReLU; the shortcut is a 1x1 convolution where shapes change."""

    def __init__(self, branch: nn.Module, inputs: int, outputs: int, *, stride: int | tuple[int, int] = 1) -> None:
        super().__init__()
        self.branch = branch
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else ConvLayer(inputs, outputs, 1, stride=stride, linear=True)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to (clip, outputs, frame / stride, band / stride)."""
        return self.activation(self.branch(x) + self.shortcut(x))


def stack_blocks(
    build: Callable[[int, int, int], nn.Module], count: int, channels: tuple[int, int], *, stride: int
) -> nn.Sequential:
    """Return a stage of `count` blocks `build(inputs, outputs, stride)`, the first of which changes the shape."""
    inputs, outputs = channels
    first = build(inputs, outputs, stride)
    return nn.Sequential(first, *(build(outputs, outputs, 1) for _ in range(count - 1)))


def initialise_for_relu(model: nn.Module) -> None:
    """Set convolutions to He's normal weights, whose spread survives many layers of ReLU (He et al. 2015)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
