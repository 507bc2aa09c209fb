"""How much memory a network needs, measured in a process of its own, so that nothing else is in the number."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from esclab.errors import OptionError

MIB = 2**20
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure_memory(
    name: str,
    shape: tuple[int, int],
    *,
    classes: int,
    settings: Mapping[str, Any] | None = None,
    batches: Sequence[int] = (1, 32),
) -> tuple[float, ...]:
    """Measure by how much a process grows at most while it builds a network and answers one batch after the other.

    Weights and activations are in it; the libraries, which are loaded before, are not, but for what they load at the
    first call. The process uses as many threads as this one.

    Parameters
    ----------
    name : str
        A model's name, strategies included.
    shape : (int, int)
        Frames and bands of the input.
    classes : int
    settings : mapping, optional
        The model's own, e.g. {"width": 0.25}.
    batches : sequence of int
        Clips in each batch, from the smallest.

    Returns
    -------
    memory_mib : tuple of float
        Peak growth of the resident set up to and with each batch, in MiB; NaN where the system does not tell.

    Raises
    ------
    OptionError
        When the process does not end well, for want of memory or because the model cannot be built.
    """
    import torch

    question = {
        "name": name, "shape": list(shape), "classes": classes, "settings": dict(settings or {}),
        "batches": list(batches), "threads": torch.get_num_threads(),
    }  # fmt: skip
    command = [sys.executable, "-m", "esclab.analysis.memory", json.dumps(question)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise OptionError(f"model {name}", f"could not be measured for memory ({last})", "give less memory to others")
    return tuple(float(value) for value in json.loads(done.stdout.splitlines()[-1]))


def answer(question: Mapping[str, Any]) -> list[float]:
    """Build and run the network in this process; see `measure_memory`."""
    import torch

    from esclab.models import build_model, model_options

    model_options(question["name"])  # loads what the network is written with
    torch.set_num_threads(question["threads"])
    frames, bands = question["shape"]
    torch.zeros(8, 8) @ torch.zeros(8, 8)  # the linear algebra library comes in with the first product
    before = _begin()
    model = build_model(question["name"], classes=question["classes"], bands=bands, **question["settings"]).eval()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    grown = []
    with torch.inference_mode():
        for clips in question["batches"]:
            model(torch.zeros(clips, 1, frames, bands))
            grown.append((_read_peak() - before) / MIB)
    return grown


def _begin() -> float:
    """Set the peak back to what is resident now, where the system can, and return it in bytes."""
    try:
        RESET.write_text("5")
    except OSError:
        return _read_peak()
    return _read_status("VmRSS")


def _read_peak() -> float:
    """Return the greatest resident set so far, in bytes; NaN where the system does not tell."""
    if STATUS.exists():
        return _read_status("VmHWM")
    try:
        import resource
    except ImportError:
        return math.nan
    # macOS counts in bytes, the others in KiB.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def _read_status(field: str) -> float:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * float(line.split()[1])
    return math.nan


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
