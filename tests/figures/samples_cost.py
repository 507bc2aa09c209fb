"""Made-up costs for the tests of the figure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.results.cost import CostResult

MODELS = (
    "cnn10", "ts-cnn10", "tdnn", "resnet-se", "ecapa-tdnn", "campplus", "res2net", "eres2net", "fpam", "resnet50",
    "spsm-1a+early+spsmt", "spectromasknet", "alexnet", "vgg11",
)  # fmt: skip


def sample_cost(count: int = len(MODELS)) -> CostResult:
    """Models over four powers of ten in size, several of them equally good, and one that was never trained."""
    rng = np.random.default_rng(6)
    names = [MODELS[n] if n < len(MODELS) else f"model {n}" for n in range(count)]
    parameters = np.round(10 ** rng.uniform(5, 8.2, count))
    ms = np.round(10 ** rng.uniform(0.3, 2.6, count), 2)
    accuracy = np.round(rng.choice([0.72, 0.8, 0.82, 0.825, 0.9], count) + rng.normal(0, 0.006, count), 4)
    table = pd.DataFrame({"model": names, "accuracy": accuracy, "parameters": parameters})
    table["flops"] = np.round(10 ** rng.uniform(8, 10.8, count))
    table["memory_mib"], table["memory_mib_32"] = 30 + ms, 60 + 8 * ms
    for end, share in (("", 1.0), ("_32", 0.6)):
        for quartile, factor in (("", 1.0), ("_low", 0.9), ("_high", 1.2)):
            table[f"ms{end}{quartile}"] = ms * share * factor
    table["onnx_ms"], table["onnx_ms_32"], table["note"] = np.nan, np.nan, ""
    table.loc[count - 1, "accuracy"] = np.nan
    machine = "cpu x86_64, 2 threads, models one after another; fbank, 498 frames of 80 bands (5 s), 10 classes"
    return CostResult(table, machine, "esc10, official 5 folds, recipe quick")
