"""A controller whose slow work runs beside the kernel: what it does, how far it is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, RLock
from time import monotonic
from typing import Any

from esclab.errors import EsclabError, printable
from esclab.widgets.controller import LOGGER, Controller
from esclab.widgets.worker import NewestWins

Report = Callable[[int, int], None]
PAUSE_S = 0.1  # between two repaints of a progress bar


class Stopped(Exception):
    """The work is not wanted any more."""


class WorkingController(Controller):
    """Base of controllers with one thread for slow work, of which only the newest counts.

    `lock` is held while state changes, so that the view repaints from one thread at a time.

    Attributes
    ----------
    busy : str
        What is being done, "" for nothing.
    progress : (int, int)
        Steps done and steps in all; (0, 0) while nobody knows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()
        self.busy = ""
        self.progress = (0, 0)
        self._order = 0
        self._told_at = 0.0
        self._worker = NewestWins(self._finish, self._fail)

    def attempt(self, action: Callable[[], Any]) -> bool:
        """See `Controller.attempt`; what the worker has to say waits until the action is over."""
        with self.lock:
            return super().attempt(action)

    def start(self, title: str, work: Callable[[Report], Callable[[], None]], *, pause_s: float = 0.0) -> None:
        """Do `work(report)` in the worker's thread; the function that it returns then changes the state.

        Parameters
        ----------
        title : str
        work : callable
            Calls `report(done, count)` now and then, which raises `Stopped` once the work is not wanted any more.
        pause_s : float
            Wait so long before, for a slider that still moves.
        """
        with self.lock:
            self._order += 1
            order, self.busy, self.progress = self._order, title, (0, 0)

            def job(stop: Event) -> tuple[int, Callable[[], None]]:
                def report(done: int, count: int) -> None:
                    if stop.is_set():
                        raise Stopped
                    self._tell(order, done, count)

                if pause_s and stop.wait(pause_s):
                    raise Stopped
                return order, work(report)

            self._worker.ask(job)
            self.notify()

    def stop(self) -> None:
        """Stop what runs; what was there before stays."""
        with self.lock:
            self._order += 1
            self._worker.cancel()
            self.busy, self.progress = "", (0, 0)
            self.notify()

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait until the work is done, for tests and scripts; False when that takes longer."""
        return self._worker.wait(timeout_s)

    def _tell(self, order: int, done: int, count: int) -> None:
        with self.lock:
            if order == self._order:
                self.progress = (done, count)
                if monotonic() - self._told_at > PAUSE_S:
                    self.notify()
                    self._told_at = monotonic()

    def _finish(self, result: tuple[int, Callable[[], None]]) -> None:
        order, change = result
        with self.lock:
            if order == self._order:
                self.busy = ""
                change()
                self.notify()

    def _fail(self, error: Exception) -> None:
        with self.lock:
            if isinstance(error, Stopped):
                return
            self.busy = ""
            if isinstance(error, EsclabError):
                self.message = printable(error)
            else:
                LOGGER.error("an explorer failed", exc_info=error)
                words = f"{type(error).__name__}: {error}"
                self.message = printable(f"esclab met an error of its own ({words}); the log has it")
            self.notify()
