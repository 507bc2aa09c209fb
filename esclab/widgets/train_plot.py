"""A plot whose lines grow."""

from __future__ import annotations

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

    def show(self, figure: Any) -> None:
        """Show a figure; None hides the plot.

        Parameters
        ----------
        figure : plotly.graph_objects.Figure or None
        """
        with self.figure.guard:
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


def _count(trace: Any) -> int:
    return 0 if trace.x is None else len(trace.x)
