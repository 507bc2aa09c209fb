"""Share of activation in a noisy region: each model's mean and interval, without noise, and what an even map has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.text import plotly_text, shorten
from esclab.figures.theme import (
    COLOURS,
    ONE_COLUMN_IN,
    PLOTLY_MARKERS,
    PRINT_FONT_PT,
    PRINT_MARKERS,
    SCREEN_FONT_PX,
    SOFT_INK,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.figures.wrap import wrap_lines
from esclab.results import ActivationShareResult

X_TITLE, Y_TITLE = "Share of activation (%)", "Model"
COLUMNS = ("model", "region", "mean", "low", "high", "clean", "even")
MOST_PAIRS = 3
ROW_PX, LINE_PX, AXIS_PX = 36, 19, 26
TITLE_LETTERS, NOTE_LETTERS = 54, 60
NOTE_SPACING = 1.2


@dataclass(frozen=True)
class ShareBlock:
    """One region: its rows of the table in %, and the comparisons of its models in words."""

    region: str
    rows: pd.DataFrame
    notes: list[str]


def activation_share_figure(
    result: ActivationShareResult, *, share_range: tuple[float, float] | None = None, hand: Hand = "plotly"
) -> Any:
    """Draw one panel a region and one row a model, over the share (%) of the layer's activation in the region.

    A filled marker is the mean with noise in the region, its bar the interval; an open one is the share in the same
    place without noise; the thin line is the share of the cells that the region covers, which an even map would have.
    Above each panel stand the paired differences of the first three pairs of models.

    Parameters
    ----------
    result : ActivationShareResult
    share_range : (float, float) or None
        Ends of the axis, in 0..1; None reaches from 0 to the largest share.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the table is empty or lacks a column, the range does not rise within 0..1, or `hand` is unknown.
    """
    missing = [column for column in COLUMNS if column not in result.table]
    if missing:
        cause = f"column {missing[0]!r} is missing"
        raise OptionError("ActivationShareResult.table", cause, f"give the columns {', '.join(COLUMNS)}")
    if result.table.empty:
        raise OptionError("ActivationShareResult.table", "it holds no model", "give at least one row")
    if share_range is not None and not 0 <= share_range[0] < share_range[1] <= 1:
        cause = f"({share_range[0]:g}, {share_range[1]:g}) does not rise within 0 and 1"
        raise OptionError("share_range", cause, "give (lowest, highest), e.g. (0, 0.5)")
    limits = _choose_range(result.table, share_range)
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, _plan_blocks(result), limits)


def activation_share_data(result: ActivationShareResult) -> pd.DataFrame:
    """Return one row a mark or number of the figure, shares in 0..1.

    Columns: `region`, `kind` ("noisy", "clean", "even" or "difference"), `model`, `other` (the second model of a
    difference), `share`, `low`, `high`, `p_value`, `p_holm`; what a kind does not have is empty.
    """
    parts = []
    for kind, column in (("noisy", "mean"), ("clean", "clean"), ("even", "even")):
        bounds = ["low", "high"] if kind == "noisy" else []
        marks = result.table[["region", "model", column, *bounds]].rename(columns={column: "share"})
        parts.append(marks.assign(kind=kind, other=""))
    if len(result.pairs):
        names = {"model_a": "model", "model_b": "other", "difference": "share"}
        parts.append(result.pairs.rename(columns=names).assign(kind="difference"))
    columns = ["region", "kind", "model", "other", "share", "low", "high", "p_value", "p_holm"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def _choose_range(table: pd.DataFrame, share_range: tuple[float, float] | None) -> tuple[float, float]:
    """Return the ends of the axis in %."""
    if share_range is not None:
        return 100 * share_range[0], 100 * share_range[1]
    shares = table[["mean", "low", "high", "clean", "even"]].to_numpy(float)
    largest = float(np.nanmax(shares, initial=0))
    return 0.0, min(104 * largest, 101.0) if largest > 0 else 100.0


def _plan_blocks(result: ActivationShareResult) -> list[ShareBlock]:
    blocks = []
    for region, rows in result.table.groupby("region", sort=False):
        percent = rows.assign(**{name: 100 * rows[name] for name in ("mean", "low", "high", "clean", "even")})
        pairs = result.pairs[result.pairs["region"] == region] if len(result.pairs) else result.pairs
        notes = [_write_pair(pair) for pair in pairs.head(MOST_PAIRS).itertuples(index=False)]
        more = len(pairs) - MOST_PAIRS
        notes += [f"and {more} more pair{'s' if more > 1 else ''} in the data"] if more > 0 else []
        blocks.append(ShareBlock(str(region), percent, notes))
    return blocks


def _write_pair(pair: Any) -> str:
    numbers = [f"{100 * value:+.1f}".replace("-", "−") for value in (pair.difference, pair.low, pair.high)]
    interval = "" if math.isnan(pair.low + pair.high) else f" [{numbers[1]}, {numbers[2]}]"
    chance = "< 0.001" if pair.p_holm < 0.001 else f"= {pair.p_holm:.3f}"
    names = f"{shorten(pair.model_a, 19)} less {shorten(pair.model_b, 19)}"
    return f"{names}: {numbers[0]}{interval} points, p {chance}"


def _break_note(note: str) -> list[str]:
    """Return a comparison in one line, or in two, names and numbers, where it is too long for one column."""
    names, _, numbers = note.rpartition(": ")
    return [note] if len(note) <= NOTE_LETTERS else [f"{names}:", numbers]


def _number_models(result: ActivationShareResult) -> dict[str, int]:
    return {model: i for i, model in enumerate(dict.fromkeys(result.table["model"]))}


def _title(result: ActivationShareResult) -> tuple[str, str]:
    title = f"{result.layer}: {result.label}" if result.label else f"Activation of {result.layer} in noisy regions"
    key = f"Filled: with noise, bar: {result.interval}; open: without noise; line: an even map"
    return title, key + ("; p after Holm" if len(result.pairs) else "")


def _draw_plotly(result: ActivationShareResult, blocks: list[ShareBlock], limits: tuple[float, float]) -> Any:
    from plotly.subplots import make_subplots

    numbers = _number_models(result)
    heights = [ROW_PX * len(block.rows) for block in blocks]
    gap_px = AXIS_PX + LINE_PX * (1 + max(len(block.notes) for block in blocks))
    area_px = sum(heights) + gap_px * (len(blocks) - 1)
    figure = make_subplots(len(blocks), 1, shared_xaxes="all", vertical_spacing=gap_px / area_px, row_heights=heights)
    for number, block in enumerate(blocks, start=1):
        _add_block(figure, block, numbers, number)
        axis = figure.get_subplot(number, 1).yaxis.plotly_name.replace("axis", "")
        lines = [f"<b>{plotly_text(block.region, 90)}</b>", *(plotly_text(note, 110) for note in block.notes)]
        figure.add_annotation(
            text="<br>".join(lines),
            x=0,
            xref="paper",
            xanchor="left",
            align="left",
            y=1,
            yref=f"{axis} domain",
            yanchor="bottom",
            font_size=SCREEN_FONT_PX,
            showarrow=False,
        )
    figure.update_xaxes(range=limits)
    figure.update_xaxes(title_text=X_TITLE, row=len(blocks))
    title, key = _title(result)
    top = 80 + gap_px - AXIS_PX
    figure.update_layout(
        template=register_template(),
        title={"text": plotly_text(title, 100), "subtitle": {"text": plotly_text(key, 140)}},
        showlegend=False,
        margin={"t": top, "b": 60},
        height=top + area_px + 60,
    )
    return figure


def _add_block(figure: Any, block: ShareBlock, numbers: dict[str, int], panel: int) -> None:
    import plotly.graph_objects as go

    rows = block.rows
    y, order = np.arange(len(rows)), [numbers[model] for model in rows["model"]]
    colours = [COLOURS[i % len(COLOURS)] for i in order]
    markers = [PLOTLY_MARKERS[i % len(PLOTLY_MARKERS)] for i in order]
    words = [_describe(row) for row in rows.itertuples(index=False)]
    even = go.Scatter(
        x=np.repeat(rows["even"].to_numpy(float), 2),
        y=np.ravel([y - 0.5, y + 0.5], order="F"),
        mode="lines",
        name="even map",
        line={"color": SOFT_INK, "width": 1.5},
        hoverinfo="skip",
    )
    figure.add_trace(even, row=panel, col=1)
    for i, (low, high) in enumerate(zip(rows["low"], rows["high"], strict=True)):
        line = {"color": colours[i], "width": 2}
        bar = go.Scatter(x=[low, high], y=[i, i], mode="lines", line=line, name="interval", hoverinfo="skip")
        figure.add_trace(bar, row=panel, col=1)
    for name, column in (("without noise", "clean"), ("with noise", "mean")):
        filled = (
            {"color": colours} if column == "mean" else {"color": "white", "line": {"color": colours, "width": 1.5}}
        )
        dots = go.Scatter(
            x=rows[column].to_numpy(float),
            y=y,
            mode="markers",
            name=name,
            customdata=words,
            marker={"symbol": markers, "size": 11 if column == "mean" else 15} | filled,
            hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
        )
        figure.add_trace(dots, row=panel, col=1)
    names = [plotly_text(model, 26) for model in rows["model"]]
    figure.update_yaxes(
        title_text=Y_TITLE, tickvals=y, ticktext=names, range=[len(rows) - 0.5, -0.5], showgrid=False, row=panel
    )


def _describe(row: Any) -> str:
    interval = "" if math.isnan(row.low + row.high) else f" [{row.low:.1f}, {row.high:.1f}]"
    shares = f"with noise {row.mean:.1f} %{interval}<br>without noise {row.clean:.1f} %, even map {row.even:.1f} %"
    return f"{plotly_text(row.model, 60)}<br>{shares}"


def _draw_print(result: ActivationShareResult, blocks: list[ShareBlock], limits: tuple[float, float]) -> Any:
    numbers = _number_models(result)
    notes = [[line for note in block.notes for line in _break_note(note)] for block in blocks]
    title, key = _title(result)
    lines = [*wrap_lines(title, TITLE_LETTERS), *wrap_lines(key, TITLE_LETTERS, most=3)]
    models = [max(2, len(block.rows)) for block in blocks]  # less is too low for the axis title
    height_in = 0.5 + 0.15 * len(lines) + sum(0.12 + 0.2 * n for n in models) + sum(0.15 + 0.13 * len(n) for n in notes)
    with print_style():
        figure = new_print_figure(ONE_COLUMN_IN, height_in)
        grid = figure.subplots(len(blocks), 1, sharex=True, squeeze=False, height_ratios=models)[:, 0]
        for axes, block, lines_here in zip(grid, blocks, notes, strict=True):
            _draw_block(axes, block, numbers)
            _head_block(axes, shorten(block.region, 50), lines_here)
            axes.label_outer()
        grid[0].set_xlim(limits)
        grid[-1].set_xlabel(X_TITLE)
        figure.suptitle("\n".join(lines), x=0.01, ha="left", linespacing=1.3)
    return figure


def _head_block(axes: Any, region: str, notes: list[str]) -> None:
    """Write the region and the notes above the panel, from the left edge of the figure on."""
    place = {"xycoords": (axes.yaxis.label, "axes fraction"), "textcoords": "offset points", "va": "bottom"}
    for text, lines_below, weight in ((region, len(notes), "bold"), ("\n".join(notes), 0, "normal")):
        above = 3 + NOTE_SPACING * PRINT_FONT_PT * lines_below
        axes.annotate(text, (0, 1), xytext=(0, above), fontweight=weight, linespacing=NOTE_SPACING, **place)


def _draw_block(axes: Any, block: ShareBlock, numbers: dict[str, int]) -> None:
    for y, row in enumerate(block.rows.itertuples(index=False)):
        i = numbers[str(row.model)]
        colour, marker = COLOURS[i % len(COLOURS)], PRINT_MARKERS[i % len(PRINT_MARKERS)]
        axes.plot([row.even, row.even], [y - 0.5, y + 0.5], color=SOFT_INK, linewidth=0.8)
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
        axes.plot(row.clean, y, marker, markerfacecolor="white", markeredgecolor=colour, markersize=6)
        axes.plot(row.mean, y, marker, color=colour, markersize=4)
    axes.set_yticks(range(len(block.rows)), [shorten(model, 22) for model in block.rows["model"]])
    axes.set_ylim(len(block.rows) - 0.5, -0.5)
    axes.set_ylabel(Y_TITLE)
    axes.grid(True, axis="x")
