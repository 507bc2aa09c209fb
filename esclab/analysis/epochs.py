"""What a run answered after each epoch that it kept, and which epochs those are."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from esclab.errors import OptionError, RunError
from esclab.results import Predictions

if TYPE_CHECKING:
    from esclab.training.run import Run

LAST = "last"
ALL = "all"
EMBEDDING = "embedding"
HOW_TO_KEEP = "esclab train ... --keep-epochs"


@dataclass(frozen=True)
class Epoch:
    """What a network made of the held-out clips after one epoch.

    Attributes
    ----------
    number : int
        From 1.
    predictions : Predictions
    embeddings : ndarray of float32, shape (clip, d)
        Row n is clip n of the predictions.
    layer : str
        Where the embeddings come from: "embedding" is the input of the last layer.
    """

    number: int
    predictions: Predictions
    embeddings: np.ndarray
    layer: str = EMBEDDING


def list_epochs(run: Run) -> tuple[int, ...]:
    """Return the epochs whose predictions and embeddings a run kept, rising; none without `--keep-epochs`."""
    return tuple(sorted(int(path.stem) for path in (run.path / "epochs").glob("*.npz") if path.stem.isdecimal()))


def last_epoch(run: Run) -> int:
    """Return the number of a finished run's last epoch.

    Raises
    ------
    RunError
        When the run is unfinished.
    """
    if not run.is_finished:
        raise RunError(run.path, "is unfinished", f"finish the run with: esclab resume {run.path}")
    return int(run.read_history()["epoch"].iloc[-1])


def resolve_epochs(run: Run, epochs: str | Sequence[int | str]) -> tuple[int, ...]:
    """Return the numbers of the epochs that are asked for, once it is clear that the run has them.

    Parameters
    ----------
    run : Run
        A finished run.
    epochs : str or sequence of int or str
        Numbers from 1, "last" or "all" (that were kept), as a sequence or with commas: "1,10,20,last".

    Returns
    -------
    numbers : tuple of int
        Rising, each once. The last epoch needs no kept file: the weights hold it.

    Raises
    ------
    OptionError
        When a word is no epoch.
    RunError
        When the run did not keep an epoch, or is unfinished. The nearest one is never taken in its place: a figure
        would then show another epoch than its caption says.
    """
    words = epochs.split(",") if isinstance(epochs, str) else list(epochs)
    last, kept = last_epoch(run), list_epochs(run)
    numbers: set[int] = set()
    for word in words:
        text = str(word).strip()
        if text == ALL:
            numbers |= {*kept, last}
        elif text == LAST:
            numbers.add(last)
        elif text.isascii() and text.isdecimal():
            numbers.add(int(text))
        else:
            raise OptionError(f"epoch {text!r}", "is no epoch", 'write e.g. "1,10,20,last"')
    if not numbers:
        raise OptionError("epochs", "there are none", 'write e.g. "1,10,20,last"')
    absent = sorted(numbers - {*kept, last})
    if absent:
        raise _say_absent(run, absent, last)
    return tuple(sorted(numbers))


def read_epochs(run: Run, epochs: str | Sequence[int | str] | None = None) -> list[Epoch]:
    """Return what a finished run answered after the epochs that it kept.

    Parameters
    ----------
    run : Run
    epochs : str or sequence of int or str, optional
        As `resolve_epochs`; all that were kept by default.

    Returns
    -------
    epochs : list of Epoch
        Rising, with the clips in the order of `run.read_predictions()`. Embeddings are kept in half precision.

    Raises
    ------
    OptionError
        When a word is no epoch.
    RunError
        When the run kept none or not these, is unfinished, or a file is damaged.
    """
    kept = list_epochs(run)
    wanted = resolve_epochs(run, (kept or (LAST,)) if epochs is None else epochs)
    absent = [number for number in wanted if number not in kept]
    if absent:
        raise _say_absent(run, absent, last_epoch(run))
    final = run.read_predictions()
    return [_read_epoch(_locate(run, number), number, final) for number in wanted]


def read_answers(run: Run, epochs: str | Sequence[int | str]) -> dict[int, Predictions]:
    """Return a finished run's predictions by epoch, rising; arguments and errors as `resolve_epochs`."""
    final, last = run.read_predictions(), last_epoch(run)
    return {
        number: final if number == last else _read_epoch(_locate(run, number), number, final).predictions
        for number in resolve_epochs(run, epochs)
    }


def describe_run(run: Run) -> str:
    """Return what a figure says of a run, e.g. "ts-cnn10 on synth10, fold 1, seed 0"."""
    config = run.config
    return f"{config.model} on {config.dataset}, fold {config.held_out}, seed {config.seed}"


def _locate(run: Run, number: int) -> Path:
    return run.path / "epochs" / f"{number:05d}.npz"


def _read_epoch(path: Path, number: int, final: Predictions) -> Epoch:
    """Read one file of `save_arrays`; its rows are the clips of the final predictions."""
    try:
        # From memory: numpy leaves a file open that turns out to be no archive.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            probabilities, embeddings = arrays["probabilities"], arrays["embeddings"]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(path, f"is not readable ({error})", "restore the file or train the run again") from error
    if probabilities.shape != final.probabilities.shape or embeddings.shape[:1] != probabilities.shape[:1]:
        raise RunError(path, "does not fit predictions.csv", "restore the file or train the run again")
    return Epoch(number, replace(final, probabilities=probabilities), embeddings.astype(np.float32))


def _say_absent(run: Run, absent: list[int], last: int) -> RunError:
    kept = _shorten(list_epochs(run)) or "none"
    cause = f"did not keep epoch {_shorten(absent)} (kept: {kept}; its weights are of the last, {last})"
    return RunError(run.path, cause, f"choose among these, or keep every epoch with: {HOW_TO_KEEP}")


def _shorten(numbers: Sequence[int]) -> str:
    """Return "1, 2, 3" or, of many, "1, 2, 3, 4, 5, 6 ... 98, 99, 100"."""
    words = [str(number) for number in numbers]
    return ", ".join(words) if len(words) <= 30 else f"{', '.join(words[:20])} ... {', '.join(words[-3:])}"
