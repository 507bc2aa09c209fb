"""Measurements on what a model answered: scores, intervals, tests, calibration, cost, tables.

Names load when they are first used, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "Cost": "cost",
    "Difference": "intervals",
    "Scores": "scores",
    "accuracy_table": "tables",
    "align_predictions": "alignment",
    "attend_clip": "attention",
    "average_windows": "prediction",
    "bootstrap_interval": "intervals",
    "check_predictions": "alignment",
    "collect_histories": "comparison",
    "compare_models": "significance",
    "compare_runs": "comparison",
    "format_table": "tables",
    "mean_feature_baseline": "baselines",
    "measure_calibration": "calibration",
    "measure_cost": "cost",
    "merge_seeds": "alignment",
    "paired_difference": "intervals",
    "predict_files": "prediction",
    "score_predictions": "scores",
    "summarize_accuracy": "intervals",
    "transform_clip": "attention",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Return the public name `name`, importing its module."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return what tab completion offers."""
    return sorted({*globals(), *_MODULE_OF})
