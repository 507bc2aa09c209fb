"""Sounds from the reader's machine: a file chosen in the browser, or its microphone, sent in small pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from esclab.widgets.own_store import MOST_BYTES

STATIC = Path(__file__).parent / "static"
PART_BYTES = 1 << 20
LONGEST_RECORDING_S = 60.0


class SoundInput(anywidget.AnyWidget):
    """A button that takes a file and one that records, with level meter and time.

    Jupyter's server closes the connection on messages over 10 MB, so a file comes in pieces, each asked for once the
    one before has come. Recordings come as 16-bit WAV, mono, at the browser's own rate.

    Parameters
    ----------
    begin : callable
        `begin(name, size)` tells whether a file of `size` bytes is wanted.
    finish : callable
        `finish(name, data, recorded)` takes a whole file and tells whether it is kept.
    """

    _esm = STATIC / "recorder.js"
    _css = STATIC / "recorder.css"

    most_bytes = traitlets.Int(MOST_BYTES).tag(sync=True)
    part_bytes = traitlets.Int(PART_BYTES).tag(sync=True)
    longest_s = traitlets.Float(LONGEST_RECORDING_S).tag(sync=True)

    def __init__(self, begin: Callable[[str, int], bool], finish: Callable[[str, bytes, bool], bool]) -> None:
        super().__init__()
        self._begin, self._finish = begin, finish
        self._name, self._size, self._recorded = "", 0, False
        self._data = bytearray()
        self.on_msg(lambda _, content, buffers: self.receive(content, buffers))

    def receive(self, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """Take one message of the browser: "begin", "part" with one buffer, or "cancel"; it is answered."""
        kind = content.get("type")
        if kind == "begin":
            self._name, self._size = str(content.get("name", "")), int(content.get("size", 0))
            self._recorded = bool(content.get("recorded"))
            self._data = bytearray()
            wanted = self._begin(self._name, self._size)
            self._size = self._size if wanted else 0
            self._answer("next" if wanted else "refused")
        elif kind == "cancel":
            self._size, self._data = 0, bytearray()
        elif kind == "part" and self._size and buffers:
            self._data += bytes(buffers[0])
            if len(self._data) < self._size:
                self._answer("next")
                return
            data, self._data, whole = bytes(self._data), bytearray(), len(self._data) == self._size
            self._size = 0
            kept = whole and self._finish(self._name, data, self._recorded)
            self._answer("done" if kept else "refused")

    def _answer(self, kind: str) -> None:
        self.send({"type": kind})
