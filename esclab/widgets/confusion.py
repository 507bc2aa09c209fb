"""The confusion explorer: from a matrix to the clips in one of its cells, to hear them and to see what misled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.figures.text import class_words
from esclab.widgets.canvas import SoundCanvas
from esclab.widgets.confusion_controller import ConfusionController
from esclab.widgets.explorer import WIDE, Explorer
from esclab.widgets.gather import RunWords
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.own_sounds import OwnSounds
from esclab.widgets.plot import Plot, plot_style
from esclab.widgets.table import TableView
from esclab.widgets.tell import tell_bars, tell_problems, write_note
from esclab.widgets.work_bar import WorkBar

SHIPPED = ("cnn10-synth10", "ts-cnn10-synth10")
LOOK_NAMES = {"Predicted class": "predicted", "True class": "true", "Off": "nothing"}
MOST_SCORES = 5
BAR_PX = 110
LABELLED = {"description_width": "initial"}
NARROW = {"width": "max-content"}


class ConfusionExplorer(Explorer):
    """See which class is taken for which, and hear the clips behind each number.

    Click a cell of the matrix or a row of the pairs, or choose two classes; then choose a clip. It plays, and its
    spectrogram shows where the network looked for the class that it answered, or for the true one.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        Run folders, folders with runs below, names of shipped runs, or runs. Folds of one model can be pooled.
    dataset : str or ClipDataset, optional
        Where the clips are; the runs' own by default.
    folder : str or Path
        Where "Export" writes.

    Examples
    --------
    >>> ConfusionExplorer("runs/synth10")
    """

    controller: ConfusionController

    def __init__(
        self,
        runs: RunWords = SHIPPED,
        dataset: str | ClipDataset | None = None,
        *,
        folder: str | Path = "out/confusion",
    ) -> None:
        self._following = False  # while the view follows the controller, its own changes are no gestures
        self._shown: dict[str, Any] = {}
        self._listened: Any = None
        super().__init__(ConfusionController(runs, dataset), title="Confusion explorer", folder=folder)

    def build(self) -> Sequence[widgets.Widget]:
        """Return the choice of a matrix, the matrix beside the clips of a cell, and the most confused pairs."""
        self._build_choices()
        self._build_cell()
        self.pairs = TableView(title="Most confused pairs", picking=True, height_px=300, empty="No errors.")
        self.pairs.observe(self._take_pair, "clicks")
        self.categories = widgets.HTML(layout=WIDE)
        problems = widgets.HTML(tell_problems(self.controller.problems), layout=WIDE)
        head = widgets.HBox([self.run_picker, self.unit_picker, self.epoch_slider], layout=_wrap())
        left = widgets.VBox([self.plot.view], layout=widgets.Layout(flex="0 1 auto", overflow="auto", max_width="100%"))
        cell = widgets.HBox([self.true_picker, self.predicted_picker], layout=_wrap())
        options = widgets.HBox([self.look_picker, self.play_box], layout=_wrap())
        parts = [cell, self.clip_picker, options, self.work.row, self.picture, self.scores]
        right = widgets.VBox(parts, layout=widgets.Layout(flex="1 1 400px", min_width="360px"))
        middle = widgets.HBox([left, right], layout=_wrap())
        self.own = OwnSounds(kept=lambda name: self.attempt(self.controller.ask_own, name), folded=True, use="Ask")
        return [plot_style(), problems, head, middle, self.own.view, self.pairs, self.categories, ExplorerKeys({})]

    def refresh(self) -> None:
        """Bring every control to the controller's state; what did not change is not sent again."""
        with self.controller.lock:
            self._following = True
            try:
                self._refresh_choices()
                self._refresh_matrix()
                self._refresh_cell()
                self._refresh_clip()
                self.work.refresh()
            finally:
                self._following = False

    def _build_choices(self) -> None:
        labels = [(choice.label, number) for number, choice in enumerate(self.controller.choices)]
        self.run_picker = widgets.Dropdown(
            options=labels, description="Matrix of", style=LABELLED, layout=widgets.Layout(flex="1 1 420px"),
            tooltip="One run, or the runs of a model pooled over its folds",
        )  # fmt: skip
        self.unit_picker = widgets.ToggleButtons(
            options=["Rates", "Counts"], description="Cells show", layout=NARROW,
            style=LABELLED | {"button_width": "70px"}, tooltips=["Share of the true class, in %", "Number of clips"],
        )  # fmt: skip
        self.epoch_slider = widgets.SelectionSlider(
            options=[("last", 0)], description="Epoch", style=LABELLED, continuous_update=False,
            tooltip="After which epoch; only of runs that kept their epochs (--keep-epochs)",
        )  # fmt: skip
        self._listen(self.run_picker, self.controller.choose)
        self._listen(self.epoch_slider, self.controller.set_epoch)
        self.unit_picker.observe(lambda _: self._refresh(), "value")

    def _build_cell(self) -> None:
        wide = widgets.Layout(flex="1 1 220px")
        self.true_picker = widgets.Dropdown(
            description="True class", style=LABELLED, layout=wide, tooltip="Row of the cell"
        )
        self.predicted_picker = widgets.Dropdown(
            description="Predicted class", style=LABELLED, layout=wide, tooltip="Column of the cell"
        )
        self.clip_picker = widgets.Select(
            description="Clips", rows=6, style=LABELLED, layout=widgets.Layout(width="auto"),
            tooltip="Clips of this cell, surest first; choosing one plays and shows it",
        )  # fmt: skip
        self.look_picker = widgets.ToggleButtons(
            options=LOOK_NAMES, description="Looked for", style=LABELLED | {"button_width": "auto"}, layout=NARROW,
            tooltips=["Where the network looked for its answer", "Where it looked for the true class", "No overlay"],
        )  # fmt: skip
        self.play_box = widgets.Checkbox(
            True, description="Play when chosen", indent=False, layout=widgets.Layout(width="auto"),
            tooltip="Play a clip as soon as it is chosen",
        )  # fmt: skip
        self.picture = SoundCanvas(title="No clip chosen", height_px=250)
        self.scores = widgets.HTML(layout=WIDE)
        self.work = WorkBar(self.controller)
        self.plot = Plot()
        self._listen(self.true_picker, lambda true: self.controller.select_cell(true, self.controller.predicted))
        self._listen(self.predicted_picker, lambda found: self.controller.select_cell(self.controller.true, found))
        self._listen(self.clip_picker, self.controller.select_clip)
        self._listen(self.look_picker, self.controller.look_at)

    def _listen(self, control: Any, action: Any) -> None:
        """Do `action(value)` when a person changes a control."""

        def act(change: dict[str, Any]) -> None:
            with self.controller.lock:  # a refresh in the worker's thread must not swallow what a person chooses
                if not self._following and change["new"] is not None:
                    self.attempt(action, change["new"])

        control.observe(act, "value")

    def _refresh_choices(self) -> None:
        state = self.controller
        if state.choice is not None:
            self.run_picker.value = state.choices.index(state.choice)
        if self._changed("epochs", state.epochs):
            self.epoch_slider.options = [(str(epoch), epoch) for epoch in state.epochs] or [("none", 0)]
        if state.epochs:
            self.epoch_slider.value = state.epoch
        self.epoch_slider.disabled = len(state.epochs) < 2
        if self._changed("classes", state.class_names):
            options = [(class_words(name), number) for number, name in enumerate(state.class_names)]
            self.true_picker.options = self.predicted_picker.options = options

    def _refresh_matrix(self) -> None:
        from esclab.figures import draw

        state = self.controller
        rates = self.unit_picker.value == "Rates"
        if state.confusion is None or not self._changed("matrix", state.confusion, rates, state.true, state.predicted):
            return
        figure = draw("confusion", state.confusion, normalise=rates)
        x, y = state.predicted, state.true
        unit = "share of the true class (number of clips)" if rates else "number of clips"
        figure.layout.title.subtitle.text += f"; cells: {unit}"
        for ink, width in (("white", 6), ("black", 3)):
            ends = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
            figure.add_shape(type="rect", line={"color": ink, "width": width}, **ends)
        written = len(figure.data) > 1  # where cells hold their numbers, the colour bar may give way to the clips
        figure.data[0].showscale = not written
        self.plot.paint(figure, width_px=figure.layout.width - (BAR_PX if written else 0))
        if self.plot.figure.data[0] is not self._listened:
            self._listened = self.plot.figure.data[0]
            self._listened.on_click(self._click)
        table = state.pairs[["true", "predicted", "count", "share"]]
        chosen = _find_pair(table, state.class_names, (y, x))
        formats = {"true": class_words, "predicted": class_words, "share": lambda share: f"{100 * share:.1f} %"}
        self.pairs.show_table(table, formats=formats, chosen=chosen)
        self.categories.value = write_note(_tell_categories(state.categories()))

    def _refresh_cell(self) -> None:
        state = self.controller
        if state.confusion is None:
            return
        self.true_picker.value, self.predicted_picker.value = state.true, state.predicted
        clips = state.cell_clips()
        rows = [(f"{row.clip}  (fold {row.fold}, {row.probability:.0%})", row.clip) for row in clips.itertuples()]
        if self._changed("clips", rows):
            self.clip_picker.options = rows
        self.clip_picker.value = state.clip or None
        self.clip_picker.description = f"{len(rows)} clips" if len(rows) != 1 else "1 clip"

    def _refresh_clip(self) -> None:
        state, picture = self.controller, self.controller.picture
        if self._changed("scores", state.clip, state.own, picture if state.own else None, state.epoch, state.confusion):
            marks = {} if state.confusion is None or state.own else {state.class_names[state.true]: "true"}
            values = state.probabilities()
            self.scores.value = "" if values is None else tell_bars(values.head(MOST_SCORES), marks)
        if not self._changed("picture", picture, state.clip, state.own):
            return
        if picture is None:
            self.picture.shape, self.picture.sounds, self.picture.overlay, self.picture.boxes = [0, 0], {}, b"", []
            self._changed("heard")  # the same clip may come again
            self.picture.title, self.picture.subtitle = state.clip or state.own or "No clip chosen", ""
            return
        self.picture.title = picture.clip.label
        self.picture.subtitle = (
            f"cyan: where it looked for {class_words(picture.explained)}" if picture.explained else ""
        )
        if picture.explained and state.epoch != picture.epoch:
            self.picture.subtitle += f" after epoch {picture.epoch}, the last (weights of others are not kept)"
        if state.own and state.choice is not None:
            run = state.choice.runs[0]
            self.picture.subtitle += f"; {run.config.model} of fold {run.config.held_out} was asked"
        self.picture.show_map(picture.spectrogram)
        self.picture.show_overlay(picture.heatmap)
        self.picture.show_events(picture.clip.events)
        if self._changed("heard", picture.clip.name):
            self.picture.set_sounds({picture.clip.name: picture.samples}, picture.sample_rate)
            self.picture.play += int(self.play_box.value)

    def _click(self, trace: Any, points: Any, state: Any) -> None:
        if points.xs:
            self.attempt(self.controller.select_cell, round(points.ys[0]), round(points.xs[0]))

    def _take_pair(self, change: dict[str, Any]) -> None:
        state = self.controller
        if self._following or not 0 <= self.pairs.chosen < len(state.pairs):
            return
        pair = state.pairs.iloc[self.pairs.chosen]
        cell = state.class_names.index(pair["true"]), state.class_names.index(pair["predicted"])
        self.attempt(state.select_cell, *cell)

    def _changed(self, name: str, *parts: Any) -> bool:
        """Return whether what is shown under this name is made of other parts now, and keep them."""
        old = self._shown.get(name, ())
        self._shown[name] = parts
        plain = (str, int, tuple, list)
        return len(old) != len(parts) or any(
            a is not b and not (isinstance(a, plain) and type(a) is type(b) and a == b)
            for a, b in zip(old, parts, strict=True)
        )


def _find_pair(pairs: pd.DataFrame, names: Sequence[str], cell: tuple[int, int]) -> int:
    for number, (true, predicted) in enumerate(zip(pairs["true"], pairs["predicted"], strict=True)):
        if (names.index(true), names.index(predicted)) == cell:
            return number
    return -1


def _tell_categories(table: pd.DataFrame | None) -> str:
    """Return how many errors stay in the parent category of the true class, in words."""
    if table is None:
        return ""
    row = table.iloc[0]
    if not row["errors"]:
        return "Parent categories: there are no errors."
    return (
        f"Parent categories: {row['within']} of {row['errors']} errors stay within the true class's category "
        f"({row['within_share']:.0%}; wrong answers at random would give {row['random_share']:.0%}), "
        f"{row['across']} go to another."
    )


def _wrap() -> widgets.Layout:
    return widgets.Layout(flex_flow="row wrap", width="100%", grid_gap="2px 12px")
