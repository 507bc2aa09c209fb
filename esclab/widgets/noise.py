"""The noise lab: draw a rectangle on a sound, and see and hear what the networks make of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Timer
from typing import Any

import ipywidgets as widgets
import numpy as np

from esclab.clips import load_dataset
from esclab.clips.dataset import ClipDataset
from esclab.errors import RunError
from esclab.figures.scale import choose_color_range, pick_scale_values, widen_range
from esclab.figures.text import class_words
from esclab.noise import NOISES
from esclab.results import Region
from esclab.widgets.answer_canvas import new_answer_canvas, show_answer, write_legend
from esclab.widgets.canvas import SoundCanvas, read_region
from esclab.widgets.edit import MODES, tidy_number
from esclab.widgets.explorer import STYLE, WIDE, Explorer, make_button, wrap_row
from esclab.widgets.gather import RunWords, gather_runs
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.noise_controller import NoiseController
from esclab.widgets.noise_map import MapPanel
from esclab.widgets.own_sounds import OwnSounds
from esclab.widgets.plot import plot_style
from esclab.widgets.region_sliders import RegionSliders
from esclab.widgets.scores import ScoreBars
from esclab.widgets.source import OWN
from esclab.widgets.tell import tell_problems
from esclab.widgets.together import send_together

SHIPPED = ("cnn10-synth10", "ts-cnn10-synth10")
SOUND_DELAY_S = 0.25
ANY = "any"


class NoiseExplorer(Explorer):
    """Change a clip where you point, and watch two or more networks answer.

    Drag a rectangle on the spectrogram (or use the sliders, or Enter and the arrow keys in the picture), choose a kind
    of noise and its level, or erase or attenuate what is there. Scores, attention and Grad-CAM follow the hand.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        Run folders, names of shipped runs, or runs, of one front end.
    dataset : str or ClipDataset, optional
        Where clips come from; the first run's own by default.
    folder : str or Path
        Where "Export" writes.

    Examples
    --------
    >>> NoiseExplorer()
    """

    controller: NoiseController

    def __init__(
        self,
        runs: RunWords = SHIPPED,
        dataset: str | ClipDataset | None = None,
        *,
        folder: str | Path = "out/noise",
    ) -> None:
        found = gather_runs(runs)
        if not found.runs:
            raise RunError("runs", found.problems[0] if found.problems else "are none", "give a finished run")
        if not isinstance(dataset, ClipDataset):
            dataset = load_dataset(dataset or found.runs[0].config.dataset)
        self.problems = widgets.HTML(tell_problems(found.problems))
        self._busy = False  # while the view follows the controller, its own changes are no gestures
        self._timer: Timer | None = None
        self._listed: Any = None  # what the list of clips was filled for
        super().__init__(NoiseController(found.runs, dataset), title="Noise lab", folder=folder)

    def build(self) -> Sequence[widgets.Widget]:
        """Return clip, edit, picture, scores, and one row of heatmaps a model."""
        self._build_clip()
        self._build_edit()
        self._build_region()
        self._build_pictures()
        # They shrink before a row breaks, so that the picture stays in sight on a small screen.
        narrow = self.mode_picker, self.kind_picker, self.reference_picker, self.class_picker, self.clip_picker
        for control in narrow:
            control.layout = widgets.Layout(flex="1 1 185px", max_width="300px")
        for slider in (self.time_slider, self.snr_slider, self.gain_slider):
            slider.layout = widgets.Layout(flex="1 1 240px", max_width="330px")
        self.band_slider.layout = widgets.Layout(flex="1 1 200px", max_width="290px")
        looks = self.layer_picker, self.gates_picker, self.target_picker, self.opacity
        for control in looks:
            control.layout.width = "255px"
        self.own = OwnSounds(self.controller.source, kept=self._take_own, folded=True)
        clip_row = widgets.HBox(
            [self.class_picker, self.clip_picker, self.surprise_button, self.own.toggle], layout=wrap_row()
        )
        edit_row = widgets.HBox(
            [self.mode_picker, self.kind_picker, self.snr_slider, self.gain_slider, self.reference_picker],
            layout=wrap_row(),
        )
        region_row = widgets.HBox([self.time_slider, self.band_slider, *self.preset_buttons], layout=wrap_row())
        measure = widgets.HBox([self.map.button, self.map.model])
        step_row = widgets.HBox(
            [self.clear_button, self.undo_button, self.redo_button, self.keep_button, measure], layout=wrap_row()
        )
        left = widgets.VBox(
            [self.picture, step_row, self.map.work.row], layout=widgets.Layout(flex="3 1 480px", min_width="320px")
        )
        right = widgets.VBox([self.scores], layout=widgets.Layout(flex="2 1 320px", min_width="260px"))
        middle = widgets.HBox([left, right], layout=wrap_row(overflow="visible"))
        legend = widgets.HTML(write_legend(gates=bool(self.gates_picker.value)))
        self.keys = ExplorerKeys(
            {
                "u": ("undoes", self.undo_button.click), "r": ("redoes", self.redo_button.click),
                "k": ("keeps", self.keep_button.click), "c": ("takes the change away", self.clear_button.click),
            }
        )  # fmt: skip
        above = [self.problems, clip_row, self.own.panel, edit_row, region_row, middle, legend]
        below = [self.heatmaps, self.map.plot.view, self.tries, plot_style(), self.keys]
        return [*above, widgets.HBox(looks, layout=wrap_row()), *below]

    def _build_clip(self) -> None:
        classes = [(class_words(name), name) for name in self.controller.source.dataset.class_names]
        self.class_picker = widgets.Dropdown(
            options=[("any class", ANY), *classes, ("my own sounds", OWN)],
            value=ANY, description="Class", tooltip="Show clips of this class only", style=STYLE,
        )  # fmt: skip
        self.clip_picker = widgets.Dropdown(
            options=self.controller.source.select(), value=self.controller.clip.name, description="Clip",
            tooltip="The clip to change", style=STYLE,
        )  # fmt: skip
        self.surprise_button = make_button("Surprise me", "Choose a clip by chance", icon="random")
        self.class_picker.observe(self._filter_clips, "value")
        self.clip_picker.observe(lambda change: self._choose(change["new"]), "value")
        self.surprise_button.on_click(self._surprise)

    def _build_edit(self) -> None:
        edit = self.controller.edit
        self.mode_picker = widgets.Dropdown(
            options=list(MODES), value=edit.mode, description="What", style=STYLE,
            tooltip="Add noise, erase what is there, or make it softer",
        )  # fmt: skip
        self.kind_picker = widgets.Dropdown(
            options=[(entry.label, name) for name, entry in NOISES.items()], value=edit.kind, description="Noise",
            tooltip="Kind of noise", style=STYLE,
        )  # fmt: skip
        self.snr_slider = widgets.FloatSlider(
            value=edit.snr_db, min=-20, max=40, step=1, description="SNR (dB)", readout_format=".0f", style=STYLE,
            tooltip="Signal-to-noise ratio: lower is louder noise",
        )  # fmt: skip
        self.gain_slider = widgets.FloatSlider(
            value=edit.gain_db, min=-60, max=0, step=1, description="Gain (dB)", readout_format=".0f", style=STYLE,
            tooltip="How much softer the region becomes",
        )  # fmt: skip
        self.reference_picker = widgets.Dropdown(
            options=[("the whole clip", "clip"), ("the region", "region")], value=edit.reference,
            description="SNR refers to", tooltip="What the signal-to-noise ratio refers to", style=STYLE,
        )  # fmt: skip
        for control, name in (
            (self.mode_picker, "mode"), (self.kind_picker, "kind"), (self.snr_slider, "snr_db"),
            (self.gain_slider, "gain_db"), (self.reference_picker, "reference"),
        ):  # fmt: skip
            control.observe(lambda change, name=name: self._change(**{name: tidy_number(change["new"])}), "value")

    def _build_region(self) -> None:
        bands = len(self.controller.feature.frequency_hz)
        self.region_sliders = RegionSliders(self.controller.duration_s, bands, moved=self._slide_region)
        self.time_slider, self.band_slider = self.region_sliders.time, self.region_sliders.bands
        self.preset_buttons = []
        for name in self.controller.presets():
            button = make_button(name, f"Noise as in Figure 4 of TS-CNN: {name}, 10 dB")
            button.on_click(lambda _, name=name: self.attempt(self.controller.apply_preset, name))
            self.preset_buttons.append(button)
        self.clear_button = make_button("No change", "Take the change away (key c, or Delete in the picture)")
        self.undo_button = make_button("Undo", "Back to the change before (key u)", icon="undo")
        self.redo_button = make_button("Redo", "Forward again (key r)", icon="repeat")
        self.keep_button = make_button("Keep", "Add this change and its answers to the list below (key k)", icon="plus")
        actions = (lambda: self._commit(region=None), self.controller.undo, self.controller.redo, self.controller.keep)
        buttons = (self.clear_button, self.undo_button, self.redo_button, self.keep_button)
        for button, action in zip(buttons, actions, strict=True):
            button.on_click(lambda _, action=action: self.attempt(action))
        controller = self.controller
        self.map = MapPanel(
            controller.maps, controller.labels, measure=controller.measure_sensitivity,
            tell=lambda text: self.say(text, wrong=True),
        )  # fmt: skip

    def _build_pictures(self) -> None:
        controller = self.controller
        self.picture = SoundCanvas(selecting=True, answers=True, height_px=300)
        self.picture.observe(self._drag, "stamp")
        self.picture.on_msg(lambda _, content, __: self._hear_message(content))
        self.scores = ScoreBars(
            models=controller.labels, class_names=[class_words(name) for name in controller.class_names]
        )
        cam_layers = list(dict.fromkeys(name for m in controller.models for name in m.network.cam_layers))
        gates = list(dict.fromkeys(name for m in controller.models for name in m.attention_layers))
        self.layer_picker = widgets.Dropdown(
            options=cam_layers, value=cam_layers[-1], description="Grad-CAM of", style=STYLE,
            tooltip="Layer of the class activation map",
        )  # fmt: skip
        self.gates_picker = widgets.Dropdown(
            options=[(name, name) for name in gates] or [("no model has attention", "")], disabled=not gates,
            description="Attention of", style=STYLE, tooltip="Layer whose weights of frames and bands are drawn",
        )  # fmt: skip
        classes = [(class_words(name), name) for name in controller.class_names]
        self.target_picker = widgets.Dropdown(
            options=[("each one's answer", ""), *classes], description="For class", style=STYLE,
            tooltip="The class that the map explains",
        )  # fmt: skip
        self.opacity = widgets.FloatSlider(
            value=0.6, min=0, max=1, step=0.05, description="Map opacity", style=STYLE,
            tooltip="How strongly the class activation map (cyan) covers the spectrogram",
        )  # fmt: skip
        self.layer_picker.observe(lambda change: self._look(layer=change["new"]), "value")
        self.gates_picker.observe(lambda change: self._look(attention_layer=change["new"]), "value")
        self.target_picker.observe(lambda change: self._look(target=change["new"]), "value")
        self.before = [new_answer_canvas() for _ in controller.models]
        self.after = [new_answer_canvas() for _ in controller.models]
        for canvas in (*self.before, *self.after):
            widgets.jslink((self.opacity, "value"), (canvas, "overlay_opacity"))
        pairs = [
            widgets.HBox([before, after], layout=wrap_row(overflow="visible"))
            for before, after in zip(self.before, self.after, strict=True)
        ]
        self.heatmaps = widgets.VBox(pairs, layout=WIDE)
        self.tries = widgets.HTML()

    def refresh(self) -> None:
        """Bring controls and pictures to the controller's state."""
        controller, edit = self.controller, self.controller.edit
        self._busy = True
        try:
            for control, value in (
                (self.mode_picker, edit.mode), (self.kind_picker, edit.kind), (self.snr_slider, edit.snr_db),
                (self.gain_slider, edit.gain_db), (self.reference_picker, edit.reference),
            ):  # fmt: skip
                control.value = value
            noise = edit.mode == "noise"
            for control, shown in (
                (self.kind_picker, noise), (self.snr_slider, noise), (self.reference_picker, noise),
                (self.gain_slider, edit.mode == "attenuate"),
            ):  # fmt: skip
                control.layout.display = "" if shown else "none"
            with send_together(self.picture):
                self._show_pictures()
                self._show_clip()
                self._show_region(edit.region)
                self.picture.answered = self.picture.stamp
            self.undo_button.disabled, self.redo_button.disabled = not controller.can_undo, not controller.can_redo
            self._show_tries()
        finally:
            self._busy = False

    def _show_pictures(self) -> None:
        controller = self.controller
        clean, changed = controller.pictures["clean"], controller.pictures["changed"]
        # One scale for before and after, from the clean clip, with room for noise above it.
        colours = widen_range(choose_color_range(pick_scale_values(clean), None), pick_scale_values(changed))
        with self.picture.hold_sync():
            self.picture.show_map(changed, colours)
            self.picture.title, self.picture.subtitle = controller.clip.label, str(controller.edit)
        before, after = controller.answers["clean"], controller.answers["changed"]
        self.scores.show(
            [one.probabilities for one in before],
            [one.probabilities for one in after],
            true_class=controller.clip.class_name,
        )
        names = controller.class_names
        for number, label in enumerate(controller.labels):
            show_answer(
                self.before[number], clean, before[number], colours=colours, title=f"{label}, before", names=names
            )
            show_answer(
                self.after[number], changed, after[number], colours=colours, title=f"{label}, after", names=names
            )
        self._hear_soon()

    def _show_clip(self) -> None:
        clip, own = self.controller.clip, self.controller.own_names
        if self._listed != (clip.name, own, self.class_picker.value):
            names = self._select(self.class_picker.value)
            if clip.name not in names:
                self.class_picker.value, names = ANY, self._select(ANY)
            if list(self.clip_picker.options) != names:
                self.clip_picker.options = names
            self.picture.show_events(clip.events)
            self._listed = (clip.name, own, self.class_picker.value)
        self.clip_picker.value = clip.name

    def _select(self, wanted: str) -> list[str]:
        return self.controller.source.select(class_name="" if wanted == ANY else wanted)

    def _show_region(self, region: Region | None) -> None:
        self.picture.show_region(region)
        self.region_sliders.show(self.picture.region, self.picture.band_edges_hz)

    def _show_tries(self) -> None:
        table = self.controller.tries
        self.keep_button.description = f"Keep ({len(table)} below)" if len(table) else "Keep"
        self.tries.value = (
            "" if table.empty else f"<b>Kept</b>{table.to_html(index=False, escape=True, border=0, na_rep='')}"
        )

    def _drag(self, change: dict[str, Any]) -> None:
        self.attempt(lambda: self.controller.change(region=read_region(self.picture.region, self.picture)))
        self.picture.answered = change["new"]  # an error is an answer too

    def _hear_message(self, content: dict[str, Any]) -> None:
        if content.get("type") == "released":
            self.attempt(self.controller.commit)

    def _change(self, **settings: Any) -> None:
        if not self._busy:
            self.attempt(lambda: self.controller.change(**settings))

    def _commit(self, **settings: Any) -> None:
        self.controller.change(**settings)
        self.controller.commit()

    def _slide_region(self, box: list[float]) -> None:
        if not self._busy:
            self.attempt(lambda: self.controller.change(region=read_region(box, self.picture)))

    def _look(self, **settings: str) -> None:
        if not self._busy:
            self.attempt(lambda: self.controller.look(**settings))

    def _filter_clips(self, change: dict[str, Any]) -> None:
        if self._busy:
            return
        names = self._select(change["new"])
        if names and self.controller.clip.name not in names:
            self._choose(names[0])
            return
        self.refresh()
        if not names:
            self.say("There are no clips of this kind yet.")

    def _choose(self, name: str | None) -> None:
        if not self._busy and name and name != self.controller.clip.name:
            self.attempt(lambda: self.controller.choose_clip(name))

    def _take_own(self, name: str) -> None:
        """Choose a sound that was just uploaded or recorded."""
        self._busy = True
        self.class_picker.value = OWN
        self._busy = False
        self._choose(name)

    def _surprise(self, _: Any) -> None:
        names = list(self.clip_picker.options)
        self._choose(str(np.random.default_rng().choice(names)))

    def _hear_soon(self) -> None:
        """Send the sounds a moment after the last gesture: they are megabytes, and pictures come first."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = Timer(SOUND_DELAY_S, self._send_sounds)
        self._timer.daemon = True
        self._timer.start()

    def _send_sounds(self) -> None:
        self.picture.set_sounds(self.controller.sounds(), self.controller.feature.config.sample_rate)
