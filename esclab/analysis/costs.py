"""Costs of several models side by side, with the accuracies that a ledger knows of them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from esclab.analysis.cost import measure_cost
from esclab.analysis.memory import measure_memory
from esclab.errors import EsclabError, OptionError
from esclab.results.cost import CostResult

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.features import Feature
    from esclab.models.base import SoundClassifier

BATCHES = {1: "", 32: "_32"}  # clips in a batch, and the end of its columns' names
MEASURED = (
    "parameters", "flops", "memory_mib", "memory_mib_32", "ms", "ms_low", "ms_high", "ms_32", "ms_32_low", "ms_32_high",
    "onnx_ms", "onnx_ms_32",
)  # fmt: skip
SHOWN = {
    "model": "Model", "accuracy": "Accuracy (%)", "parameters": "Parameters (M)", "flops": "GFLOPs a clip",
    "memory_mib": "Memory (MiB)", "memory_mib_32": "Memory, batch 32 (MiB)", "ms": "ms a clip",
    "ms_32": "ms a clip, batch 32", "onnx_ms": "onnxruntime (ms)", "onnx_ms_32": "onnxruntime, batch 32 (ms)",
    "note": "Note",
}  # fmt: skip
UNITS = {"accuracy": 100.0, "parameters": 1e-6, "flops": 1e-9}


@dataclass(frozen=True)
class CostSettings:
    """On what input and how thoroughly models are measured.

    Attributes
    ----------
    feature : Feature
        The front end whose frames and bands the models take; it is not in the time.
    duration_s : float
        Length of a clip.
    classes : int
    model : mapping
        Settings of each model, e.g. {"width": 0.25}.
    repeats : int
        Timed passes of each batch.
    budget_s : float
        Time after which no further pass of a batch is begun, once one was timed.
    with_memory, with_onnx : bool
        Whether to start a process for each model, and to export each.
    """

    feature: Feature
    duration_s: float = 5.0
    classes: int = 50
    model: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 20
    budget_s: float = 5.0
    with_memory: bool = True
    with_onnx: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and bands of a clip."""
        samples = round(self.duration_s * self.feature.config.sample_rate)
        return self.feature.frames(samples), self.feature.config.bands


def measure_costs(
    names: Sequence[str],
    settings: CostSettings,
    *,
    keep_going: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> CostResult:
    """Measure models one after another, on clips of silence.

    Parameters
    ----------
    names : sequence of str
        Models, strategies included.
    settings : CostSettings
    keep_going : bool
        Whether a model that does not take this input gets a row that says so, in place of an error.
    progress : callable, optional
        Called as (models done, models in all).

    Returns
    -------
    CostResult
        Without accuracies, see `add_accuracies`.

    Raises
    ------
    OptionError
        When a name or setting is unknown, or onnx is asked for and not installed.
    """
    import torch

    from esclab.analysis.onnx_export import HOW_TO_GET, find_missing
    from esclab.models import find_model
    from esclab.training.device import name_device

    missing = find_missing() if settings.with_onnx else ()
    if missing:
        raise OptionError(f"ONNX needs {' and '.join(missing)}", "which is not here", HOW_TO_GET)
    for name in names:
        find_model(name)
    rows = []
    for done, name in enumerate(names, start=1):
        try:
            row = _measure(name, settings)
        except EsclabError as error:
            if not keep_going:
                raise
            row = {"note": str(error)}
        rows.append({"model": name, "accuracy": math.nan, **dict.fromkeys(MEASURED, math.nan), "note": ""} | row)
        if progress is not None:
            progress(done, len(names))
    threads = torch.get_num_threads()
    frames, bands = settings.shape
    machine = (
        f"{name_device('cpu')}, {threads} thread{'s' * (threads != 1)}, models one after another; "
        f"{settings.feature.name}, {frames} frames of {bands} bands ({settings.duration_s:g} s), "
        f"{settings.classes} classes"
    )
    return CostResult(pd.DataFrame(rows), machine)


def _measure(name: str, settings: CostSettings) -> dict[str, Any]:
    import torch

    from esclab.models import build_model

    frames, bands = settings.shape
    with torch.random.fork_rng():  # the weights are not kept, so drawing them should leave no trace
        model = build_model(name, classes=settings.classes, bands=bands, **settings.model).eval()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as runs are loaded
    row: dict[str, Any] = {}
    for clips, end in BATCHES.items():
        features = torch.zeros(clips, 1, frames, bands)
        cost = measure_cost(model, features, repeats=settings.repeats, budget_s=settings.budget_s)
        row |= {"parameters": cost.parameters} | ({"flops": cost.flops_per_clip} if clips == 1 else {})
        row |= {
            f"ms{end}": cost.milliseconds_per_clip,
            f"ms{end}_low": cost.milliseconds_low,
            f"ms{end}_high": cost.milliseconds_high,
        }
    if settings.with_onnx:
        row |= _measure_onnx(model, torch.zeros(max(BATCHES), 1, frames, bands), settings)
    if settings.with_memory:
        memory = measure_memory(
            name, settings.shape, classes=settings.classes, settings=settings.model, batches=list(BATCHES)
        )
        row |= {f"memory_mib{end}": mib for end, mib in zip(BATCHES.values(), memory, strict=True)}
    return row


def _measure_onnx(model: SoundClassifier, features: Tensor, settings: CostSettings) -> dict[str, Any]:
    """Return times under onnxruntime; a network that cannot be exported, or does not run there, gets a note."""
    import torch

    from esclab.analysis.onnx_export import export_onnx, name_cause, open_onnx, time_onnx

    with tempfile.TemporaryDirectory() as folder:
        try:
            path = export_onnx(model, Path(folder) / "model.onnx", shape=settings.shape)
            session = open_onnx(path, threads=torch.get_num_threads())
            return {
                f"onnx_ms{end}": time_onnx(
                    session, features[:clips].numpy(), repeats=settings.repeats, budget_s=settings.budget_s
                )
                for clips, end in BATCHES.items()
            }
        except OptionError as error:
            return {"note": str(error)}
        except Exception as error:  # onnxruntime's errors have no class in common
            return {"note": f"{type(model).__name__}: does not run under onnxruntime ({name_cause(error)})."}


def read_accuracies(
    ledger: str | Path, dataset: str, models: Sequence[str], *, recipe: str | None = None
) -> tuple[dict[str, float], str]:
    """Return the mean accuracy of each model over its folds and seeds in a ledger, and where they come from.

    Parameters
    ----------
    ledger : str or Path
        A `runs.csv`.
    dataset : str
        As `load_dataset` takes it, e.g. "esc10" or "esc10@leaky"; runs that hold out a validation fold are left out.
    models : sequence of str
    recipe : str, optional
        Needed where a model was trained with several.

    Returns
    -------
    accuracies : dict of str to float
        In 0..1, of those models that have runs.
    label : str
        Dataset, protocol and recipe.

    Raises
    ------
    OptionError
        When the ledger has no run of these models on this dataset, or a model's runs are of several recipes.
    StorageError
        When the ledger is not readable.
    """
    from esclab.training.ledger import read_ledger

    runs = read_ledger(ledger)
    validates = runs["protocol"].astype(str).str.contains(" validates, ", regex=False)
    chosen = runs[(runs["dataset"] == dataset) & runs["model"].isin(models) & ~validates]
    if recipe is not None:
        chosen = chosen[chosen["recipe"] == recipe]
    if chosen.empty:
        which = f" with recipe {recipe}" if recipe else ""
        raise OptionError(ledger, f"has no run of these models on {dataset}{which}", "train some, or choose another")
    kinds = chosen.groupby("model")[["recipe", "recipe_digest", "protocol"]].nunique().max(axis=1)
    if (kinds > 1).any():
        several = sorted(chosen.loc[chosen["model"] == kinds.idxmax(), "recipe"].unique())
        cause = f"has runs of {kinds.idxmax()} on {dataset} that differ in recipe ({', '.join(several)}) or protocol"
        raise OptionError(ledger, cause, "choose a recipe")
    words = [" and ".join(sorted(chosen[column].unique())) for column in ("protocol", "recipe")]
    folds = chosen.groupby("model")["fold"].unique()
    same = len({tuple(sorted(of_one)) for of_one in folds}) == 1
    label = f"{dataset}, {words[0]}, recipe {words[1]}" + ("" if same else "; not all on the same folds")
    return {str(model): float(value) for model, value in chosen.groupby("model")["accuracy"].mean().items()}, label


def add_accuracies(result: CostResult, accuracies: Mapping[str, float], label: str) -> CostResult:
    """Return costs with accuracies (0..1) by model, such as `read_accuracies` gives with their label."""
    accuracy = result.table["model"].map(dict(accuracies)).astype(float)
    return CostResult(result.table.assign(accuracy=accuracy), result.machine, label)


def cost_table(result: CostResult) -> pd.DataFrame:
    """Return costs as a table to read, with units in the titles; columns of which nothing is known are left out."""
    table = result.table[list(SHOWN)]
    known = [name for name in table if name == "model" or (table[name].notna() & (table[name] != "")).any()]
    scaled = {name: table[name] * factor for name, factor in UNITS.items() if name in known}
    return table[known].assign(**scaled).rename(columns=SHOWN)
