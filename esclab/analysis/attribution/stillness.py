"""Work on a network that leaves no trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


@contextmanager
def hold_still(model: nn.Module) -> Iterator[None]:
    """Put a network in the state that attribution needs while the block runs, and back whatever happens.

    Evaluation mode; parameters without gradients, so that only those of the input or a layer are computed; no
    activation in place, for it would overwrite what hooks have recorded (DeepLIFT's rule among them); gradients on,
    even inside of `torch.no_grad` or `torch.inference_mode`. Attributes that Captum leaves on modules are removed.

    Parameters
    ----------
    model : Module
    """
    parameters = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    in_place: list[Any] = [module for module in model.modules() if getattr(module, "inplace", False) is True]
    attributes = [(module, set(vars(module))) for module in model.modules()]
    try:
        model.eval()
        for parameter, _ in parameters:
            parameter.requires_grad_(False)
        for module in in_place:
            module.inplace = False
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module, known in attributes:
            for name in set(vars(module)) - known:
                delattr(module, name)
        for module in in_place:
            module.inplace = True
        for module, training in modes:
            module.training = training
        for parameter, required in parameters:
            parameter.requires_grad_(required)


@contextmanager
def draw_from(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's and NumPy's global generators while the block runs, and give them their states back.

    Captum draws from both.

    Parameters
    ----------
    seed : int
        From 0 to 2 ** 32 - 1.
    device : torch.device
        Whose generator to seed beside the processor's.
    """
    numpy_state = np.random.get_state()  # noqa: NPY002
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
