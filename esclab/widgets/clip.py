"""Look at clips and hear them: by class, fold, words or chance, through every front end."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.errors import printable
from esclab.features import FEATURES
from esclab.figures.text import class_words
from esclab.results import TimeFrequencyMap
from esclab.widgets.canvas import SoundCanvas
from esclab.widgets.clip_controller import ClipController
from esclab.widgets.explorer import STYLE, WIDE, Explorer, make_button
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.own_sounds import OwnSounds
from esclab.widgets.source import OWN
from esclab.widgets.wave import WaveCanvas

LIST_ROWS = 14
ROW = {"flex_flow": "row wrap", "width": "100%", "align_items": "center"}
CELL = "padding:1px 12px 1px 0;vertical-align:top;text-align:left"


class ClipExplorer(Explorer):
    """Choose a clip, hear it while a play head runs over its spectrogram, and read what is known of it.

    Keys, while the focus is inside: space plays, n and p choose the next and the previous clip, s one by chance.

    Parameters
    ----------
    dataset : str or ClipDataset
        As in `load_dataset`.
    feature : str
        A key of `FEATURES`.
    folder : str or Path
        Where "Export" writes.

    Raises
    ------
    OptionError
        When dataset or feature are unknown.
    DatasetError
        When the dataset is not here.
    """

    controller: ClipController

    def __init__(
        self,
        dataset: str | ClipDataset = "synth10",
        *,
        feature: str = "logmel",
        folder: str | Path = "out/clips",
    ) -> None:
        super().__init__(ClipController(dataset, feature=feature), title="Clips", folder=folder)

    def build(self) -> Sequence[widgets.Widget]:
        """Return the controls and pictures, top to bottom."""
        self._busy = False
        self._painted: TimeFrequencyMap | None = None
        self.canvas = SoundCanvas(height_px=300)
        self.wave = WaveCanvas(layout=widgets.Layout(width="100%", display="none"))
        self.facts = widgets.HTML(layout=WIDE)
        self.own = OwnSounds(self.controller.source, kept=self._choose_own, folded=True)
        self._build_choices()
        self._build_steps()
        self._build_feature()
        self._build_settings()
        left = widgets.VBox([self.count, self.list], layout=widgets.Layout(width="260px", flex="0 0 260px"))
        right = widgets.VBox(
            [self.canvas, self.wave], layout=widgets.Layout(flex="1 1 0", min_width="300px", overflow="hidden")
        )
        return [
            widgets.HBox([self.class_choice, self.fold_choice, self.words], layout=ROW),
            widgets.HBox([self.previous, self.next, self.chance, self.keys], layout=ROW),
            widgets.HBox([left, right], layout=WIDE),
            widgets.HBox([self.feature, self.settings_toggle, self.wave_toggle, self.boxes], layout=ROW),
            self.settings_box,
            self.facts,
            self.own.view,
        ]

    def refresh(self) -> None:
        """Bring the view to the controller's state."""
        controller = self.controller
        self._busy = True
        try:
            self.class_choice.value, self.fold_choice.value = controller.class_name, controller.fold
            self.words.value, self.feature.value = controller.words, controller.feature_name
            self._refresh_list()
            if list(self.fields) != list(controller.list_settings()):
                self._build_settings_fields()
            for name, value in controller.list_settings().items():
                self.fields[name].value = value
        finally:
            self._busy = False
        for button in (self.previous, self.next, self.chance):
            button.disabled = not controller.names
        self.facts.value = write_facts(controller.facts())
        if controller.picture is not self._painted:
            self._painted = controller.picture
            self._paint()
        self._show_boxes()

    def _build_choices(self) -> None:
        clips = self.controller.dataset
        classes = [(class_words(name), name) for name in clips.class_names]
        self.class_choice = widgets.Dropdown(
            options=[("all classes", ""), ("own sounds", OWN), *classes],
            description="Class",
            tooltip="Only clips of this class",
            style=STYLE,
        )
        self.fold_choice = widgets.Dropdown(
            options=[("all folds", 0), *((f"fold {fold}", fold) for fold in clips.all_folds)],
            description="Fold",
            tooltip="Only clips of this fold",
            style={"description_width": "60px"},
            layout=widgets.Layout(width="200px"),
        )
        self.words = widgets.Text(
            description="Search",
            placeholder="letters of a name or class",
            tooltip="Only clips whose name or class has these letters",
            style={"description_width": "60px"},
        )
        self.count = widgets.HTML()
        self.list = widgets.Select(
            rows=LIST_ROWS,
            tooltip="Clips; the arrow keys go through them",
            layout=widgets.Layout(width="250px", height="300px"),
        )
        self._connect(self.class_choice, lambda value: self.controller.filter(class_name=value))
        self._connect(self.fold_choice, lambda value: self.controller.filter(fold=value))
        self._connect(self.words, lambda value: self.controller.filter(words=value))
        self._connect(self.list, lambda value: self.controller.choose(value) if value else None)

    def _build_steps(self) -> None:
        controller = self.controller
        self.previous = make_button("Previous", "The clip before in the list (key p)", icon="step-backward")
        self.next = make_button("Next", "The next clip in the list (key n)", icon="step-forward")
        self.chance = make_button("Surprise me", "A clip of the list by chance (key s)", icon="random")
        self.previous.on_click(lambda _: self.attempt(controller.step, -1))
        self.next.on_click(lambda _: self.attempt(controller.step, 1))
        self.chance.on_click(lambda _: self.attempt(controller.surprise))
        self.keys = ExplorerKeys(
            {
                "n": ("next", self.next.click),
                "p": ("previous", self.previous.click),
                "s": ("surprise", self.chance.click),
            }
        )

    def _build_feature(self) -> None:
        self.feature = widgets.Dropdown(
            options=[(entry.summary, name) for name, entry in FEATURES.items()],
            description="Front end",
            tooltip="What turns the sound into a picture",
            style=STYLE,
            layout=widgets.Layout(width="420px", max_width="100%"),
        )
        self.wave_toggle = make_toggle("Waveform", "Show the waveform below the picture")
        self.boxes = make_toggle("Known events", "Outline the events that the dataset knows, with dashes")
        self.boxes.value = True
        self.boxes.layout.display = "none" if self.controller.dataset.events is None else ""
        self._connect(self.feature, lambda value: self.controller.set_feature(value))
        self.wave_toggle.observe(lambda _: self.attempt(self._paint_wave), "value")
        self.boxes.observe(lambda _: self._show_boxes(), "value")

    def _build_settings(self) -> None:
        self.settings_toggle = make_toggle("Settings", "Show or hide the front end's settings")
        self.fields: dict[str, Any] = {}
        self.settings_box = widgets.HBox([], layout=widgets.Layout(flex_flow="row wrap", width="100%", display="none"))

        def fold(_: Any) -> None:
            self.settings_box.layout.display = "" if self.settings_toggle.value else "none"

        self.settings_toggle.observe(fold, "value")
        self._build_settings_fields()

    def _build_settings_fields(self) -> None:
        kinds = {bool: widgets.Checkbox, int: widgets.IntText, float: widgets.FloatText}
        self.fields = {
            name: kinds[type(value)](
                value=value,
                description=name,
                tooltip=f"Setting {name} of the front end; Enter applies it",
                style=STYLE,
                layout=widgets.Layout(width="230px"),
                **({} if isinstance(value, bool) else {"continuous_update": False}),
            )
            for name, value in self.controller.list_settings().items()
        }
        for name, field in self.fields.items():
            self._connect(field, partial(self._set, name))
        self.settings_box.children = tuple(self.fields.values())

    def _connect(self, control: Any, action: Callable[[Any], Any]) -> None:
        """Do `action(value)` when a person changes a control, not when the view does."""

        def changed(change: Any) -> None:
            if not self._busy:
                self.attempt(action, change["new"])

        control.observe(changed, "value")

    def _set(self, name: str, value: Any) -> None:
        controller = self.controller
        controller.set_feature(controller.feature_name, **{**controller.settings, name: value})

    def _choose_own(self, name: str) -> None:
        self.attempt(self.controller.show_own, name)

    def _refresh_list(self) -> None:
        controller = self.controller
        options = [(printable(name), name) for name in controller.names]
        if list(self.list.options) != options:
            self.list.options = options
        self.list.value = controller.name if controller.position >= 0 else None
        place = f", number {controller.position + 1} is chosen" if controller.position >= 0 else ""
        self.count.value = f"{len(controller.names)} clips{place}" if controller.names else "No clip fits; choose less."

    def _paint(self) -> None:
        controller, picture = self.controller, self.controller.picture
        shown = printable(controller.info.label) if controller.info else "no clip"
        with self.canvas.hold_sync():
            self.canvas.title = shown
            if picture is None or controller.samples is None:
                self.canvas.shape, self.canvas.values, self.canvas.sounds = [0, 0], b"", {}
                self.canvas.subtitle = "no picture"
            else:
                self.canvas.show_map(picture)
                self.canvas.set_sounds({"play": controller.samples}, controller.sample_rate)
                self.canvas.subtitle = f"{FEATURES[controller.feature_name].summary}, {picture.unit}"
        self._paint_wave()

    def _paint_wave(self) -> None:
        samples = self.controller.samples
        shown = self.wave_toggle.value and samples is not None
        self.wave.layout.display = "" if shown else "none"
        if shown and samples is not None:
            self.wave.show_wave(samples, self.controller.sample_rate, self.canvas.time_range_s)

    def _show_boxes(self) -> None:
        info, picture = self.controller.info, self.controller.picture
        events = info.events if info is not None and self.boxes.value else None
        shown = None if events is None or picture is None else close_events(events, picture)
        self.canvas.show_events(shown)


def make_toggle(label: str, tooltip: str) -> widgets.ToggleButton:
    """Return a switch with a tooltip, wide enough for its label."""
    return widgets.ToggleButton(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))


def write_facts(facts: Sequence[tuple[str, str]]) -> str:
    """Return pairs of word and text as an HTML table; markup in them is shown letter by letter."""
    style = f"{CELL};overflow-wrap:anywhere"
    rows = [
        f"<tr><th scope='row' style='{CELL};white-space:nowrap'>{html.escape(word)}</th>"
        f"<td style='{style}'>{html.escape(text)}</td></tr>"
        for word, text in facts
    ]
    return f"<table style='line-height:1.4'>{''.join(rows)}</table>"


def close_events(events: pd.DataFrame, picture: TimeFrequencyMap) -> pd.DataFrame:
    """Return events whose open ends reach the borders of a map; without frequencies, they have its full height."""
    if picture.axis != "frequency":
        events = events.assign(low_hz=0.0, high_hz=float(picture.frequency_hz[-1]) + 1.0)
    ends = {
        "onset_s": 0.0,
        "offset_s": float(picture.time_s[-1]),
        "low_hz": 0.0,
        "high_hz": float(picture.frequency_hz[-1]),
    }
    return events.fillna(ends)
