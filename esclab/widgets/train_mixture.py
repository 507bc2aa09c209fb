"""The weights of parallel attention over epochs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from esclab.figures.text import plotly_text
from esclab.figures.theme import COLOURS, PLOTLY_MARKERS, register_template

BRANCHES = {"alpha": ("α, over frames", "solid"), "beta": ("β, over bands", "dash"), "gamma": ("γ, direct", "dot")}
MARKERS_PER_LINE = 6


def find_layers(history: pd.DataFrame) -> list[str]:
    """Return the layers whose (alpha, beta, gamma) a history has, e.g. "block1"."""
    return [str(name).removesuffix("_alpha") for name in history.columns if str(name).endswith("_alpha")]


def draw_mixtures(history: pd.DataFrame, label: str) -> Any:
    """Draw the weights of the temporal, spectral and direct branch of every layer over epochs.

    Parameters
    ----------
    history : DataFrame
        With `epoch`, and `<layer>_alpha`, `_beta` and `_gamma` for each layer.
    label : str

    Returns
    -------
    figure : plotly.graph_objects.Figure

    Notes
    -----
    TS-CNN, equations 7 and 8.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    layers = find_layers(history)
    figure = make_subplots(
        rows=1, cols=len(layers), shared_yaxes=True, horizontal_spacing=0.03,
        subplot_titles=[plotly_text(layer) for layer in layers],
    )  # fmt: skip
    for column, layer in enumerate(layers, start=1):
        for number, (branch, (name, dash)) in enumerate(BRANCHES.items()):
            trace = go.Scatter(
                x=history["epoch"].to_numpy(),
                y=history[f"{layer}_{branch}"].to_numpy(dtype=float),
                name=name, legendgroup=branch, showlegend=column == 1, mode="lines+markers",
                line={"color": COLOURS[number], "dash": dash, "width": 2},
                marker={"symbol": PLOTLY_MARKERS[number], "size": 7, "maxdisplayed": MARKERS_PER_LINE},
                hovertemplate=f"epoch %{{x}}<br>{name} %{{y:.3f}}<extra>{plotly_text(layer)}</extra>",
            )  # fmt: skip
            figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Weight", row=1, col=1)
    figure.update_annotations(font_size=13)
    figure.update_layout(
        template=register_template(),
        title_text=f"Attention's branches: {plotly_text(label, 60)}",
        height=300,
        legend={"x": 1.02, "y": 1, "yanchor": "top"},
    )
    return figure
