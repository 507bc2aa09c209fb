"""See where a network puts clips, hear them, and compare two networks: the embedding explorer."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from esclab.clips import ClipDataset, load_dataset
from esclab.errors import EsclabError, RunError
from esclab.figures.text import class_words
from esclab.widgets.canvas import SoundCanvas
from esclab.widgets.embedding_controller import METHOD_TITLES, EmbeddingController
from esclab.widgets.embedding_plot import SIZE_PX, EmbeddingPlot, group_points
from esclab.widgets.explorer import STYLE, WIDE, Explorer, make_button
from esclab.widgets.gather import RunWords, gather_runs
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.own_sounds import OwnSounds
from esclab.widgets.table import TableView
from esclab.widgets.work_bar import WorkBar

RUNS = ("cnn10-synth10", "ts-cnn10-synth10")
MOST_LISTED = 300
CLIP_PX = 330
COLOURINGS = {
    "class": "class_name",
    "fold": "fold",
    "right or wrong": "correct",
    "model": "model",
    "which model is right": "agreement",
}
EPOCHS = {"the last": "last", "some (8 at most)": "some", "all that were kept": "all"}


class EmbeddingExplorer(Explorer):
    """Each point is a held-out clip: click to hear it, draw around points to list them, go through the epochs.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        Run folders, shipped runs, folders with runs below them, or opened runs. Earlier epochs than the last need a run
        that was trained with `--keep-epochs`.
    dataset : str or ClipDataset, optional
        Where clips are heard; that of the first run by default.
    folder : str or Path
        Where "Export" and the table of selected clips go.

    Raises
    ------
    RunError
        When no run can be used; a faulty one among others is told of in the explorer.
    """

    controller: EmbeddingController

    def __init__(
        self,
        runs: RunWords = RUNS,
        dataset: str | ClipDataset | None = None,
        *,
        folder: str | Path = "out/embedding",
    ) -> None:
        found = gather_runs(runs)
        if not found.runs:
            raise RunError("runs", found.problems[0] if found.problems else "are none", "give a finished run")
        self.problems = list(found.problems)
        clips: ClipDataset | None = None
        try:
            clips = (
                dataset if isinstance(dataset, ClipDataset) else load_dataset(dataset or found.runs[0].config.dataset)
            )
        except EsclabError as error:  # points can be seen without the recordings
            self.problems.append(str(error))
        self._painting = False
        self._shown_clip: str | None = None
        self._shown_picture: Any = None
        self._shown_table: tuple[str, ...] | None = None
        super().__init__(EmbeddingController(found.runs, clips), title="Where does the network put it?", folder=folder)

    def build(self) -> Sequence[widgets.Widget]:
        """Return what is projected, the points of one or two models with the clip, and the selection."""
        self.notice = widgets.HTML("".join(f"<div>&#9888; {html.escape(one)}</div>" for one in self.problems))
        self._build_question()
        self._build_clip()
        self._build_selection()
        self.plots = [EmbeddingPlot(self._hear_point, self._select) for _ in range(2)]
        self.hint = widgets.Label()
        self.plot_row = widgets.HBox(
            [self.hint, *(plot.view for plot in self.plots)],
            layout=widgets.Layout(flex="0 1 auto", min_width="0", flex_flow="row wrap"),
        )
        finding = [self.class_menu, self.search, self.wrong_box, self.clip_list]
        clip = widgets.VBox(
            [*finding, self.list_buttons, self.play_box, self.canvas],
            layout=widgets.Layout(flex=f"0 0 {CLIP_PX}px", width=f"{CLIP_PX}px"),
        )
        middle = widgets.HBox([self.plot_row, clip], layout=widgets.Layout(width="100%", flex_flow="row wrap"))
        source = self.controller.source
        own = OwnSounds(source, kept=self._hear, folded=True, use="Place it") if source is not None else None
        below = [*([own.view] if own is not None else []), self.table, self.table_row, self.keys]
        self.own = own
        return [self.notice, *self.question, self.epoch_row, middle, *below]

    def refresh(self) -> None:
        """Bring menus, points, clip and table to the controller's state."""
        with self.controller.lock:
            self._painting = True
            try:
                self._fill_menus()
                self._fill_clips()
                self._paint_points()
                self._paint_clip()
                self._paint_table()
                self.work.refresh()
            finally:
                self._painting = False

    def _build_question(self) -> None:
        controller = self.controller
        runs: list[tuple[str, Any]] = [(label, number) for number, label in enumerate(controller.labels)]
        self.left_menu = _menu("Model", "The network whose points are shown", runs)
        self.right_menu = _menu("Beside it", "A second network, with the same selection", [("none", -1), *runs])
        self.method_menu = _menu(
            "Projection",
            "t-SNE and UMAP keep neighbourhoods; PCA keeps the two directions of most variance",
            [(title, name) for name, title in METHOD_TITLES.items()],
        )
        self.layer_menu = _menu("Layer", "Where the points come from; embedding is the last layer's input", [])
        self.spread_menu = _menu(
            "Epochs", "Of runs that kept them; each takes a projection of its own", list(EPOCHS.items())
        )
        self.colour_menu = _menu("Colour", "What colour and marker stand for", list(COLOURINGS.items()))
        self.compute_button = make_button(
            "Compute", "Fit the points; they are kept, so that each is fitted once (key c)", icon="play"
        )
        self.compute_button.on_click(lambda _: self.attempt(controller.compute))
        self.epoch_slider = widgets.SelectionSlider(
            options=[("–", 0)], description="Epoch", tooltip="Go through the epochs (keys [ and ])", style=STYLE,
            layout=widgets.Layout(width="480px"),
        )  # fmt: skip
        self.work = WorkBar(controller)
        self.size_slider = widgets.IntSlider(
            SIZE_PX, min=300, max=900, step=20, description="Size", tooltip="Width of each plot, in pixels",
            continuous_update=False, style=STYLE, layout=widgets.Layout(width="330px"),
        )  # fmt: skip
        self.size_slider.observe(lambda _: self._refresh(), "value")
        self.epoch_row = widgets.HBox(
            [self.epoch_slider, self.size_slider], layout=widgets.Layout(width="100%", flex_flow="row wrap")
        )
        row = widgets.Layout(width="100%", flex_flow="row wrap")
        self.question = [
            widgets.HBox([self.left_menu, self.right_menu, self.colour_menu], layout=row),
            widgets.HBox([self.method_menu, self.layer_menu, self.spread_menu], layout=row),
            widgets.HBox([self.compute_button, self.work.row], layout=row),
        ]
        self._listen(self.left_menu, lambda run: controller.choose(left=run))
        self._listen(self.right_menu, lambda run: controller.choose(right=None if run < 0 else run))
        self._listen(self.method_menu, lambda name: controller.choose(method=name))
        self._listen(self.layer_menu, lambda name: controller.choose(layer=name))
        self._listen(self.spread_menu, lambda name: controller.choose(spread=name))
        self._listen(self.colour_menu, controller.colour)
        self._listen(self.epoch_slider, controller.go_to)

    def _build_clip(self) -> None:
        classes = self.controller.runs[0].config.class_names
        names = [("all classes", ""), *((class_words(name), name) for name in classes)]
        narrow = widgets.Layout(width="auto")
        self.class_menu = _menu("Clips of", "List the clips of one class", names)
        self.class_menu.layout = narrow
        self.search = widgets.Text(
            description="Search", tooltip="List clips with these letters in their name or class", style=STYLE,
            layout=narrow,
        )  # fmt: skip
        self.wrong_box = widgets.Checkbox(
            description="wrong answers only", tooltip="List clips that a shown model has wrong", style=STYLE
        )
        self.clip_list = widgets.Select(
            description="Clip", tooltip="The same as a click on its point; arrow keys go from clip to clip", rows=5,
            style=STYLE, layout=narrow,
        )  # fmt: skip
        add = make_button("Select it", "Add this clip to the selection (key a)")
        add_all = make_button("Select all listed", "Make the clips of the list the selection")
        add.on_click(lambda _: self._add())
        add_all.on_click(lambda _: self._select(self._listed()))
        self.add_button, self.add_all_button = add, add_all
        self.list_buttons = widgets.HBox(
            [add, add_all], layout=widgets.Layout(justify_content="flex-end", width="100%")
        )
        self.play_box = widgets.Checkbox(
            True, description="Play when chosen", tooltip="Play a clip as soon as it is chosen", style=STYLE
        )
        self.canvas = SoundCanvas(height_px=250, title="Click a point, or choose a clip")
        for control in (self.class_menu, self.search, self.wrong_box):
            control.observe(lambda _: self._refresh(), "value")
        self._listen(self.clip_list, self.controller.show_clip)

    def _build_selection(self) -> None:
        self.table = TableView(
            title="Selected clips",
            empty="Draw around points, or select clips from the list.",
            height_px=220,
            picking=True,
        )
        self.table.observe(self._choose_row, "clicks")
        self.clear_button = make_button("Clear selection", "Select no clip (key x)")
        self.csv_button = make_button("Save table (CSV)", "Write the selected clips to selection.csv", icon="table")
        self.clear_button.on_click(lambda _: self._select([]))
        self.csv_button.on_click(lambda _: self._save())
        self.table_row = widgets.HBox([self.clear_button, self.csv_button], layout=WIDE)
        self.keys = ExplorerKeys(
            {
                "c": ("computes", lambda: self.attempt(self.controller.compute)),
                "[": ("one epoch back", lambda: self._step(-1)),
                "]": ("one epoch on", lambda: self._step(1)),
                "a": ("selects the clip", self._add),
                "x": ("clears the selection", lambda: self._select([])),
            }
        )

    def _listen(self, control: Any, action: Callable[[Any], Any]) -> None:
        """Pass what a person chooses on; what `refresh` sets is no choice."""

        def pass_on(change: Any) -> None:
            with self.controller.lock:
                if not self._painting and change["new"] is not None:
                    self.attempt(action, change["new"])

        control.observe(pass_on, "value")

    def _hear(self, clip: str) -> None:
        self.attempt(self.controller.show_clip, clip)

    def _hear_point(self, clip: str) -> None:
        self._hear(clip)
        self.clip_list.focus()  # a click on a plot takes the focus out of the explorer, and its keys with it

    def _select(self, clips: Sequence[str]) -> None:
        self.attempt(self.controller.select, clips)

    def _add(self) -> None:
        if self.controller.clip:
            self._select([*self.controller.selected, self.controller.clip])

    def _step(self, by: int) -> None:
        epochs = self.controller.epochs
        if epochs:
            place = epochs.index(self.controller.epoch) + by
            self.attempt(self.controller.go_to, epochs[min(max(place, 0), len(epochs) - 1)])

    def _choose_row(self, change: Any) -> None:
        rows = self.controller.selection()["clip"].tolist()
        if 0 <= self.table.chosen < len(rows):
            self._hear(str(rows[self.table.chosen]))

    def _save(self) -> None:
        def write() -> None:
            path = self.controller.write_selection(self.folder)
            self.say(f"Wrote {path}")

        self.controller.attempt(write)

    def _listed(self) -> list[str]:
        return self.controller.list_clips(
            class_name=self.class_menu.value, words=self.search.value, wrong=self.wrong_box.value
        )

    def _fill_menus(self) -> None:
        controller = self.controller
        self.left_menu.value = controller.sides[0]
        self.right_menu.value = -1 if controller.sides[1] is None else controller.sides[1]
        self.method_menu.value, self.spread_menu.value = controller.method, controller.spread
        self.colour_menu.value = controller.colour_by
        _fill(self.layer_menu, [(name, name) for name in controller.layers], controller.layer)
        self.spread_menu.disabled = controller.layer != "embedding"
        epochs = [(str(epoch), epoch) for epoch in controller.epochs] or [("–", 0)]
        _fill(self.epoch_slider, epochs, controller.epoch if controller.epochs else 0)
        self.epoch_slider.disabled = len(epochs) < 2
        self.compute_button.disabled = not controller.needs_compute
        self.compute_button.button_style = "primary" if controller.needs_compute else ""

    def _fill_clips(self) -> None:
        names, answers = self._listed(), self.controller.answers()
        classes = dict(zip(answers["clip"], answers["class_name"], strict=True))
        listed = names[:MOST_LISTED]
        if self.controller.clip in names[MOST_LISTED:]:
            listed = [self.controller.clip, *listed[:-1]]
        options = [(f"{class_words(classes[name])} ({name})", name) for name in listed]
        _fill(self.clip_list, options, self.controller.clip if self.controller.clip in listed else None)
        self.add_all_button.description = f"Select all listed ({len(names)})"
        self.add_button.disabled = not self.controller.clip

    def _paint_points(self) -> None:
        controller = self.controller
        points = [controller.points(side) for side in range(2)]
        labels = [controller.labels[run] for run in controller.sides if run is not None]
        for side, (plot, table, run) in enumerate(zip(self.plots, points, controller.sides, strict=True)):
            result = controller.result(side)
            if result is None or table is None or run is None:
                plot.clear()
                continue
            sides = labels if side == 0 else labels[::-1]
            groups = group_points(
                table, controller.colour_by, classes=result.class_names, sides=sides, other=points[1 - side]
            )
            plot.show(
                result, table, groups=groups, title=controller.labels[run], chosen=controller.clip,
                selected=controller.selected, size_px=self.size_slider.value, own=controller.own_place(side),
            )  # fmt: skip
        missing = all(table is None for table in points)
        self.hint.value = "No points yet: press Compute." if missing and controller.needs_compute else ""
        self.hint.layout.display = "" if missing else "none"

    def _paint_clip(self) -> None:
        controller = self.controller
        if self._shown_clip == controller.clip and self._shown_picture is controller.picture:
            return
        self._shown_clip, self._shown_picture = controller.clip, controller.picture
        if controller.picture is None or controller.samples is None:
            self.canvas.shape, self.canvas.sounds, self.canvas.boxes, self.canvas.title = (
                [0, 0],
                {},
                [],
                controller.clip,
            )
            self.canvas.subtitle = "Click a point, or choose a clip" if not controller.clip else "cannot be shown"
            return
        info = controller.info
        self.canvas.show_map(controller.picture)
        self.canvas.show_events(None if info is None else info.events)
        self.canvas.set_sounds({"clip": controller.samples}, controller.sample_rate)
        self.canvas.title = controller.picture.label
        rows = controller.answers()
        row = rows[rows["clip"] == controller.clip]
        answers = [
            f"{label}: {class_words(row[column].iloc[0])}"
            for label in controller.labels
            if len(row) and (column := f"predicted, {label}") in row.columns
        ]
        self.canvas.subtitle = "; ".join(answers)
        self.canvas.play += int(self.play_box.value)

    def _paint_table(self) -> None:
        shown = (*map(str, self.controller.sides), *self.controller.selected)
        if shown == self._shown_table:
            return
        self._shown_table = shown
        table = self.controller.selection()
        writers: dict[str, Callable[[Any], str]] = {"class": class_words}
        for label in self.controller.labels:
            writers |= {f"predicted, {label}": class_words, f"correct, {label}": _write_right}
        self.table.show_table(table.rename(columns={"class_name": "class"}), formats=writers)
        self.table.title = f"Selected clips: {len(table)}"
        self.clear_button.disabled = self.csv_button.disabled = table.empty


def _write_right(value: Any) -> str:
    return "right" if value else "wrong"


def _menu(label: str, tooltip: str, options: list[tuple[str, Any]]) -> widgets.Dropdown:
    layout = widgets.Layout(width="330px")
    return widgets.Dropdown(options=options, description=label, tooltip=tooltip, style=STYLE, layout=layout)


def _fill(menu: Any, options: list[tuple[str, Any]], value: Any) -> None:
    """Set a menu's options and value; the same options are not sent again."""
    if list(menu.options) != options:
        menu.options = options
    if menu.value != value:
        menu.value = value
