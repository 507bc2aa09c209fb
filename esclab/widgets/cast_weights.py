"""Weights that are cast once: autocast casts frozen ones anew at every call."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd


def cast_weights(network: nn.Module, example: Tensor) -> nn.Module:
    """Return a copy that computes the same under CPU autocast, its convolutions' weights in autocast's own precision.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode, its weights frozen.
    example : Tensor
        An input; where its pass leaves autocast, the convolutions keep their float32 weights.

    Returns
    -------
    nn.Module
        For use within `torch.autocast("cpu")` only.
    """
    quick = copy.deepcopy(network)
    seen: dict[nn.Module, set[bool]] = {}

    def note(module: nn.Module, _: tuple[Tensor, ...]) -> None:
        seen.setdefault(module, set()).add(torch.is_autocast_enabled("cpu"))

    convolutions = [module for module in quick.modules() if isinstance(module, _ConvNd)]
    handles = [module.register_forward_pre_hook(note) for module in convolutions]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        quick(example)
    for handle in handles:
        handle.remove()
    for module, states in seen.items():
        if states == {True}:
            module.to(torch.bfloat16)
    return quick
