"""Where and how precisely a training computes, decided when it starts."""

from __future__ import annotations

import ctypes
import logging
import platform
import sys
from typing import TYPE_CHECKING

import torch

from esclab.errors import TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def choose_precision(device: str) -> str:
    """Return "bf16-mixed" where the processor multiplies bfloat16 faster than float32, else "32-true".

    Parameters
    ----------
    device : str
        "cpu", "cuda" or "mps".
    """
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    cpu = torch.cpu
    fast = any(getattr(cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return "bf16-mixed" if device == "cpu" and fast else "32-true"


def open_fabric(device: str, precision: str) -> Fabric:
    """Return Lightning Fabric on one device at this precision.

    Raises
    ------
    TrainingError
        When this machine has no such device.
    """
    if device != "cpu" and device != choose_device():
        raise TrainingError(
            f"device {device}", "is not on this machine", "train on it elsewhere, or begin a new run here"
        )
    from lightning_fabric import Fabric

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    return Fabric(accelerator={"cuda": "gpu"}.get(device, device), devices=1, precision=precision)  # type: ignore[arg-type]


def choose_device() -> str:
    """Return the kind of device that trains: "cuda" or "mps" where there is one, else "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def name_device(device: str) -> str:
    """Return the device's name as results record it."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{device} {platform.processor() or platform.machine()}"


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks for the next step instead of handing them back.

    Every step frees and asks for the same large activations; mapped anew each time, they cost a page fault per 4 KiB.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, mmap_max = -1, -4  # names of malloc.h
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, 2**31 - 1)
