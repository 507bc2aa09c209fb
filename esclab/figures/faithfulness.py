"""Faithfulness: how the probability of a class falls and rises as important cells are taken away and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from esclab.figures.methods import LineStyle, check_names, check_table, sort_methods, style_methods, title_method
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    GRID,
    SCREEN_FONT_PX,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import FaithfulnessResult

COLUMNS = ["model", "method", "curve", "share", "mean", "low", "high"]
CURVES = {
    "deletion": ("Deletion: lower is better", "Cells removed, most important first (%)"),
    "insertion": ("Insertion: higher is better", "Cells restored, most important first (%)"),
}
Y_TITLE = "Probability of the class (%)"
PALE_LINE = "#c4c4c4"
MARKERS_PER_LINE = 6
MOST_BANDS = 4


def faithfulness_figure(result: FaithfulnessResult, *, methods: Sequence[str] = (), hand: Hand = "plotly") -> Any:
    """Draw the probability of the class against the share of cells removed (left) and restored (right).

    One line a method and one row of panels a model; the references "random" and "spectrogram" are grey. Intervals are
    bands around the lines where at most four methods stand out; more of them would hide each other.

    Parameters
    ----------
    result : FaithfulnessResult
    methods : sequence of str
        Methods that stand out; the others turn pale, and the references stay. None given: all stand out.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the table lacks a column or row, holds an unknown curve, or an option is unknown.
    """
    check_table("FaithfulnessResult.table", result.table, COLUMNS)
    curves = check_names("FaithfulnessResult.table, curve", result.table["curve"], CURVES)
    known = sort_methods(result.table["method"])
    bright = check_names("methods", methods, known) or known
    draw = choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)
    return draw(result, [curve for curve in CURVES if curve in curves], bright)


def faithfulness_data(result: FaithfulnessResult) -> pd.DataFrame:
    """Return one row a model, method, curve and step: `share` (of cells), `mean`, `low`, `high`, all in 0..1."""
    return result.table[COLUMNS].reset_index(drop=True)


def _style(result: FaithfulnessResult, bright: list[str]) -> dict[str, tuple[LineStyle, float, bool]]:
    """Return each method's line, its strength (1 is full) and whether its interval is drawn, the palest first."""
    styles = style_methods(result.table["method"])
    references = {method for method, style in styles.items() if not style.print_marker}
    full = [method for method in styles if method in bright]
    banded = set(full) - references if len(set(full) - references) <= MOST_BANDS else set()
    order = sorted(styles, key=lambda method: method in bright)
    strong = set(full) | references
    return {method: (styles[method], float(method in strong), method in banded) for method in order}


def _select(result: FaithfulnessResult, model: str, method: str, curve: str) -> dict[str, np.ndarray]:
    """Return `share`, `mean`, `low` and `high` in %, by rising share."""
    table = result.table
    rows = table[(table["model"] == model) & (table["method"] == method) & (table["curve"] == curve)]
    rows = rows.sort_values("share")
    return {name: rows[name].to_numpy(float) * 100 for name in ("share", "mean", "low", "high")}


def _models(result: FaithfulnessResult) -> list[str]:
    return list(dict.fromkeys(result.table["model"]))


def _title_panel(result: FaithfulnessResult, model: str, curve: str) -> str:
    """Return the title of a panel, with the model's name where there are several."""
    return f"{shorten(model, 26)} · {CURVES[curve][0]}" if len(_models(result)) > 1 else CURVES[curve][0]


def _title(result: FaithfulnessResult, styles: dict[str, tuple[LineStyle, float, bool]]) -> tuple[str, str]:
    models = _models(result)
    title = result.label or (f"Faithfulness of {models[0]}" if len(models) == 1 else "Faithfulness")
    if not result.table[["low", "high"]].notna().any().any():  # one clip has no interval
        return shorten(title, 90), ""
    banded = any(band for _, _, band in styles.values())
    return shorten(title, 90), "Lines: mean over clips" + ("; bands: interval" if banded else "")


def _draw_plotly(result: FaithfulnessResult, curves: list[str], bright: list[str]) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    models, styles = _models(result), _style(result, bright)
    figure = make_subplots(
        rows=len(models),
        cols=len(curves),
        shared_yaxes="all",
        shared_xaxes="all",
        horizontal_spacing=0.05,
        vertical_spacing=0.16 / len(models),
        subplot_titles=[plotly_text(_title_panel(result, m, c), 60) for m in models for c in curves],
    )
    figure.update_annotations(font_size=SCREEN_FONT_PX + 1)
    ranks = {method: rank for rank, method in enumerate(sort_methods(result.table["method"]))}
    for row, model in enumerate(models, start=1):
        for col, curve in enumerate(curves, start=1):
            for method, (style, strength, band) in styles.items():
                points = _select(result, model, method, curve)
                name = plotly_text(title_method(method))
                if band:
                    figure.add_trace(_build_band(points, style.colour).update(legendgroup=name), row=row, col=col)
                line = go.Scatter(
                    x=points["share"],
                    y=points["mean"],
                    customdata=np.column_stack([points["low"], points["high"]]),
                    mode="lines+markers" if style.plotly_marker else "lines",
                    name=name,
                    legendgroup=name,
                    legendrank=ranks[method],
                    showlegend=row == col == 1,
                    line={"color": style.colour if strength else PALE_LINE, "dash": style.dash, "width": 2},
                    marker={"symbol": style.plotly_marker, "size": 8, "maxdisplayed": MARKERS_PER_LINE}
                    if style.plotly_marker
                    else None,
                    hovertemplate="%{x:.0f} % of cells<br>probability %{y:.1f} % [%{customdata[0]:.1f}, "
                    "%{customdata[1]:.1f}]<extra>%{fullData.name}</extra>",
                )
                figure.add_trace(line, row=row, col=col)
    for col, curve in enumerate(curves, start=1):
        figure.update_xaxes(title_text=CURVES[curve][1], row=len(models), col=col)
    figure.update_xaxes(range=[0, 100], dtick=20)
    figure.update_yaxes(range=[0, 101])
    figure.update_yaxes(title_text=Y_TITLE, col=1)
    title, key = _title(result, styles)
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 90), "subtitle": {"text": key}},
        height=170 + 270 * len(models),
        margin={"t": 105},
        legend={"x": 1.02, "y": 1, "yanchor": "top", "tracegroupgap": 0, "groupclick": "togglegroup"},
    )
    return figure


def _build_band(points: dict[str, np.ndarray], colour: str) -> Any:
    import plotly.graph_objects as go

    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    known = np.isfinite(points["low"] + points["high"])
    share, low, high = (points[name][known] for name in ("share", "low", "high"))
    return go.Scatter(
        x=np.concatenate([share, share[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.16)",
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )


def _draw_print(result: FaithfulnessResult, curves: list[str], bright: list[str]) -> Any:
    from matplotlib.lines import Line2D

    models, styles = _models(result), _style(result, bright)
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 0.6 + 1.95 * len(models))
        grid = figure.subplots(len(models), len(curves), sharex=True, sharey=True, squeeze=False)
        for model, row in zip(models, grid, strict=True):
            for curve, axes in zip(curves, row, strict=True):
                for number, (method, (style, strength, band)) in enumerate(styles.items()):
                    points = _select(result, model, method, curve)
                    if band:
                        limits = points["share"], points["low"], points["high"]
                        axes.fill_between(*limits, color=style.colour, alpha=0.16, linewidth=0)
                    # Markers start at different steps, so that those of lines close together do not cover each other.
                    step = max(1, int(np.ceil(len(points["share"]) / MARKERS_PER_LINE)))
                    axes.plot(
                        points["share"],
                        points["mean"],
                        markevery=(number % step, step),
                        **_print_line(style, strength),
                    )
                axes.set_title(_title_panel(result, model, curve))
                axes.set(xlim=(0, 100), ylim=(0, 101))
                axes.grid(True, color=GRID)
                axes.set_xlabel(CURVES[curve][1] if model == models[-1] else "")
                axes.set_ylabel(Y_TITLE if curve == curves[0] else "")
        order = sort_methods(result.table["method"])
        keys = [Line2D([], [], **_print_line(*styles[method][:2])) for method in order]
        names = [shorten(title_method(method), 24) for method in order]
        figure.legend(keys, names, loc="outside right upper", handlelength=3.6)
        figure.suptitle("\n".join(_title(result, styles)), x=0.01, ha="left")
    return figure


def _print_line(style: LineStyle, strength: float) -> dict[str, Any]:
    return {
        "color": style.colour if strength else PALE_LINE,
        "linestyle": (0, style.dashes) if style.dashes else "-",
        "marker": style.print_marker or None,
        "zorder": 2.0 + strength,
    }
