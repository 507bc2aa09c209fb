"""Weights that others trained, taken into a network as far as they fit, without running anything they contain."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier

ENVELOPES = ("model", "state_dict", "model_state_dict")
HEAD = "classifier."
TRAINING_CLIPS = ("input_mean", "input_std")
RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "panns": (("conv_block", "block"), ("fc_audioset.", HEAD)),
    "torchvision": (*((f"layer{n}.", f"res{n + 1}.") for n in range(1, 5)), ("fc.", HEAD)),
}
"""How names of a layout begin, and how the same layers' names begin here."""
MARKS = {"panns": "conv_block1.conv1.weight", "torchvision": "layer1.0.conv1.weight"}


@dataclass(frozen=True)
class WeightsReport:
    """What a file of weights gave to a network.

    Attributes
    ----------
    fitted : tuple of str
        The network's weights that were set, by the network's own names.
    missing : tuple of str
        Its weights that the file does not have, or whose head was replaced; left fresh.
    unexpected : tuple of str
        What the file has besides, by the file's names: front ends, other layers.
    reshaped : dict of str to (tuple of int, tuple of int)
        The network's weights that the file has in another shape, left fresh: the file's shape and the network's.
    layout : str
        Whose names the file has: "esclab", "panns" or "torchvision".
    """

    fitted: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    layout: str = "esclab"


def load_weights(model: SoundClassifier, path: str | Path, *, keep_head: bool = False) -> WeightsReport:
    """Set a network's weights from a file, as far as names and shapes fit; the rest stays as it was.

    Parameters
    ----------
    model : SoundClassifier
    path : str or Path
        A safetensors file, or a checkpoint of PyTorch (read as weights alone, so that no code in it runs), or the
        folder of a finished run. Names may be this network's own, those of PANNs (CNN10 and its relatives), or those
        of torchvision's ResNet-50, whose first convolution is averaged to one channel.
    keep_head : bool
        Take the last layer too, where it fits; its classes should then be the same.

    Returns
    -------
    WeightsReport

    Raises
    ------
    OptionError
        When the file is missing, is neither format, asks for code to be run, or holds values that are not finite.

    Notes
    -----
    PANNs' `bn0` expects log-mels in dB as PANNs makes them; it fits only 64 bands.
    """
    path = Path(path)
    given = _strip_parallel(_read_file(path / "weights.safetensors" if path.is_dir() else path))
    wanted = model.state_dict()
    layout = next((name for name, mark in MARKS.items() if mark in given and mark not in wanted), "esclab")
    fitted: dict[str, Tensor] = {}
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    unexpected = []
    for name, value in given.items():
        own, value = _translate(name, value, layout)
        if own not in wanted or (own.startswith(HEAD) and not keep_head):
            unexpected.append(name)
        elif value.shape != wanted[own].shape:
            reshaped[own] = (tuple(value.shape), tuple(wanted[own].shape))
        elif not value.isfinite().all():
            raise OptionError(f"weights {path}", f"are not finite in {name}", "give another file")
        else:
            fitted[own] = value
    model.load_state_dict(fitted, strict=False)
    missing = wanted.keys() - fitted.keys() - reshaped.keys()
    missing -= set(TRAINING_CLIPS) if layout != "esclab" else set()
    return WeightsReport(
        tuple(name for name in wanted if name in fitted),
        tuple(name for name in wanted if name in missing),
        tuple(unexpected),
        reshaped,
        layout,
    )


def _read_file(path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a file by name; nothing in the file is run."""
    if not path.is_file():
        raise OptionError(f"weights {path}", "are not there", "give a .safetensors or .pth file, or a run")
    with open(path, "rb") as file:
        start = file.read(2)
    # A zip archive or a pickle is PyTorch's; anything else can only be safetensors, which says so itself.
    tensors = _read_checkpoint(path) if start in (b"PK", b"\x80\x02") else _read_safetensors(path)
    if not tensors:
        raise OptionError(f"weights {path}", "hold no tensor", "give a file of weights by name")
    return tensors


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        cause = f"are neither safetensors ({error}) nor a checkpoint of PyTorch"
        raise OptionError(f"weights {path}", cause, "give a .safetensors or .pth file") from error


def _plain_arrays() -> list[Any]:
    """Return what NumPy's arrays of numbers are made of in a pickle: PANNs' checkpoints hold a sampler's beside theirs.

    NumPy 1 and 2 name the module differently. None of it runs code that a file brings.
    """
    from numpy._core import multiarray

    makers = [(getattr(multiarray, name), f"numpy.{core}.multiarray.{name}")
              for name in ("_reconstruct", "scalar") for core in ("core", "_core")]  # fmt: skip
    return [np.ndarray, np.dtype, *(type(np.dtype(code)) for code in "?bhilqBHILQfd"), *makers]


def _read_checkpoint(path: Path) -> Mapping[str, Tensor]:
    try:
        with warnings.catch_warnings():
            # Old checkpoints warn of storages' former names, which is nothing to the reader.
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_plain_arrays()):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        asked = re.search(
            r"(?:GLOBAL|Unsupported (?:global|class|operand)[^\w]*)\s*:?\s*(?:GLOBAL )?([\w.]+)", str(error)
        )
        what = f" ({asked[1]})" if asked else ""
        cause = f"ask for code{what} beside tensors, so nothing of them was loaded"
        raise OptionError(f"weights {path}", cause, "give a file of weights alone, best as safetensors") from error
    except Exception as error:  # PyTorch's reader raises whatever a damaged archive leads it to
        line = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise OptionError(f"weights {path}", f"are not readable ({line})", "fetch the file again") from error
    for name in ENVELOPES:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        return {}
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _strip_parallel(given: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return names without the "module." that training on several devices puts before each."""
    if all(name.startswith("module.") for name in given):
        return {name.removeprefix("module."): value for name, value in given.items()}
    return given


def _translate(name: str, value: Any, layout: str) -> tuple[str, Tensor]:
    """Return the name that a layer of another layout has here, and its values as they are needed here."""
    for theirs, ours in RULES.get(layout, ()):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs), value
    if layout == "torchvision" and name == "conv1.weight" and value.ndim == 4:
        return name, value.mean(1, keepdim=True)
    return name, value
