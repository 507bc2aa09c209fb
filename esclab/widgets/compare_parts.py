"""Parts of the comparison's view: tests in words, cost as a scatter, levels as a person writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from esclab.errors import OptionError
from esclab.results import AccuracyResult
from esclab.results.cost import CostResult

if TYPE_CHECKING:
    from esclab.analysis import Cost

LUCK_BELOW = 0.05
QUIETEST_DB, LOUDEST_DB = 100.0, -100.0


def tell_pairs(pairs: pd.DataFrame, *, busy: bool = False) -> list[str]:
    """Return one sentence a pair of models, from `compare_models`."""
    if busy:
        return []
    if pairs.empty:
        return ["Tests need two models or more, and their answers clip by clip."]
    return [_tell_pair(row) for row in pairs.itertuples(index=False)]


def _tell_pair(row: Any) -> str:
    points = 100 * row.difference
    interval = "" if pd.isna(row.low) else f" (95 % interval {100 * row.low:+.1f} to {100 * row.high:+.1f})"
    verdict = "unlikely to be luck" if row.p_holm < LUCK_BELOW else "may well be luck"
    return (
        f"{row.model_a} less {row.model_b}: {points:+.1f} points{interval}. Only {row.model_a} is right on "
        f"{row.only_a} clips, only {row.model_b} on {row.only_b}: McNemar {_tell_p(row.p_value)}, "
        f"after Holm {_tell_p(row.p_holm)}, {verdict}."
    )


def _tell_p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def read_levels(text: str) -> list[float]:
    """Return the levels in a text such as "20, 10, 0", each once, quietest noise first.

    Raises
    ------
    OptionError
        When a word is no number from -100 to 100.
    """
    levels: set[float] = set()
    for word in text.replace(";", ",").split(","):
        if not word.strip():
            continue
        try:
            level = float(word.replace("−", "-"))
        except ValueError:
            level = float("nan")
        if not LOUDEST_DB <= level <= QUIETEST_DB:
            raise OptionError(f"SNR {word.strip()!r}", "is no level", 'write numbers of dB, e.g. "20, 10, 0"')
        levels.add(level)
    return sorted(levels, reverse=True)


def summarize_costs(costs: Mapping[str, Cost], accuracy: AccuracyResult) -> CostResult:
    """Return what models cost, by name, beside what they achieve; those without accuracy are left out.

    Returns
    -------
    cost : CostResult
        `ms` and its quartiles are of a clip in the batch that `machine` tells.
    """
    known = zip(accuracy.table["model"], accuracy.table["mean"], strict=True)
    rows = [
        {
            "model": model,
            "accuracy": mean,
            "parameters": costs[model].parameters,
            "flops": costs[model].flops_per_clip,
            "ms": costs[model].milliseconds_per_clip,
            "ms_low": costs[model].milliseconds_low,
            "ms_high": costs[model].milliseconds_high,
        }
        for model, mean in known
        if model in costs
    ]
    first = next(iter(costs.values()))
    noun = "thread" if first.threads == 1 else "threads"
    where = f"{first.device}, {first.threads} {noun}, batch of {first.clips} clips"
    return CostResult(pd.DataFrame(rows), f"Measured side by side on this machine: {where}", accuracy.label)


def draw_cost(result: CostResult, column: str, title: str) -> Any:
    """Draw accuracy against one cost, one marker a model with its name beside it.

    Parameters
    ----------
    result : CostResult
    column, title : str
        What the horizontal axis shows, a column of its table, and its title with the unit.

    Returns
    -------
    figure : plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    from esclab.figures.text import plotly_text
    from esclab.figures.theme import COLOURS, PLOTLY_MARKERS, register_template

    table = result.table
    names = [plotly_text(model) for model in table["model"]]
    numbers = range(len(table))
    marks = {
        "size": 13,
        "color": [COLOURS[n % len(COLOURS)] for n in numbers],
        "symbol": [PLOTLY_MARKERS[n % len(PLOTLY_MARKERS)] for n in numbers],
    }
    x, y = table[column].astype(float).tolist(), (100 * table["accuracy"]).tolist()
    figure = go.Figure(
        go.Scatter(
            x=x, y=y, mode="markers+text", text=names, textposition=_place_names(x, y), marker=marks,
            hovertemplate="%{text}<br>%{x:.4s}<br>%{y:.1f} %<extra></extra>", cliponaxis=False,
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=title, range=[0, 1.25 * max(x)], tickformat="~s")
    figure.update_yaxes(title_text="Accuracy (%)", range=[0, 105])
    words = {"text": "Accuracy against cost", "subtitle": {"text": plotly_text(result.machine, 140)}}
    figure.update_layout(template=register_template(), title=words, height=380, showlegend=False)
    return figure


def _place_names(x: Sequence[float], y: Sequence[float]) -> list[str]:
    """Return where names stand beside their markers: above and below in turn, by height, so that few overlap."""
    order = sorted(range(len(x)), key=lambda n: (-y[n], x[n]))
    places = [""] * len(order)
    for rank, number in enumerate(order):
        places[number] = "top center" if rank % 2 == 0 else "bottom center"
    return places
