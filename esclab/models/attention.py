"""Attention over frames and bands.

Source of the mechanisms: TS-CNN, section 2 (equations 1 to 8).
"""

from __future__ import annotations

from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.recording import Gate, Kind

Arrangement = Literal["temporal", "spectral", "parallel", "parallel-fixed", "temporal-spectral", "spectral-temporal"]
PARALLEL = ("parallel", "parallel-fixed")
GATES: dict[str, tuple[str, ...]] = {
    "temporal": ("temporal",),
    "spectral": ("spectral",),
    "spectral-temporal": ("spectral", "temporal"),
    **dict.fromkeys((*PARALLEL, "temporal-spectral"), ("temporal", "spectral")),
}
OTHER_AXIS = {"temporal": 2, "spectral": 1}  # of (clip, frame, band)


class TemporalSpectralAttention(Gate):
    """Weigh the frames and bands of a feature map.

    Each gate squeezes the channels to one map by a 1x1 convolution (equations 1, 2), averages it over the other axis
    and takes the sigmoid (equations 3, 4): one weight in (0, 1) per frame, or per band.

    Parameters
    ----------
    channels : int
        Channels of the feature map.
    arrangement : str
        "temporal" or "spectral" alone (equations 5, 6); "parallel": alpha U_T + beta U_F + gamma U with a learned
        softmax mixture of equal initial weights (equations 7, 8); "parallel-fixed": the same with 1/3 each;
        "temporal-spectral" and "spectral-temporal": one after the other (figure 2).
    """

    def __init__(self, channels: int, arrangement: Arrangement = "parallel") -> None:
        super().__init__()
        if arrangement not in get_args(Arrangement):
            raise OptionError(
                f"attention {arrangement}",
                "is not known",
                f"choose one of {', '.join(get_args(Arrangement))}",
            )
        self.arrangement = arrangement
        self.gates = nn.ModuleDict({kind: nn.Conv2d(channels, 1, kernel_size=1) for kind in GATES[arrangement]})
        if arrangement == "parallel":
            self.mixture_logits = nn.Parameter(torch.zeros(3))
        elif arrangement == "parallel-fixed":
            self.register_buffer("mixture_logits", torch.zeros(3))

    @property
    def mixture(self) -> dict[str, float]:
        """The weights alpha, beta, gamma of the temporal, spectral and direct branch; none without branches."""
        if self.arrangement not in PARALLEL:
            return {}
        return dict(zip(("alpha", "beta", "gamma"), self.mixture_logits.detach().softmax(0).tolist(), strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted feature map, same shape as `x`: (clip, channel, frame, band)."""
        if self.arrangement in PARALLEL:
            weights = self._gate(x, tuple(self.gates))
            alpha, beta, gamma = self.mixture_logits.softmax(0).unbind()
            # One product with the summed weights equals the sum of three, and touches the large map once.
            return scale_cells(x, alpha * weights["temporal"] + beta * weights["spectral"] + gamma)
        for kind in self.gates:
            x = scale_cells(x, self._gate(x, (kind,))[kind])
        return x

    def _gate(self, x: Tensor, kinds: tuple[str, ...]) -> dict[str, Tensor]:
        """Return weights that broadcast against `x`, float32; all kinds share one pass over the large map."""
        convs = [cast(nn.Conv2d, self.gates[kind]) for kind in kinds]
        kernel = torch.cat([conv.weight.flatten(1) for conv in convs]).to(x.dtype)
        # A 1x1 convolution as a matrix product: in channels-last order it needs no copy, and few outputs are cheap.
        maps = (x.movedim(1, -1) @ kernel.t()).float()
        weights: dict[str, Tensor] = {}
        for number, (kind, conv) in enumerate(zip(kinds, convs, strict=True)):
            squeezed = maps[..., number].mean(OTHER_AXIS[kind], keepdim=True)
            weights[kind] = torch.sigmoid(squeezed + cast(Tensor, conv.bias)).unsqueeze(1)
            self.tell(cast(Kind, kind), weights[kind])
        return weights


def scale_cells(x: Tensor, weights: Tensor) -> Tensor:
    """Return `x` (clip, channel, frame, band) times weights that broadcast from (clip, 1, frame, band)."""
    weights = weights.to(x.dtype)
    channels = x.shape[1]
    if channels == 1 or not x.is_contiguous(memory_format=torch.channels_last):
        return x * weights
    # Where channels lie side by side, PyTorch broadcasts over them one by one; a product with a row of ones writes the
    # same values out at full speed, and its backward pass sums over channels as fast.
    spread = weights.expand(-1, 1, *x.shape[2:]).movedim(1, -1) @ x.new_ones(1, channels)
    return x * spread.movedim(-1, 1)
