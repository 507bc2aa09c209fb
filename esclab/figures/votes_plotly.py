"""The votes figure for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.figures.scale import find_edges, place_band_ticks, title_bands
from esclab.figures.spectrogram import X_TITLE, build_heatmap, label_values
from esclab.figures.text import plotly_text
from esclab.figures.theme import (
    ACCENT,
    INK,
    PALE_COLOURS,
    SCREEN_FONT_PX,
    SOFT_INK,
    build_color_bar,
    rate_colours_for_plotly,
    register_template,
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

ROW_PX, GAP_PX, MAP_PX = 30, 62, 300
LETTER_PX = 8.0


def draw_plotly(result: VoteResult, plan: VotePlan, colours: tuple[float, float]) -> Any:
    """Return the figure as a `plotly.graph_objects.Figure`; the arguments come checked from `votes_figure`."""
    from plotly.subplots import make_subplots

    with_parts, rows_px = plan.parts is not None, ROW_PX * max(len(plan.labels), 3)
    gap_px = GAP_PX if plan.frames is None else 26
    area_px = rows_px + gap_px + MAP_PX
    share = min(0.45, 0.075 * len(plan.names)) if with_parts else 0
    figure = make_subplots(
        rows=2,
        cols=2 if with_parts else 1,
        row_heights=[rows_px, MAP_PX],
        column_widths=[1 - share, share] if with_parts else None,
        horizontal_spacing=0.025,
        vertical_spacing=gap_px / area_px,
    )
    _add_classes(figure, plan, with_parts=with_parts)
    bar = build_color_bar(plotly_text(label_values(result.spectrogram)))
    bar |= {"len": MAP_PX / area_px, "lenmode": "fraction", "y": 0, "yanchor": "bottom", "ypad": 0}
    figure.add_trace(build_heatmap(result.spectrogram, colours, colorbar=bar), row=2, col=1)
    scale = build_color_bar(SCORE_TITLE)
    scale |= {"len": rows_px / area_px, "lenmode": "fraction", "y": 1, "yanchor": "top", "ypad": 0, "nticks": 4}
    figure.update_layout(coloraxis={"cmin": 0, "cmax": 100, "colorscale": rate_colours_for_plotly(), "colorbar": scale})
    if with_parts:
        _add_parts(figure, plan)
    _label_axes(figure, result, plan, with_parts=with_parts)
    _write_headings(figure, plan)
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(title_votes(result) or "Votes", 90),
        showlegend=False,
        margin={"t": 74, "r": 90, "b": 60, "l": 150},
        height=134 + area_px,
    )
    return figure


def _write_headings(figure: Any, plan: VotePlan) -> None:
    """Say above each column whose votes it shows."""
    headings = (("x", FRAMES_HEADING, plan.frames), ("x2", PARTS_HEADING, plan.parts))
    for axis, heading, votes in headings:
        if votes is not None:
            figure.add_annotation(
                text=heading, x=0, xref=f"{axis} domain", xanchor="left", y=1, yref="paper", yanchor="bottom",
                showarrow=False, font={"size": SCREEN_FONT_PX, "color": SOFT_INK},
            )  # fmt: skip


def _add_classes(figure: Any, plan: VotePlan, *, with_parts: bool) -> None:
    """Draw the votes of frames, or the clip's scores in their place, and those of sub-bands on the same rows."""
    import plotly.graph_objects as go

    rows = np.arange(len(plan.labels))
    labels = [plotly_text(label, 40) for label in plan.labels]
    if plan.frames is None:
        bars = go.Bar(
            x=plan.scores, y=rows, orientation="h", marker_color=ACCENT, width=0.6, customdata=labels,
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
        figure.add_trace(bars, row=1, col=1)
        figure.update_xaxes(title_text=VOTE_TITLE, range=[0, 100], row=1, col=1)
    else:
        votes = go.Heatmap(
            x=plan.edges_s, y=rows, z=plan.frames, coloraxis="coloraxis", customdata=_spread(labels, plan.frames),
            hovertemplate="frame at %{x:.2f} s<br>%{customdata}: %{z:.1f} %<extra></extra>",
        )  # fmt: skip
        figure.add_trace(votes, row=1, col=1)
        figure.add_trace(_ring_winners(plan), row=1, col=1)
        figure.update_xaxes(range=[plan.edges_s[0], plan.edges_s[-1]], showgrid=False, row=1, col=1)
    ticks = {"tickvals": rows, "ticktext": labels, "range": [len(rows) - 0.5, -0.5], "showgrid": False}
    figure.update_yaxes(title_text=CLASS_TITLE, **ticks, row=1, col=1)
    if with_parts:
        figure.update_yaxes(**ticks, showticklabels=False, row=1, col=2)


def _ring_winners(plan: VotePlan) -> Any:
    import plotly.graph_objects as go

    centres = (plan.edges_s[:-1] + plan.edges_s[1:]) / 2
    seen = plan.winners >= 0
    size = size_ring(len(centres), widest=9)
    return go.Scatter(
        x=centres[seen], y=plan.winners[seen], mode="markers", hoverinfo="skip", name="first choice",
        marker={"symbol": "circle", "size": size, "color": "white", "line": {"color": INK, "width": 1.5}},
    )  # fmt: skip


def _add_parts(figure: Any, plan: VotePlan) -> None:
    """Draw the sub-bands' votes, and below them the bands that each one hears."""
    import plotly.graph_objects as go

    parts = np.asarray(plan.parts)
    columns = np.arange(len(plan.names))
    labels = [plotly_text(label, 40) for label in plan.labels]
    told = np.stack([_spread(labels, parts), _spread(plan.limits, parts.T).T], axis=-1)
    votes = go.Heatmap(
        x=columns, y=np.arange(len(labels)), z=parts, coloraxis="coloraxis", texttemplate="%{z:.0f}", xgap=2,
        textfont={"size": SCREEN_FONT_PX}, customdata=told,
        hovertemplate="%{customdata[1]}<br>%{customdata[0]}: %{z:.1f} %<extra></extra>",
    )  # fmt: skip
    figure.add_trace(votes, row=1, col=2)
    low, high = np.array(plan.spans).T
    total = max(high) - min(low)
    longest = [max(3, int(MAP_PX * (top - bottom) / total / LETTER_PX)) for bottom, top in plan.spans]
    words = [plotly_text(choice, letters) for choice, letters in zip(plan.choices, longest, strict=True)]
    bars = go.Bar(
        x=columns, base=low, y=high - low, width=0.7, text=words, textposition="inside",
        insidetextanchor="middle", textangle=-90, constraintext="none",
        textfont={"size": SCREEN_FONT_PX, "color": "black"}, customdata=plan.limits,
        marker={"color": PALE_COLOURS[-1], "line": {"color": INK, "width": 1}},
        hovertemplate="hears %{customdata}, votes for %{text}<extra></extra>",
    )  # fmt: skip
    figure.add_trace(bars, row=2, col=2)


def _label_axes(figure: Any, result: VoteResult, plan: VotePlan, *, with_parts: bool) -> None:
    edges_s, bands = find_edges(result.spectrogram.time_s), len(result.spectrogram.frequency_hz)
    positions, words = place_band_ticks(result.spectrogram)
    over_bands = {"tickvals": positions, "ticktext": words, "range": [-0.5, bands - 0.5], "showgrid": False}
    figure.update_xaxes(title_text=X_TITLE, range=[edges_s[0], edges_s[-1]], showgrid=False, row=2, col=1)
    figure.update_yaxes(title_text=title_bands(result.spectrogram), **over_bands, row=2, col=1)
    if plan.frames is not None:
        figure.update_xaxes(matches="x3" if with_parts else "x2", showticklabels=False, row=1, col=1)
    if not with_parts:
        return
    columns = {
        "tickvals": list(range(len(plan.names))),
        "ticktext": plan.names,
        "range": [-0.5, len(plan.names) - 0.5],
        "showgrid": False,
    }
    figure.update_xaxes(**columns, showticklabels=False, row=1, col=2)
    figure.update_xaxes(title_text=PART_TITLE, **columns, row=2, col=2)
    figure.update_yaxes(**over_bands, showticklabels=False, matches="y3", row=2, col=2)


def _spread(words: list[str], values: np.ndarray) -> np.ndarray:
    """Return one word a row, for every column of `values`."""
    return np.broadcast_to(np.array(words, dtype=object)[:, None], values.shape)
