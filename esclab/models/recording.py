"""Watching what a network's gates let through, without hooks and without cost while nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

Kind = Literal["temporal", "spectral", "spatial", "channel"]
Listener = Callable[[Kind, Tensor], None]


class Gate(nn.Module):
    """Base of every layer that weighs frames, bands, cells or channels, and tells how, if anyone listens.

    A subclass calls `tell` with each kind of weights that it computes: "temporal" (one a frame), "spectral" (one a
    band), "spatial" (one a cell) or "channel" (one a channel). A module named "attention" is known by the name of
    its parent: the gate `block1.attention` is the attention of "block1".

    Attributes
    ----------
    weighs_cells : bool
        Whether it weighs frames, bands or cells; a gate of channels alone does not.
    """

    weighs_cells = True

    def __init__(self) -> None:
        super().__init__()
        self.listener: Listener | None = None

    @property
    def mixture(self) -> dict[str, float]:
        """Learned weights of parallel branches by name, and other numbers that move in training; none by default."""
        return {}

    def tell(self, kind: Kind, weights: Tensor) -> None:
        """Tell the listener, if there is one.

        Parameters
        ----------
        kind : {"temporal", "spectral", "spatial", "channel"}
        weights : Tensor
            With the clip first, then one weight per frame, band or channel (axes of length 1 do not matter), or
            (clip, 1, frame, band) for "spatial".
        """
        if self.listener is not None:
            self.listener(kind, weights)


@dataclass
class LayerAttention:
    """What one attention layer did to a batch.

    Attributes
    ----------
    temporal : Tensor of shape (clip, frame) or None
    spectral : Tensor of shape (clip, band) or None
    spatial : Tensor of shape (clip, frame, band) or None
    channel : Tensor of shape (clip, channel) or None
    mixture : dict of str to float
        `Gate.mixture`, e.g. {"alpha": 0.4, "beta": 0.3, "gamma": 0.3}.
    """

    temporal: Tensor | None = None
    spectral: Tensor | None = None
    spatial: Tensor | None = None
    channel: Tensor | None = None
    mixture: dict[str, float] = field(default_factory=dict)

    @property
    def cells(self) -> Tensor | None:
        """The weight of every cell, (clip, frame, band), with one frame or band where a single gate weighs the other.

        Parallel branches add up (TS-CNN, equation 8), gates one after the other multiply. None where the layer weighs
        channels alone.
        """
        if self.spatial is not None:
            return self.spatial
        temporal = None if self.temporal is None else self.temporal[:, :, None]
        spectral = None if self.spectral is None else self.spectral[:, None, :]
        if temporal is None or spectral is None:
            return temporal if temporal is not None else spectral
        if "gamma" in self.mixture:
            return self.mixture["alpha"] * temporal + self.mixture["beta"] * spectral + self.mixture["gamma"]
        return temporal * spectral

    @property
    def strips(self) -> tuple[Tensor | None, Tensor | None]:
        """Weights of frames (clip, frame) and of bands (clip, band): the gates' own, or means over a spatial gate's."""
        if self.spatial is not None:
            return self.spatial.mean(2), self.spatial.mean(1)
        return self.temporal, self.spectral


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
    gates = find_gates(model)

    def listen_to(name: str, gate: Gate) -> Listener:
        def keep(kind: Kind, weights: Tensor) -> None:
            record = maps.setdefault(name, LayerAttention())
            record.mixture = gate.mixture
            weights = weights.detach().cpu()
            setattr(record, kind, weights[:, 0] if kind == "spatial" else weights.flatten(1))

        return keep

    before = {name: gate.listener for name, gate in gates.items()}
    for name, gate in gates.items():
        gate.listener = listen_to(name, gate)
    try:
        yield maps
    finally:
        for name, gate in gates.items():
            gate.listener = before[name]


def find_gates(model: nn.Module) -> dict[str, Gate]:
    """Return every gate of a network by the name of its layer, e.g. "block1", in the order of its modules."""
    return {
        name.removesuffix(".attention"): module for name, module in model.named_modules() if isinstance(module, Gate)
    }


def read_mixtures(model: nn.Module) -> dict[str, dict[str, float]]:
    """Return `Gate.mixture` of every layer that has one, e.g. {"block1": {"alpha": 0.4, ...}}."""
    return {name: gate.mixture for name, gate in find_gates(model).items() if gate.mixture}
