"""What stands behind the train explorer: the form, the runs, and the trainings that it starts, pauses and stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from esclab.clips import load_dataset
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.models import find_model
from esclab.results import LearningResult
from esclab.training.crossval import run_folder, validation_fold_of
from esclab.training.run import Run
from esclab.training.start import create_run
from esclab.widgets.train_form import TrainForm
from esclab.widgets.train_runs import RunEntry, list_runs, name_runs
from esclab.widgets.trainings import Training, find_training, start_training
from esclab.widgets.working import Report, WorkingController

TICK_S = 0.5  # between two repaints of curves that grow


class TrainController(WorkingController):
    """Starts, pauses, stops and resumes trainings, and follows them.

    Attributes
    ----------
    form : TrainForm
        What "Start" will train.
    entries : list of RunEntry
        The runs below `root`, and whatever this process trains.
    problems : list of str
        Folders that are left out, one line each.
    current : Path or None
        The run that pause, resume and stop mean.
    compared : tuple of Path
        Runs whose curves are drawn beside it.

    Parameters
    ----------
    dataset : str or ClipDataset
    root : str or Path
        Folder of all runs.
    """

    def __init__(self, dataset: str | ClipDataset = "synth10", *, root: str | Path = "runs") -> None:
        super().__init__()
        self._dataset = dataset if isinstance(dataset, ClipDataset) else None
        self.form = TrainForm(dataset=dataset.name if isinstance(dataset, ClipDataset) else dataset)
        self.root = Path(root)
        self.entries: list[RunEntry] = []
        self.problems: list[str] = []
        self.current: Path | None = None
        self.compared: tuple[Path, ...] = ()
        self._tickers: list[Callable[[], None]] = []
        self._ticked_at = 0.0
        self._followed: dict[Path, tuple[Training, tuple[str, str]]] = {}
        self.reload()
        active = [entry.path for entry in self.entries if entry.active is not None]
        open_ends = [entry.path for entry in self.entries if entry.is_resumable]
        self.current = next(iter(active + open_ends), None)
        self.compared = tuple(active[1:])

    def watch(self, ticker: Callable[[], None]) -> None:
        """Call `ticker` at most twice a second while curves grow; changes of state go to the other listeners."""
        self._tickers.append(ticker)

    def change(self, **fields: Any) -> None:
        """Change fields of the form."""
        with self.lock:
            if "recipe" in fields:
                self.form.set_recipe(fields.pop("recipe"))
            self.form = replace(self.form, **fields)
            self.notify()

    def set_value(self, name: str, value: Any) -> None:
        """Change a setting of the recipe."""
        with self.lock:
            self.form.set_value(name, value)
            self.notify()

    def reload(self) -> None:
        """Look for runs again, those of the command line too, and follow what is on its way."""
        with self.lock:
            self.entries, self.problems = list_runs(self.root)
            for entry in self.entries:
                known = self._followed.get(entry.path)
                if entry.active is not None and (known is None or known[0] is not entry.active):
                    self._followed[entry.path] = (entry.active, ("", ""))
                    entry.active.subscribe(self._follow)
                    self._follow(self._followed[entry.path][0])  # it may have gone on since it was listed
            self.notify()

    def choose(self, path: Path | None) -> None:
        """Make a run the one that pause, resume and stop mean, and whose curves are drawn."""
        with self.lock:
            self.current = path
            self.compared = tuple(other for other in self.compared if other != path)
            self.notify()

    def compare(self, paths: Sequence[Path]) -> None:
        """Draw the curves of these runs beside the chosen one's."""
        with self.lock:
            self.compared = tuple(path for path in paths if path != self.current)
            self.notify()

    @property
    def entry(self) -> RunEntry | None:
        """The chosen run."""
        return next((entry for entry in self.entries if entry.path == self.current), None)

    @property
    def folds(self) -> tuple[int, ...]:
        """The dataset's folds, once it is loaded."""
        return self._dataset.folds if self._dataset is not None and self._dataset.name == self.form.dataset else ()

    def begin(self) -> None:
        """Train what the form asks for; a training of just that which was stopped goes on.

        Raises
        ------
        OptionError
            When a setting cannot be; nothing is loaded then.
        """
        form = replace(self.form, changes=dict(self.form.changes))
        find_model(form.model)
        recipe = form.build_recipe()

        def prepare(report: Report) -> Callable[[], None]:
            loaded = self._dataset
            dataset = loaded if loaded is not None and loaded.name == form.dataset else load_dataset(form.dataset)
            report(0, 0)
            dataset.split_fold(form.fold)  # an unknown fold is told before a folder is named after it
            validation_fold = validation_fold_of(dataset, form.fold) if form.validate else 0
            folder = run_folder(
                self.root, form.model, dataset=dataset, recipe=recipe, fold=form.fold,
                validation_fold=validation_fold, seed=form.seed,
            )  # fmt: skip
            if form.keep_epochs:
                folder = folder.with_name(f"{folder.name}-epochs")
            run = create_run(
                form.model, dataset, recipe, folder=folder, fold=form.fold, validation_fold=validation_fold,
                seed=form.seed, keep_epochs=form.keep_epochs,
            )  # fmt: skip
            report(0, 0)
            return lambda: self._train(run, dataset)

        self.start(f"Loading {form.dataset}", prepare)

    def pause_run(self) -> None:
        """Let the chosen run wait after its epoch."""
        self._need_active("paused").pause()

    def resume_run(self) -> None:
        """Go on with the chosen run: after a pause, a stop, or the death of the process that trained it."""
        entry = self._need_entry()
        if entry.active is not None:
            if entry.active.stop_asked:
                raise OptionError(entry.run.label, "is stopping", "press Resume once it has stopped")
            entry.active.resume()
        elif entry.run.is_finished:
            raise OptionError(entry.run.label, "is finished", "choose an unfinished run, or start one")
        else:
            self._train(entry.run, None)

    def stop_run(self) -> None:
        """Stop what is being loaded, or else the chosen run after its epoch; it can be resumed."""
        if self.busy:
            self.stop()
        else:
            self._need_active("stopped").stop()

    def learning(self) -> LearningResult | None:
        """Return the curves of the chosen run and of those beside it; None before the first epoch."""
        shown = self.shown
        names = name_runs(shown)
        histories = {names[entry.path]: entry.read_history() for entry in shown}
        validates = [bool(entry.run.config.validation_fold) for entry in shown]
        valid_name = "validation fold" if all(validates) else "held-out fold" if any(validates) else "test fold"
        kept = {name: history for name, history in histories.items() if len(history)}
        return LearningResult(kept, valid_name) if kept else None

    @property
    def shown(self) -> list[RunEntry]:
        """The runs whose curves are drawn, the chosen one first."""
        by_path = {entry.path: entry for entry in self.entries}
        return [by_path[path] for path in (self.current, *self.compared) if path in by_path]

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return the learning curves that are shown."""
        result = self.learning()
        return {} if result is None else {"learning": ("learning", result)}

    def code(self) -> str:
        """Return the lines that train what the form asks for, and draw the curves that are shown."""
        from esclab.widgets.train_code import write_curves_code, write_train_code

        names = name_runs(self.shown)
        drawn = {names[entry.path]: str(entry.run.path) for entry in self.shown if len(entry.read_history())}
        result = self.learning()
        curves = write_curves_code(drawn, result.valid_name) if result is not None else ""
        return write_train_code(self.form, self.root) + curves

    def _train(self, run: Run, dataset: ClipDataset | None) -> None:
        """Start a run's training and follow it."""
        if dataset is not None:
            self._dataset = dataset
        path, before = run.path.resolve(), find_training(run.path)
        twice = before is not None and before.is_active
        if self.current is not None and self.current != path:
            self.compared = (self.current, *(other for other in self.compared if other not in (path, self.current)))
        self.current = path
        if not run.is_finished:
            start_training(run, dataset=dataset)
        self.reload()
        if run.is_finished:
            raise OptionError(run.label, "is trained already, with just these settings", "change the seed or a setting")
        if twice:
            raise OptionError(run.label, "is on its way already", "pause or stop it, or change the seed or a setting")

    def _follow(self, training: Training) -> None:
        """Hear of a training, in its thread."""
        with self.lock:
            path, state = training.run.path.resolve(), (training.state, training.request)
            known = self._followed.get(path)
            if known is None or known[0] is not training:
                return
            if known[1] != state:
                self._followed[path] = (training, state)
                self.message = training.message or self.message
                self.reload()
            elif monotonic() - self._ticked_at > TICK_S:
                self._ticked_at = monotonic()
                for ticker in self._tickers:
                    ticker()

    def _need_entry(self) -> RunEntry:
        if self.entry is None:
            raise OptionError("run", "none is chosen", "choose one in the table, or press Start")
        return self.entry

    def _need_active(self, what: str) -> Training:
        entry = self._need_entry()
        if entry.active is None:
            raise OptionError(
                entry.run.label, f"is not being trained here, so it cannot be {what}", "press Resume first"
            )
        return entry.active
