"""Reliability: calibration of several models, or of one under several conditions, side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from esclab.errors import OptionError
from esclab.figures.calibration import (
    COUNT_TITLE,
    X_TITLE,
    Y_TITLE,
    build_traces,
    calibration_data,
    draw_bins,
    percent_bins,
)
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import ReliabilityResult

COUNT_ROOM = 1.35
LETTERS_IN_A_ROW = 112
MOST_PANELS, MOST_PANELS_WITH_COUNTS = 4, 3


def reliability_figure(result: ReliabilityResult, *, hand: Hand = "plotly") -> Any:
    """Draw one reliability diagram a curve side by side, with shared axes and the clips of each bin below.

    Parameters
    ----------
    result : ReliabilityResult
        At most four curves.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When there is no curve, or more than four, a curve has no bin, or `hand` is unknown.
    """
    if not 0 < len(result.curves) <= MOST_PANELS:
        cause = f"it holds {len(result.curves)} curves"
        raise OptionError("ReliabilityResult.curves", cause, f"give one to {MOST_PANELS}")
    for curve in result.curves:
        if curve.bins.empty:
            raise OptionError(f"CalibrationResult {curve.label!r}", "it holds no bin", "give at least one row")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result)


def reliability_data(result: ReliabilityResult) -> pd.DataFrame:
    """Return one row a curve and bin: `curve`, `low`, `high`, `confidence`, `accuracy`, `count`, `ece`; in 0..1."""
    tables = [calibration_data(curve).assign(curve=curve.label) for curve in result.curves]
    data = pd.concat(tables, ignore_index=True)
    return data[["curve", "low", "high", "confidence", "accuracy", "count", "ece"]]


def _title_panels(result: ReliabilityResult) -> list[tuple[str, str]]:
    """Return the two lines over each panel: its label, and its expected calibration error."""
    longest = LETTERS_IN_A_ROW // max(len(result.curves), 2)
    return [(shorten(curve.label, longest), f"ECE {curve.ece * 100:.1f} %") for curve in result.curves]


def _find_top(result: ReliabilityResult) -> float:
    return max(1, *(int(percent_bins(curve)["count"].max()) for curve in result.curves)) * COUNT_ROOM


def _title(result: ReliabilityResult) -> tuple[str, str]:
    return shorten(result.label or "Reliability", 90), "ECE: expected calibration error"


def _draw_plotly(result: ReliabilityResult) -> Any:
    from plotly.subplots import make_subplots

    panels = len(result.curves)
    titles = [f"<b>{plotly_text(name, 60)}</b><br>{ece}" for name, ece in _title_panels(result)]
    figure = make_subplots(
        rows=2,
        cols=panels,
        shared_xaxes="all",
        shared_yaxes="rows",
        row_heights=[0.74, 0.26],
        vertical_spacing=0.05,
        horizontal_spacing=0.13 / panels,
        subplot_titles=titles,
    )
    for col, curve in enumerate(result.curves, start=1):
        upper, counts = build_traces(curve)
        for number, trace in enumerate(upper):
            trace.update(legendgroup=str(number), showlegend=col == 1)
            figure.add_trace(trace, row=1, col=col)
        counts.update(textangle=0, textfont_size=12, text=counts.text if panels <= MOST_PANELS_WITH_COUNTS else None)
        figure.add_trace(counts, row=2, col=col)
        figure.update_xaxes(title_text=X_TITLE, row=2, col=col)
    figure.update_xaxes(range=[0, 100], dtick=20 if panels <= 3 else 50)
    figure.update_yaxes(range=[0, 101], row=1)
    figure.update_yaxes(range=[0, _find_top(result)], row=2)
    figure.update_yaxes(title_text=Y_TITLE, row=1, col=1)
    figure.update_yaxes(title_text=COUNT_TITLE, row=2, col=1)
    title, key = _title(result)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": key}},
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
        width=640 if panels == 1 else None,
        height=560,
        margin={"t": 120, "b": 110},
    )
    return figure


def _draw_print(result: ReliabilityResult) -> Any:
    panels = len(result.curves)
    width_in = TWO_COLUMNS_IN if panels > 1 else ONE_COLUMN_IN
    with print_style():
        figure = new_print_figure(width_in, 1.9 + min(2.2, width_in / panels))
        grid = figure.subplots(2, panels, sharex=True, sharey="row", height_ratios=[2.6, 1], squeeze=False)
        for (upper, lower), curve, title in zip(grid.T, result.curves, _title_panels(result), strict=True):
            draw_bins(upper, lower, curve, write_counts=panels <= MOST_PANELS_WITH_COUNTS)
            upper.set_title("\n".join(title))
        grid[1, 0].set_ylim(0, _find_top(result))
        grid[0, 0].set_ylabel(Y_TITLE)
        grid[1, 0].set_ylabel(COUNT_TITLE)
        figure.align_ylabels()
        keys, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(keys, names, loc="outside lower center", ncols=len(keys) if width_in > ONE_COLUMN_IN else 1)
        figure.suptitle("\n".join(_title(result)), x=0.01, ha="left")
    return figure
