"""Trajectory: numbers that a network learns, such as a branch's weight, against the steps of its training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    COLOURS,
    PLOTLY_MARKERS,
    PRINT_MARKERS,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import TrajectoryResult

X_TITLE = "Iteration (mini-batches)"
MARKERS_PER_LINE = 8
PLOTLY_DASHES = ("solid", "dash", "dot", "dashdot")
PRINT_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1.5, 1, 1.5)))
MOST_POINTS = 2_000  # of a line; more are thinned evenly, the last one stays


def trajectory_figure(result: TrajectoryResult, *, hand: Hand = "plotly") -> Any:
    """Draw each panel's numbers against the step: one colour and marker a line, the run's name in the key.

    A panel whose bounds are known shows all of them. Lines of more than 2,000 steps are thinned.

    Parameters
    ----------
    result : TrajectoryResult
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the result holds no number, or `hand` is unknown.

    Notes
    -----
    SpectroMaskNet, Figures 5 and 10.
    """
    if result.table.empty:
        raise OptionError("TrajectoryResult.table", "it holds no number", "give at least one step")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result)


def trajectory_data(result: TrajectoryResult) -> pd.DataFrame:
    """Return one row a run, number and step: `run`, `panel`, `line`, `iteration`, `value`."""
    return result.table[["run", "panel", "line", "iteration", "value"]].reset_index(drop=True)


def _split_lines(result: TrajectoryResult) -> list[tuple[str, str, int, pd.DataFrame]]:
    """Return panel, name, the name's number and thinned rows of every line; several runs are told by name."""
    several = len(set(result.table["run"])) > 1
    names: dict[str, int] = {}
    lines = []
    for (panel, run, line), rows in result.table.groupby(["panel", "run", "line"], sort=False):
        name = f"{run}: {line}" if several else str(line)
        number = names.setdefault(name, len(names))
        step = int(np.ceil(len(rows) / MOST_POINTS))
        lines.append((str(panel), name, number, rows.iloc[::-step].iloc[::-1]))
    return lines


def _panels(result: TrajectoryResult) -> list[str]:
    return [str(panel) for panel in result.table["panel"].unique()]


def _title(result: TrajectoryResult) -> str:
    return result.label or "Learned numbers over training"


def _draw_plotly(result: TrajectoryResult) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    panels, shown = _panels(result), set()
    figure = make_subplots(rows=1, cols=len(panels), horizontal_spacing=0.12 / max(1, len(panels) - 1))
    for panel, name, number, rows in _split_lines(result):
        trace = go.Scatter(
            x=rows["iteration"].to_numpy(),
            y=rows["value"].to_numpy(dtype=float),
            mode="lines+markers",
            name=plotly_text(name, 60),
            legendgroup=str(number),
            showlegend=number not in shown,
            line={"color": COLOURS[number % len(COLOURS)], "width": 2, "dash": PLOTLY_DASHES[number % 4]},
            marker={"symbol": PLOTLY_MARKERS[number % 8], "size": 8, "maxdisplayed": MARKERS_PER_LINE},
            hovertemplate="iteration %{x}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
        )
        shown.add(number)
        figure.add_trace(trace, row=1, col=1 + panels.index(panel))
    for column, panel in enumerate(panels, start=1):
        figure.update_xaxes(title_text=X_TITLE, rangemode="tozero", row=1, col=column)
        bounds = result.bounds.get(panel)
        figure.update_yaxes(title_text=plotly_text(panel, 60), range=bounds, row=1, col=column)
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(_title(result), 90),
        height=420,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
    )
    return figure


def _draw_print(result: TrajectoryResult) -> Any:
    panels = _panels(result)
    with print_style():
        lines = _split_lines(result)
        keys: dict[str, Any] = {}
        figure = new_print_figure(TWO_COLUMNS_IN, 2.6 + 0.14 * ((len({name for _, name, _, _ in lines}) + 2) // 3))
        axes_of = dict(zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True))
        for panel, name, number, rows in lines:
            (keys[name],) = axes_of[panel].plot(
                rows["iteration"],
                rows["value"],
                color=COLOURS[number % len(COLOURS)],
                linestyle=PRINT_DASHES[number % 4],
                marker=PRINT_MARKERS[number % 8],
                markevery=max(1, int(np.ceil(len(rows) / MARKERS_PER_LINE))),
            )
        for panel, axes in axes_of.items():
            axes.set(xlabel=X_TITLE, ylabel=shorten(panel, 60))
            axes.set_xlim(0, None)
            axes.set_ylim(*result.bounds.get(panel, (None, None)))
            axes.grid(True)
        names = [shorten(name, 40) for name in keys]
        figure.legend(list(keys.values()), names, loc="outside lower center", ncols=min(3, len(names)), handlelength=3)
        figure.suptitle(shorten(_title(result), 90), x=0.01, ha="left")
    return figure
