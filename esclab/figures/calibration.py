"""Reliability diagram: how often a model is right at the confidence that it states, and how many clips say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    ACCENT,
    ONE_COLUMN_IN,
    SOFT_INK,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import CalibrationResult

X_TITLE, Y_TITLE, COUNT_TITLE = "Confidence (%)", "Accuracy (%)", "Clips (count)"
PALE = "#a9cde6"
MOST_BINS_WITH_COUNTS = 12


def calibration_figure(result: CalibrationResult, *, hand: Hand = "plotly") -> Any:
    """Draw accuracy against confidence, with the line of a perfectly calibrated model and the clips of each bin.

    Parameters
    ----------
    result : CalibrationResult
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the result has no bin, or `hand` is unknown.
    """
    if result.bins.empty:
        raise OptionError("CalibrationResult.bins", "it holds no bin", "give at least one row")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result)


def calibration_data(result: CalibrationResult) -> pd.DataFrame:
    """Return one row a bin: `low`, `high`, `confidence`, `accuracy`, `count`, and the whole's `ece`; rates in 0..1."""
    columns = ["low", "high", "confidence", "accuracy", "count"]
    return result.bins[columns].reset_index(drop=True).assign(ece=result.ece)


def _title(result: CalibrationResult) -> tuple[str, str]:
    clips = int(result.bins["count"].sum())
    title = shorten(result.label or "Calibration", 60)
    return title, f"{clips} clips, expected calibration error {result.ece * 100:.1f} %"


def percent_bins(result: CalibrationResult) -> dict[str, np.ndarray]:
    """Return the bins in %, with their `centre` and `width`, and `count` as whole numbers."""
    bins = {name: result.bins[name].to_numpy(float) * 100 for name in ("low", "high", "confidence", "accuracy")}
    bins["centre"], bins["width"] = (bins["low"] + bins["high"]) / 2, bins["high"] - bins["low"]
    return bins | {"count": result.bins["count"].fillna(0).to_numpy(int)}


def build_traces(result: CalibrationResult) -> tuple[list[Any], Any]:
    """Return plotly's traces of one model: bars, diagonal and dots for the upper panel, and the counts below."""
    import plotly.graph_objects as go

    bins = percent_bins(result)
    hover = np.column_stack([bins["low"], bins["high"], bins["count"], bins["confidence"]])
    bars = go.Bar(
        x=bins["centre"],
        y=bins["accuracy"],
        width=bins["width"],
        customdata=hover,
        name="accuracy in the bin",
        marker={"color": PALE, "line": {"color": "white", "width": 1}},
        hovertemplate="confidence %{customdata[0]:.0f} to %{customdata[1]:.0f} %<br>right %{y:.1f} %"
        "<br>%{customdata[2]} clips<extra></extra>",
    )
    diagonal = go.Scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name="perfect calibration",
        line={"color": SOFT_INK, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    dots = go.Scatter(
        x=bins["confidence"],
        y=bins["accuracy"],
        customdata=hover,
        mode="lines+markers",
        name="mean confidence of the bin",
        line={"color": ACCENT, "width": 2},
        marker={"size": 9},
        hovertemplate="stated %{x:.1f} %<br>right %{y:.1f} %<br>%{customdata[2]} clips<extra></extra>",
    )
    counts = go.Bar(
        x=bins["centre"],
        y=bins["count"],
        width=bins["width"],
        name="clips",
        showlegend=False,
        marker={"color": SOFT_INK, "line": {"color": "white", "width": 1}},
        text=[str(count) for count in bins["count"]] if len(result.bins) <= MOST_BINS_WITH_COUNTS else None,
        textposition="outside",
        cliponaxis=False,
        customdata=hover,
        hovertemplate="confidence %{customdata[0]:.0f} to %{customdata[1]:.0f} %<br>%{y} clips<extra></extra>",
    )
    return [bars, diagonal, dots], counts


def _draw_plotly(result: CalibrationResult) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.05)
    upper, counts = build_traces(result)
    for trace in upper:
        figure.add_trace(trace, row=1, col=1)
    figure.add_trace(counts, row=2, col=1)
    figure.update_xaxes(range=[0, 100])
    figure.update_xaxes(title_text=X_TITLE, row=2, col=1)
    figure.update_yaxes(title_text=Y_TITLE, range=[0, 101], row=1, col=1)
    top = max(1, percent_bins(result)["count"].max()) * 1.2
    figure.update_yaxes(title_text=COUNT_TITLE, range=[0, top], row=2, col=1)
    title, subtitle = _title(result)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 60), "subtitle": {"text": subtitle}},
        legend={"x": 0.02, "y": 0.99, "yanchor": "top"},
        width=640,
        height=640,
        margin={"t": 90},
    )
    return figure


def draw_bins(upper: Any, lower: Any, result: CalibrationResult, *, write_counts: bool = True) -> None:
    """Draw one model into matplotlib axes: accuracy against confidence above, clips of each bin below."""
    bins = percent_bins(result)
    upper.bar(
        bins["centre"],
        np.nan_to_num(bins["accuracy"]),
        bins["width"],
        color=PALE,
        ec="white",
        label="accuracy in the bin",
    )
    upper.plot([0, 100], [0, 100], color=SOFT_INK, linestyle=(0, (4, 2)), label="perfect calibration")
    upper.plot(bins["confidence"], bins["accuracy"], "o-", color=ACCENT, label="mean confidence of the bin")
    upper.set(ylim=(0, 101), xlim=(0, 100))
    bars = lower.bar(bins["centre"], bins["count"], bins["width"], color=SOFT_INK, ec="white")
    if write_counts and len(result.bins) <= MOST_BINS_WITH_COUNTS:
        lower.bar_label(bars, padding=1)
    lower.set(xlabel=X_TITLE, ylim=(0, max(1, bins["count"].max()) * 1.3))


def _draw_print(result: CalibrationResult) -> Any:
    with print_style():
        figure = new_print_figure(ONE_COLUMN_IN, 3.9)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        draw_bins(upper, lower, result)
        upper.set_ylabel(Y_TITLE)
        upper.legend(loc="upper left", borderaxespad=0.2)
        lower.set_ylabel(COUNT_TITLE)
        figure.align_ylabels()
        upper.set_title("\n".join(_title(result)))
    return figure
