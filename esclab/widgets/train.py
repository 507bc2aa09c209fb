"""Train in the notebook: choose, start, watch, pause, stop and resume."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from esclab.clips import DATASETS
from esclab.clips.dataset import ClipDataset
from esclab.figures import draw
from esclab.models import MODELS, find_model
from esclab.models.strategies import EXAMPLES
from esclab.papers import RECIPES
from esclab.widgets.explorer import STYLE, Explorer, make_button
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.plot import plot_style
from esclab.widgets.table import TableView
from esclab.widgets.tell import tell_problems, write_note
from esclab.widgets.train_controller import TrainController
from esclab.widgets.train_controls import SettingControls
from esclab.widgets.train_mixture import draw_mixtures, find_layers
from esclab.widgets.train_plot import GrowingPlot, ink_style
from esclab.widgets.train_runs import RunEntry, name_runs, tabulate_runs

TEST_NOTE = (
    "Solid lines are the held-out fold. Where it is the test fold, its accuracy only tells how the training goes: it "
    "chooses nothing, neither an epoch nor a setting. To choose settings, tick Validate."
)
BELOW = {"width": "99%"}
PICKER = {"width": "280px"}
SMALL = {"width": "170px"}


class TrainExplorer(Explorer):
    """Train a model while its curves grow; nothing starts before Start is pressed.

    A training runs beside the notebook: it goes on when the cell is run again or the page is loaded anew, and a new
    explorer finds it. After a stop, or the end of the kernel, Resume goes on from the checkpoint. One training computes
    at a time; others wait their turn.

    Parameters
    ----------
    dataset : str or ClipDataset
    root : str or Path
        Folder of all runs.
    folder : str or Path
        Where "Export" writes.

    Examples
    --------
    >>> TrainExplorer("synth10")
    """

    controller: TrainController

    def __init__(
        self,
        dataset: str | ClipDataset = "synth10",
        *,
        root: str | Path = "runs",
        folder: str | Path = "out/train",
    ) -> None:
        self._following = False  # while the view follows the controller, its own changes are no gestures
        super().__init__(TrainController(dataset, root=root), title="Train", folder=folder)
        self.controller.watch(self._tick)

    def build(self) -> Sequence[widgets.Widget]:
        """Return what to train, the buttons, the curves, and the runs."""
        form = self.controller.form
        self._build_pickers()
        self.settings = SettingControls(form, self._set)
        pickers = [self.model_picker, self.dataset_box, self.recipe_picker, self.fold_box, self.seed_box]
        wrap = widgets.Layout(flex_flow="row wrap", width="100%")
        self.progress = widgets.IntProgress(max=1, description="Iterations", style=STYLE)
        self.progress.layout = widgets.Layout(flex="1 1 240px", max_width="420px")
        self.words = widgets.HTML(layout=widgets.Layout(flex="2 1 300px"))
        self.curves, self.mixtures = GrowingPlot(), GrowingPlot()
        self.table = TableView(title="Runs", picking=True, height_px=240, empty="No run yet: press Start.")
        self.table.observe(lambda _: self._choose_row(), "clicks")
        self.compare_list = widgets.SelectMultiple(
            description="Compare", tooltip="Runs whose curves are drawn too; hold Ctrl for several",
            rows=6, style=STYLE, layout=BELOW,
        )  # fmt: skip
        self.compare_list.observe(self._compare, "value")
        self.problems = widgets.HTML(layout=BELOW)
        return [
            plot_style(),
            ink_style(),
            widgets.HBox(pickers, layout=wrap),
            self.settings.box,
            widgets.HBox([self.more_box, self.validate_box, self.keep_box], layout=wrap),
            widgets.HBox([*self._build_buttons(), self.progress, self.words], layout=wrap),
            self.curves.view,
            widgets.HTML(write_note(TEST_NOTE), layout=BELOW),
            self.mixtures.view,
            self.table,
            self.compare_list,
            self.problems,
            ExplorerKeys(
                {
                    "p": ("pauses", self.pause_button.click),
                    "r": ("resumes", self.resume_button.click),
                    "x": ("stops", self.stop_button.click),
                },
                sounds=False,
            ),
        ]

    def _list_models(self) -> list[str]:
        """Return what the model picker offers: all networks, some strategies around them, and the form's own."""
        return list(dict.fromkeys((*MODELS, *EXAMPLES, self.controller.form.model)))

    def _build_pickers(self) -> None:
        form = self.controller.form
        named = [name for name in DATASETS if name not in ("folder", "csv")]
        self.model_picker = widgets.Dropdown(
            options={f"{name}: {find_model(name).summary}": name for name in self._list_models()}, value=form.model,
            description="Model", tooltip="Which network", style=STYLE, layout=widgets.Layout(width="460px"),
        )  # fmt: skip
        self.dataset_box = widgets.Combobox(
            value=form.dataset, options=named, continuous_update=False, description="Dataset", style=STYLE,
            tooltip="As in esclab datasets; synth10:80 is a small one", layout=PICKER,
        )  # fmt: skip
        self.recipe_picker = widgets.Dropdown(
            options=list(RECIPES), value=form.recipe, description="Recipe", style=STYLE, layout=PICKER,
            tooltip="quick is a minute a fold on two cores; the others are papers'. A choice sets all settings",
        )  # fmt: skip
        self.fold_box = widgets.BoundedIntText(
            value=form.fold, min=1, max=99, description="Test fold", tooltip="The fold that does not train",
            style=STYLE, layout=SMALL,
        )  # fmt: skip
        self.seed_box = widgets.BoundedIntText(
            value=form.seed, min=0, max=2**31 - 1, description="Seed", style=STYLE, layout=SMALL,
            tooltip="Decides weights, batches and augmentation",
        )  # fmt: skip
        self.more_box = widgets.Text(
            description="More", placeholder="feature.bands=64, decay=0.9", continuous_update=False, style=STYLE,
            tooltip="Further settings, NAME=VALUE, as esclab train --set takes them", layout=PICKER,
        )  # fmt: skip
        self.validate_box = widgets.Checkbox(
            description="Validate", indent=False, layout=widgets.Layout(width="120px", margin="2px 2px 2px 24px"),
            tooltip="Score a validation fold cut from the training folds; the test fold stays unseen",
        )  # fmt: skip
        self.keep_box = widgets.Checkbox(
            description="Keep epochs", indent=False, layout=widgets.Layout(width="140px"),
            tooltip="Keep predictions and embeddings of every scored epoch, for the embedding explorer",
        )  # fmt: skip
        self._fields: dict[str, Any] = {
            "model": self.model_picker, "dataset": self.dataset_box, "recipe": self.recipe_picker,
            "fold": self.fold_box, "seed": self.seed_box, "more": self.more_box, "validate": self.validate_box,
            "keep_epochs": self.keep_box,
        }  # fmt: skip
        for name, control in self._fields.items():
            control.observe(lambda change, name=name: self._change(name, change["new"]), "value")

    def _build_buttons(self) -> list[widgets.Button]:
        self.start_button = make_button("Start", "Train what is chosen above", icon="play", button_style="primary")
        self.pause_button = make_button("Pause", "Wait after this epoch; the next in line goes first", icon="pause")
        self.resume_button = make_button("Resume", "Go on with the run chosen below", icon="step-forward")
        self.stop_button = make_button("Stop", "End after this epoch; Resume goes on from there", icon="stop")
        self.reload_button = make_button("Reload", "Look for runs again, e.g. of the command line", icon="refresh")
        actions = {
            self.start_button: self.controller.begin, self.pause_button: self.controller.pause_run,
            self.resume_button: self.controller.resume_run, self.stop_button: self.controller.stop_run,
            self.reload_button: self.controller.reload,
        }  # fmt: skip
        for button, action in actions.items():
            button.on_click(lambda _, action=action: self.attempt(action))
        return list(actions)

    def refresh(self) -> None:
        """Bring form, buttons, table and curves to the controller's state."""
        with self.controller.lock:
            self._following = True
            try:
                self._refresh_form()
                self._refresh_runs()
            finally:
                self._following = False
            self._tick()

    def _refresh_form(self) -> None:
        form, entry = self.controller.form, self.controller.entry
        self.settings.refresh(form)
        for name, control in self._fields.items():
            control.value = getattr(form, name)
        folds = self.controller.folds
        self.fold_box.tooltip = f"The fold that does not train{f', {folds[0]} to {folds[-1]}' if folds else ''}"
        active = entry.active if entry is not None else None
        self.start_button.disabled = bool(self.controller.busy)
        self.pause_button.disabled = active is None or active.pause_asked or active.stop_asked
        self.resume_button.disabled = entry is None or not entry.is_resumable
        self.stop_button.disabled = not self.controller.busy and (active is None or active.stop_asked)

    def _refresh_runs(self) -> None:
        controller = self.controller
        table = tabulate_runs(controller.entries)
        chosen = next((n for n, entry in enumerate(controller.entries) if entry.path == controller.current), -1)
        self.table.show_table(table, formats={str(table.columns[-1]): _write_percent}, chosen=chosen)
        names = name_runs(controller.entries)
        self.compare_list.options = [
            (f"{names[entry.path]}: {entry.run.config.dataset}, {recipe}, {entry.state}", entry.path)
            for entry, recipe in zip(controller.entries, table["Recipe"], strict=True)
        ]
        known = {entry.path for entry in controller.entries}
        self.compare_list.value = tuple(path for path in controller.compared if path in known)
        self.problems.value = tell_problems(controller.problems)

    def _tick(self) -> None:
        """Bring progress and curves to the newest epoch."""
        entry = self.controller.entry
        self.words.value = f"<span role='status'>{html.escape(tell_progress(self.controller, entry))}</span>"
        report = entry.active.report if entry is not None and entry.active is not None else None
        self.progress.max = entry.run.config.recipe.iterations if entry is not None else 1
        history = entry.read_history() if entry is not None else pd.DataFrame()
        self.progress.value = report.iteration if report else int(history["iteration"].iloc[-1]) if len(history) else 0
        result = self.controller.learning()
        self.curves.show(draw("learning", result) if result is not None else None)
        mixed = entry is not None and find_layers(history)
        self.mixtures.show(draw_mixtures(history, entry.run.label) if entry is not None and mixed else None)

    def _change(self, name: str, value: Any) -> None:
        with self.controller.lock:  # a refresh in a training's thread must not swallow what a person chooses
            if not self._following:
                self.attempt(lambda: self.controller.change(**{name: value}))

    def _set(self, name: str, value: Any) -> None:
        with self.controller.lock:
            if not self._following:
                self.attempt(self.controller.set_value, name, value)

    def _choose_row(self) -> None:
        if 0 <= self.table.chosen < len(self.controller.entries):
            self.attempt(self.controller.choose, self.controller.entries[self.table.chosen].path)

    def _compare(self, change: dict[str, Any]) -> None:
        with self.controller.lock:
            if not self._following:
                self.attempt(self.controller.compare, change["new"])


def tell_progress(controller: TrainController, entry: RunEntry | None) -> str:
    """Return in one line what is being done, how far it is, and how long it will take."""
    if controller.busy:
        return f"{controller.busy} ..."
    if entry is None:
        return "Nothing is trained. Choose above and press Start, or choose a run below."
    training, words = entry.active, [f"{entry.run.label}: {entry.state}"]
    if training is None:
        if entry.run.is_finished:
            words.append(f"accuracy {_write_percent(entry.run.summary['accuracy'])} on fold {entry.held_out}")
        elif entry.training is not None and entry.training.message:
            words.append(entry.training.message)
        else:
            words.append("Resume goes on from its last checkpoint")
        return ", ".join(words)
    done, count = training.prepared
    if training.state == "preparing" and count:
        words.append(f"features of {done} of {count} clips")
    if training.report is not None:
        report = training.report
        words.append(f"iteration {report.iteration} of {report.iterations}")
        words.append(f"about {write_time(report.seconds_left)} left")
    return ", ".join(words)


def write_time(seconds: float) -> str:
    """Return a time as "40 s", "3 min 20 s" or "2 h 5 min"."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _write_percent(share: float) -> str:
    return f"{100 * share:.1f} %"
