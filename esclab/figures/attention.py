"""Attention: where each layer looks in time and frequency, around the spectrogram that it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import (
    check_map,
    choose_color_range,
    find_edges,
    fit_edges,
    locate_bands,
    place_frequency_ticks,
)
from esclab.figures.spectrogram import (
    X_TITLE,
    Y_TITLE,
    build_heatmap,
    draw_mesh,
    label_values,
    spectrogram_data,
)
from esclab.figures.text import number_text, plotly_text, shorten
from esclab.figures.theme import (
    ACCENT,
    COLOURS,
    PALE_COLOURS,
    SCREEN_FONT_PX,
    SOFT_INK,
    TWO_COLUMNS_IN,
    Hand,
    choose_hand,
    new_print_figure,
    print_style,
    register_template,
)
from esclab.results import AttentionLayer, AttentionResult

SMALLEST_SPAN = 0.01
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "lambda": "λ"}
TEMPORAL, SPECTRAL, MIXTURE = "Weight of each frame", "Weight of each band", "Weight of each branch"
NO_WEIGHT = "no weights over time"


def attention_figure(
    result: AttentionResult, *, color_range: tuple[float, float] | None = None, hand: Hand = "plotly"
) -> Any:
    """Draw one clip's spectrogram with each layer's temporal weights above it and its spectral weights beside it.

    A layer has one strip over the shared time axis and one over the shared frequency axis. Each strip has its own
    scale, because layers differ in range: its two numbers are the lowest and the highest weight, and it never spans
    less than 0.01, so that noise is not blown up. The bars at the top right are the mixture of branches.

    Parameters
    ----------
    result : AttentionResult
    color_range : (float, float) or None
        Lowest and highest value of the spectrogram's colour scale; None takes its own range.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When the model records no attention, a layer's weights do not fit its axes, or an option is unknown.
    """
    check_map(result.spectrogram)
    layers = [x for x in result.layers if x.temporal is not None or x.spectral is not None or x.mixture]
    if not layers:
        model = result.model or "the model"
        raise OptionError(model, "it records no attention", "choose a model with attention gates")
    for layer in layers:
        _check_layer(layer)
    colours = choose_color_range(result.spectrogram.values, color_range)
    return choose_hand(hand, plotly=_draw_plotly, paper=_draw_print)(result, _plan(layers), colours)


def attention_data(result: AttentionResult) -> pd.DataFrame:
    """Return one row a value: `layer`, `kind`, `branch`, `time_s`, `frequency_hz`, `value`.

    `kind` is "spectrogram" (layer "input"), "temporal", "spectral" or "mixture" (then `branch` is its name); what a
    kind does not have is empty.
    """
    parts = [spectrogram_data(result.spectrogram).assign(layer="input", kind="spectrogram", branch="")]
    for layer in result.layers:
        tables = {
            "temporal": {"time_s": layer.time_s, "value": layer.temporal},
            "spectral": {"frequency_hz": layer.frequency_hz, "value": layer.spectral},
            "mixture": {"branch": list(layer.mixture), "value": list(layer.mixture.values()) or None},
        }
        for kind, columns in tables.items():
            if columns["value"] is not None:
                parts.append(pd.DataFrame(columns).assign(layer=layer.name, kind=kind))
    data = pd.concat(parts, ignore_index=True)
    data["branch"] = data["branch"].fillna("")
    return data[["layer", "kind", "branch", "time_s", "frequency_hz", "value"]]


@dataclass(frozen=True)
class _Plan:
    """What stands where: `rows` have a strip over time or a mixture, `columns` have a strip over frequency."""

    rows: list[AttentionLayer]
    columns: list[AttentionLayer]
    mixes: bool

    @property
    def grid(self) -> tuple[int, int]:
        """Rows above the spectrogram and columns beside it; bars of mixtures need a place beside it too."""
        return len(self.rows), max(len(self.columns), 2 if self.mixes else 0)

    def widths(self) -> list[float]:
        beside = self.grid[1]
        share = {0: 0.0, 1: 0.2, 2: 0.34}.get(beside, 0.48)
        return [1 - share] + [share / max(beside, 1)] * beside


def _plan(layers: list[AttentionLayer]) -> _Plan:
    rows = [layer for layer in layers if layer.temporal is not None or layer.mixture]
    columns = [layer for layer in layers if layer.spectral is not None]
    return _Plan(rows, columns, any(layer.mixture for layer in layers))


def _check_layer(layer: AttentionLayer) -> None:
    for name, weights, axis in (
        ("temporal", layer.temporal, layer.time_s),
        ("spectral", layer.spectral, layer.frequency_hz),
    ):
        if weights is not None and (weights.shape != np.shape(axis) or len(axis) == 0):
            cause = f"{name} weights of shape {weights.shape} do not fit its axis of shape {np.shape(axis)}"
            raise OptionError(
                f"AttentionLayer {layer.name!r}", cause, "give one weight for each place on the axis"
            )


def _span(weights: np.ndarray) -> tuple[list[float], list[str], list[float]]:
    """Return ticks, labels and limits of a strip: the lowest and highest weight, never closer than `SMALLEST_SPAN`."""
    low, high = float(np.nanmin(weights)), float(np.nanmax(weights))
    half = max(high - low, SMALLEST_SPAN) / 2
    middle = (low + high) / 2
    flat = high - low < SMALLEST_SPAN
    ticks = [middle - half, middle + half] if flat else [low, high]
    labels = [number_text(tick, 2 * half) for tick in ticks]
    return ticks, labels, [middle - 1.15 * half, middle + 1.15 * half]


def _time_steps(layer: AttentionLayer, result: AttentionResult) -> np.ndarray:
    edges_s = find_edges(result.spectrogram.time_s)
    return fit_edges(layer.time_s, edges_s[0], edges_s[-1])


def _band_steps(layer: AttentionLayer, result: AttentionResult) -> np.ndarray:
    bands_hz = result.spectrogram.frequency_hz
    return fit_edges(locate_bands(layer.frequency_hz, bands_hz), -0.5, len(bands_hz) - 0.5)


def _title(result: AttentionResult) -> str:
    return " · ".join(
        part for part in (shorten(result.model, 40), shorten(result.spectrogram.label, 40)) if part
    )


def _draw_plotly(result: AttentionResult, plan: _Plan, colours: tuple[float, float]) -> Any:
    from plotly.subplots import make_subplots

    above, beside = plan.grid
    strip: list[Any] = [{}, *([{"colspan": beside}, *[None] * (beside - 1)] if beside else [])]
    widths = plan.widths()
    figure = make_subplots(
        rows=above + 1,
        cols=beside + 1,
        specs=[strip] * above + [[{}] * (beside + 1)],
        row_heights=[66.0] * above + [300.0],
        column_widths=widths,
        horizontal_spacing=0.022,
        vertical_spacing=min(0.045, 0.9 / max(above, 1)),
    )
    bar = {"title": {"text": plotly_text(label_values(result.spectrogram)), "side": "right"}, "thickness": 12}
    bar |= {"len": 300, "lenmode": "pixels", "y": 0, "yanchor": "bottom", "outlinewidth": 0}
    figure.add_trace(build_heatmap(result.spectrogram, colours, colorbar=bar), row=above + 1, col=1)
    for i, layer in enumerate(plan.rows, start=1):
        _add_temporal(figure, layer, result, i)
        if beside:
            _add_mixture(figure, layer, i, last=i == above)
    for i, layer in enumerate(plan.columns, start=2):
        _add_spectral(figure, layer, result, above + 1, i)
    for i in range(len(plan.columns) + 2, beside + 2):
        figure.update_xaxes(visible=False, row=above + 1, col=i)
        figure.update_yaxes(visible=False, row=above + 1, col=i)
    edges_s, bands = find_edges(result.spectrogram.time_s), len(result.spectrogram.frequency_hz)
    positions, labels = place_frequency_ticks(result.spectrogram.frequency_hz)
    for i in range(1, above + 2):
        figure.update_xaxes(
            range=[edges_s[0], edges_s[-1]], showgrid=False, showticklabels=i > above, row=i, col=1
        )
        figure.update_xaxes(matches=f"x{_axis_number(figure, above + 1)}", row=i, col=1)
    figure.update_xaxes(title_text=X_TITLE, row=above + 1, col=1)
    band_axis = {"tickvals": positions, "ticktext": labels, "range": [-0.5, bands - 0.5], "showgrid": False}
    for i in range(1, len(plan.columns) + 2):
        figure.update_yaxes(**band_axis, showticklabels=i == 1, row=above + 1, col=i)
        figure.update_yaxes(matches=f"y{_axis_number(figure, above + 1)}", row=above + 1, col=i)
    figure.update_yaxes(title_text=Y_TITLE, row=above + 1, col=1)
    figure.update_layout(
        template=register_template(),
        title_text=plotly_text(_title(result), 90),
        showlegend=False,
        barmode="stack",
        height=480 + 92 * above,
        margin={"t": 90, "r": 90},
    )
    return figure


def _axis_number(figure: Any, row: int) -> str:
    return figure.get_subplot(row, 1).xaxis.plotly_name.removeprefix("xaxis")


def _note(figure: Any, text: str, row: int, col: int, **options: Any) -> None:
    """Write `text` in a subplot, in shares of its area."""
    plot = figure.get_subplot(row, col)
    axes = [axis.plotly_name.replace("axis", "") + " domain" for axis in (plot.xaxis, plot.yaxis)]
    figure.add_annotation(xref=axes[0], yref=axes[1], text=text, showarrow=False, **options)


def _add_temporal(figure: Any, layer: AttentionLayer, result: AttentionResult, row: int) -> None:
    import plotly.graph_objects as go

    name = plotly_text(layer.name)
    _note(figure, f"<b>{name}</b>", row, 1, x=0, y=1.02, xanchor="left", yanchor="bottom")
    if row == 1:
        _note(figure, TEMPORAL, row, 1, x=1, y=1.02, xanchor="right", yanchor="bottom", font_color=SOFT_INK)
    if layer.temporal is None:
        figure.update_yaxes(showticklabels=False, ticks="", showgrid=False, row=row, col=1)
        _note(figure, NO_WEIGHT, row, 1, x=0.5, y=0.5, font_color=SOFT_INK)
        return
    edges_s = _time_steps(layer, result)
    trace = go.Scatter(
        x=edges_s,
        y=np.append(layer.temporal, layer.temporal[-1]),
        mode="lines",
        name=name,
        line={"color": ACCENT, "width": 2, "shape": "hv"},
        hovertemplate="from %{x:.3f} s<br>weight %{y:.4f}<extra>%{fullData.name}</extra>",
    )
    figure.add_trace(trace, row=row, col=1)
    ticks, labels, limits = _span(layer.temporal)
    figure.update_yaxes(tickvals=ticks, ticktext=labels, range=limits, row=row, col=1)


def _add_spectral(figure: Any, layer: AttentionLayer, result: AttentionResult, row: int, col: int) -> None:
    import plotly.graph_objects as go

    assert layer.spectral is not None
    edges = _band_steps(layer, result)
    trace = go.Scatter(
        x=np.append(layer.spectral, layer.spectral[-1]),
        y=edges,
        customdata=np.append(layer.frequency_hz, layer.frequency_hz[-1]),
        mode="lines",
        name=plotly_text(layer.name),
        line={"color": COLOURS[1], "width": 2, "shape": "vh"},
        hovertemplate="band at %{customdata:.0f} Hz<br>weight %{x:.4f}<extra>%{fullData.name}</extra>",
    )
    figure.add_trace(trace, row=row, col=col)
    ticks, labels, limits = _span(layer.spectral)
    figure.update_xaxes(tickvals=ticks, ticktext=labels, range=limits, tickangle=-90, row=row, col=col)
    if col == 2:
        figure.update_xaxes(title_text=SPECTRAL, row=row, col=col)
    _note(figure, f"<b>{plotly_text(layer.name, 12)}</b>", row, col, x=0.5, y=1.0, yanchor="bottom")


def _add_mixture(figure: Any, layer: AttentionLayer, row: int, *, last: bool) -> None:
    import plotly.graph_objects as go

    for i, (branch, weight) in enumerate(layer.mixture.items()):
        sign = plotly_text(GREEK.get(branch, branch), 10)
        trace = go.Bar(
            x=[weight],
            y=[0],
            orientation="h",
            name=plotly_text(branch),
            text=f"{sign} {weight:.2f}",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"size": SCREEN_FONT_PX, "color": "black"},
            marker={"color": PALE_COLOURS[i % len(PALE_COLOURS)], "line": {"color": "white", "width": 2}},
            hovertemplate="%{fullData.name} %{x:.4f}<extra></extra>",
        )
        figure.add_trace(trace, row=row, col=2)
    figure.update_yaxes(visible=False, range=[-0.6, 0.6], row=row, col=2)
    top = max(1.0, sum(layer.mixture.values()))
    shown = {"range": [0, top], "showticklabels": last, "showgrid": False, "dtick": 0.5}
    figure.update_xaxes(visible=bool(layer.mixture), **shown, row=row, col=2)
    if row == 1:
        _note(figure, MIXTURE, row, 2, x=1, y=1.02, xanchor="right", yanchor="bottom", font_color=SOFT_INK)


def _draw_print(result: AttentionResult, plan: _Plan, colours: tuple[float, float]) -> Any:
    above, beside = plan.grid
    with print_style():
        figure = new_print_figure(TWO_COLUMNS_IN, 2.9 + 0.46 * above)
        grid = figure.add_gridspec(
            above + 1, beside + 1, width_ratios=plan.widths(), height_ratios=[0.34] * above + [2.0]
        )
        figure.get_layout_engine().set(h_pad=0.03, w_pad=0.03, hspace=0.02, wspace=0.02)
        centre = figure.add_subplot(grid[above, 0])
        mesh = draw_mesh(centre, result.spectrogram, colours)
        bar = figure.colorbar(
            mesh, ax=centre, label=label_values(result.spectrogram), location="bottom", aspect=45, pad=0.02
        )
        bar.outline.set_visible(False)
        for i, layer in enumerate(plan.rows):
            _draw_temporal(figure.add_subplot(grid[i, 0], sharex=centre), layer, result, first=i == 0)
            if layer.mixture:
                _draw_mixture(figure.add_subplot(grid[i, 1:]), layer, last=i == above - 1)
        for i, layer in enumerate(plan.columns, start=1):
            _draw_spectral(figure.add_subplot(grid[above, i], sharey=centre), layer, result)
        figure.suptitle(_title(result), x=0.01, ha="left")
    return figure


def _draw_temporal(axes: Any, layer: AttentionLayer, result: AttentionResult, *, first: bool) -> None:
    axes.tick_params(labelbottom=False)
    axes.set_ylabel(shorten(layer.name, 14), rotation=0, ha="right", va="center")
    if first:
        axes.set_title(TEMPORAL)
    if layer.temporal is None:
        axes.set_yticks([])
        axes.text(0.5, 0.5, NO_WEIGHT, transform=axes.transAxes, ha="center", va="center", color=SOFT_INK)
        return
    axes.stairs(layer.temporal, _time_steps(layer, result), baseline=None, color=ACCENT)
    ticks, labels, limits = _span(layer.temporal)
    axes.set_yticks(ticks, labels)
    axes.set_ylim(limits)
    axes.grid(True, axis="y")


def _draw_spectral(axes: Any, layer: AttentionLayer, result: AttentionResult) -> None:
    edges = _band_steps(layer, result)
    axes.stairs(layer.spectral, edges, orientation="horizontal", baseline=None, color=COLOURS[1])
    ticks, labels, limits = _span(np.asarray(layer.spectral))
    axes.set_xticks(ticks, labels)
    axes.set_xlim(limits)
    axes.tick_params(labelleft=False)
    axes.set_title(shorten(layer.name, 12))
    axes.grid(True, axis="x")


def _draw_mixture(axes: Any, layer: AttentionLayer, *, last: bool) -> None:
    left = 0.0
    for i, (branch, weight) in enumerate(layer.mixture.items()):
        axes.barh(0, weight, left=left, color=PALE_COLOURS[i % len(PALE_COLOURS)], ec="white")
        axes.text(
            left + weight / 2,
            0,
            f"{shorten(GREEK.get(branch, branch), 10)} {weight:.2f}",
            ha="center",
            va="center",
        )
        left += weight
    axes.set_xlim(0, max(1.0, left))
    axes.set_yticks([])
    axes.tick_params(labelbottom=last)
