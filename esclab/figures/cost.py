"""Accuracy against cost: one panel each for size, operations and time; every model's name once, beside the last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.theme import Hand, choose_hand
from esclab.results.cost import CostResult

Y_TITLE = "Accuracy (%)"
# Column of the table, factor, title of the axis.
PANELS = (
    ("parameters", 1e-6, "Parameters (millions)"),
    ("flops", 1e-9, "Operations (GFLOPs a clip)"),
    ("ms", 1.0, "Time (ms a clip)"),
)
TICK_STEPS = ((1, 2, 5), (1, 3), (1,))  # within each power of ten, the finest that fits
MOST_TICKS = 5
STEP = 5  # to whose multiples the accuracy axis is rounded, in %


@dataclass(frozen=True)
class CostPlan:
    """What both hands draw.

    Attributes
    ----------
    models : DataFrame
        By falling accuracy: `model`, `number` (its place in the result, for colour and marker), `accuracy` in %, the
        columns of `PANELS` in their axes' units, `ms_low`, `ms_high`, and `label_y`, where its name stands.
    ranges : list of (float, float)
        Of the horizontal axes, which are logarithmic.
    ticks : list of list of float
    y_range : (float, float)
        In %.
    left_out : int
        Models whose accuracy is not known.
    """

    models: pd.DataFrame
    ranges: list[tuple[float, float]]
    ticks: list[list[float]]
    y_range: tuple[float, float]
    left_out: int


def cost_figure(result: CostResult, *, accuracy_range: tuple[float, float] | None = None, hand: Hand = "plotly") -> Any:
    """Draw a point a model in three panels; the same model has the same height, marker and colour in all.

    Parameters
    ----------
    result : CostResult
        Models without accuracy are left out.
    accuracy_range : (float, float), optional
        Ends of the vertical axis, in 0..1; around the data by default.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When no model has an accuracy and a cost, the range does not rise within 0..1, or `hand` is unknown.
    """
    from esclab.figures import cost_plotly, cost_print

    draw = choose_hand(hand, plotly=cost_plotly.draw, paper=cost_print.draw)
    if accuracy_range is not None and not 0 <= accuracy_range[0] < accuracy_range[1] <= 1:
        cause = f"{accuracy_range} does not rise within 0 and 1"
        raise OptionError("accuracy_range", cause, "give (lowest, highest), e.g. (0.5, 1)")
    return draw(result, accuracy_range)


def cost_data(result: CostResult) -> pd.DataFrame:
    """Return the table of the result, one row a model, without notes; accuracy in 0..1, units as in `CostResult`."""
    return result.table.drop(columns="note", errors="ignore")


def plan_figure(result: CostResult, accuracy_range: tuple[float, float] | None, *, line_share: float) -> CostPlan:
    """Return what to draw.

    Parameters
    ----------
    result : CostResult
    accuracy_range : (float, float) or None
    line_share : float
        Height of a line of text as a share of the panels' height.
    """
    table = result.table.assign(number=np.arange(len(result.table)))
    columns = [column for column, _, _ in PANELS]
    known = table[table["accuracy"].notna() & table[columns].notna().all(axis=1)]
    if known.empty:
        raise OptionError("CostResult.table", "no model has both an accuracy and a cost", "give the accuracies")
    models = known.sort_values("accuracy", ascending=False, kind="stable").reset_index(drop=True)
    models = models.assign(**{column: models[column] * factor for column, factor, _ in PANELS})
    models["accuracy"] *= 100
    low, high = (100 * end for end in accuracy_range) if accuracy_range else _choose_range(models["accuracy"])
    gap = line_share * (high - low)
    heights = spread_heights(models["accuracy"].tolist()[::-1], gap, (low + gap / 2, high - gap / 2))[::-1]
    ranges = [_widen(models[column]) for column in columns]
    return CostPlan(
        models.assign(label_y=heights), ranges, [choose_ticks(*ends) for ends in ranges], (low, high),
        len(table) - len(models),
    )  # fmt: skip


def spread_heights(wanted: Sequence[float], gap: float, ends: tuple[float, float]) -> list[float]:
    """Return heights at least `gap` apart, within `ends` where they fit, as near to the wanted ones as can be.

    The wanted heights rise. Neighbours that stand too close form a group around their mean (isotonic regression).
    """
    groups: list[tuple[float, int]] = []  # mean of wanted height less the room below, and how many
    for number, height in enumerate(wanted):
        groups.append((height - number * gap, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (one, n), (other, m) = groups[-2:]
            groups[-2:] = [((one * n + other * m) / (n + m), n + m)]
    starts = [start for start, count in groups for _ in range(count)]
    highest = ends[1] - (len(wanted) - 1) * gap
    # Clipping what is left after the room below keeps the order and the gaps.
    return [max(ends[0], min(start, highest)) + number * gap for number, start in enumerate(starts)]


def choose_ticks(low: float, high: float) -> list[float]:
    """Return a few round numbers of a logarithmic axis, such as 1, 2, 5, 10."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in TICK_STEPS:
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= MOST_TICKS:
            break
    return ticks


def describe_figure(result: CostResult, plan: CostPlan) -> tuple[str, str]:
    """Return the title and what to know of the numbers."""
    title = "Accuracy against cost" + (f": {result.label}" if result.label else "")
    left_out = f"; {plan.left_out} without accuracy left out" if plan.left_out else ""
    return title, f"{result.machine}{left_out}"


def _choose_range(accuracy: pd.Series) -> tuple[float, float]:
    """Return ends of the axis around accuracies in %, at least two steps apart."""
    low = max(0, STEP * math.floor(accuracy.min() / STEP - 0.3))
    high = min(100, STEP * math.ceil(accuracy.max() / STEP + 0.3))
    return (low, high) if high - low >= 2 * STEP else (max(0, high - 2 * STEP), high)


def _widen(values: pd.Series) -> tuple[float, float]:
    """Return ends of a logarithmic axis with room beside the outer points."""
    low, high = float(values.min()), float(values.max())
    room = max(1.25, (high / low) ** 0.08)
    return low / room, high * room
