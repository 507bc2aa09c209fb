"""What a model costs to run: parameters, operations, time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
        Floating-point operations of one clip's forward pass; a multiplication and an addition are two.
    milliseconds_per_clip : float
        Median over the repeats of the time of one batch, divided by its clips.
    milliseconds_spread : float
        Distance between the quartiles of the same, in ms a clip.
    milliseconds_low, milliseconds_high : float
        The quartiles themselves.
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
    milliseconds_low: float
    milliseconds_high: float
    threads: int
    device: str
    clips: int


def measure_cost(
    model: torch.nn.Module, example: torch.Tensor, *, repeats: int = 20, budget_s: float = math.inf
) -> Cost:
    """Measure parameters, operations and latency of a model in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Every submodule is left in the mode it was in.
    example : Tensor of shape (clip, ...)
        A batch as the model takes it; moved to the model's device.
    repeats : int
        Timed forward passes, after three that are not timed.
    budget_s : float
        Time after which no further pass is begun, once one was timed; none by default.

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
    with evaluating(model), torch.inference_mode():
        flops = _count_flops(model, batch[:1])  # one clip tells it, and the plain kernels are slow
        times_ms = time_calls(lambda: _wait(model(batch)), repeats, budget_s=budget_s)
    low, median, high = np.quantile(np.array(times_ms) / len(batch), [0.25, 0.5, 0.75])
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops_per_clip=float(flops),
        milliseconds_per_clip=float(median),
        milliseconds_spread=float(high - low),
        milliseconds_low=float(low),
        milliseconds_high=float(high),
        threads=torch.get_num_threads(),
        device=str(device),
        clips=len(batch),
    )


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
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


def time_calls(call: Callable[[], Any], repeats: int, *, budget_s: float = math.inf) -> list[float]:
    """Return the time of each call, in ms: `repeats` of them after three that do not count, fewer over the budget.

    Parameters
    ----------
    call : callable
    repeats : int
    budget_s : float
        Time after which no further call is made, once one was timed.
    """
    begun = perf_counter()
    times_ms: list[float] = []
    for number in range(WARM_UP + repeats):
        started = perf_counter()
        late = started - begun > budget_s
        if late and times_ms:
            break
        call()
        if late or number >= WARM_UP:
            times_ms.append(1000 * (perf_counter() - started))
    return times_ms


def _wait(output: Any) -> None:
    """Wait for a GPU to have computed this; a processor has."""
    import torch

    if isinstance(output, torch.Tensor) and output.is_cuda:
        torch.cuda.synchronize(output.device)
