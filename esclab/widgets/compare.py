"""The comparison of runs: a table to sort and filter, accuracy with intervals, tests, robustness and cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from esclab.clips.dataset import ClipDataset
from esclab.noise import NOISES
from esclab.widgets.compare_controller import ALL, CompareController
from esclab.widgets.compare_parts import draw_cost, read_levels, tell_pairs
from esclab.widgets.explorer import STYLE, WIDE, Explorer, make_button
from esclab.widgets.gather import RunWords
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.plot import Plot, plot_style
from esclab.widgets.table import TableView
from esclab.widgets.tell import tell_problems, write_list, write_note
from esclab.widgets.work_bar import WorkBar

SHIPPED = ("cnn10-synth10", "ts-cnn10-synth10")
COSTS = {
    "Parameters": "parameters",
    "Operations a clip (FLOPs)": "flops",
    "Time a clip (ms)": "ms",
}
FILL = {"width": "auto"}
PLOTTED = ("accuracy", "robustness", "cost")


class CompareExplorer(Explorer):
    """Compare models over all their runs, without mixing what cannot be compared.

    Choose a dataset and recipe, models, a fold or a seed: accuracy and tests follow. Robustness in noise and cost are
    measured when asked for.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        Run folders, folders with runs below (such as "runs"), shipped runs, and ledgers (such as "results/runs.csv").
    dataset : str or ClipDataset, optional
        Where clips are read for noise; the runs' own by default.
    noise : str or Path, optional
        Ledger of robustness that was measured before; "results/noise.csv" by default, where it is there.
    folder : str or Path
        Where "Export" writes.

    Examples
    --------
    >>> CompareExplorer("runs")
    """

    controller: CompareController

    def __init__(
        self,
        runs: RunWords = SHIPPED,
        dataset: str | ClipDataset | None = None,
        *,
        noise: str | Path | None = None,
        folder: str | Path = "out/compare",
    ) -> None:
        self._following = False  # while the view follows the controller, its own changes are no gestures
        self._shown: dict[str, tuple[Any, ...]] = {}
        super().__init__(CompareController(runs, dataset, noise=noise), title="Compare runs", folder=folder)

    def build(self) -> Sequence[widgets.Widget]:
        """Return what to compare, the runs, accuracy with tests, robustness, and cost."""
        self._build_choices()
        self._build_measures()
        self.table = TableView(title="Runs", height_px=240, empty="No run has these words.")
        self.notes, self.tests = widgets.HTML(layout=WIDE), widgets.HTML(layout=WIDE)
        self.plots = {name: Plot() for name in PLOTTED}
        self.work = WorkBar(self.controller)
        problems = widgets.HTML(tell_problems(self.controller.rows.problems), layout=WIDE)
        pickers = [self.group_picker, self.fold_picker, self.seed_picker, self.words_box]
        controls = widgets.VBox([*pickers, self.model_picker], layout=widgets.Layout(flex="1 1 360px"))
        runs = widgets.VBox([self.table], layout=widgets.Layout(flex="2 1 520px", min_width="320px"))
        noise = [self.kind_picker, self.levels_box, self.noise_button]
        cost = [self.cost_button, self.cost_picker]
        parts = [
            [self.plots["accuracy"].view, _heading("Paired tests on the same clips"), self.tests],
            [_heading("Robustness"), widgets.HBox(noise, layout=_wrap()), self.plots["robustness"].view],
            [_heading("Cost"), widgets.HBox(cost, layout=_wrap()), self.plots["cost"].view],
        ]
        boxes = [widgets.VBox(part, layout=widgets.Layout(flex="1 1 670px", min_width="320px")) for part in parts]
        head = widgets.HBox([controls, runs], layout=_wrap())
        return [
            plot_style(),
            problems,
            head,
            self.notes,
            self.work.row,
            widgets.HBox(boxes, layout=_wrap()),
            ExplorerKeys({}),
        ]

    def refresh(self) -> None:
        """Bring every control to the controller's state; what did not change is not sent again."""
        with self.controller.lock:
            self._following = True
            try:
                self._refresh_choices()
                self._refresh_table()
                self._refresh_plots()
                busy = bool(self.controller.busy)
                self.noise_button.disabled = self.cost_button.disabled = busy or not self.controller.chosen_runs
                self.work.refresh()
            finally:
                self._following = False

    def _build_choices(self) -> None:
        state = self.controller
        self.group_picker = widgets.Dropdown(
            options=list(state.groups), description="Compare", style=STYLE, layout=FILL,
            tooltip="Dataset, recipe and protocol: runs of different ones are never mixed",
        )  # fmt: skip
        self.model_picker = widgets.SelectMultiple(
            description="Models", rows=4, style=STYLE, layout=FILL,
            tooltip="Which models; Ctrl or Shift for several, none for all",
        )  # fmt: skip
        self.fold_picker = widgets.Dropdown(description="Fold", style=STYLE, layout=FILL, tooltip="Held-out fold")
        self.seed_picker = widgets.Dropdown(description="Seed", style=STYLE, layout=FILL, tooltip="Seed of training")
        self.words_box = widgets.Text(
            description="Filter", placeholder="words that a row must have", style=STYLE, layout=FILL,
            continuous_update=False, tooltip="Words that a row must have, e.g. ts-cnn10; Enter to apply",
        )  # fmt: skip
        self._listen(self.group_picker, lambda group: state.select(group=group))
        self._listen(self.model_picker, lambda models: state.select(models=models))
        self._listen(self.fold_picker, lambda fold: state.select(fold=fold))
        self._listen(self.seed_picker, lambda seed: state.select(seed=seed))
        self._listen(self.words_box, lambda words: state.select(words=words))

    def _build_measures(self) -> None:
        self.kind_picker = widgets.SelectMultiple(
            options=[(entry.label, name) for name, entry in NOISES.items()], value=("gaussian",), rows=3,
            description="Noise", style=STYLE, tooltip="Kinds of noise; Ctrl or Shift for several",
        )  # fmt: skip
        self.levels_box = widgets.Text(
            "20, 10, 0", description="SNR (dB)", style=STYLE, layout=widgets.Layout(width="260px"),
            tooltip="Levels of the clip above the noise, in dB, with commas",
        )  # fmt: skip
        self.noise_button = make_button("Test in noise", "Test the compared runs on noisy clips", icon="play")
        self.cost_button = make_button("Measure cost", "Measure each model's size, operations and time", icon="play")
        self.cost_picker = widgets.Dropdown(
            options=COSTS, description="Across", style=STYLE, tooltip="What the horizontal axis shows"
        )
        self.noise_button.on_click(lambda _: self.attempt(self._test_noise))
        self.cost_button.on_click(lambda _: self.attempt(self.controller.measure_costs))
        self.cost_picker.observe(lambda _: self._refresh(), "value")

    def _listen(self, control: Any, action: Any) -> None:
        """Do `action(value)` when a person changes a control."""

        def act(change: dict[str, Any]) -> None:
            with self.controller.lock:  # a refresh in the worker's thread must not swallow what a person chooses
                if not self._following and change["new"] is not None:
                    self.attempt(action, change["new"])

        control.observe(act, "value")

    def _test_noise(self) -> None:
        self.controller.measure_noise(self.kind_picker.value, read_levels(self.levels_box.value))

    def _refresh_choices(self) -> None:
        state = self.controller
        if self._changed("group", state.group):
            rows = state.rows.table[state.in_group()]
            self.group_picker.value = state.group or None
            self.model_picker.options = list(dict.fromkeys(rows["model"]))
            for picker, name in ((self.fold_picker, "fold"), (self.seed_picker, "seed")):
                picker.options = [("all", ALL), *((str(n), int(n)) for n in sorted(set(rows[name])))]
        self.model_picker.value = tuple(name for name in state.models if name in self.model_picker.options)
        self.fold_picker.value, self.seed_picker.value = state.fold, state.seed
        self.words_box.value = state.words

    def _refresh_table(self) -> None:
        state = self.controller
        if self._changed("rows", state.chosen, state.words):
            shown = state.shown_rows()
            faint = [n for n, row in enumerate(shown.index) if row not in state.chosen.index]
            table = shown[["model", "dataset", "recipe", "fold", "seed", "accuracy", "seconds"]]
            formats = {"accuracy": lambda rate: f"{100 * rate:.1f} %", "seconds": lambda seconds: f"{seconds:.0f}"}
            self.table.show_table(table, formats=formats, faint=faint)
            self.table.title = "Runs (in italics: not compared)" if faint else "Runs"
        if self._changed("notes", list(state.notes)):
            self.notes.value = "".join(write_note(note) for note in state.notes)

    def _refresh_plots(self) -> None:
        from esclab.figures import draw

        state = self.controller
        across = {value: label for label, value in COSTS.items()}[self.cost_picker.value]
        if self._changed("accuracy", state.accuracy):
            self.plots["accuracy"].paint(state.accuracy and draw("accuracy", state.accuracy))
            self.tests.value = write_list(tell_pairs(state.pairs, busy=state.accuracy is None))
        if self._changed("robustness", state.robustness):
            self.plots["robustness"].paint(state.robustness and draw("robustness", state.robustness))
        if self._changed("cost", state.costs, across, state.accuracy):
            cost = state.cost()
            self.plots["cost"].paint(cost and draw_cost(cost, self.cost_picker.value, across))

    def _changed(self, name: str, *parts: Any) -> bool:
        """Return whether what is shown under this name is made of other parts now, and keep them."""
        old = self._shown.get(name, ())
        self._shown[name] = parts
        return len(old) != len(parts) or any(
            a is not b and not (isinstance(a, str | list) and a == b) for a, b in zip(old, parts, strict=True)
        )


def _heading(text: str) -> widgets.HTML:
    return widgets.HTML(f"<h4 style='margin:6px 0 2px'>{text}</h4>")


def _wrap() -> widgets.Layout:
    return widgets.Layout(flex_flow="row wrap", width="100%", grid_gap="2px 16px")
