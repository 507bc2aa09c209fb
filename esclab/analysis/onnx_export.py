"""Networks as ONNX files, for other runtimes, and their time under onnxruntime."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.analysis.cost import evaluating, time_calls
from esclab.errors import OptionError
from esclab.storage import replace_file

if TYPE_CHECKING:
    import torch

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
HOW_TO_GET = "install it with: pip install 'esclab[onnx]'"
INPUT, OUTPUT = "features", "logits"
CAUSE_LENGTH = 160  # characters of an error: it is a cell of a table


def find_missing() -> tuple[str, ...]:
    """Return which of the optional packages are not installed."""
    return tuple(name for name in PACKAGES if find_spec(name) is None)


def export_onnx(model: torch.nn.Module, path: str | Path, *, shape: tuple[int, int]) -> Path:
    """Write a network as an ONNX file that takes any number of clips.

    Parameters
    ----------
    model : torch.nn.Module
        From (clip, 1, frame, band) to (clip, class); its weights go into the file, as they are in evaluation mode.
    path : str or Path
    shape : (int, int)
        Frames and bands of the input, which the file keeps.

    Returns
    -------
    path : Path

    Raises
    ------
    OptionError
        When onnx is not installed, or the network cannot be exported.
    """
    import torch

    _need_packages()
    first = next((parameter for parameter in model.parameters()), torch.zeros(()))
    example = torch.zeros(2, 1, *shape, device=first.device)  # two clips: one would be taken for a constant
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), evaluating(model), _without_keywords(model):
            # torch's own exporter uses a check of its own that it calls deprecated.
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
            program: Any = torch.onnx.export(
                model, (example,), dynamo=True, verbose=False, input_names=[INPUT], output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("clip")},),
            )  # fmt: skip
        content = program.model_proto.SerializeToString()
    except Exception as error:  # beside its own errors the exporter lets through whatever a network leads it to
        cause = f"cannot become ONNX ({name_cause(error)})"
        raise OptionError(type(model).__name__, cause, "use it with torch") from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    path = Path(path)
    with replace_file(path) as file:
        file.write(content)
    return path


def open_onnx(path: str | Path, *, threads: int = 0) -> Any:
    """Return an onnxruntime session of a file on the processor.

    Parameters
    ----------
    path : str or Path
    threads : int
        0 for onnxruntime's own choice.

    Raises
    ------
    OptionError
        When onnxruntime is not installed.
    """
    _need_packages()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_onnx(session: Any, features: np.ndarray) -> np.ndarray:
    """Return logits (clip, class) of features (clip, 1, frame, band) from a session of `open_onnx`."""
    return session.run([OUTPUT], {INPUT: features.astype(np.float32)})[0]


def time_onnx(session: Any, features: np.ndarray, *, repeats: int = 20, budget_s: float = math.inf) -> float:
    """Return the median time of a batch in ms a clip; see `esclab.analysis.cost.time_calls`."""
    times_ms = time_calls(lambda: run_onnx(session, features), repeats, budget_s=budget_s)
    return float(np.median(times_ms)) / len(features)


def name_cause(error: BaseException) -> str:
    """Return in one line what an error came from in the end: the exporter's own first line names no cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return shorten(f"{type(error).__name__}: {lines[0]}", CAUSE_LENGTH) if lines else type(error).__name__


@contextmanager
def _without_keywords(model: torch.nn.Module) -> Iterator[None]:
    """Register layers that are called as a Python keyword ("global") by other names: the exporter writes code of them.

    They stay attributes by their own names, by which the network calls them.
    """
    before = [(module, dict(module._modules)) for module in model.modules() if any(map(iskeyword, module._modules))]
    try:
        for module, layers in before:
            module._modules.clear()
            module._modules.update({f"{name}_" if iskeyword(name) else name: layer for name, layer in layers.items()})
            vars(module).update({name: layer for name, layer in layers.items() if iskeyword(name)})
        yield
    finally:
        for module, layers in before:
            for name in filter(iskeyword, layers):
                vars(module).pop(name, None)
            module._modules.clear()
            module._modules.update(layers)


def _need_packages() -> None:
    missing = find_missing()
    if missing:
        raise OptionError(f"ONNX needs {' and '.join(missing)}", "which is not here", HOW_TO_GET)
