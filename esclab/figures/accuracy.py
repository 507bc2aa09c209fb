"""Accuracy of several models: a dot and its interval for each, the folds as small dots, and the line of chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    ACCENT,
    SOFT_INK,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import AccuracyResult

X_TITLE, Y_TITLE = "Accuracy (%)", "Model"
FOLDS_FROM, FOLDS_TO = 0.16, 0.36


def accuracy_figure(
    result: AccuracyResult, *, accuracy_range: tuple[float, float] = (0.0, 1.0), hand: Hand = "plotly"
) -> Any:
    """Draw one row a model: its mean accuracy with its interval, and below it one small dot a fold and seed.

    Parameters
    ----------
    result : AccuracyResult
    accuracy_range : (float, float)
        Ends of the axis, in 0..1; the whole by default, so that nobody takes a part of it for all.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the table has no model, the range does not rise within 0..1, or `hand` is unknown.
    """
    if result.table.empty:
        raise OptionError("AccuracyResult.table", "it holds no model", "give at least one row")
    low, high = accuracy_range
    if not 0 <= low < high <= 1:
        cause = f"({low:g}, {high:g}) does not rise within 0 and 1"
        raise OptionError("accuracy_range", cause, "give (lowest, highest), e.g. (0.5, 1)")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, (low, high))


def accuracy_data(result: AccuracyResult) -> pd.DataFrame:
    """Return one row a dot: `model`, `kind`, `fold`, `seed`, `accuracy`, `low`, `high`, rates in 0..1.

    `kind` is "mean", "fold" or "chance" (model ""); `low` and `high` bound a mean's interval.
    """
    means = result.table[["model", "mean", "low", "high"]].rename(columns={"mean": "accuracy"}).assign(kind="mean")
    folds = result.by_fold[["model", "fold", "seed", "accuracy"]].assign(kind="fold")
    chance = pd.DataFrame({"model": [""], "kind": ["chance"], "accuracy": [result.chance]})
    data = pd.concat([part for part in (means, folds, chance) if len(part)], ignore_index=True)
    data = data.reindex(columns=["model", "kind", "fold", "seed", "accuracy", "low", "high"])
    return data.astype({"fold": "Int64", "seed": "Int64"})


def _place_folds(result: AccuracyResult) -> pd.DataFrame:
    """Return the folds with `row`, their place below their model's row; several spread out, in the table's order."""
    rows = {model: i for i, model in enumerate(result.table["model"])}
    folds = result.by_fold[result.by_fold["model"].isin(list(rows))]
    order = folds.groupby("model").cumcount()
    count = folds.groupby("model")["model"].transform("size")
    share: pd.Series = order / np.maximum(count - 1, 1)
    return folds.assign(row=folds["model"].map(rows) + FOLDS_FROM + (FOLDS_TO - FOLDS_FROM) * share)


def _write_value(row: Any) -> str:
    value = f"{row.mean * 100:.1f}"
    return value if np.isnan(row.low + row.high) else f"{value} [{row.low * 100:.1f}, {row.high * 100:.1f}]"


def _rows(result: AccuracyResult) -> list[Any]:
    columns = result.table[["model", "mean", "low", "high"]]
    return list(columns.itertuples(index=False, name="Row"))


def _title(result: AccuracyResult, limits: tuple[float, float]) -> tuple[str, str]:
    """Return the title and the key of what the marks mean."""
    low, high = limits
    chance = f"chance {result.chance * 100:.1f} %" + ("" if low <= result.chance <= high else ", off the axis")
    key = f"Large dot: mean; bar: {result.interval}; small dots: folds; dashed: {chance}"
    return shorten(result.label or "Accuracy", 90), shorten(key, 140)


def _draw_plotly(result: AccuracyResult, limits: tuple[float, float]) -> Any:
    import plotly.graph_objects as go

    rows = _rows(result)
    folds = _place_folds(result)
    mean, low, high = (result.table[name].to_numpy(float) * 100 for name in ("mean", "low", "high"))
    fold_dots = go.Scatter(
        x=folds["accuracy"].to_numpy(float) * 100,
        y=folds["row"].to_numpy(float),
        customdata=folds[["fold", "seed"]].to_numpy(),
        mode="markers",
        name="folds",
        marker={"size": 6, "color": SOFT_INK, "opacity": 0.7},
        hovertemplate="fold %{customdata[0]}, seed %{customdata[1]}<br>%{x:.1f} %<extra></extra>",
    )
    means = go.Scatter(
        x=mean,
        y=np.arange(len(rows)),
        error_x={
            "array": high - mean,
            "arrayminus": mean - low,
            "thickness": 2.5,
            "width": 6,
            "color": ACCENT,
        },
        customdata=[f"{plotly_text(row.model, 60)}<br>{_write_value(row)} %" for row in rows],
        mode="markers",
        name="mean",
        marker={"size": 12, "color": ACCENT},
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure = go.Figure([fold_dots, means])
    figure.add_vline(result.chance * 100, line={"color": SOFT_INK, "width": 1.5, "dash": "dash"})
    for i, row in enumerate(rows):
        figure.add_annotation(x=1.01, xref="paper", y=i, text=_write_value(row), showarrow=False, xanchor="left")
    figure.update_xaxes(title_text=X_TITLE, range=[limits[0] * 100, limits[1] * 100])
    figure.update_yaxes(
        title_text=Y_TITLE,
        tickvals=list(range(len(rows))),
        ticktext=[plotly_text(row.model) for row in rows],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
    )
    title, key = _title(result, limits)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": plotly_text(key, 140)}},
        showlegend=False,
        height=190 + 56 * len(rows),
        margin={"r": 150, "t": 90},
    )
    return figure


def _draw_print(result: AccuracyResult, limits: tuple[float, float]) -> Any:
    rows = _rows(result)
    folds = _place_folds(result)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 0.95 + 0.34 * len(rows))
        axes = figure.subplots()
        axes.axvline(result.chance * 100, color=SOFT_INK, linewidth=0.9, linestyle=(0, (4, 2)))
        axes.scatter(folds["accuracy"] * 100, folds["row"], s=7, color=SOFT_INK, alpha=0.7, linewidths=0)
        for i, row in enumerate(rows):
            axes.plot([row.low * 100, row.high * 100], [i, i], color=ACCENT, linewidth=1.6, solid_capstyle="butt")
            axes.plot(row.mean * 100, i, "o", color=ACCENT, markersize=5)
            axes.annotate(_write_value(row), (1.01, i), xycoords=("axes fraction", "data"), va="center")
        axes.set_yticks(range(len(rows)), [shorten(row.model) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(limits[0] * 100, limits[1] * 100)
        axes.grid(True, axis="x")
        axes.set(xlabel=X_TITLE, ylabel=Y_TITLE)
        title, key = _title(result, limits)
        axes.set_title(f"{title}\n{key}", linespacing=1.4)
    return figure
