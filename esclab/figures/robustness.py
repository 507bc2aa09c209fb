"""Robustness: accuracy against the level of the noise, one panel a kind of noise and region, one line a model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.theme import Hand, choose_hand
from esclab.results import WHOLE_CLIP, RobustnessResult

X_TITLE, Y_TITLE = "SNR (dB)", "Accuracy (%)"
CLEAN_LABEL = "clean"
COLUMNS = ("model", "kind", "snr_db", "region", "mean", "low", "high")
MOST_PANELS_IN_A_ROW = 4
# Of one step of SNR: how far apart the models' markers stand, and how far they may reach together.
DODGE, DODGE_ALL = 0.13, 0.5
# Beyond the ends of the accuracy axis, so that no marker is cut.
MARGIN = 0.03


@dataclass(frozen=True)
class RobustnessPanel:
    """One panel.

    Attributes
    ----------
    titles : list of str
        The kind of noise, then the region where it is not always the whole clip.
    curves : dict of str to DataFrame
        Each model's rows, clean ones first, then by falling SNR; `x` is their place, `mean`, `low` and `high` are in %.
    """

    titles: list[str]
    curves: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class RobustnessPlan:
    """What both hands draw.

    Attributes
    ----------
    panels : list of RobustnessPanel
    columns : int
        Panels in a row.
    models : list of str
        In the order of colours and markers.
    ticks : list of float
    tick_labels : list of str
    x_range : (float, float)
        Falls: the noise grows to the right.
    y_range : (float, float)
        In %, with a little room at both ends.
    border : float or None
        Between the clean clips and the noisy ones; None where nothing is clean.
    title, key : str
    """

    panels: list[RobustnessPanel]
    columns: int
    models: list[str]
    ticks: list[float]
    tick_labels: list[str]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    border: float | None
    title: str
    key: str


def robustness_figure(
    result: RobustnessResult, *, accuracy_range: tuple[float, float] = (0.0, 1.0), hand: Hand = "plotly"
) -> Any:
    """Draw accuracy (%) against SNR (dB), from clean clips at the left to the loudest noise at the right.

    Models differ in colour, marker and line. They stand a little apart in each place, so that their intervals do not
    hide one another: the tick below is the true SNR of all of them.

    Parameters
    ----------
    result : RobustnessResult
    accuracy_range : (float, float)
        Ends of the axis, in 0..1; the whole by default, so that nobody takes a part of it for all.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the table has no noisy row or lacks a column, the range does not rise within 0..1, or `hand` is unknown.
    """
    from esclab.figures.robustness_plotly import draw_plotly
    from esclab.figures.robustness_print import draw_print

    missing = [column for column in COLUMNS if column not in result.table]
    if missing:
        cause = f"column {missing[0]!r} is missing"
        raise OptionError("RobustnessResult.table", cause, f"give the columns {', '.join(COLUMNS)}")
    if not _is_noisy(result.table).any():
        raise OptionError("RobustnessResult.table", "it holds no noisy condition", "test with at least one finite SNR")
    low, high = accuracy_range
    if not 0 <= low < high <= 1:
        cause = f"({low:g}, {high:g}) does not rise within 0 and 1"
        raise OptionError("accuracy_range", cause, "give (lowest, highest), e.g. (0.5, 1)")
    return choose_hand(hand, plotly=draw_plotly, paper=draw_print)(_plan_panels(result, (low, high)))


def robustness_data(result: RobustnessResult) -> pd.DataFrame:
    """Return one row a dot: `model`, `kind`, `region`, `snr_db` (infinite without noise), `accuracy`, `low`, `high`."""
    columns = ["model", "kind", "region", "snr_db", "mean", "low", "high"]
    return result.table[columns].rename(columns={"mean": "accuracy"}).reset_index(drop=True)


def _is_noisy(table: pd.DataFrame) -> pd.Series:
    return (table["kind"] != CLEAN_LABEL) & np.isfinite(table["snr_db"].astype(float))


def _count_columns(panels: int) -> int:
    """Return how many panels stand in a row, so that the last row is not much emptier than the others."""
    return math.ceil(panels / math.ceil(panels / MOST_PANELS_IN_A_ROW))


def _plan_panels(result: RobustnessResult, accuracy_range: tuple[float, float]) -> RobustnessPlan:
    table, noisy = result.table, _is_noisy(result.table)
    models = list(dict.fromkeys(table["model"]))
    levels = sorted({float(snr) for snr in table.loc[noisy, "snr_db"]}, reverse=True)
    step = min(-np.diff(levels), default=10.0)
    clean_at = levels[0] + 1.2 * max(step, (levels[0] - levels[-1]) / 6)
    placed = table.assign(x=np.where(noisy, table["snr_db"], clean_at)).sort_values("x", ascending=False, kind="stable")
    placed[["mean", "low", "high"]] *= 100
    apart = min(DODGE, DODGE_ALL / len(models)) * step
    placed["x"] -= (placed["model"].map(models.index) - (len(models) - 1) / 2) * apart
    regions, kinds = (list(dict.fromkeys(table.loc[noisy, name])) for name in ("region", "kind"))
    panels = []
    for region in regions:
        for kind in kinds:
            here = noisy & (table["region"] == region) & (table["kind"] == kind)
            rows = placed[(here | ~noisy).reindex(placed.index)]
            if here.any():
                titles = [kind] if regions == [str(WHOLE_CLIP)] else [kind, region]
                curves = {model: rows[rows["model"] == model] for model in models}
                panels.append(RobustnessPanel(titles, {name: part for name, part in curves.items() if len(part)}))
    has_clean = not noisy.all()
    low, high = (100 * end for end in accuracy_range)
    first = clean_at if has_clean else levels[0]
    return RobustnessPlan(
        panels=panels,
        columns=_count_columns(len(kinds) if len(regions) > 1 else len(panels)),
        models=models,
        ticks=[clean_at] * has_clean + levels,
        tick_labels=[CLEAN_LABEL] * has_clean + [f"{level:g}".replace("-", "−") for level in levels],
        x_range=(first + 0.6 * step, levels[-1] - 0.6 * step),
        y_range=(low - MARGIN * (high - low), high + MARGIN * (high - low)),
        border=(clean_at + levels[0]) / 2 if has_clean else None,
        title=result.label or "Accuracy in noise",
        key=f"Bars: {result.interval}; SNR of the {result.reference}",
    )
