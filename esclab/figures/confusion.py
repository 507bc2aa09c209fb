"""Confusion matrix: which class is taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import class_words, plotly_text, shorten
from esclab.figures.theme import (
    GRID,
    PRINT_FONT_PT,
    SCREEN_FONT_PX,
    TWO_COLUMNS_IN,
    WHITE_TEXT_FROM,
    Hand,
    build_color_bar,
    choose_hand,
    new_print_figure,
    print_style,
    rate_colours_for_plotly,
    rate_colours_for_print,
    register_template,
)
from esclab.results import ConfusionResult

MOST_CLASSES_WITH_TEXT = 15
MOST_CLASSES_WITH_COUNTS = 10
X_TITLE, Y_TITLE = "Predicted class", "True class"


def confusion_figure(result: ConfusionResult, *, normalise: bool = True, hand: Hand = "plotly") -> Any:
    """Draw the confusion matrix, true classes as rows and predicted classes as columns; zero cells stay blank.

    Parameters
    ----------
    result : ConfusionResult
    normalise : bool
        Colour each cell by its share of the row, in % of the true class's clips; otherwise by its count.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure
        Grows with the number of classes; cells hold text up to 15 classes.

    Raises
    ------
    OptionError
        When the counts do not fit the class names, or `hand` is unknown.
    """
    classes = len(result.class_names)
    if classes == 0 or result.counts.shape != (classes, classes):
        raise OptionError(
            "ConfusionResult.counts",
            f"shape {result.counts.shape} does not fit {classes} class names",
            "give one row and one column for each class",
        )
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, normalise=normalise)


def confusion_data(result: ConfusionResult) -> pd.DataFrame:
    """Return one row a cell: `true`, `predicted`, `count`, and `rate`, its share of the row (NaN for an empty row)."""
    classes = len(result.class_names)
    names = np.array(result.class_names, dtype=object)
    return pd.DataFrame(
        {
            "true": np.repeat(names, classes),
            "predicted": np.tile(names, classes),
            "count": result.counts.ravel(),
            "rate": _rate_rows(result.counts).ravel(),
        }
    )


def _rate_rows(counts: np.ndarray) -> np.ndarray:
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def _shade_cells(result: ConfusionResult, *, normalise: bool) -> tuple[np.ndarray, float, str]:
    """Return the cells' values (NaN where zero), the top of the colour scale, and its title."""
    shades = _rate_rows(result.counts) * 100 if normalise else result.counts.astype(float)
    top = 100.0 if normalise else float(max(result.counts.max(), 1))
    title = "Share of the true class (%)" if normalise else "Clips (count)"
    return np.where(result.counts > 0, shades, np.nan), top, title


def _write_cells(result: ConfusionResult, *, normalise: bool) -> np.ndarray | None:
    """Return the text of each cell, shape (class, class), or None where there are too many classes to read it."""
    if len(result.class_names) > MOST_CLASSES_WITH_TEXT:
        return None
    counts = np.where(result.counts > 0, result.counts.astype(str), "")
    if not normalise:
        return counts
    rates = np.vectorize(_write_rate, otypes=[object])(np.nan_to_num(_rate_rows(result.counts)))
    if len(result.class_names) <= MOST_CLASSES_WITH_COUNTS:
        rates = rates + np.where(result.counts > 0, " %\n(" + counts.astype(object) + ")", "")
    return np.where(result.counts > 0, rates, "")


def _write_rate(rate: float) -> str:
    return "<1" if 0 < rate < 0.005 else f"{rate * 100:.0f}"


def _title(result: ConfusionResult) -> tuple[str, str]:
    total = int(result.counts.sum())
    right = f", {np.trace(result.counts) / total:.1%} right".replace("%", " %") if total else ""
    return shorten(result.label or "Confusion", 90), f"{total} clips{right}"


def _draw_plotly(result: ConfusionResult, *, normalise: bool) -> Any:
    import plotly.graph_objects as go

    classes = len(result.class_names)
    shades, top, bar_title = _shade_cells(result, normalise=normalise)
    names = np.array([plotly_text(class_words(name)) for name in result.class_names], dtype=object)
    hover = np.empty((classes, classes, 3), dtype=object)
    hover[..., 0], hover[..., 1] = names[:, None], names[None, :]
    hover[..., 2] = [[f"{n} of {row.sum()}" for n in row] for row in result.counts]
    figure = go.Figure(
        go.Heatmap(
            z=shades,
            zmin=0,
            zmax=top,
            colorscale=rate_colours_for_plotly(),
            customdata=hover,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="true %{customdata[0]}<br>predicted %{customdata[1]}<br>%{customdata[2]} clips, "
            "%{z:.3~g}" + (" %" if normalise else " (count)") + "<extra></extra>",
            colorbar=build_color_bar(bar_title),
        )
    )
    text = _write_cells(result, normalise=normalise)
    if text is not None:
        rows, columns = np.nonzero(text != "")
        words = [text[cell].replace("<", "&lt;").replace("\n", "<br>") for cell in zip(rows, columns, strict=True)]
        inks = np.where(shades[rows, columns] >= WHITE_TEXT_FROM * top, "white", "black")
        font = {"size": SCREEN_FONT_PX - 1, "color": inks}
        figure.add_scatter(x=columns, y=rows, mode="text", text=words, textfont=font, hoverinfo="skip")
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(classes)),
        "ticktext": list(names),
        "showgrid": False,
    }
    border = {"mirror": True, "range": [-0.5, classes - 0.5], "constrain": "domain"}
    small = {"tickfont": {"size": 12}, "ticks": ""}
    figure.update_xaxes(title_text=X_TITLE, tickangle=-90 if classes > 15 else -45, **ticks, **border, **small)
    figure.update_yaxes(title_text=Y_TITLE, scaleanchor="x", **ticks, **border, **small)
    figure.update_yaxes(range=[classes - 0.5, -0.5])
    side = max(300, classes * (46 if classes <= MOST_CLASSES_WITH_TEXT else 17))
    title, subtitle = _title(result)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": subtitle}},
        width=side + 290,
        height=side + 230,
    )
    # Faint lines lead the eye along rows of blank cells.
    edges, line = np.arange(0.5, classes - 1), {"color": GRID, "width": 1}
    ends = {"layer": "below", "type": "line", "line": line}
    across = [ends | {"xref": "x domain", "x0": 0, "x1": 1, "y0": edge, "y1": edge} for edge in edges]
    down = [ends | {"yref": "y domain", "y0": 0, "y1": 1, "x0": edge, "x1": edge} for edge in edges]
    figure.update_layout(shapes=across + down)
    return figure


def _draw_print(result: ConfusionResult, *, normalise: bool) -> Any:
    import seaborn as sns

    classes = len(result.class_names)
    shades, top, bar_title = _shade_cells(result, normalise=normalise)
    text = _write_cells(result, normalise=normalise)
    names = [shorten(class_words(name)) for name in result.class_names]
    label_in = 0.062 * max(len(name) for name in names)
    many = classes > MOST_CLASSES_WITH_TEXT
    leaning = 1.0 if many else 0.75
    side_in = _size_matrix(classes, TWO_COLUMNS_IN - label_in - 0.95)
    with print_style():
        figure = new_print_figure(side_in + label_in + 0.95, side_in + leaning * label_in + 0.85)
        axes = figure.subplots()
        sns.heatmap(
            shades,
            ax=axes,
            vmin=0,
            vmax=top,
            cmap=rate_colours_for_print(),
            annot=text if text is not None else False,
            fmt="",
            annot_kws={"fontsize": PRINT_FONT_PT, "linespacing": 1.0},
            square=True,
            linewidths=0.4,
            linecolor=GRID,
            xticklabels=False,
            yticklabels=False,
            cbar_kws={"label": bar_title, "aspect": 32, "pad": 0.02, "shrink": 0.8},
        )
        centres = np.arange(classes) + 0.5
        axes.set_xticks(centres, names, rotation=90 if many else 40, ha="center" if many else "right")
        axes.tick_params(length=0, pad=2)
        if not many:
            for label in axes.get_xticklabels():
                label.set_rotation_mode("anchor")
        axes.set_yticks(centres, names, rotation=0)
        for label in axes.texts:
            column, row = (int(place) for place in label.get_position())
            label.set_color("white" if shades[row, column] >= WHITE_TEXT_FROM * top else "black")
        axes.set(xlabel=X_TITLE, ylabel=Y_TITLE)
        axes.set_title("\n".join(_title(result)))
    return figure


def _size_matrix(classes: int, room_in: float) -> float:
    """Return the side of the printed matrix, in inches: within two columns, as long as the class names have room."""
    liked_in = 0.4 if classes <= MOST_CLASSES_WITH_COUNTS else 0.33 if classes <= MOST_CLASSES_WITH_TEXT else 0.117
    return max(1.7, classes * max(min(liked_in, room_in / classes), PRINT_FONT_PT / 70))
