"""Figures by name: results in, figure out, in two hands (plotly to explore, matplotlib to print)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from esclab.errors import OptionError
from esclab.figures.accuracy import accuracy_data, accuracy_figure
from esclab.figures.activation_share import activation_share_data, activation_share_figure
from esclab.figures.attention import attention_data, attention_figure
from esclab.figures.attribution import attribution_data, attribution_figure
from esclab.figures.calibration import calibration_data, calibration_figure
from esclab.figures.confusion import confusion_data, confusion_figure
from esclab.figures.confusion_series import confusion_series_data, confusion_series_figure
from esclab.figures.cost import cost_data, cost_figure
from esclab.figures.durations import durations_data, durations_figure
from esclab.figures.embedding import embedding_data, embedding_figure
from esclab.figures.export import export
from esclab.figures.faithfulness import faithfulness_data, faithfulness_figure
from esclab.figures.gallery import gallery_data, gallery_figure
from esclab.figures.grid import grid_data, grid_figure
from esclab.figures.learning import learning_data, learning_figure
from esclab.figures.reliability import reliability_data, reliability_figure
from esclab.figures.robustness import robustness_data, robustness_figure
from esclab.figures.score_change import score_change_data, score_change_figure
from esclab.figures.sensitivity import sensitivity_data, sensitivity_figure
from esclab.figures.spectrogram import spectrogram_data, spectrogram_figure
from esclab.figures.theme import Hand, register_template
from esclab.figures.trajectory import trajectory_data, trajectory_figure
from esclab.figures.trust import trust_data, trust_figure
from esclab.figures.votes import votes_data, votes_figure
from esclab.results import (
    AccuracyResult,
    ActivationShareResult,
    AttentionResult,
    AttributionResult,
    CalibrationResult,
    ConfusionResult,
    ConfusionSeriesResult,
    DurationsResult,
    EmbeddingResult,
    FaithfulnessResult,
    GalleryResult,
    GridResult,
    LearningResult,
    ReliabilityResult,
    RobustnessResult,
    ScoreChangeResult,
    SensitivityResult,
    TimeFrequencyMap,
    TrajectoryResult,
    TrustResult,
    VoteResult,
)
from esclab.results.cost import CostResult

__all__ = ["FIGURES", "FigureEntry", "check_options", "draw", "export", "find_figure", "register_template"]


@dataclass(frozen=True)
class FigureEntry:
    """One figure.

    Attributes
    ----------
    figure : callable
        `figure(result, *, hand, **options)` draws it.
    data : callable
        `data(result)` gives the tidy table behind it.
    result : type
        What both take.
    """

    figure: Callable[..., Any]
    data: Callable[[Any], pd.DataFrame]
    result: type


FIGURES: dict[str, FigureEntry] = {
    "accuracy": FigureEntry(accuracy_figure, accuracy_data, AccuracyResult),
    "activation_share": FigureEntry(activation_share_figure, activation_share_data, ActivationShareResult),
    "attention": FigureEntry(attention_figure, attention_data, AttentionResult),
    "attribution": FigureEntry(attribution_figure, attribution_data, AttributionResult),
    "calibration": FigureEntry(calibration_figure, calibration_data, CalibrationResult),
    "confusion": FigureEntry(confusion_figure, confusion_data, ConfusionResult),
    "confusion_series": FigureEntry(confusion_series_figure, confusion_series_data, ConfusionSeriesResult),
    "cost": FigureEntry(cost_figure, cost_data, CostResult),
    "durations": FigureEntry(durations_figure, durations_data, DurationsResult),
    "embedding": FigureEntry(embedding_figure, embedding_data, EmbeddingResult),
    "faithfulness": FigureEntry(faithfulness_figure, faithfulness_data, FaithfulnessResult),
    "gallery": FigureEntry(gallery_figure, gallery_data, GalleryResult),
    "grid": FigureEntry(grid_figure, grid_data, GridResult),
    "learning": FigureEntry(learning_figure, learning_data, LearningResult),
    "reliability": FigureEntry(reliability_figure, reliability_data, ReliabilityResult),
    "robustness": FigureEntry(robustness_figure, robustness_data, RobustnessResult),
    "score_change": FigureEntry(score_change_figure, score_change_data, ScoreChangeResult),
    "sensitivity": FigureEntry(sensitivity_figure, sensitivity_data, SensitivityResult),
    "spectrogram": FigureEntry(spectrogram_figure, spectrogram_data, TimeFrequencyMap),
    "trajectory": FigureEntry(trajectory_figure, trajectory_data, TrajectoryResult),
    "trust": FigureEntry(trust_figure, trust_data, TrustResult),
    "votes": FigureEntry(votes_figure, votes_data, VoteResult),
}


def find_figure(name: str, result: Any) -> FigureEntry:
    """Return the entry of figure `name`, once it is clear that it takes `result`.

    Raises
    ------
    OptionError
        When no figure has this name, or it draws another kind of result.
    """
    if name not in FIGURES:
        raise OptionError("figure", f"{name!r} is not a figure", f"choose one of {', '.join(FIGURES)}")
    entry = FIGURES[name]
    if not isinstance(result, entry.result):
        cause = f"it draws {entry.result.__name__}, not {type(result).__name__}"
        raise OptionError(f"figure {name!r}", cause, "give the result of the matching analysis")
    return entry


def draw(name: str, result: Any, *, hand: Hand = "plotly", **options: Any) -> Any:
    """Draw figure `name`.

    Parameters
    ----------
    name : str
        A key of `FIGURES`.
    result : dataclass
        Of the type that the figure takes.
    hand : {"plotly", "print"}
    **options
        The figure's own keywords, e.g. `color_range`.

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the name, the result or an option does not fit.
    """
    entry = find_figure(name, result)
    check_options(name, options)
    return entry.figure(result, hand=hand, **options)


def check_options(name: str, options: dict[str, Any]) -> None:
    """Raise `OptionError` when figure `name` does not have one of `options`."""
    entry = FIGURES[name]
    known = [option for option in list(inspect.signature(entry.figure).parameters)[1:] if option != "hand"]
    for option in options:
        if option not in known:
            choice = f"choose among {', '.join(known)}" if known else "leave it out: this figure has no options"
            raise OptionError(f"figure {name!r}", f"it has no option {option!r}", choice)
