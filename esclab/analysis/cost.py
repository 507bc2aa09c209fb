"""What a model costs to run: parameters, operations, time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.errors import OptionError

if TYPE_CHECKING:
    import torch

WARM_UP = 3  # the first calls allocate memory and choose kernels


@dataclass(frozen=True)
class Cost:
    """What one model costs on one machine.

    Attributes
    ----------
    parameters : int
        All weights, trained or frozen; shared ones once.
    flops_per_clip : float
        Floating-point operations of one forward pass; a multiplication and an addition are two.
    milliseconds_per_clip : float
        Median over the repeats of the time of one batch, divided by its clips.
    milliseconds_spread : float
        Distance between the quartiles of the same, in ms a clip.
    threads : int
        Threads that torch used on the CPU.
    device : str
        E.g. "cpu" or "cuda:0".
    clips : int
        Clips in the batch that was measured.
    """

    parameters: int
    flops_per_clip: float
    milliseconds_per_clip: float
    milliseconds_spread: float
    threads: int
    device: str
    clips: int


def measure_cost(model: torch.nn.Module, example: torch.Tensor, *, repeats: int = 20) -> Cost:
    """Measure parameters, operations and latency of a model in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Every submodule is left in the mode it was in.
    example : Tensor of shape (clip, ...)
        A batch as the model takes it; moved to the model's device.
    repeats : int
        Timed forward passes, after three that are not timed.

    Returns
    -------
    cost : Cost

    Raises
    ------
    OptionError
        When `repeats` is less than 1 or the batch is empty.

    Notes
    -----
    `torch.utils.flop_counter` counts matrix products, convolutions and attention; it leaves out element-wise
    work, pooling, normalisation and FFTs. Time depends on the machine, its load and the batch: compare only
    costs that were measured side by side with the same batch.
    """
    import torch

    if repeats < 1:
        raise OptionError(f"repeats={repeats}", "there must be at least one", "give a number such as 20")
    if example.ndim == 0 or len(example) == 0:
        raise OptionError("example", "holds no clips", "give a batch of at least one clip")
    device = next((parameter.device for parameter in model.parameters()), example.device)
    batch = example.to(device)
    with _evaluating(model), torch.inference_mode():
        flops = _count_flops(model, batch)
        times_ms = _time_calls(model, batch, repeats)
    low, median, high = np.quantile(np.array(times_ms) / len(batch), [0.25, 0.5, 0.75])
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops_per_clip=flops / len(batch),
        milliseconds_per_clip=float(median),
        milliseconds_spread=float(high - low),
        threads=torch.get_num_threads(),
        device=str(device),
        clips=len(batch),
    )


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Put the model in evaluation mode, then every submodule back as it was."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _count_flops(model: torch.nn.Module, batch: torch.Tensor) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with _plain_kernels(), FlopCounterMode(display=False) as counter:
        model(batch)
    return counter.get_total_flops()


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """Turn off fused kernels for recurrent and attention layers, whose operations the counter cannot see."""
    from torch.backends import cudnn, mha, mkldnn
    from torch.nn.attention import SDPBackend, sdpa_kernel

    # The libraries' own `flags` managers also set TF32, about which a build without Intel GPUs warns.
    before: Any = cudnn.enabled, mkldnn.enabled
    fast_attention = mha.get_fastpath_enabled()
    cudnn.enabled = False
    mkldnn.enabled = False  # type: ignore[assignment]
    mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        cudnn.enabled, mkldnn.enabled = before
        mha.set_fastpath_enabled(fast_attention)


def _time_calls(model: torch.nn.Module, batch: torch.Tensor, repeats: int) -> list[float]:
    """Return the time of each of `repeats` forward passes, in ms."""
    import torch

    times_ms = []
    for _ in range(WARM_UP + repeats):
        started = perf_counter()
        model(batch)
        if batch.is_cuda:
            torch.cuda.synchronize(batch.device)
        times_ms.append(1000 * (perf_counter() - started))
    return times_ms[WARM_UP:]
