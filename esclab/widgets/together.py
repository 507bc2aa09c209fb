"""Changes of several widgets in one message: each message costs the notebook's server and the browser milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import anywidget
import ipywidgets as widgets

Part = tuple[str, dict[str, Any], Sequence[Any]]
# Of one thread: what another one sends meanwhile, such as sounds, is no part of the answer.
_parts: ContextVar[list[Part] | None] = ContextVar("parts", default=None)


class SharedMessage(widgets.Widget):
    """Base, beside a kind of widget, of one whose changes may travel in another one's message, see `send_together`."""

    def _send(self, msg: dict[str, Any], buffers: Sequence[Any] | None = None) -> None:
        parts = _parts.get()
        if parts is None or msg.get("method") != "update":
            super()._send(msg, buffers)
        else:
            parts.append((self.model_id, msg, buffers or ()))


@contextmanager
def send_together(leader: anywidget.AnyWidget) -> Iterator[None]:
    """Hold back what `SharedMessage` widgets change within, and send it as one message of `leader`.

    Parameters
    ----------
    leader : AnyWidget
        Its module calls `spread` of `static/sound_canvas.js` on messages of type "together".
    """
    if _parts.get() is not None:
        yield
        return
    held: list[Part] = []
    token = _parts.set(held)
    try:
        yield
    finally:
        _parts.reset(token)
        if held:
            content = [
                {"model": model, "state": msg["state"], "paths": [path[0] for path in msg["buffer_paths"]]}
                for model, msg, _ in held
            ]
            leader.send({"type": "together", "parts": content}, [buffer for *_, own in held for buffer in own])
