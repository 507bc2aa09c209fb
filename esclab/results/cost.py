"""What models cost to run, beside what they achieve."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class CostResult:
    """Size, operations, memory and time of models that were measured one after another on one machine.

    Attributes
    ----------
    table : DataFrame
        One row a model: `model`, `accuracy` (0..1, NaN where unknown), `parameters`, `flops` (of one clip; a
        multiplication and an addition are two), `memory_mib` and `memory_mib_32` (peak growth of a process that builds
        the model and answers 1 clip, then 32), `ms` with quartiles `ms_low` and `ms_high` (a clip, alone in its batch),
        `ms_32`, `ms_32_low`, `ms_32_high` (a clip in a batch of 32), `onnx_ms`, `onnx_ms_32` (medians under
        onnxruntime) and `note` (why numbers are missing). NaN stands for what was not measured.
    machine : str
        What computed, with how many threads, and on what input.
    label : str
        Where the accuracies come from: dataset, protocol, recipe; "" without any.
    """

    table: pd.DataFrame
    machine: str = ""
    label: str = ""
