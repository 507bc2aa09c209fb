"""Trainings that run beside the notebook: one thread each, found again by their run's folder.

One training computes at a time: on a few cores two would each take several times as long. Others wait in the order in
which they were started; one that is paused lets the next go first. A stopped, failed or killed training is resumed from
its checkpoint, by this process or a later one.

A training draws from torch's global random numbers (its dropout). What else draws from them in this process at the same
time changes these draws: the weights are then as good, yet not the bits that an undisturbed training has.
"""

from __future__ import annotations

import atexit
import logging
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Literal, cast

from esclab.errors import EsclabError, RunError, printable
from esclab.widgets.train_turn import Turn

if TYPE_CHECKING:
    from esclab.clips.dataset import ClipDataset
    from esclab.training.loop import EpochReport
    from esclab.training.run import Run

LOGGER = logging.getLogger(__name__)
State = Literal["waiting", "preparing", "training", "paused", "finished", "stopped", "failed"]
ACTIVE: tuple[State, ...] = ("waiting", "preparing", "training", "paused")
ROW = (
    "epoch", "iteration", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate", "seconds",
)  # fmt: skip
EXIT_WAIT_S = 5.0  # a kernel is killed some seconds after it was asked to end
_TURN = Turn()
_STARTING = Lock()
_TRAININGS: dict[Path, Training] = {}


class Training:
    """One run on its way; `start_training` makes it.

    Attributes
    ----------
    run : Run
    state : str
        "waiting" for its turn, "preparing" features, "training", "paused", or ended: "finished", "stopped", "failed".
    history : list of dict
        One row an epoch, with the columns of `history.csv`.
    report : EpochReport or None
        The newest one of this process.
    prepared : tuple of int
        Clips whose features are computed, and clips in all; (0, 0) where they were there.
    message : str
        Why it failed, in one line.
    """

    def __init__(self, run: Run, dataset: ClipDataset | None = None) -> None:
        self.run = run
        self.state: State = "waiting"
        self.history = read_rows(run)
        self.report: EpochReport | None = None
        self.prepared = (0, 0)
        self.message = ""
        self._dataset = dataset
        self.stop_asked = self.pause_asked = False
        self._listeners: list[weakref.WeakMethod[Callable[[Training], None]]] = []
        self._thread = Thread(target=self._work, daemon=True, name=f"esclab training {run.label}")

    @property
    def is_active(self) -> bool:
        """Whether it runs, waits or is paused."""
        return self.state in ACTIVE

    @property
    def request(self) -> str:
        """What it was asked to do and has not done yet: "stop", "pause" or ""."""
        if not self.is_active:
            return ""
        return "stop" if self.stop_asked else "pause" if self.pause_asked and self.state != "paused" else ""

    def start(self) -> None:
        """Begin, or wait for its turn."""
        self._thread.start()

    def subscribe(self, method: Callable[[Training], None]) -> None:
        """Call a bound method, in the training's thread, after each report and change of state.

        The method's object is held weakly: an explorer that nobody shows any more is not kept alive.
        """
        self._listeners.append(weakref.WeakMethod(method))

    def pause(self) -> None:
        """Wait after the current epoch; nothing is lost."""
        self._ask(pause=True)

    def resume(self) -> None:
        """Go on after a pause, when it is this training's turn."""
        self._ask(pause=False)

    def stop(self) -> None:
        """End after the current epoch, with a checkpoint from which it can be resumed."""
        self._ask(pause=self.pause_asked, stop=True)

    def wait(self, timeout_s: float = 60.0) -> bool:
        """Wait until it has ended; False when that takes longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wait_for(self, state: State, timeout_s: float = 60.0) -> bool:
        """Wait until it is in a state; False when that takes longer."""
        with _TURN.change:
            return _TURN.change.wait_for(lambda: self.state == state, timeout_s)

    def _work(self) -> None:
        try:
            outcome: State = self._train() if _TURN.take(self) else "stopped"
        except _Stopped:
            outcome = "stopped"
        except EsclabError as error:
            outcome, self.message = "failed", printable(error)
        except Exception as error:  # nobody would see a thread's traceback
            LOGGER.exception("a training failed")
            own = f"esclab met an error of its own ({type(error).__name__}: {error}); the log has it"
            outcome, self.message = "failed", printable(f"{self.run.path}: {own}")
        self._dataset = None
        _TURN.leave(self)
        self._enter(outcome)

    def _train(self) -> State:
        self._enter("preparing")
        self._follow()
        return "finished" if self.run.is_finished else "stopped"

    def _follow(self) -> None:
        """Drive the generator to its end, or until it is asked to stop; closing it saves."""
        from esclab.training.loop import train

        before = self.history
        with closing(cast(Any, train(self.run, dataset=self._dataset, progress=self._note_prepared))) as reports:
            for report in reports:
                if self.report is None:
                    self.history = [row for row in before if row["epoch"] < report.epoch]
                self.report = report
                self.history.append(write_row(report))
                if self.state == "training":
                    self._tell()
                else:
                    self._enter("training")
                if self.pause_asked and not self.stop_asked and not self.run.is_finished:
                    self._sit_out()
                if self.stop_asked:
                    break
        if self.run.is_finished:
            self.history = read_rows(self.run)

    def _sit_out(self) -> None:
        """Let the others go first until this one is asked to go on or to stop."""
        _TURN.leave(self)
        self._enter("paused")
        if _TURN.take(self):
            self._enter("training")

    def _note_prepared(self, done: int, count: int) -> None:
        if self.stop_asked:
            raise _Stopped
        self.prepared = (done, count)
        self._tell()

    def _ask(self, *, pause: bool, stop: bool = False) -> None:
        """Note what is asked for; a listener that asks for it again changes nothing."""
        with _TURN.change:
            asked = (pause, stop or self.stop_asked)
            if asked == (self.pause_asked, self.stop_asked):
                return
            self.pause_asked, self.stop_asked = asked
            if self.state in ("waiting", "paused"):
                self.state = "paused" if pause else "waiting"
            _TURN.change.notify_all()
        self._tell()

    def _enter(self, state: State) -> None:
        with _TURN.change:
            self.state = state
            _TURN.change.notify_all()
        self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            method = listener()
            if method is None:
                self._listeners.remove(listener)
                continue
            try:
                method(self)
            except Exception:  # a picture that fails must not end a training
                LOGGER.exception("an explorer of a training failed")


class _Stopped(Exception):
    """The training was asked to stop before its first epoch."""


def start_training(run: Run, *, dataset: ClipDataset | None = None) -> Training:
    """Train a run in a thread, from its checkpoint where it has one; the training of a run that is on its way already.

    Parameters
    ----------
    run : Run
        From `create_run` or `open_run`.
    dataset : ClipDataset, optional
        The run's dataset where it is loaded already.
    """
    with _STARTING:
        training = find_training(run.path)
        if training is None or not training.is_active:
            training = _TRAININGS[run.path.resolve()] = Training(run, dataset)
            training.start()
        return training


def find_training(folder: str | Path) -> Training | None:
    """Return this process's newest training of the run in a folder, ended ones too."""
    return _TRAININGS.get(Path(folder).resolve())


def list_trainings() -> list[Training]:
    """Return the trainings that run, wait or are paused, in the order in which they were started."""
    return [training for training in list(_TRAININGS.values()) if training.is_active]


def read_rows(run: Run) -> list[dict[str, float]]:
    """Return the rows of a run's history as it is on the disk; none where no epoch was saved, or they are damaged."""
    try:
        return [{str(name): value for name, value in row.items()} for row in run.read_history().to_dict("records")]
    except RunError:  # a training resumes from its checkpoint, which has a history of its own
        return []


def write_row(report: EpochReport) -> dict[str, float]:
    """Return a report as `history.csv` has it."""
    row = {name: getattr(report, name) for name in ROW}
    for layer, mixture in report.mixtures.items():
        row |= {f"{layer}_{name}": value for name, value in mixture.items()}
    return row


@atexit.register
def stop_all() -> None:
    """Ask every training to stop and give it a moment to save; a thread that computes while Python ends may crash."""
    active = list_trainings()
    for training in active:
        training.stop()
    deadline = time.monotonic() + EXIT_WAIT_S
    for training in active:
        training.wait(max(0.0, deadline - time.monotonic()))
