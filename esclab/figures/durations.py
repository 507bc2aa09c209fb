"""Durations: how many clips of each class are shorter than a limit, and how many are not."""

from __future__ import annotations

from typing import Any

import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import class_words, plotly_text, shorten
from esclab.figures.theme import (
    PALE_COLOURS,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import DurationsResult

X_TITLE, Y_TITLE = "Clips (count)", "Class"
SHORT_COLOUR, OTHER_COLOUR = "#0072B2", PALE_COLOURS[1]


def durations_figure(result: DurationsResult, *, hand: Hand = "plotly") -> Any:
    """Draw one bar a class: clips shorter than the limit (hatched), then all others.

    Parameters
    ----------
    result : DurationsResult
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the result holds no class, or `hand` is unknown.

    Notes
    -----
    SpectroMaskNet, Figure 7.
    """
    if result.table.empty:
        raise OptionError("DurationsResult.table", "it holds no class", "give at least one")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result)


def durations_data(result: DurationsResult) -> pd.DataFrame:
    """Return one row a class: `class_name`, `shorter`, `other`, `shortest_s`, `median_s`, `longest_s`, `limit_s`."""
    columns = ["class_name", "shorter", "other", "shortest_s", "median_s", "longest_s"]
    return result.table[columns].assign(limit_s=result.limit_s).reset_index(drop=True)


def _keys(result: DurationsResult) -> tuple[str, str]:
    return f"shorter than {result.limit_s:g} s", f"{result.limit_s:g} s or longer"


def _draw_plotly(result: DurationsResult) -> Any:
    import plotly.graph_objects as go

    table, places = result.table, list(range(len(result.table)))
    names = [plotly_text(class_words(name), 24) for name in table["class_name"]]
    spans = table[["shortest_s", "median_s", "longest_s"]].round(3).to_numpy()
    looks: list[dict[str, Any]] = [
        {"color": SHORT_COLOUR, "pattern": {"shape": "/", "fillmode": "overlay", "fgcolor": "white"}},
        {"color": OTHER_COLOUR},
    ]
    figure = go.Figure()
    for column, key, look in zip(("shorter", "other"), _keys(result), looks, strict=True):
        figure.add_bar(
            x=table[column].to_numpy(),
            y=places,
            orientation="h",
            name=key,
            marker=look,
            text=names,
            textposition="none",
            customdata=spans,
            hovertemplate=f"%{{text}}<br>%{{x}} clips {key}<br>%{{customdata[0]}} to %{{customdata[2]}} s, "
            "median %{customdata[1]} s<extra></extra>",
        )
    figure.update_xaxes(title_text=X_TITLE)
    figure.update_yaxes(
        title_text=Y_TITLE, tickvals=places, ticktext=names, range=[len(places) - 0.5, -0.5], showgrid=False
    )
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(result.label or "Durations of the clips", 90),
        barmode="stack",
        height=200 + 20 * len(places),
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
    )
    return figure


def _draw_print(result: DurationsResult) -> Any:
    table, places = result.table, range(len(result.table))
    short, other = _keys(result)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 1.1 + 0.14 * len(places))
        axes = figure.subplots()
        axes.barh(places, table["shorter"], 0.8, color=SHORT_COLOUR, hatch="////", edgecolor="white", lw=0, label=short)
        axes.barh(places, table["other"], 0.8, left=table["shorter"], color=OTHER_COLOUR, label=other)
        axes.set_yticks(places, [shorten(class_words(name), 24) for name in table["class_name"]])
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.grid(True, axis="x")
        axes.set(xlabel=X_TITLE, ylabel=Y_TITLE)
        figure.legend(loc="outside lower center", ncols=2)
        figure.suptitle(shorten(result.label or "Durations of the clips", 90), x=0.01, ha="left")
    return figure
