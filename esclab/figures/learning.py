"""Learning curves: loss and accuracy against iteration, for one or more runs."""

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
    SOFT_INK,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import LearningResult

X_TITLE = "Iteration (mini-batches)"
PANELS = (("loss", "Loss (nats)", 1.0), ("accuracy", "Accuracy (%)", 100.0))
MARKERS_PER_LINE = 8


def learning_figure(result: LearningResult, *, hand: Hand = "plotly") -> Any:
    """Draw loss and accuracy against iteration: training dashed, the held-out part solid, one colour and marker a run.

    Parameters
    ----------
    result : LearningResult
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the result holds no run, or `hand` is unknown.
    """
    if not result.histories:
        raise OptionError("LearningResult.histories", "it holds no run", "give at least one history")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result)


def learning_data(result: LearningResult) -> pd.DataFrame:
    """Return one row a run, epoch and part: `run`, `epoch`, `iteration`, `part`, `loss`, `accuracy` (0..1).

    `part` is "train" or the result's `valid_name`; epochs at which a part was not measured have no row.
    """
    columns = ["run", "epoch", "iteration", "part", "loss", "accuracy"]
    parts = []
    for run, history in result.histories.items():
        for prefix, part in (("train", "train"), ("valid", result.valid_name)):
            table = history.reindex(columns=["epoch", "iteration", f"{prefix}_loss", f"{prefix}_accuracy"])
            table.columns = ["epoch", "iteration", "loss", "accuracy"]
            table = table.dropna(subset=["loss", "accuracy"], how="all")
            parts.append(table.assign(run=run, part=part)[columns])
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def _title(result: LearningResult) -> str:
    runs = list(result.histories)
    return f"Learning: {shorten(runs[0], 60)}" if len(runs) == 1 else f"Learning of {len(runs)} runs"


def _select(data: pd.DataFrame, run: str, part: str, quantity: str) -> pd.DataFrame:
    rows = data[(data["run"] == run) & (data["part"] == part)]
    return rows[["iteration", "epoch", quantity]].dropna(subset=[quantity])


def _draw_plotly(result: LearningResult) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    data = learning_data(result)
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    for part, dash in ((result.valid_name, "solid"), ("train", "dash")):
        key = go.Scatter(x=[None], y=[None], mode="lines", line={"color": SOFT_INK, "dash": dash, "width": 2})
        figure.add_trace(key.update(name=plotly_text(part), hoverinfo="skip", legend="legend2"), row=1, col=1)
    for i, run in enumerate(result.histories):
        line, symbol = {"color": COLOURS[i % len(COLOURS)], "width": 2}, PLOTLY_MARKERS[i % len(PLOTLY_MARKERS)]
        key = go.Scatter(x=[None], y=[None], mode="lines+markers", line=line, marker={"symbol": symbol, "size": 8})
        figure.add_trace(key.update(name=plotly_text(run), legendgroup=str(i)), row=1, col=1)
        for column, (quantity, _, factor) in enumerate(PANELS, start=1):
            for part, dash in (("train", "dash"), (result.valid_name, "solid")):
                rows = _select(data, run, part, quantity)
                value = ".4f" if quantity == "loss" else ".1f"
                unit = "nats" if quantity == "loss" else "%"
                trace = go.Scatter(
                    x=rows["iteration"].to_numpy(),
                    y=rows[quantity].to_numpy(dtype=float) * factor,
                    customdata=rows["epoch"].to_numpy(),
                    mode="lines+markers",
                    name=plotly_text(run),
                    legendgroup=str(i),
                    showlegend=False,
                    opacity=0.75 if part == "train" else 1.0,
                    line=line | {"dash": dash},
                    marker={"symbol": symbol, "size": 8, "maxdisplayed": MARKERS_PER_LINE},
                    hovertemplate=f"iteration %{{x}}, epoch %{{customdata}}<br>{plotly_text(part)} {quantity} "
                    f"%{{y:{value}}} {unit}<extra>%{{fullData.name}}</extra>",
                )
                figure.add_trace(trace, row=1, col=column)
    for column, (_, y_title, _) in enumerate(PANELS, start=1):
        figure.update_xaxes(title_text=X_TITLE, rangemode="tozero", row=1, col=column)
        figure.update_yaxes(title_text=y_title, rangemode="tozero", row=1, col=column)
    figure.update_yaxes(range=[0, 101], row=1, col=2)
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(_title(result), 80),
        height=420,
        legend={"orientation": "v", "x": 1.02, "y": 0.8, "yanchor": "top"},
        legend2={"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top", "itemclick": False},
    )
    return figure


def _draw_print(result: LearningResult) -> Any:
    from matplotlib.lines import Line2D

    data = learning_data(result)
    runs = list(result.histories)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 2.6 + 0.14 * ((len(runs) + 4) // 3))
        for axes, (quantity, y_title, factor) in zip(figure.subplots(1, 2), PANELS, strict=True):
            for i, run in enumerate(runs):
                for part, dash in (("train", (0, (4, 1.5))), (result.valid_name, "-")):
                    rows = _select(data, run, part, quantity)
                    axes.plot(
                        rows["iteration"],
                        rows[quantity].to_numpy(dtype=float) * factor,
                        linestyle=dash,
                        color=COLOURS[i % len(COLOURS)],
                        alpha=0.75 if part == "train" else 1.0,
                        marker=PRINT_MARKERS[i % len(PRINT_MARKERS)],
                        markevery=max(1, int(np.ceil(len(rows) / MARKERS_PER_LINE))),
                    )
            axes.set(xlabel=X_TITLE, ylabel=y_title)
            axes.set_ylim(0, 101 if quantity == "accuracy" else None)
            axes.set_xlim(0, None)
            axes.grid(True)
        keys = [
            Line2D([], [], color=SOFT_INK, linestyle="-"),
            Line2D([], [], color=SOFT_INK, linestyle=(0, (4, 1.5))),
        ]
        keys += [
            Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=PRINT_MARKERS[i % len(PRINT_MARKERS)])
            for i in range(len(runs))
        ]
        names = [shorten(result.valid_name), "train", *(shorten(run, 40) for run in runs)]
        figure.legend(keys, names, loc="outside lower center", ncols=min(3, len(names)), handlelength=3)
        figure.suptitle(_title(result), x=0.01, ha="left")
    return figure
