"""How large a model is, as papers state it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BYTES = 4  # of a number in float32


@dataclass(frozen=True)
class ModelSize:
    """The size of one model.

    Attributes
    ----------
    parameters : int
        All weights, trained or frozen; shared ones once. Buffers, such as the running means of batch normalisation,
        do not count.
    """

    parameters: int

    @property
    def kib(self) -> float:
        """Size in KiB (1024 bytes) with each parameter in float32."""
        return self.parameters * BYTES / 2**10

    @property
    def mib(self) -> float:
        """Size in MiB (1024 KiB) with each parameter in float32."""
        return self.parameters * BYTES / 2**20


def measure_size(model: torch.nn.Module) -> ModelSize:
    """Count a model's parameters.

    Parameters
    ----------
    model : torch.nn.Module

    Returns
    -------
    size : ModelSize

    Notes
    -----
    SPSM (section 4.1) reports model sizes in "MB". The network of its Table 1 has 18.90 MiB of float32 parameters, and
    its Table 2 prints 18.9 (our reading: parameters alone, over 2^20 bytes).
    """
    return ModelSize(sum(parameter.numel() for parameter in model.parameters()))
