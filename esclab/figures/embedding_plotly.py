"""The embedding figure for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.figures.embedding import (
    WRONG,
    PointGroup,
    find_limits,
    list_epochs,
    title_axes,
    title_embedding,
    write_quality,
)
from esclab.figures.text import class_words, plotly_text
from esclab.figures.theme import INK, SCREEN_FONT_PX, register_template
from esclab.results import EmbeddingResult

PLOT_PX = 520
FRAME_MS, MOVE_MS = 900, 500


def draw_plotly(result: EmbeddingResult, groups: list[PointGroup], *, columns: int, rings: bool) -> Any:
    """Return the figure as a `plotly.graph_objects.Figure`; the arguments come checked from `embedding_figure`.

    Epochs are frames under a slider, so `columns` does not matter here.
    """
    import plotly.graph_objects as go

    del columns
    epochs = list_epochs(result)
    several = len(epochs) > 1
    figure = go.Figure(_build_traces(result, groups, epochs[-1], rings=rings))
    if several:
        figure.frames = [
            go.Frame(
                name=str(epoch),
                data=_build_traces(result, groups, epoch, rings=rings),
                layout={"title": _build_title(result, epoch, several=True)},
            )
            for epoch in epochs
        ]
    (x_title, y_title), (x_limits, y_limits) = title_axes(result), find_limits(result)
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "mirror": True}
    figure.update_xaxes(title_text=x_title, range=x_limits, constrain="domain", **bare)
    figure.update_yaxes(title_text=y_title, range=y_limits, constrain="domain", scaleanchor="x", **bare)
    figure.update_layout(
        template=register_template(),
        title=_build_title(result, epochs[-1], several=several),
        height=PLOT_PX + (250 if several else 150),
        margin={"t": 90, "b": 160 if several else 60},
        legend={"x": 1.02, "y": 1, "yanchor": "top", "itemsizing": "constant"},
        **(_build_controls(epochs) if several else {}),
    )
    return figure


def _build_title(result: EmbeddingResult, epoch: int, *, several: bool) -> dict[str, Any]:
    words = [f"Epoch {epoch}", *write_quality(result, epoch)] if several else write_quality(result, epoch)
    return {"text": plotly_text(title_embedding(result), 90), "subtitle": {"text": ", ".join(words)}}


def _build_traces(result: EmbeddingResult, groups: list[PointGroup], epoch: int, *, rings: bool) -> list[Any]:
    """Return one trace a group, in every epoch the same ones, and the rings around wrong answers on top."""
    import plotly.graph_objects as go

    table = result.table
    now = (table["epoch"] == epoch).to_numpy()
    size = 9 if now.sum() <= 400 else 6
    x, y = table["x"].to_numpy(float), table["y"].to_numpy(float)
    words = [table["clip"], table["class_name"].map(class_words), table["predicted"].map(class_words)]
    texts = [column.map(plotly_text).to_numpy(object) for column in words]
    hover = np.column_stack([*texts, table["fold"].to_numpy(object)])
    traces = [
        go.Scatter(
            x=x[dots],
            y=y[dots],
            ids=table["clip"].to_numpy(str)[dots],
            customdata=hover[dots],
            mode="markers",
            name=plotly_text(group.name),
            showlegend=True,
            marker={
                "size": size,
                "color": group.colour,
                "symbol": group.plotly_marker,
                "line": {"color": "white", "width": 0.6},
            },
            hovertemplate="%{customdata[0]}<br>true %{customdata[1]}<br>predicted %{customdata[2]}"
            "<br>fold %{customdata[3]}<extra></extra>",
        )
        for group in groups
        for dots in [group.member & now]
    ]
    if rings:
        wrong = now & ~table["correct"].to_numpy(bool)
        look = {"size": size + 6, "color": "rgba(0,0,0,0)", "symbol": "circle", "line": {"color": INK, "width": 1.4}}
        ring = go.Scatter(x=x[wrong], y=y[wrong], mode="markers", marker=look, hoverinfo="skip")
        traces.append(ring.update(name=WRONG, showlegend=True, ids=table["clip"].to_numpy(str)[wrong]))
    return traces


def _build_controls(epochs: list[int]) -> dict[str, Any]:
    """Return the slider over epochs and the two buttons, below the plot."""
    # A full redraw at each frame: the title changes too.
    go_on = {"frame": {"duration": FRAME_MS, "redraw": True}, "transition": {"duration": MOVE_MS}}
    jump = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    stop = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}, "mode": "immediate"}
    buttons = [
        {"label": "Play", "method": "animate", "args": [None, {**go_on, "fromcurrent": False, "mode": "immediate"}]},
        {"label": "Pause", "method": "animate", "args": [[None], stop]},
    ]
    steps = [{"label": str(epoch), "method": "animate", "args": [[str(epoch)], jump]} for epoch in epochs]
    font = {"size": SCREEN_FONT_PX}
    slider = {
        "active": len(epochs) - 1,
        "currentvalue": {"prefix": "Epoch ", "font": font},
        "font": font,
        "steps": steps,
        "x": 0.2,
        "len": 0.8,
        "y": -0.09,
        "yanchor": "top",
        "pad": {"t": 0, "b": 0},
    }
    menu = {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "buttons": buttons,
        "x": 0,
        "xanchor": "left",
        "y": -0.13,
        "yanchor": "top",
        "font": font,
        "pad": {"t": 0, "r": 0},
    }
    return {"sliders": [slider], "updatemenus": [menu]}
