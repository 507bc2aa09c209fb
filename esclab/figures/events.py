"""Known events over a map: outlines that are seen on every colour."""

from __future__ import annotations

from typing import Any

import pandas as pd

from esclab.figures.spectrogram import place_boxes
from esclab.results import TimeFrequencyMap

# White on black is seen on every colour of a map.
OUTLINES = (("black", 3.0, 1.6), ("white", 1.2, 0.7))


def outline_events(tfmap: TimeFrequencyMap, events: pd.DataFrame | None) -> list[Any]:
    """Return plotly traces that outline `events` on the axes of `tfmap` (s and band index); none without events."""
    import plotly.graph_objects as go

    if events is None or events.empty:
        return []
    x: list[float | None] = []
    y: list[float | None] = []
    for left, right, bottom, top in place_boxes(tfmap, events):
        x += [left, right, right, left, left, None]
        y += [bottom, bottom, top, top, bottom, None]
    return [
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": width_px},
            hoverinfo="skip",
            name="event",
            showlegend=False,
        )
        for colour, width_px, _ in OUTLINES
    ]


def draw_events(axes: Any, tfmap: TimeFrequencyMap, events: pd.DataFrame | None) -> None:
    """Outline `events`, if there are any, in matplotlib axes that show `tfmap` over time (s) and band index."""
    from matplotlib.patches import Rectangle

    if events is None or events.empty:
        return

    for left, right, bottom, top in place_boxes(tfmap, events):
        for colour, _, width_pt in OUTLINES:
            size = (right - left, top - bottom)
            axes.add_patch(Rectangle((left, bottom), *size, fill=False, ec=colour, lw=width_pt))
