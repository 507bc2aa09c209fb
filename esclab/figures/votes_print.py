"""The votes figure for paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.figures.spectrogram import draw_mesh, label_values
from esclab.figures.text import shorten
from esclab.figures.theme import (
    ACCENT,
    INK,
    PALE_COLOURS,
    TWO_COLUMNS_IN,
    WHITE_TEXT_FROM,
    new_print_figure,
    print_style,
    rate_colours_for_print,
)
from esclab.figures.votes_plan import (
    CLASS_TITLE,
    FRAMES_HEADING,
    PART_TITLE,
    PARTS_HEADING,
    SCORE_TITLE,
    VOTE_TITLE,
    VotePlan,
    size_ring,
    title_votes,
)
from esclab.results import VoteResult

ROW_IN, MAP_IN = 0.2, 2.0
LETTER_IN = 0.062


def draw_print(result: VoteResult, plan: VotePlan, colours: tuple[float, float]) -> Any:
    """Return the figure as a `matplotlib.figure.Figure`; the arguments come checked from `votes_figure`."""
    with_parts, rows_in = plan.parts is not None, ROW_IN * max(len(plan.labels), 3)
    share = min(0.45, 0.07 * len(plan.names)) if with_parts else 0
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, rows_in + MAP_IN + (1.3 if plan.frames is None else 1.05))
        grid = figure.add_gridspec(
            2, 2 if with_parts else 1, height_ratios=[rows_in, MAP_IN],
            width_ratios=[1 - share, share] if with_parts else None,
        )  # fmt: skip
        centre = figure.add_subplot(grid[1, 0])
        mesh = draw_mesh(centre, result.spectrogram, colours)
        first = figure.add_subplot(grid[0, 0], sharex=centre if plan.frames is not None else None)
        votes = _draw_classes(first, plan)
        beside, above = [centre], [first]
        if with_parts:
            above.append(figure.add_subplot(grid[0, 1]))
            beside.append(figure.add_subplot(grid[1, 1], sharex=above[1], sharey=centre))
            votes = _draw_parts(above[1], plan)
            _draw_spans(beside[1], plan)
        for axes, drawn, label in ((above, votes, SCORE_TITLE), (beside, mesh, label_values(result.spectrogram))):
            bar = figure.colorbar(drawn, ax=axes, label=label, aspect=12 if drawn is votes else 22, pad=0.01)
            bar.outline.set_visible(False)
        figure.suptitle(title_votes(result), x=0.01, ha="left")
    return figure


def _draw_classes(axes: Any, plan: VotePlan) -> Any:
    """Draw the votes of frames, or the clip's scores in their place; return what a colour bar explains, if anything."""
    rows = range(len(plan.labels))
    axes.set_yticks(list(rows), plan.labels)
    axes.set_ylabel(CLASS_TITLE)
    mesh = None
    if plan.frames is None:
        axes.barh(list(rows), plan.scores, height=0.6, color=ACCENT)
        axes.set(xlabel=VOTE_TITLE, xlim=(0, 100))
    else:
        mesh = _draw_scores(axes, plan.frames, plan.edges_s)
        centres, seen = (plan.edges_s[:-1] + plan.edges_s[1:]) / 2, plan.winners >= 0
        size = size_ring(len(centres), widest=3.2)
        axes.set_title(FRAMES_HEADING)
        axes.plot(centres[seen], plan.winners[seen], "o", ms=size, mfc="white", mec=INK, mew=0.7, ls="")
        axes.tick_params(labelbottom=False)
    axes.set_ylim(len(plan.labels) - 0.5, -0.5)
    return mesh


def _draw_scores(axes: Any, scores: np.ndarray, edges: np.ndarray) -> Any:
    borders = np.arange(len(scores) + 1) - 0.5
    return axes.pcolormesh(edges, borders, scores, vmin=0, vmax=100, cmap=rate_colours_for_print(), rasterized=True)


def _draw_parts(axes: Any, plan: VotePlan) -> Any:
    parts = np.asarray(plan.parts)
    mesh = _draw_scores(axes, parts, np.arange(parts.shape[1] + 1) - 0.5)
    for row, column in np.ndindex(parts.shape):
        ink = "white" if parts[row, column] >= 100 * WHITE_TEXT_FROM else "black"
        axes.text(column, row, f"{parts[row, column]:.0f}", ha="center", va="center", color=ink)
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.tick_params(labelbottom=False, labelleft=False, left=False)
    axes.set_title(PARTS_HEADING)
    return mesh


def _draw_spans(axes: Any, plan: VotePlan) -> None:
    total = max(top for _, top in plan.spans) - min(bottom for bottom, _ in plan.spans)
    for column, ((bottom, top), choice) in enumerate(zip(plan.spans, plan.choices, strict=True)):
        axes.bar(column, top - bottom, 0.7, bottom=bottom, color=PALE_COLOURS[-1], ec=INK, lw=0.6)
        longest = max(3, int(MAP_IN * (top - bottom) / total / LETTER_IN))
        words = shorten(choice, longest)
        axes.text(column, (bottom + top) / 2, words, rotation=90, ha="center", va="center", color="black")
    axes.set_xticks(range(len(plan.names)), plan.names)
    axes.set_xlim(-0.5, len(plan.names) - 0.5)
    axes.set_xlabel(PART_TITLE)
    axes.tick_params(labelleft=False)
