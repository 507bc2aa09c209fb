"""Keys of an explorer: they act while the focus is inside it, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from ipywidgets import Widget
from ipywidgets.widgets.widget_description import DescriptionWidget

STATIC = Path(__file__).parent / "static"


class ExplorerKeys(anywidget.AnyWidget):
    """Put it among an explorer's widgets; it shows a line that tells the keys.

    The space bar plays or stops the first sound where the focus does not need it itself. Keys typed into a field go to
    the field. JupyterLab's own shortcuts without Ctrl, Alt or Cmd rest meanwhile, so that arrows move in a list, and
    not from cell to cell.

    Parameters
    ----------
    actions : mapping of str to (str, callable)
        Key, as the browser calls it, to what it does, in words, and the function that does it.
    sounds : bool
        Whether there is something to play.
    """

    _esm = STATIC / "keys.js"

    letters: traitlets.List = traitlets.List([]).tag(sync=True)
    hint = traitlets.Unicode("").tag(sync=True)
    controls: traitlets.List = traitlets.List([]).tag(sync=True)  # models of what has a label

    def __init__(self, actions: Mapping[str, tuple[str, Callable[[], Any]]], *, sounds: bool = True) -> None:
        words = [*(["space plays"] if sounds else []), *(f"{key} {what}" for key, (what, _) in actions.items())]
        super().__init__(letters=list(actions), hint=f"Keys: {', '.join(words)}" if actions else "")
        self._actions = dict(actions)
        self.on_msg(lambda _, content, buffers: self.press(str(content.get("key", ""))))

    def press(self, key: str) -> None:
        """Do what a key does; an unknown one does nothing."""
        if key in self._actions:
            self._actions[key][1]()


def show_tooltips(view: Widget) -> None:
    """Let the keys of an explorer give each control its tooltip in the page, also to those that come later.

    The browser's side of ipywidgets shows the tooltip of most controls only where they have no label.
    """

    def list_controls(_: object = None) -> None:
        found = list(_walk(view))
        for widget in found:
            if widget.has_trait("children"):
                widget.observe(list_controls, "children")
        controls = [widget.model_id for widget in found if isinstance(widget, DescriptionWidget) and widget.description]
        for widget in found:
            if isinstance(widget, ExplorerKeys):
                widget.controls = controls

    list_controls()


def _walk(widget: Widget) -> Iterator[Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _walk(child)
