"""What the confusion explorer does, without a browser: a matrix, a cell of it, and a clip of that cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from esclab.clips import ClipDataset, load_dataset
from esclab.errors import OptionError
from esclab.results import ConfusionResult, Predictions
from esclab.storage import write_text
from esclab.training.run import Run
from esclab.widgets.clip_painter import ClipPainter, ClipPicture
from esclab.widgets.confusion_choices import ConfusionChoice, list_choices, spread_epochs
from esclab.widgets.gather import RunWords, gather_runs
from esclab.widgets.working import Report, WorkingController

Look = Literal["predicted", "true", "nothing"]
LOOKS: tuple[Look, ...] = ("predicted", "true", "nothing")
CODE = """from dataclasses import replace

from esclab.analysis import confused_pairs, confusion_series, score_predictions
from esclab.analysis.epochs import read_answers
from esclab.figures import export
from esclab.training import find_runs
from esclab.training.crossval import join_folds

runs = find_runs([
{folders}])
answers = [next(iter(read_answers(run, [{epoch!r}]).values())) for run in runs]
predictions = join_folds(answers)[0]
confusion = replace(score_predictions(predictions).confusion, label={label!r})
pairs = confused_pairs(predictions)
export("confusion", confusion, "out/confusion")
pairs.to_csv("out/confusion_pairs.csv", index=False)
"""
SERIES_CODE = """series = confusion_series(runs[0], {epochs!r})
export("confusion_series", series, "out/confusion_series")
"""
CLIP_CODE = """
from esclab.clips import load_dataset
from esclab.widgets.clip_painter import ClipPainter

picture = ClipPainter({dataset}).{asked}
export(*picture.result, "out/confusion_clip")
"""


class ConfusionController(WorkingController):
    """The state of the confusion explorer.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        As `esclab.widgets.gather.gather_runs`.
    dataset : ClipDataset or str, optional
        Where the clips are; the runs' own by default.

    Attributes
    ----------
    choices : list of ConfusionChoice
    problems : list of str
        Why runs are left out.
    choice : ConfusionChoice or None
    epochs : tuple of int
    epoch : int
        The one whose answers are shown.
    confusion : ConfusionResult or None
    pairs : DataFrame
        Of `esclab.analysis.confused_pairs`.
    true, predicted : int
        The chosen cell; -1 for none.
    clip : str
        The chosen clip; "" for none.
    look : {"predicted", "true", "nothing"}
    picture : ClipPicture or None
    own : str
        A sound of one's own that was asked about; "" for none. It has no true class, so it is in no cell.
    """

    def __init__(self, runs: RunWords, dataset: ClipDataset | str | None = None) -> None:
        super().__init__()
        gathered = gather_runs(runs)
        self.problems = gathered.problems
        self.choices = list_choices(gathered.runs)
        self.choice: ConfusionChoice | None = None
        self.epochs: tuple[int, ...] = ()
        self.epoch = 0
        self.confusion: ConfusionResult | None = None
        self.pairs = pd.DataFrame()
        self.true = self.predicted = -1
        self.clip = ""
        self.look: Look = "predicted"
        self.picture: ClipPicture | None = None
        self.own = ""
        self._own_answer: np.ndarray | None = None
        self._predictions: Predictions | None = None
        self._given = load_dataset(dataset) if isinstance(dataset, str) else dataset
        self._painter = ClipPainter(self._given)
        if self.choices:
            self.attempt(lambda: self.choose(0))
        else:
            self.message = self.problems[0] if self.problems else "There are no runs; give the name of one."

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes of the chosen matrix."""
        return self.confusion.class_names if self.confusion else ()

    def choose(self, number: int) -> None:
        """Show matrix `number` of `choices` after the last epoch, with its most confused pair."""
        choice = self.choices[number]
        epochs = choice.list_epochs()
        predictions = choice.read("last")  # before anything changes: a damaged run leaves what is shown whole
        self.choice, self.epochs = choice, epochs
        self._show(predictions, epochs[-1])
        pair = (
            self.pairs.iloc[0] if len(self.pairs) else {"true": self.class_names[0], "predicted": self.class_names[0]}
        )
        self._take_cell(self.class_names.index(pair["true"]), self.class_names.index(pair["predicted"]))
        self._changed()

    def set_epoch(self, number: int) -> None:
        """Show the matrix after another epoch; the cell stays, and the clip where it still lies in it.

        Raises
        ------
        OptionError
            When the epoch was not kept.
        """
        if self.choice is None or number not in self.epochs:
            raise OptionError(f"epoch {number}", "was not kept", f"choose one of {', '.join(map(str, self.epochs))}")
        self._show(self.choice.read(self._name_epoch(number)), number)
        if self.clip not in self.cell_clips()["clip"].tolist():
            self._drop_clip()
        self._changed()

    def select_cell(self, true: int, predicted: int) -> None:
        """Choose a cell by its classes' numbers."""
        count = len(self.class_names)
        if not (0 <= true < count and 0 <= predicted < count):
            raise OptionError(f"cell {true}, {predicted}", "is outside the matrix", "choose two classes")
        self._take_cell(true, predicted)
        self._changed()

    def select_clip(self, name: str) -> None:
        """Choose a clip of the cell; it is read, shown and explained beside the kernel's loop."""
        if name not in self.cell_clips()["clip"].tolist():
            raise OptionError(f"clip {name}", "is not in this cell", "choose one from the list")
        self._drop_clip()
        self.clip, self.message = name, ""
        self._paint()

    def ask_own(self, name: str) -> None:
        """Ask the network about a sound of one's own; of runs that are pooled, the first one's network.

        Raises
        ------
        OptionError
            When there is no matrix, thus no network.
        """
        if self.choice is None:
            raise OptionError("sound", "there is no network to ask", "give the name of a finished run")
        self._drop_clip()
        self.own, self.message = name, ""
        run = self.choice.runs[0]

        def work(report: Report) -> Callable[[], None]:
            picture, answer = self._painter.ask(run, name)

            def show() -> None:
                self.picture, self._own_answer, self.message = picture, answer, ""

            return show

        self.start("asking about your own sound", work)

    def look_at(self, look: Look) -> None:
        """Explain the predicted class, the true class or nothing."""
        if look not in LOOKS:
            raise OptionError(f"look {look!r}", "is not known", f"choose one of {', '.join(LOOKS)}")
        self.look, self.message = look, ""
        if self.clip:
            self._paint()
        else:
            self.notify()

    def cell_clips(self) -> pd.DataFrame:
        """Return the clips of the chosen cell, surest first: `clip`, `fold`, `probability` of the predicted class."""
        p = self._predictions
        if p is None:
            return pd.DataFrame({"clip": [], "fold": [], "probability": []})
        rows = np.flatnonzero((p.true == self.true) & (p.predicted == self.predicted))
        table = pd.DataFrame(
            {"clip": p.clips[rows], "fold": p.folds[rows], "probability": p.probabilities[rows, self.predicted]}
        )
        return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)

    def probabilities(self) -> pd.Series | None:
        """Return what each class got of the chosen clip after the chosen epoch, most first; None without a clip."""
        p = self._predictions
        if p is not None and self.own and self._own_answer is not None:
            return pd.Series(self._own_answer, index=list(p.class_names)).sort_values(ascending=False, kind="stable")
        if p is None or not self.clip:
            return None
        values = p.probabilities[np.flatnonzero(p.clips == self.clip)[0]]
        return pd.Series(values, index=list(p.class_names)).sort_values(ascending=False, kind="stable")

    def categories(self) -> pd.DataFrame | None:
        """Return `errors_by_category` of the matrix, where the classes have parent categories."""
        from esclab.analysis import errors_by_category

        if self.choice is None or self._predictions is None:
            return None
        categories = self._painter.list_categories(self.choice.runs[0])
        return errors_by_category(self._predictions, categories) if categories else None

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return the matrix, the series of them where it is of one run that kept epochs, and the clip that is shown."""
        from esclab.analysis import confusion_series

        if self.confusion is None:
            return {}
        found: dict[str, tuple[str, Any]] = {"confusion": ("confusion", self.confusion)}
        if self.choice is not None and self._has_series():
            series = confusion_series(self.choice.runs[0], spread_epochs(self.epochs))
            found["confusion_series"] = ("confusion_series", series)
        if self.picture is not None:
            found["clip"] = self.picture.result
        return found

    def export(self, folder: str | Path) -> list[Path]:
        """Write figures and data, and the confused pairs as a table; see `Controller.export`."""
        paths = super().export(folder)
        text = self.pairs.to_csv(index=False, lineterminator="\n")
        return [*paths, write_text(Path(folder) / "pairs.csv", text)]

    def code(self) -> str:
        """Return code for `confusion`, `pairs` and, where they are there, `series` and the clip's `picture`."""
        if self.choice is None or self.confusion is None:
            return ""
        folders = "".join(f"    {str(run.path)!r},\n" for run in self.choice.runs)
        code = CODE.format(folders=folders, epoch=self._name_epoch(self.epoch), label=self.confusion.label)
        if self._has_series():
            code += SERIES_CODE.format(epochs=spread_epochs(self.epochs))
        else:
            code = code.replace("confused_pairs, confusion_series,", "confused_pairs,")
        return code + self._clip_code()

    def _clip_code(self) -> str:
        if self.choice is None or self.picture is None:
            return ""
        explained = self.picture.explained
        if self.own:
            asked = f"ask(runs[0], {self.own!r})[0]"
        else:
            target = self.class_names.index(explained) if explained else None
            asked = f"paint(runs[{self.choice.runs.index(self._find_run())}], {self.clip!r}, {target!r})"
        code = CLIP_CODE.format(dataset=f"load_dataset({self._given.name!r})" if self._given else "", asked=asked)
        return code if self._given else code.replace("from esclab.clips import load_dataset\n", "")

    def _has_series(self) -> bool:
        return self.choice is not None and len(self.choice.runs) == 1 and len(self.epochs) > 1

    def _name_epoch(self, number: int) -> int | str:
        return "last" if number == self.epochs[-1] else number

    def _show(self, predictions: Predictions, epoch: int) -> None:
        from esclab.analysis import confused_pairs, score_predictions

        assert self.choice is not None
        when = f", epoch {epoch}" if len(self.epochs) > 1 else ""
        confusion = replace(score_predictions(predictions).confusion, label=self.choice.label + when)
        pairs = confused_pairs(predictions)
        self._predictions, self.confusion, self.pairs, self.epoch = predictions, confusion, pairs, epoch

    def _take_cell(self, true: int, predicted: int) -> None:
        self.true, self.predicted = true, predicted
        self._drop_clip()

    def _drop_clip(self) -> None:
        self.clip, self.picture, self.own, self._own_answer = "", None, "", None
        if self.busy:
            self.stop()

    def _changed(self) -> None:
        self.message = ""
        self.notify()

    def _find_run(self) -> Run:
        """Return the run that was not trained on the chosen clip."""
        assert self._predictions is not None
        assert self.choice is not None
        p = self._predictions
        fold = int(p.folds[np.flatnonzero(p.clips == self.clip)[0]])
        return next((run for run in self.choice.runs if run.config.held_out == fold), self.choice.runs[0])

    def _paint(self) -> None:
        """Have the chosen clip read and explained."""
        run, name = self._find_run(), self.clip
        target = {"predicted": self.predicted, "true": self.true, "nothing": None}[self.look]
        if self.picture is not None and self.picture.clip.name != name:
            self.picture = None

        def work(report: Report) -> Callable[[], None]:
            picture = self._painter.paint(run, name, target)

            def show() -> None:
                self.picture, self.message = picture, ""

            return show

        self.start("reading the clip", work)
