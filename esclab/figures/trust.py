"""Trust: explanation methods against measures of how far each can be believed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.methods import REFERENCES, check_names, check_table, sort_methods
from esclab.figures.text import shorten
from esclab.figures.theme import Hand, choose_hand
from esclab.results import TrustResult

COLUMNS = ["model", "method", "measure", "mean", "low", "high", "clips"]
BETTER = {"higher": "better →", "lower": "← better", "zero": "best: 0"}
SIDES = {"higher": "right", "lower": "left", "zero": "center"}
Y_TITLE = "Method"
REFERENCE_GAP = 0.6
MODEL_SPREAD = 0.4
MOST_LINES = 6
SIDE_ROOM, EDGE_ROOM = 0.1, 0.08


@dataclass(frozen=True)
class TrustPlan:
    """What stands where.

    Attributes
    ----------
    methods : list of str
        From the top down.
    places : ndarray of shape (method,)
        The row of each; a gap sets the references apart.
    models : list of str
    shifts : ndarray of shape (model,)
        What each model's marks lie below the middle of their row.
    measures : list of (str, str, str)
        Key, title and direction (a key of `BETTER`) of each column.
    """

    methods: list[str]
    places: np.ndarray
    models: list[str]
    shifts: np.ndarray
    measures: list[tuple[str, str, str]]

    @property
    def references_from(self) -> int:
        """The number of the first reference method."""
        return sum(method not in REFERENCES for method in self.methods)


def trust_figure(result: TrustResult, *, order: Sequence[str] = (), hand: Hand = "plotly") -> Any:
    """Draw one row a method and one column a measure: a dot and its interval for each model.

    Each column has its own scale; the arrow over it points to where it is better. The references "random" and
    "spectrogram" stand apart at the bottom: a method that is no better than they are explains nothing of the model.

    Parameters
    ----------
    result : TrustResult
    order : sequence of str
        Methods from the top down; those it leaves out follow, the best by the first measure first.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When a table lacks a column or row, a measure is not described, or an option is unknown.
    """
    from esclab.figures.trust_plotly import draw_plotly
    from esclab.figures.trust_print import draw_print

    check_table("TrustResult.table", result.table, COLUMNS)
    check_table("TrustResult.measures", result.measures, ["measure", "title", "better"])
    check_names("TrustResult.table, measure", result.table["measure"], result.measures["measure"])
    check_names("TrustResult.measures, better", result.measures["better"], BETTER)
    _check_rows(result)
    plan = _plan_trust(result, check_names("order", order, sort_methods(result.table["method"])))
    return choose_hand(hand, plotly=draw_plotly, paper=draw_print)(result, plan)


def trust_data(result: TrustResult) -> pd.DataFrame:
    """Return one row a model, method and measure: `mean`, `low`, `high`, `clips`, the measure's `title`, `better`."""
    described = result.table[COLUMNS].merge(result.measures[["measure", "title", "better"]], on="measure", how="left")
    return described[["model", "method", "measure", "title", "better", "mean", "low", "high", "clips"]]


def select_dots(result: TrustResult, plan: TrustPlan, *, model: str, measure: str) -> dict[str, np.ndarray]:
    """Return `mean`, `low`, `high` and `clips` of each of the plan's methods; NaN where it was not measured."""
    table = result.table
    rows = table[(table["model"] == model) & (table["measure"] == measure)].set_index("method")
    rows = rows[~rows.index.duplicated()].reindex(plan.methods)
    return {name: rows[name].to_numpy(float) for name in ("mean", "low", "high", "clips")}


def wrap_title(title: str, letters: int) -> list[str]:
    """Return a column's title in lines of at most `letters`, `MOST_LINES` at the most."""
    lines = textwrap.wrap(shorten(title, 10 * letters), letters)
    kept = MOST_LINES - 1
    return [*lines[:kept], shorten(" ".join(lines[kept:]), letters)] if len(lines) > MOST_LINES else lines


def scale_column(result: TrustResult, measure: str) -> tuple[list[float], list[float]]:
    """Return the ends of a measure's axis, and two round ticks inside them: for more, columns are too narrow."""
    rows = result.table.loc[result.table["measure"] == measure, ["mean", "low", "high"]].to_numpy(float)
    known = rows[np.isfinite(rows)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    room = SIDE_ROOM * (high - low) or 0.5 * abs(high) or 0.5
    low, high = low - room, high + room
    exponent = np.floor(np.log10(high - low))
    steps = [factor * 10.0 ** (exponent + shift) for shift in (0, -1) for factor in (5, 2, 1)]
    # Away from the ends, where labels would touch those of the next column.
    first, last = low + EDGE_ROOM * (high - low), high - EDGE_ROOM * (high - low)
    ticks = [np.arange(np.ceil(first / step), np.floor(last / step) + 1) * step for step in steps]
    # Adding 0 turns -0 into 0, and rounding drops what floating point adds.
    found = next(t for t in ticks if len(t) >= 2)
    return [low, high], [float(f"{tick:.6g}") + 0.0 for tick in (found[0], found[-1])]


def title_trust(result: TrustResult) -> tuple[str, str]:
    """Return the figure's title and the key of its marks."""
    return shorten(result.label or "Trust in explanations", 90), shorten(f"Dot: mean; bar: {result.interval}", 100)


def _plan_trust(result: TrustResult, order: list[str]) -> TrustPlan:
    measures = [
        (str(row.measure), str(row.title), str(row.better))
        for row in result.measures.itertuples(index=False)
        if row.measure in set(result.table["measure"])
    ]
    methods = sort_methods([*order, *_rank_methods(result, measures[0][0])])
    places = np.arange(len(methods), dtype=float)
    gap = REFERENCE_GAP if 0 < sum(m in REFERENCES for m in methods) < len(methods) else 0.0
    places += [gap if method in REFERENCES else 0.0 for method in methods]
    models = list(dict.fromkeys(result.table["model"]))
    shifts = (np.arange(len(models)) - (len(models) - 1) / 2) * MODEL_SPREAD / max(len(models) - 1, 1)
    return TrustPlan(methods, places, models, shifts, measures)


def _rank_methods(result: TrustResult, measure: str) -> list[str]:
    """Return every method, the best mean over models of `measure` first, those without one last."""
    rows = result.table[result.table["measure"] == measure]
    means = rows.groupby("method", sort=False)["mean"].mean().reindex(result.table["method"].unique())
    better = str(result.measures.set_index("measure").loc[measure, "better"])
    means = means.abs() if better == "zero" else means
    return list(means.sort_values(ascending=better != "higher", kind="stable", na_position="last").index)


def _check_rows(result: TrustResult) -> None:
    """Raise `OptionError` when a model, method and measure have two rows."""
    twice = result.table.duplicated(["model", "method", "measure"])
    if twice.any():
        model, method, measure = result.table.loc[twice, ["model", "method", "measure"]].iloc[0]
        cause = f"{model!r}, {method!r}, {measure!r} has two rows"
        raise OptionError("TrustResult.table", cause, "give one row a model, method and measure")
