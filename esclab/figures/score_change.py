"""Score change: what each model says of a clip before and after a change."""

from __future__ import annotations

from typing import Any

import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import class_words, plotly_text, shorten
from esclab.figures.theme import (
    COLOURS,
    ONE_COLUMN_IN,
    SOFT_INK,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import ScoreChangeResult

X_TITLE = "Score (%)"
COLUMNS = ("model", "class_name", "before", "after")
MOST_CLASSES = 10


def score_change_figure(result: ScoreChangeResult, *, most: int = MOST_CLASSES, hand: Hand = "plotly") -> Any:
    """Draw one panel a model and one row a class: an open marker before, a filled one after, a line between.

    Parameters
    ----------
    result : ScoreChangeResult
    most : int
        The classes shown: those with the highest score of any model, before or after.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When a column is missing, there are no rows, or `most` is below 1.
    """
    missing = [name for name in COLUMNS if name not in result.table.columns]
    if missing or result.table.empty:
        cause = f"column {missing[0]!r} is missing" if missing else "there are no rows"
        raise OptionError("ScoreChangeResult.table", cause, f"give the columns {', '.join(COLUMNS)}")
    if most < 1:
        raise OptionError("most", f"{most} is below 1", "give the number of classes to show, e.g. 10")
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, choose_classes(result, most))


def score_change_data(result: ScoreChangeResult) -> pd.DataFrame:
    """Return one row a model and class: `model`, `class_name`, `before`, `after`, in 0..1."""
    return result.table[list(COLUMNS)].reset_index(drop=True)


def choose_classes(result: ScoreChangeResult, most: int) -> list[str]:
    """Return the classes with the highest scores, in the table's own order."""
    highest = result.table.set_index("class_name")[["before", "after"]].max(axis=1).groupby(level=0, sort=False).max()
    chosen = set(highest.nlargest(most).index)
    return [name for name in dict.fromkeys(result.table["class_name"]) if name in chosen]


def _parts(result: ScoreChangeResult, classes: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """Return each model with its rows of the classes, in per cent, in the order of `classes`."""
    return [
        (str(model), 100 * part.drop_duplicates("class_name").set_index("class_name").loc[classes, ["before", "after"]])
        for model, part in result.table.groupby("model", sort=False)
    ]


def _name(class_name: str, result: ScoreChangeResult) -> str:
    mark = " (true)" if class_name == result.true_class else ""
    return shorten(class_words(class_name), 24) + mark


def _draw_plotly(result: ScoreChangeResult, classes: list[str]) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    parts = _parts(result, classes)
    names = [plotly_text(_name(name, result), 40) for name in classes]
    titles = [plotly_text(model) for model, _ in parts]
    figure = make_subplots(1, len(parts), shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.04)
    for column, (_, part) in enumerate(parts, start=1):
        place = {"row": 1, "col": column}
        ends = [x for before, after in zip(part["before"], part["after"], strict=True) for x in (before, after, None)]
        rows = [y for name in names for y in (name, name, None)]
        line = {"color": SOFT_INK, "width": 1.5}
        figure.add_trace(
            go.Scatter(x=ends, y=rows, mode="lines", line=line, hoverinfo="skip", showlegend=False), **place
        )
        for key, symbol in (("before", "circle-open"), ("after", "circle")):
            marker = {"symbol": symbol, "size": 10, "color": COLOURS[0], "line": {"width": 2}}
            figure.add_trace(
                go.Scatter(
                    x=part[key], y=names, mode="markers", marker=marker, name=key, legendgroup=key,
                    showlegend=column == 1, hovertemplate=f"%{{y}}: %{{x:.1f}} % {key}<extra></extra>",
                ),
                **place,
            )  # fmt: skip
        figure.update_xaxes(title_text=X_TITLE, range=[-3, 103], **place)
    figure.update_yaxes(autorange="reversed", showgrid=True)
    figure.update_layout(
        template=register_template(), title=plotly_text(result.label, 100), height=170 + 26 * len(classes)
    )
    return figure


def _draw_print(result: ScoreChangeResult, classes: list[str]) -> Any:
    parts = _parts(result, classes)
    names = [_name(name, result) for name in classes]
    width = ONE_COLUMN_IN if len(parts) == 1 else TWO_COLUMNS_IN
    with print_style():
        figure = new_print_figure(width, 0.9 + 0.17 * len(classes))
        grid = figure.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (model, part) in zip(grid, parts, strict=True):
            rows = range(len(classes))
            axes.hlines(rows, part["before"], part["after"], color=SOFT_INK, lw=0.9)
            axes.plot(part["before"], rows, "o", mfc="white", color=COLOURS[0], label="before", ms=4.5)
            axes.plot(part["after"], rows, "o", color=COLOURS[0], label="after", ms=4.5)
            axes.set(title=shorten(model), xlabel=X_TITLE, xlim=(-3, 103))
            axes.set_yticks(list(rows), names)
            axes.set_ylim(len(classes) - 0.4, -0.6)
            axes.grid(axis="x")
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        if result.label:
            figure.suptitle(shorten(result.label, 90 if len(parts) > 1 else 45), x=0.01, ha="left")
    return figure
