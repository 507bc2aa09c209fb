"""Plotly's figure as a widget, made for pages with many of them, slow ones, and ones that are loaded anew."""

from __future__ import annotations

import gzip
from copy import deepcopy
from functools import cache
from threading import RLock
from typing import Any

import anywidget
import traitlets

from esclab.widgets.canvas import STATIC

_libraries: list[PlotlyLibrary] = []


class PlotlyLibrary(anywidget.AnyWidget):
    """Holds plotly's script, so that a page gets its 5 MB once and not with each figure."""

    _esm = "export default {}"

    source = traitlets.Bytes(b"").tag(sync=True)  # gzip


def new_figure(**layout: Any) -> Any:
    """Return an empty figure widget with esclab's template.

    Parameters
    ----------
    **layout
        Of plotly, e.g. `width`.

    Returns
    -------
    figure : plotly.graph_objects.FigureWidget
        Hold its `guard` while a thread draws: a page may ask at the same time what is drawn.
    """
    from esclab.figures import register_template

    return _figure_class()(layout={"template": register_template(), **layout})


@cache
def _figure_class() -> type:
    import plotly.graph_objects as go

    class SharedFigure(go.FigureWidget):
        _esm = STATIC / "plotly_figure.js"

        library = traitlets.Unicode().tag(sync=True)
        guard: Any = None

        def __init__(self, **settings: Any) -> None:
            self.guard = RLock()
            super().__init__(**settings)

        @traitlets.default("library")
        def _name_library(self) -> str:
            return _provide_library().model_id

        def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
            # Plotly by itself tells a new page what was drawn when the widget was made, not what is drawn now.
            state = super().get_state(key=key, drop_defaults=drop_defaults)
            if key is None and getattr(self, "_layout_obj", None) is not None:
                with self.guard:
                    drawn = {"_widget_data": deepcopy(self._data), "_widget_layout": deepcopy(self._layout_obj._props)}
                for name, value in drawn.items():
                    state[name] = self.trait_metadata(name, "to_json")(value, self)
            return state

    return SharedFigure


def _provide_library() -> PlotlyLibrary:
    if not _libraries or _libraries[-1].comm is None:  # none yet, or closed with all widgets
        from plotly.basewidget import BaseFigureWidget

        script = str(BaseFigureWidget._esm).encode()
        _libraries[:] = [PlotlyLibrary(source=gzip.compress(script, 4))]
    return _libraries[-1]
