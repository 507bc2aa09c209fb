"""The attention figure for paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.figures.attention_strips import (
    MIXTURE_TITLE,
    NARROWEST_LETTER,
    NO_TEMPORAL,
    SPATIAL_TITLE,
    SPECTRAL_TITLE,
    TEMPORAL_TITLE,
    StripPlan,
    letter_branch,
    scale_picture,
    scale_strip,
    step_bands,
    step_frames,
    title_attention,
    write_mixture,
)
from esclab.figures.spectrogram import draw_mesh, label_values
from esclab.figures.text import shorten
from esclab.figures.theme import (
    ACCENT,
    COLOURS,
    MAP_COLOURS,
    PALE_COLOURS,
    SOFT_INK,
    TWO_COLUMNS_IN,
    new_print_figure,
    print_style,
)
from esclab.results import AttentionLayer, AttentionResult

PICTURE_IN = 1.15


def draw_print(result: AttentionResult, plan: StripPlan, colours: tuple[float, float]) -> Any:
    """Return the figure as a `matplotlib.figure.Figure`; the arguments come checked from `attention_figure`."""
    strips, pictures, beside = len(plan.rows), len(plan.pictures), len(plan.widths) - 1
    above = strips + pictures
    heights = [0.36] * strips + [PICTURE_IN] * pictures + [2.0]
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 3.1 + 0.48 * strips + (PICTURE_IN + 0.2) * pictures)
        figure.get_layout_engine().set(h_pad=0.035, w_pad=0.03, hspace=0.02, wspace=0.02)
        grid = figure.add_gridspec(above + 1, beside + 1, width_ratios=plan.widths, height_ratios=heights)
        centre = figure.add_subplot(grid[above, 0])
        mesh = draw_mesh(centre, result.spectrogram, colours)
        label = label_values(result.spectrogram)
        bar = figure.colorbar(mesh, ax=centre, label=label, location="bottom", aspect=45, pad=0.02)
        bar.outline.set_visible(False)
        for i, layer in enumerate(plan.rows):
            _draw_temporal(figure.add_subplot(grid[i, 0], sharex=centre), layer, result, first=i == 0)
            if layer.mixture:
                axes = figure.add_subplot(grid[i, 1:])
                _draw_mixture(axes, layer.mixture, plan.bar_share)
                axes.set_title(MIXTURE_TITLE if layer is next(x for x in plan.rows if x.mixture) else "")
        for i, layer in enumerate(plan.pictures, start=strips):
            _draw_spatial(figure.add_subplot(grid[i, 0], sharex=centre, sharey=centre), layer, result)
        for i, layer in enumerate(plan.columns, start=1):
            _draw_spectral(figure.add_subplot(grid[above, i], sharey=centre), layer, result)
        if plan.columns:
            _title_columns(figure, len(plan.columns))
        figure.suptitle(title_attention(result), x=0.01, ha="left")
    return figure


def _draw_temporal(axes: Any, layer: AttentionLayer, result: AttentionResult, *, first: bool) -> None:
    axes.tick_params(labelbottom=False)
    axes.set_ylabel(shorten(layer.name, 14), rotation=0, ha="right", va="center")
    if first:
        axes.set_title(TEMPORAL_TITLE)
    if layer.temporal is None:
        axes.set_yticks([])
        axes.text(0.5, 0.5, NO_TEMPORAL, transform=axes.transAxes, ha="center", va="center", color=SOFT_INK)
        return
    axes.stairs(layer.temporal, step_frames(layer, result), baseline=None, color=ACCENT)
    ticks, labels, limits = scale_strip(layer.temporal)
    axes.set_yticks(ticks, labels)
    axes.set_ylim(limits)
    axes.grid(True, axis="y")


def _draw_spatial(axes: Any, layer: AttentionLayer, result: AttentionResult) -> None:
    words, colours = scale_picture(np.asarray(layer.spatial))
    axes.pcolormesh(
        step_frames(layer, result),
        step_bands(layer, result),
        np.asarray(layer.spatial).T,
        vmin=colours[0],
        vmax=colours[1],
        cmap=MAP_COLOURS,
        rasterized=True,
    )
    axes.tick_params(labelbottom=False)
    axes.set_title(f"{shorten(layer.name, 14)}: {SPATIAL_TITLE.lower()}, {words}", loc="left")


def _draw_spectral(axes: Any, layer: AttentionLayer, result: AttentionResult) -> None:
    weights = np.asarray(layer.spectral)
    axes.stairs(weights, step_bands(layer, result), orientation="horizontal", baseline=None, color=COLOURS[1])
    ticks, labels, limits = scale_strip(weights)
    axes.set_xticks(ticks, labels)
    axes.set_xlim(limits)
    # The two numbers lean inwards, so that they do not touch those of the next strip.
    for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
        label.set_ha(side)
    axes.tick_params(labelleft=False)
    axes.set_title(shorten(layer.name, 12))
    axes.grid(True, axis="x")


def _title_columns(figure: Any, columns: int) -> None:
    """Write the title of the spectral strips once, under the first one, without making that one any wider."""
    axes = figure.axes[-columns]
    axes.set_xlabel(SPECTRAL_TITLE, loc="left")
    axes.xaxis.label.set_in_layout(False)


def _draw_mixture(axes: Any, mixture: dict[str, float], bar_share: float) -> None:
    total = max(1.0, sum(mixture.values()))
    left = 0.0
    for i, (branch, weight) in enumerate(mixture.items()):
        axes.barh(0, weight, left=left, color=PALE_COLOURS[i % len(PALE_COLOURS)], ec="white")
        if weight >= NARROWEST_LETTER * total:
            axes.text(left + weight / 2, 0, letter_branch(branch), ha="center", va="center")
        left += weight
    words = "\n".join(write_mixture(mixture))
    axes.text(bar_share + 0.03, 0.5, words, transform=axes.transAxes, va="center", linespacing=1.2)
    axes.set_xlim(0, total / bar_share)
    axes.set_axis_off()
