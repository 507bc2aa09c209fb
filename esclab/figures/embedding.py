"""Embedding: where clips lie in a network's own space, as points in a plane, after one or more epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.methods import check_names, check_table
from esclab.figures.text import class_words, shorten
from esclab.figures.theme import COLOURS, PLOTLY_MARKERS, PRINT_MARKERS, Hand, choose_hand
from esclab.results import EmbeddingResult

COLUMNS = ["epoch", "clip", "x", "y", "class_name", "predicted", "correct", "fold"]
METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
COLOR_BY = ("class_name", "fold", "correct")
MARGIN = 0.06
WRONG = "wrong answer"


@dataclass(frozen=True)
class PointGroup:
    """Points that share a colour and a marker.

    Attributes
    ----------
    name : str
    colour, plotly_marker, print_marker : str
    member : ndarray of bool, shape (row,)
        Which rows of the table belong to it.
    """

    name: str
    colour: str
    plotly_marker: str
    print_marker: str
    member: np.ndarray


def embedding_figure(
    result: EmbeddingResult, *, color_by: str = "class_name", columns: int = 4, hand: Hand = "plotly"
) -> Any:
    """Draw clips as points in a plane, one colour and marker a class, with a ring around each wrong answer.

    On paper each epoch has a panel; on the screen a slider and a play button go through the epochs. All epochs share
    their axes, which have no unit: only who lies near whom counts. The title gives the silhouette and the purity of
    the classes, measured in the network's own space.

    Parameters
    ----------
    result : EmbeddingResult
    color_by : {"class_name", "fold", "correct"}
        What a point's colour and marker stand for.
    columns : int
        Panels in a row, on paper.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the table lacks a column or row, a point is not finite, a class is not among the result's, or an option is
        unknown.
    """
    from esclab.figures.embedding_plotly import draw_plotly
    from esclab.figures.embedding_print import draw_print

    check_table("EmbeddingResult.table", result.table, COLUMNS)
    check_names("EmbeddingResult.table, class_name", result.table["class_name"], result.class_names)
    if color_by not in COLOR_BY:
        raise OptionError("color_by", f"{color_by!r} is no choice", f"choose among {', '.join(COLOR_BY)}")
    if not np.isfinite(result.table[["x", "y"]].to_numpy(float)).all():
        raise OptionError("EmbeddingResult.table", "a point is not finite", "look whether the training diverged")
    groups = _group_points(result, color_by)
    draw = choose_hand(hand, plotly=draw_plotly, paper=draw_print)
    return draw(result, groups, columns=columns, rings=color_by != "correct")


def embedding_data(result: EmbeddingResult) -> pd.DataFrame:
    """Return one row an epoch and clip: the points (`x`, `y`), classes and answers, and the epoch's quality."""
    quality = result.quality.reindex(columns=["epoch", "silhouette", "purity", "accuracy"])
    return result.table[COLUMNS].merge(quality, on="epoch", how="left")


def list_epochs(result: EmbeddingResult) -> list[int]:
    """Return the epochs that have points, rising."""
    return sorted(set(result.table["epoch"].tolist()))


def find_limits(result: EmbeddingResult) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return (lowest, highest) x and y over all epochs, equally wide, so that distances compare."""
    ends = [(float(result.table[axis].min()), float(result.table[axis].max())) for axis in ("x", "y")]
    half = max(max(high - low for low, high in ends) / 2 * (1 + 2 * MARGIN), 1e-9)
    x, y = (((low + high) / 2 - half, (low + high) / 2 + half) for low, high in ends)
    return x, y


def title_axes(result: EmbeddingResult) -> tuple[str, str]:
    """Return the titles of the two axes."""
    method = METHODS.get(result.method, shorten(result.method, 12))
    return f"{method} 1", f"{method} 2"


def write_quality(result: EmbeddingResult, epoch: int) -> list[str]:
    """Return what is known of an epoch in words: accuracy, silhouette and purity; unknown ones are left out."""
    rows = result.quality[result.quality["epoch"] == epoch]
    if rows.empty:
        return []
    row = rows.iloc[0]
    words = {
        "accuracy": lambda value: f"{value * 100:.0f} % right",
        "silhouette": lambda value: f"silhouette {value:.2f}".replace("-", "\u2212"),
        "purity": lambda value: f"purity {value * 100:.0f} %",
    }
    return [write(row[name]) for name, write in words.items() if name in row and np.isfinite(row[name])]


def title_embedding(result: EmbeddingResult) -> str:
    """Return the figure's title: the label, or the model and its layer."""
    model = ", ".join(part for part in (result.model, result.layer) if part)
    return shorten(result.label or model or "Embedding", 90)


def _group_points(result: EmbeddingResult, color_by: str) -> list[PointGroup]:
    """Return the groups that have a point; a class keeps its colour whichever other classes are there."""
    column = result.table[color_by]
    if color_by == "correct":
        right = column.to_numpy(bool)
        members = [("right answer", 0, right), (WRONG, 1, ~right)]
    elif color_by == "fold":
        folds = sorted(set(column.tolist()))
        members = [(f"fold {fold}", i, (column == fold).to_numpy()) for i, fold in enumerate(folds)]
    else:
        names = dict.fromkeys(result.class_names)
        members = [(class_words(name), i, (column == name).to_numpy()) for i, name in enumerate(names)]
    return [
        PointGroup(
            name,
            COLOURS[i % len(COLOURS)],
            PLOTLY_MARKERS[i % len(PLOTLY_MARKERS)],
            PRINT_MARKERS[i % len(PRINT_MARKERS)],
            member,
        )
        for name, i, member in members
        if member.any()
    ]
