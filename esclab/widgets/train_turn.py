"""Taking turns: one at a time, the others in the order in which they came."""

from __future__ import annotations

from threading import Condition
from typing import Protocol


class Waiter(Protocol):
    """What takes a turn; both are set while `Turn.change` is held."""

    stop_asked: bool
    pause_asked: bool


class Turn:
    """A turn that one waiter has at a time.

    Attributes
    ----------
    change : Condition
        Told of every change that may let somebody go.
    """

    def __init__(self) -> None:
        self.change = Condition()
        self._holder: Waiter | None = None
        self._queue: list[Waiter] = []

    def take(self, waiter: Waiter) -> bool:
        """Wait for the turn, which a paused one lets pass by; False when it was asked to stop before."""
        with self.change:
            self._queue.append(waiter)
            self.change.wait_for(lambda: waiter.stop_asked or self._is_next(waiter))
            self._queue.remove(waiter)
            if waiter.stop_asked:
                self.change.notify_all()
                return False
            self._holder = waiter
            return True

    def leave(self, waiter: Waiter) -> None:
        """Let the next one go, if it is this one's turn."""
        with self.change:
            if self._holder is waiter:
                self._holder = None
            self.change.notify_all()

    def _is_next(self, waiter: Waiter) -> bool:
        ready = [other for other in self._queue if not other.pause_asked]
        return self._holder is None and bool(ready) and ready[0] is waiter
