"""What is under every explorer: a state that tells its listeners, without a browser."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from esclab.errors import EsclabError, OptionError, printable

LOGGER = logging.getLogger(__name__)
Listener = Callable[[], None]


class Controller:
    """Base of all controllers.

    A subclass keeps its state in attributes, changes it in methods, calls `notify` after each change, and tells
    `results` what can be exported. Nothing here knows of widgets, so that a test drives it as a person would.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self.message = ""  # what went wrong
        self.news = ""  # what was done, told until the next action

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def notify(self) -> None:
        """Tell all listeners that something changed."""
        for listener in list(self._listeners):
            listener()

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return what can be exported: file name to (name in `esclab.figures.FIGURES`, result)."""
        return {}

    def code(self) -> str:
        """Return the code that makes the same results without the widget."""
        return ""

    def export(self, folder: str | Path) -> list[Path]:
        """Write every figure and its data into a folder.

        Raises
        ------
        OptionError
            When there is nothing to export yet.
        """
        from esclab.figures import export

        results = self.results()
        if not results:
            raise OptionError("export", "there is no result yet", "choose a clip or start the computation first")
        paths: list[Path] = []
        for name, (figure, result) in results.items():
            paths += export(figure, result, Path(folder) / name, how=self.code())
        return paths

    def attempt(self, action: Callable[[], Any]) -> bool:
        """Do something that may fail; what went wrong becomes `message`, one line, and the state stays whole.

        Returns
        -------
        done : bool
        """
        before = self.message or self.news
        self.message = self.news = ""  # what listeners hear of the action has no old words in it
        try:
            action()
        except EsclabError as error:
            self.message = printable(error)
        except Exception as error:  # a callback's traceback would vanish in the browser
            LOGGER.exception("an explorer failed")
            self.message = printable(
                f"esclab met an error of its own ({type(error).__name__}: {error}); the log has it"
            )
        else:
            if before:
                self.notify()
            return True
        self.notify()
        return False
