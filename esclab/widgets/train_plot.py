"""A plot whose lines grow, and which a page that is loaded anew shows as it is."""

from __future__ import annotations

from copy import deepcopy
from threading import RLock
from typing import Any

import ipywidgets as widgets
import numpy as np

from esclab.widgets.plot import Plot

WIDTH_PX = 1050  # fits a notebook in a window of 1280
# All that stands beside the plots themselves, of every panel and legend.
INK_STYLE = """<style>
.esclab-plot .infolayer text { fill: var(--jp-ui-font-color1, #1a1a1a) !important; }
.esclab-plot .infolayer .bg { fill: transparent !important; }
</style>"""


class GrowingPlot(Plot):
    """A plot that sends only the lines that have grown, and is painted anew when there are others."""

    def __init__(self) -> None:
        # The figure is made when first needed: each brings plotly's 5 MB of JavaScript to the page.
        self.caption = widgets.HTML()
        layout = widgets.Layout(display="none", overflow="auto", max_width="100%")
        self.view = widgets.VBox([self.caption], layout=layout)
        self.figure: Any = None
        self._guard = RLock()  # a page may ask what is drawn while a training's thread draws

    def show(self, figure: Any) -> None:
        """Show a figure; None hides the plot.

        Parameters
        ----------
        figure : plotly.graph_objects.Figure or None
        """
        with self._guard:
            if figure is not None and self.figure is None:
                self.figure = _new_figure(self._guard)
                self.figure.add_class("esclab-plot")
                self.view.children = [self.caption, self.figure]
            hidden = self.view.layout.display == "none"
            if figure is None or hidden or not grow_lines(self.figure, figure):
                self.paint(figure, width_px=WIDTH_PX)


def ink_style() -> widgets.HTML:
    """Return the style sheet that goes with these plots, beside `plot_style`."""
    return widgets.HTML(INK_STYLE, layout=widgets.Layout(display="none"))


def grow_lines(plot: Any, figure: Any) -> bool:
    """Give a plot the points by which a figure's lines are longer; what has not grown is not sent again.

    Returns
    -------
    fits : bool
        False when the figure has other lines, so that the plot must be painted anew.
    """
    if [trace.name for trace in plot.data] != [trace.name for trace in figure.data]:
        return False
    with plot.batch_update():
        for old, new in zip(plot.data, figure.data, strict=True):
            if new.x is not None and _count(new) != _count(old):
                old.update(x=np.asarray(new.x), y=np.asarray(new.y))
                if new.customdata is not None:
                    old.customdata = np.asarray(new.customdata)
    return True


def _new_figure(guard: Any) -> Any:
    """Return an empty figure that is read under a guard; made here because plotly loads when first used."""
    import plotly.graph_objects as go

    from esclab.figures import register_template

    class ReloadedFigure(go.FigureWidget):
        """Tells a new page what is drawn now; plotly by itself tells what was drawn when the widget was made."""

        def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
            state = super().get_state(key=key, drop_defaults=drop_defaults)
            if key is None and getattr(self, "_layout_obj", None) is not None:
                with guard:
                    drawn = {"_widget_data": deepcopy(self._data), "_widget_layout": deepcopy(self._layout_obj._props)}
                for name, value in drawn.items():
                    state[name] = self.trait_metadata(name, "to_json")(value, self)
            return state

    return ReloadedFigure(layout={"template": register_template(), "width": WIDTH_PX})


def _count(trace: Any) -> int:
    return 0 if trace.x is None else len(trace.x)
