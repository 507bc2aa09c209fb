"""Slow work beside the kernel's loop, of which only the newest request counts."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Event, Thread
from typing import Any

Job = Callable[[Event], Any]


class NewestWins:
    """One thread that does the newest job; one that waits is dropped, one that runs is told to stop.

    Parameters
    ----------
    done : callable
        Gets each finished job's result, in the worker's thread; results of stopped jobs are dropped.
    failed : callable
        Gets the exception of a job that failed.
    """

    def __init__(self, done: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        self._done, self._failed = done, failed
        self._waiting: Job | None = None
        self._stop: Event | None = None
        self._change = Condition()
        self._thread: Thread | None = None

    def ask(self, job: Job) -> None:
        """Do `job(stop)` as soon as can be; it should look at `stop.is_set()` now and then and return early."""
        with self._change:
            self._waiting = job
            if self._stop is not None:
                self._stop.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._work, daemon=True, name="esclab worker")
                self._thread.start()
            self._change.notify_all()

    def cancel(self) -> None:
        """Drop what waits and stop what runs."""
        with self._change:
            self._waiting = None
            if self._stop is not None:
                self._stop.set()

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait until nothing runs or waits; False when that takes longer."""
        with self._change:
            return self._change.wait_for(lambda: self._waiting is None and self._stop is None, timeout_s)

    def _work(self) -> None:
        while True:
            with self._change:
                if not self._change.wait_for(lambda: self._waiting is not None, timeout=30):
                    self._thread = None
                    return
                job, self._waiting = self._waiting, None
                stop = self._stop = Event()
            assert job is not None
            try:
                result = job(stop)
                if not stop.is_set():
                    self._done(result)
            except Exception as error:  # told to the explorer, which shows it
                if not stop.is_set():
                    self._failed(error)
            finally:
                with self._change:
                    self._stop = None
                    self._change.notify_all()
