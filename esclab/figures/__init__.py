"""Figures by name: results in, figure out, in two hands (plotly to explore, matplotlib to print)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from esclab.errors import OptionError
from esclab.figures.accuracy import accuracy_data, accuracy_figure
from esclab.figures.attention import attention_data, attention_figure
from esclab.figures.calibration import calibration_data, calibration_figure
from esclab.figures.confusion import confusion_data, confusion_figure
from esclab.figures.export import export
from esclab.figures.gallery import gallery_data, gallery_figure
from esclab.figures.learning import learning_data, learning_figure
from esclab.figures.spectrogram import spectrogram_data, spectrogram_figure
from esclab.figures.theme import Hand, register_template
from esclab.results import (
    AccuracyResult,
    AttentionResult,
    CalibrationResult,
    ConfusionResult,
    GalleryResult,
    LearningResult,
    TimeFrequencyMap,
)

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
    "attention": FigureEntry(attention_figure, attention_data, AttentionResult),
    "calibration": FigureEntry(calibration_figure, calibration_data, CalibrationResult),
    "confusion": FigureEntry(confusion_figure, confusion_data, ConfusionResult),
    "gallery": FigureEntry(gallery_figure, gallery_data, GalleryResult),
    "learning": FigureEntry(learning_figure, learning_data, LearningResult),
    "spectrogram": FigureEntry(spectrogram_figure, spectrogram_data, TimeFrequencyMap),
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
