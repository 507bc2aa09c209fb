"""FPAM: a feature pyramid with spatial and channel attention on ResNet-50.

Source: "Feature Pyramid Attention based Residual Neural Network for Environmental Sound Classification", section 3,
Table 1 and Figures 2 to 4.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from esclab.errors import OptionError
from esclab.models.fpam_attention import Pyramid, SpatialGate, Width
from esclab.models.resnet50 import STAGES, ResNet50

CHANNELS = 1024
LEVELS = ((3, 4, 5), (2, 3, 4))


class Level(nn.Module):
    """One level of the pyramid: dimension alignment, then spatial attention (Figure 3).

    Parameters
    ----------
    inputs, channels : int
        Channels of the stage, and of every level.
    kernel : {1, 3}
        Of the alignment's convolution.
    norm : bool
        Whether batch norm follows it.
    gate : {"narrow", "wide"}
        See `SpatialGate`.
    """

    def __init__(self, inputs: int, channels: int, *, kernel: int, norm: bool, gate: Width) -> None:
        super().__init__()
        self.align = nn.Conv2d(inputs, channels, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.attention = SpatialGate(channels, gate)

    def forward(self, x: Tensor) -> Tensor:
        """Map (clip, channel, frame, band) to `channels` channels, each cell weighed."""
        return self.attention(self.norm(self.align(x)))


class FPAM(ResNet50):
    """ResNet-50 whose last three stages are aligned, weighed in space, joined, weighed by channel and averaged.

    Its own layers keep PyTorch's first weights (not in the paper).

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input.
    width : {0.25, 0.5, 1}
        Share of the paper's channels; 1 has 72.3 million parameters for 10 classes (43 with `align_kernel` 1).
    levels : (int, int, int)
        Stages that make the pyramid: (3, 4, 5) as in Table 1, or (2, 3, 4) as in section 3.1, without a fifth stage.
    align_kernel : {3, 1}
        Of the dimension alignment; 3 in the published code.
    align_norm : bool
        Whether batch norm follows the dimension alignment (our reading). Without it the maps of a network that is
        trained from scratch have no bounds, and drive the gates to 0 or 1, where they learn no more.
    gate : {"narrow", "wide"}
        See `SpatialGate`.
    variant : {"text", "code"}
        "code" has what the published code does otherwise: the first convolution has stride 1, the channel gate
        pools one cell (see `ChannelGate`), and the classifier sees the pooled fifth stage beside the pyramid.
    """

    def __init__(
        self,
        classes: int,
        bands: int = 64,
        *,
        width: float = 1.0,
        levels: tuple[int, ...] = (3, 4, 5),
        align_kernel: int = 3,
        align_norm: bool = True,
        gate: Width = "narrow",
        variant: Literal["text", "code"] = "text",
    ) -> None:
        super().__init__(classes, bands, width=width, variant=variant)
        if not isinstance(levels, tuple | list) or tuple(levels) not in LEVELS:
            raise OptionError(f"levels {levels}", "make no pyramid of FPAM", "choose 3,4,5 or 2,3,4")
        if align_kernel not in (1, 3):
            raise OptionError(f"align_kernel {align_kernel}", "is not offered", "choose 1 or 3")
        self.levels, self.variant = tuple(levels), variant
        channels = round(width * CHANNELS)
        if 5 not in levels and variant == "text":
            del self.res5
        for level in self.levels:
            inputs = round(width * STAGES[f"res{level}"][0]) * Bottleneck.expansion
            self.add_module(f"level{level}", Level(inputs, channels, kernel=align_kernel, norm=align_norm, gate=gate))
        self.pyramid = Pyramid(len(self.levels), channels, variant=variant)
        deepest = round(width * STAGES["res5"][0]) * Bottleneck.expansion if variant == "code" else 0
        self.classifier = nn.Linear(channels + deepest, classes)
        self.cam_layers = (*(name for name in STAGES if hasattr(self, name)), "pyramid")

    def encode(self, features: Tensor) -> Tensor:
        """Return the pyramid's maps on the middle level's cells, shape (clip, channel, frame, band).

        With `variant="code"` the pooled fifth stage follows, the same in every cell.
        """
        maps = self.run_stages(features)
        weighed = [self.get_submodule(f"level{level}")(maps[f"res{level}"]) for level in self.levels]
        size = weighed[1].shape[2:]
        pyramid = self.pyramid([resample_map(x, size) for x in weighed])
        if self.variant == "text":
            return pyramid
        deepest = super().pool_maps(maps["res5"]).to(pyramid.dtype)
        return torch.cat([pyramid, deepest[:, :, None, None].expand(-1, -1, *size)], 1)


def resample_map(x: Tensor, size: torch.Size) -> Tensor:
    """Return maps (clip, channel, frame, band) on other frames and bands, linear between cells (our reading)."""
    if x.shape[2:] == size:
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
