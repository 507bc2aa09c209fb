"""The attention figure for the screen."""

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
from esclab.figures.scale import find_edges, place_band_ticks, title_bands, write_band
from esclab.figures.spectrogram import X_TITLE, build_heatmap, label_values
from esclab.figures.text import plotly_text
from esclab.figures.theme import (
    ACCENT,
    COLOURS,
    MAP_COLOURS,
    PALE_COLOURS,
    SCREEN_FONT_PX,
    SOFT_INK,
    build_color_bar,
    register_template,
)
from esclab.results import AttentionLayer, AttentionResult

STRIP_PX, PICTURE_PX, GAP_PX, MAP_PX = 60, 170, 34, 320


def draw_plotly(result: AttentionResult, plan: StripPlan, colours: tuple[float, float]) -> Any:
    """Return the figure as a `plotly.graph_objects.Figure`; the arguments come checked from `attention_figure`."""
    figure = _lay_out(plan)
    above = len(plan.rows) + len(plan.pictures)
    bottom = above + 1
    bar = build_color_bar(plotly_text(label_values(result.spectrogram)))
    bar |= {"len": MAP_PX, "lenmode": "pixels", "y": 0, "yanchor": "bottom"}
    figure.add_trace(build_heatmap(result.spectrogram, colours, colorbar=bar), row=bottom, col=1)
    for row, layer in enumerate(plan.rows, start=1):
        _add_temporal(figure, layer, result, row)
        if len(plan.widths) > 1:
            _add_mixture(figure, layer.mixture, plan.bar_share, row)
    for row, layer in enumerate(plan.pictures, start=len(plan.rows) + 1):
        _add_spatial(figure, layer, result, row)
    for col, layer in enumerate(plan.columns, start=2):
        _add_spectral(figure, layer, result, (bottom, col))
    if plan.rows and plan.rows[0].mixture:
        _note(figure, MIXTURE_TITLE, (1, 2), x=0, y=1.02, xanchor="left", yanchor="bottom", font_color=SOFT_INK)
    _share_axes(figure, result, plan)
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(title_attention(result), 90),
        showlegend=False,
        barmode="stack",
        margin={"t": 80, "r": 90, "b": 80},
        height=160 + _measure_area(plan),
    )
    return figure


def _lay_out(plan: StripPlan) -> Any:
    from plotly.subplots import make_subplots

    above, beside = len(plan.rows) + len(plan.pictures), len(plan.widths) - 1
    strip: list[Any] = [{}, *([{"colspan": beside}, *[None] * (beside - 1)] if beside else [])]
    return make_subplots(
        rows=above + 1,
        cols=beside + 1,
        specs=[strip] * len(plan.rows) + [[{}, *[None] * beside]] * len(plan.pictures) + [[{}] * (beside + 1)],
        row_heights=[STRIP_PX] * len(plan.rows) + [PICTURE_PX] * len(plan.pictures) + [MAP_PX],
        column_widths=plan.widths,
        horizontal_spacing=0.022,
        vertical_spacing=GAP_PX / _measure_area(plan) if above else 0,
    )


def _measure_area(plan: StripPlan) -> int:
    """Return the height of all rows with the gaps between them, in px."""
    return MAP_PX + len(plan.rows) * (STRIP_PX + GAP_PX) + len(plan.pictures) * (PICTURE_PX + GAP_PX)


def _share_axes(figure: Any, result: AttentionResult, plan: StripPlan) -> None:
    """Let the strips zoom with the spectrogram, whose axes are the only ones with labels."""
    strips, bottom = len(plan.rows), len(plan.rows) + len(plan.pictures) + 1
    edges_s, bands = find_edges(result.spectrogram.time_s), len(result.spectrogram.frequency_hz)
    positions, labels = place_band_ticks(result.spectrogram)
    centre = figure.get_subplot(bottom, 1)
    over_time = {"range": [edges_s[0], edges_s[-1]], "showgrid": False}
    over_bands = {"tickvals": positions, "ticktext": labels, "range": [-0.5, bands - 0.5], "showgrid": False}
    for row in range(1, bottom):
        shared = {"matches": centre.xaxis.plotly_name.replace("axis", ""), "showticklabels": False}
        figure.update_xaxes(**over_time, **shared, row=row, col=1)
    for row in range(strips + 1, bottom):
        matches = centre.yaxis.plotly_name.replace("axis", "")
        figure.update_yaxes(title_text=title_bands(result.spectrogram), **over_bands, matches=matches, row=row, col=1)
    for col in range(2, len(plan.columns) + 2):
        shared = {"matches": centre.yaxis.plotly_name.replace("axis", ""), "showticklabels": False}
        figure.update_yaxes(**over_bands, **shared, row=bottom, col=col)
    figure.update_xaxes(title_text=X_TITLE, **over_time, row=bottom, col=1)
    figure.update_yaxes(title_text=title_bands(result.spectrogram), **over_bands, row=bottom, col=1)
    if not plan.columns and len(plan.widths) > 1:
        figure.update_xaxes(visible=False, row=bottom, col=2)
        figure.update_yaxes(visible=False, row=bottom, col=2)


def _note(figure: Any, text: str, place: tuple[int, int], **options: Any) -> None:
    """Write `text` into the subplot at (row, column), at shares of its area."""
    plot = figure.get_subplot(*place)
    xref, yref = (axis.plotly_name.replace("axis", "") + " domain" for axis in (plot.xaxis, plot.yaxis))
    figure.add_annotation(xref=xref, yref=yref, text=text, showarrow=False, **options)


def _add_temporal(figure: Any, layer: AttentionLayer, result: AttentionResult, row: int) -> None:
    import plotly.graph_objects as go

    name = plotly_text(layer.name)
    _note(figure, f"<b>{name}</b>", (row, 1), x=0, y=1.02, xanchor="left", yanchor="bottom")
    if row == 1:
        _note(figure, TEMPORAL_TITLE, (1, 1), x=1, y=1.02, xanchor="right", yanchor="bottom", font_color=SOFT_INK)
    if layer.temporal is None:
        figure.update_yaxes(showticklabels=False, ticks="", showgrid=False, row=row, col=1)
        _note(figure, NO_TEMPORAL, (row, 1), x=0.5, y=0.5, font_color=SOFT_INK)
        return
    trace = go.Scatter(
        x=step_frames(layer, result),
        y=np.append(layer.temporal, layer.temporal[-1]),
        mode="lines",
        name=name,
        line={"color": ACCENT, "width": 2, "shape": "hv"},
        hovertemplate="from %{x:.3f} s<br>weight %{y:.4f}<extra>%{fullData.name}</extra>",
    )
    figure.add_trace(trace, row=row, col=1)
    ticks, labels, limits = scale_strip(layer.temporal)
    figure.update_yaxes(tickvals=ticks, ticktext=labels, range=limits, row=row, col=1)


def _add_spatial(figure: Any, layer: AttentionLayer, result: AttentionResult, row: int) -> None:
    import plotly.graph_objects as go

    weights = np.asarray(layer.spatial)
    words, colours = scale_picture(weights)
    hover = f"band at {write_band(result.spectrogram)}<br>weight %{{z:.4f}}<extra>%{{fullData.name}}</extra>"
    trace = go.Heatmap(
        x=step_frames(layer, result),
        y=step_bands(layer, result),
        z=weights.T,
        customdata=np.ascontiguousarray(np.broadcast_to(layer.frequency_hz[:, None], weights.T.shape)),
        zmin=colours[0],
        zmax=colours[1],
        colorscale=MAP_COLOURS,
        showscale=False,
        name=plotly_text(layer.name),
        hovertemplate=f"from %{{x:.3f}} s, {hover}",
    )
    figure.add_trace(trace, row=row, col=1)
    title = f"<b>{plotly_text(layer.name)}</b>: {SPATIAL_TITLE.lower()}, {words}"
    _note(figure, title, (row, 1), x=0, y=1.0, xanchor="left", yanchor="bottom")


def _add_spectral(figure: Any, layer: AttentionLayer, result: AttentionResult, place: tuple[int, int]) -> None:
    import plotly.graph_objects as go

    weights, (row, col) = np.asarray(layer.spectral), place
    trace = go.Scatter(
        x=np.append(weights, weights[-1]),
        y=step_bands(layer, result),
        customdata=np.append(layer.frequency_hz, layer.frequency_hz[-1]),
        mode="lines",
        name=plotly_text(layer.name),
        line={"color": COLOURS[1], "width": 2, "shape": "vh"},
        hovertemplate=f"band at {write_band(result.spectrogram)}<br>weight %{{x:.4f}}<extra>%{{fullData.name}}</extra>",
    )
    figure.add_trace(trace, row=row, col=col)
    ticks, labels, limits = scale_strip(weights)
    figure.update_xaxes(tickvals=ticks, ticktext=labels, range=limits, tickangle=-90, row=row, col=col)
    _note(figure, f"<b>{plotly_text(layer.name, 12)}</b>", place, x=0, y=1.0, xanchor="left", yanchor="bottom")
    if col == 2:
        below = {"x": 0, "y": 0, "yshift": -50, "xanchor": "left", "yanchor": "top"}
        _note(figure, SPECTRAL_TITLE, place, font_size=SCREEN_FONT_PX + 1, **below)


def _add_mixture(figure: Any, mixture: dict[str, float], bar_share: float, row: int) -> None:
    import plotly.graph_objects as go

    total = max(1.0, sum(mixture.values()))
    for i, (branch, weight) in enumerate(mixture.items()):
        trace = go.Bar(
            x=[weight],
            y=[0],
            orientation="h",
            name=plotly_text(branch),
            text=plotly_text(letter_branch(branch)) if weight >= NARROWEST_LETTER * total else "",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"size": SCREEN_FONT_PX, "color": "black"},
            marker={"color": PALE_COLOURS[i % len(PALE_COLOURS)], "line": {"color": "white", "width": 2}},
            hovertemplate="%{fullData.name} %{x:.4f}<extra></extra>",
        )
        figure.add_trace(trace, row=row, col=2)
    figure.update_yaxes(visible=False, range=[-0.5, 0.5], row=row, col=2)
    figure.update_xaxes(visible=False, range=[0, total / bar_share], row=row, col=2)
    if mixture:
        words = "<br>".join(plotly_text(line, 60) for line in write_mixture(mixture))
        _note(figure, words, (row, 2), x=bar_share + 0.03, y=0.5, xanchor="left", align="left")
