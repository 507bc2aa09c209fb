"""Keys of an explorer: they act while the focus is inside it, and only there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

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

    def __init__(self, actions: Mapping[str, tuple[str, Callable[[], Any]]], *, sounds: bool = True) -> None:
        words = [*(["space plays"] if sounds else []), *(f"{key} {what}" for key, (what, _) in actions.items())]
        super().__init__(letters=list(actions), hint=f"Keys: {', '.join(words)}" if actions else "")
        self._actions = dict(actions)
        self.on_msg(lambda _, content, buffers: self.press(str(content.get("key", ""))))

    def press(self, key: str) -> None:
        """Do what a key does; an unknown one does nothing."""
        if key in self._actions:
            self._actions[key][1]()
