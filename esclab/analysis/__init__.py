"""Measurements on trained models: scores, tests, robustness, attention, attribution, trust, embeddings, tables.

Names load when they are first used, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "CLASSIFIERS": "classical",
    "Cost": "cost",
    "CostSettings": "costs",
    "Difference": "intervals",
    "METHODS": "attribution",
    "ModelSize": "size",
    "NoiseCondition": "robustness",
    "Number": "trajectory",
    "Scores": "scores",
    "VoteComparison": "votes",
    "accuracy_table": "tables",
    "add_accuracies": "costs",
    "align_predictions": "alignment",
    "apply_mask": "listen",
    "attend_clip": "attention",
    "attribute": "attribution",
    "attribute_clip": "attribution",
    "average_precision": "localisation",
    "average_windows": "prediction",
    "bootstrap_interval": "intervals",
    "check_predictions": "alignment",
    "classify_statistics": "classical",
    "collect_embeddings": "embedding",
    "collect_histories": "comparison",
    "compare_models": "significance",
    "compare_runs": "comparison",
    "compare_vote": "votes",
    "confused_pairs": "errors",
    "confusion_series": "errors",
    "count_durations": "durations",
    "cost_table": "costs",
    "cross_conditions": "robustness",
    "deletion_curve": "faithfulness",
    "embed_run": "embedding",
    "energy_inside": "localisation",
    "errors_by_category": "errors",
    "event_mask": "localisation",
    "explain_clip": "attribution",
    "export_onnx": "onnx_export",
    "format_table": "tables",
    "insertion_curve": "faithfulness",
    "map_activation": "activation",
    "mean_feature_baseline": "baselines",
    "measure_activation_share": "activation",
    "measure_calibration": "calibration",
    "measure_class_sensitivity": "sensitivity",
    "measure_cost": "cost",
    "measure_costs": "costs",
    "measure_memory": "memory",
    "measure_quality": "embedding",
    "measure_robustness": "robustness",
    "measure_sensitivity": "sensitivity",
    "measure_size": "size",
    "measure_statistics": "mfcc_statistics",
    "measure_trust": "trust",
    "merge_seeds": "alignment",
    "methods_for": "attribution",
    "paired_difference": "intervals",
    "pointing_game": "localisation",
    "predict_files": "prediction",
    "predict_folds": "baselines",
    "predict_noisy": "robustness",
    "project_embeddings": "projection",
    "randomise_weights": "randomisation",
    "read_accuracies": "costs",
    "read_epochs": "epochs",
    "resolve_epochs": "epochs",
    "list_epochs": "epochs",
    "record_activations": "activation",
    "region_of_cells": "activation",
    "score_devices": "devices",
    "score_predictions": "scores",
    "score_table": "scores",
    "split_sound": "listen",
    "summarize_accuracy": "intervals",
    "summarize_robustness": "robustness",
    "trace_numbers": "trajectory",
    "transform_clip": "attention",
    "trust_table": "trust",
    "vote_clip": "votes",
    "vote_runs": "votes",
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
