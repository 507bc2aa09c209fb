"""Attention over frames and bands, and a way to watch it.

Source of the mechanisms: TS-CNN, section 2 (equations 1 to 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from esclab.errors import OptionError

Arrangement = Literal["temporal", "spectral", "parallel", "parallel-fixed", "temporal-spectral", "spectral-temporal"]
Listener = Callable[[str, Tensor], None]
PARALLEL = ("parallel", "parallel-fixed")
GATES: dict[str, tuple[str, ...]] = {
    "temporal": ("temporal",),
    "spectral": ("spectral",),
    "spectral-temporal": ("spectral", "temporal"),
    **dict.fromkeys((*PARALLEL, "temporal-spectral"), ("temporal", "spectral")),
}
OTHER_AXIS = {"temporal": 2, "spectral": 1}  # of (clip, frame, band)


class TemporalSpectralAttention(nn.Module):
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
        self.listener: Listener | None = None

    @property
    def mixture(self) -> Tensor | None:
        """The weights (alpha, beta, gamma) of the temporal, spectral and direct branch, or None without branches."""
        return self.mixture_logits.softmax(0) if self.arrangement in PARALLEL else None

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
        weights = {}
        for number, (kind, conv) in enumerate(zip(kinds, convs, strict=True)):
            squeezed = maps[..., number].mean(OTHER_AXIS[kind], keepdim=True)
            weights[kind] = torch.sigmoid(squeezed + cast(Tensor, conv.bias)).unsqueeze(1)
            if self.listener is not None:
                self.listener(kind, weights[kind])
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


@dataclass
class LayerAttention:
    """What one attention layer did to a batch.

    Attributes
    ----------
    temporal : Tensor of shape (clip, frame) or None
    spectral : Tensor of shape (clip, band) or None
    mixture : dict of str to float
        (alpha, beta, gamma), empty where the layer has no parallel branches.
    """

    temporal: Tensor | None = None
    spectral: Tensor | None = None
    mixture: dict[str, float] = field(default_factory=dict)

    @property
    def cells(self) -> Tensor:
        """The weight of every cell, (clip, frame, band), with one frame or band where a single gate weighs the other.

        Parallel branches add up (equation 8), gates one after the other multiply.
        """
        temporal = None if self.temporal is None else self.temporal[:, :, None]
        spectral = None if self.spectral is None else self.spectral[:, None, :]
        if temporal is None or spectral is None:
            weights = temporal if temporal is not None else spectral
            assert weights is not None, "an attention layer has one gate at least"
            return weights
        if self.mixture:
            return self.mixture["alpha"] * temporal + self.mixture["beta"] * spectral + self.mixture["gamma"]
        return temporal * spectral


@contextmanager
def record_attention(model: nn.Module) -> Iterator[dict[str, LayerAttention]]:
    """Record the attention of every layer while the block runs; nothing is hooked, and nothing costs, outside of it.

    Parameters
    ----------
    model : Module

    Yields
    ------
    maps : dict of str to LayerAttention
        Filled by each forward pass (the newest replaces the one before), keyed by the layer's name, e.g. "block1".

    Examples
    --------
    >>> with record_attention(model) as maps:
    ...     model(features)
    >>> maps["block1"].temporal.shape
    torch.Size([1, 251])
    """
    maps: dict[str, LayerAttention] = {}
    layers = {
        name.removesuffix(".attention"): module
        for name, module in model.named_modules()
        if isinstance(module, TemporalSpectralAttention)
    }

    def listen_to(name: str, layer: TemporalSpectralAttention) -> Listener:
        def keep(kind: str, weights: Tensor) -> None:
            record = maps.setdefault(name, LayerAttention())
            record.mixture = name_mixture(layer)
            setattr(record, kind, weights.detach().flatten(1).cpu())

        return keep

    before = {name: layer.listener for name, layer in layers.items()}
    for name, layer in layers.items():
        layer.listener = listen_to(name, layer)
    try:
        yield maps
    finally:
        for name, layer in layers.items():
            layer.listener = before[name]


def name_mixture(layer: TemporalSpectralAttention) -> dict[str, float]:
    """Return the layer's {"alpha", "beta", "gamma"}, or an empty dict where it has no parallel branches."""
    if layer.mixture is None:
        return {}
    return dict(zip(("alpha", "beta", "gamma"), layer.mixture.detach().tolist(), strict=True))


def read_mixtures(model: nn.Module) -> dict[str, dict[str, float]]:
    """Return (alpha, beta, gamma) of every layer with parallel branches, keyed by the layer's name, e.g. "block1"."""
    return {
        name.removesuffix(".attention"): name_mixture(module)
        for name, module in model.named_modules()
        if isinstance(module, TemporalSpectralAttention) and module.mixture is not None
    }
