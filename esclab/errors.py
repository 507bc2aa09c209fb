"""Errors that a person can act on: where, why, and what to do next."""

from __future__ import annotations

from pathlib import Path


class EsclabError(Exception):
    """One sentence that names the file or field, the cause and the next step.

    Parameters
    ----------
    where : str or Path
        The file, option or field that is at fault.
    cause : str
        What is wrong with it, as a clause without a full stop.
    next_step : str
        What the reader can do about it, as an imperative clause without a full stop; or a guess at what was meant,
        "did you mean cnn10", which ends as a question.
    """

    def __init__(self, where: str | Path, cause: str, next_step: str) -> None:
        self.where = str(where)
        self.cause = cause
        self.next_step = next_step
        ending = "?" if next_step.startswith("did you mean ") and "?" not in next_step else "."
        super().__init__(printable(f"{where}: {cause}; {next_step}{ending}"))

    def __reduce__(self) -> tuple[type[EsclabError], tuple[str, str, str]]:
        """Travel between processes whole; the default would build the copy from the message alone."""
        return type(self), (self.where, self.cause, self.next_step)


class ClipError(EsclabError):
    """A recording that cannot be read or is not fit for use."""


class DatasetError(EsclabError):
    """A dataset that is missing, incomplete, or leaks between its folds."""


class MissingDatasetError(DatasetError):
    """A dataset that is not on this machine."""


class OptionError(EsclabError):
    """A name or value that esclab does not know."""


class RunError(EsclabError):
    """A run folder that is incomplete, damaged, or of another version."""


class TrainingError(EsclabError):
    """A training that cannot go on."""


class StorageError(EsclabError):
    """A file that cannot be written or does not hold what was written."""


def printable(value: object) -> str:
    """Return `value` as text safe for any terminal: control characters and lone surrogates escaped."""
    text = str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class NotebookError(EsclabError):
    """A notebook with a cell that fails."""
