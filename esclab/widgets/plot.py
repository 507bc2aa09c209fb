"""Plotly figures inside an explorer: one widget a figure, repainted in place, in the colours of JupyterLab's theme."""

from __future__ import annotations

import html
import math
from typing import Any

import ipywidgets as widgets
import numpy as np

from esclab.widgets.plotly_figure import new_figure

# What stands on the page takes the page's ink; what stands on the plot keeps its own, on white.
PLOT_STYLE = """<style>
.esclab-plot .main-svg { background: transparent !important; }
.esclab-plot :is([class$=xtitle], [class$=ytitle], [class^=x][class$=title], [class^=y][class$=title],
  .annotation-text, .legendtext),
.esclab-plot :is(.xtick, .ytick, .xaxislayer-above, .yaxislayer-above, .infolayer g[class*=cb]) text {
  fill: var(--jp-ui-font-color1, #1a1a1a) !important; }
.esclab-plot .legend .bg { fill: transparent !important; }
</style>"""
PLOT_PX = 660
TITLE_PX = 50  # what a figure keeps free for its title


class Plot:
    """A figure with its title above, as text of the page.

    Attributes
    ----------
    caption : ipywidgets.HTML
    figure : plotly.graph_objects.FigureWidget
        Empty until something is painted.
    view : ipywidgets.Widget
        Both.
    """

    def __init__(self) -> None:
        self.caption = widgets.HTML()
        self.figure = new_figure(height=300, width=PLOT_PX)
        self.figure.add_class("esclab-plot")
        layout = widgets.Layout(display="none", overflow="auto", max_width="100%")
        self.view = widgets.VBox([self.caption, self.figure], layout=layout)

    def paint(self, figure: Any, *, width_px: int = PLOT_PX) -> None:
        """Show a figure; traces of the same kinds are changed in place, so that what listens to them stays.

        Parameters
        ----------
        figure : plotly.graph_objects.Figure or None
            None hides the plot.
        width_px : int
            Fixed: a plot that is painted while hidden could not measure its place.
        """
        self.view.layout.display = "none" if figure is None else ""
        if figure is None:
            return
        layout, traces = _clean(figure.layout.to_plotly_json()), [_clean(t.to_plotly_json()) for t in figure.data]
        title = layout.pop("title", {})
        self.caption.value = _write_caption(title.get("text", ""), title.get("subtitle", {}).get("text", ""))
        margin = layout.get("margin", {})
        top = max(margin.get("t", 70) - TITLE_PX, 20)
        layout |= {
            "paper_bgcolor": "rgba(0,0,0,0)", "width": width_px, "autosize": False,
            "margin": margin | {"t": top}, "height": layout.get("height", 420) - margin.get("t", 70) + top,
        }  # fmt: skip
        same = [trace.type for trace in self.figure.data] == [trace.type for trace in figure.data]
        with self.figure.batch_update():
            if same:
                for old, new in zip(self.figure.data, traces, strict=True):
                    old.update(new, overwrite=True)
            self.figure.layout.update(layout, overwrite=True)
        if not same:
            self.figure.data = ()
            self.figure.add_traces(traces)


def plot_style() -> widgets.HTML:
    """Return the style sheet that an explorer with plots holds once."""
    return widgets.HTML(PLOT_STYLE, layout=widgets.Layout(display="none"))


def _write_caption(title: str, subtitle: str) -> str:
    """Return a figure's title as HTML; what plotly would read as markup stands letter by letter."""
    first, second = (html.escape(html.unescape(text.replace("<br>", " "))) for text in (title, subtitle))
    return (
        f"<div style='line-height:1.4'><b>{first}</b><br>"
        f"<span style='color:var(--jp-ui-font-color2,#5a5a5a)'>{second}</span></div>"
    )


def _clean(value: Any) -> Any:
    """Return a figure's part in plain types, with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _clean(value.tolist())
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and math.isnan(value) else value
