"""See, hear and check why a network answered so: the attribution explorer."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

from esclab.analysis.attribution import METHODS
from esclab.clips import ClipDataset, load_dataset
from esclab.errors import RunError
from esclab.figures import draw
from esclab.figures.attribution import note_map, share_importance
from esclab.figures.text import class_words
from esclab.widgets.attribution_controller import AttributionController
from esclab.widgets.canvas import SoundCanvas
from esclab.widgets.explorer import STYLE, WIDE, Explorer, make_button
from esclab.widgets.gather import RunWords, gather_runs
from esclab.widgets.keys import ExplorerKeys
from esclab.widgets.own_sounds import OwnSounds
from esclab.widgets.plot import Plot, plot_style
from esclab.widgets.source import OWN
from esclab.widgets.work_bar import WorkBar

RUNS = ("cnn10-synth10", "ts-cnn10-synth10")
MOST_LISTED, MOST_SCORES = 300, 5
MAP_PX, COLUMN_PX, PLOT_PX = 330, 360, 1000
NARROW = {"width": "auto"}


class AttributionExplorer(Explorer):
    """Why did the network answer so? A map over the spectrogram, the sound of what counted, and curves that check it.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        Run folders, shipped runs, folders with runs below them, or opened runs.
    dataset : str or ClipDataset, optional
        Whose clips are offered; that of the first run by default.
    folder : str or Path
        Where "Export" writes.

    Raises
    ------
    RunError
        When no run can be used; a faulty one among others is told of in the explorer.
    """

    controller: AttributionController

    def __init__(
        self,
        runs: RunWords = RUNS,
        dataset: str | ClipDataset | None = None,
        *,
        folder: str | Path = "out/attribution",
    ) -> None:
        found = gather_runs(runs)
        if not found.runs:
            raise RunError("runs", found.problems[0] if found.problems else "are none", "give a finished run")
        self.problems = found.problems
        clips = dataset if isinstance(dataset, ClipDataset) else load_dataset(dataset or found.runs[0].config.dataset)
        self._painting = False
        self._shown_maps: list[int] = []
        self._shown_curves: Any = None
        self._shown_sounds: list[int] = []
        table = clips.table
        self._folds = dict(zip(table["clip"].astype(str), table["fold"], strict=True))
        self._classes = dict(zip(table["clip"].astype(str), table["class_name"].astype(str), strict=True))
        controller = AttributionController(found.runs, clips)
        super().__init__(controller, title="Why did the network answer so?", folder=folder)

    def build(self) -> Sequence[widgets.Widget]:
        """Return controls at the left, the picture at the right, comparison and curves below."""
        controller = self.controller
        self._build_clips()
        self._build_question()
        self._build_picture()
        self._build_checks()
        left = [self.class_menu, self.search, self.clip_list, self.run_menu, self.method_menu, self.help,
                self.layer_menu, self.target_menu, self.compute_button, self.scores]  # fmt: skip
        right = [self.canvas, self.map_note, self.opacity, self.hear_box, self.share, self.work.row]
        columns = [
            widgets.VBox(left, layout=widgets.Layout(flex=f"0 0 {COLUMN_PX}px", width=f"{COLUMN_PX}px")),
            widgets.VBox(right, layout=widgets.Layout(flex="1 1 480px", min_width="0")),
        ]
        top = widgets.HBox(columns, layout=widgets.Layout(width="100%", flex_flow="row wrap"))
        pins = widgets.HBox([self.pin_button, self.recall_button, self.unpin_button, self.curves_button], layout=WIDE)
        self.own = OwnSounds(controller.source, kept=self._take_own, folded=True)
        return [self.notice, top, self.own.view, pins, self.pin_list, self.checks, self.keys, plot_style()]

    def refresh(self) -> None:
        """Bring menus, picture, comparison and curves to the controller's state."""
        with self.controller.lock:
            self._painting = True
            try:
                self._fill_menus()
                self._paint_map()
                self._paint_sounds()
                self._paint_checks()
                self.work.refresh()
            finally:
                self._painting = False

    def _build_clips(self) -> None:
        names = self.controller.source.dataset.class_names
        classes = [("all", ""), ("your own sounds", OWN), *((class_words(name), name) for name in names)]
        self.class_menu = _menu("Clips of", "Show the clips of one class, or your own sounds", classes)
        self.search = widgets.Text(
            description="Search", tooltip="Show clips with these letters in their name or class", style=STYLE,
            layout=NARROW,
        )  # fmt: skip
        self.clip_list = widgets.Select(
            description="Clip", tooltip="The clip to explain; arrow keys go from clip to clip", rows=6, style=STYLE,
            layout=NARROW,
        )  # fmt: skip
        for menu in (self.class_menu, self.search):
            menu.observe(lambda _: self._refresh(), "value")
        self._listen(self.clip_list, lambda name: self.controller.choose(clip=name))

    def _build_question(self) -> None:
        controller = self.controller
        runs = [(label, number) for number, label in enumerate(controller.labels)]
        self.run_menu = _menu("Model", "The network that is asked", runs)
        self.method_menu = _menu("Method", "How importance is found", [])
        self.help = widgets.HTML(layout=widgets.Layout(margin="0 0 4px 116px"))
        self.layer_menu = _menu("Layer", "The layer that a class activation map looks at", [])
        self.target_menu = _menu("Explain", "The class whose score is explained", [])
        self.compute_button = make_button(
            "Compute", "Compute this map; it takes tens of passes through the network (key c)", icon="play"
        )
        self.compute_button.on_click(lambda _: self.attempt(controller.compute))
        self.scores = widgets.HTML(layout=widgets.Layout(margin="6px 0 0 0"))
        self._listen(self.run_menu, lambda number: controller.choose(run=number))
        self._listen(self.method_menu, lambda name: controller.choose(method=name, layer=""))
        self._listen(self.layer_menu, lambda name: controller.choose(layer=name))
        self._listen(self.target_menu, lambda number: controller.choose(target=None if number < 0 else number))
        self.notice = widgets.HTML()

    def _build_picture(self) -> None:
        self.canvas = SoundCanvas(height_px=MAP_PX)
        self.map_note = widgets.HTML(layout=widgets.Layout(margin="0 0 0 52px"))
        wide = widgets.Layout(width="100%", max_width="560px")
        self.opacity = widgets.FloatSlider(
            0.7, min=0, max=1, step=0.05, description="Overlay", tooltip="How much the map covers the spectrogram",
            style=STYLE, layout=wide,
        )  # fmt: skip
        widgets.link((self.opacity, "value"), (self.canvas, "overlay_opacity"))
        self.hear_box = widgets.Checkbox(
            description="Also make the kept and the removed sound", indent=False, layout=widgets.Layout(width="auto"),
            tooltip="Split the clip in what the map calls important and the rest; both can be played above",
        )  # fmt: skip
        self.share = widgets.FloatSlider(
            self.controller.share, min=0.05, max=0.95, step=0.05, readout_format=".0%", description="Energy kept",
            tooltip="Share of the clip's energy that the kept sound has", style=STYLE, layout=wide,
        )  # fmt: skip
        self._listen(self.hear_box, lambda on: self.controller.hear(hearing=on))
        self._listen(self.share, lambda share: self.controller.hear(share=share))
        self.work = WorkBar(self.controller)

    def _build_checks(self) -> None:
        controller = self.controller
        self.pin_button = make_button("Pin map", "Keep this map to see it beside others (key p)", icon="thumb-tack")
        self.recall_button = make_button("Go back to it", "Show the chosen pinned map above")
        self.unpin_button = make_button("Unpin", "Take the chosen map off the list")
        self.curves_button = make_button(
            "Check: deletion and insertion",
            "Take cells away in the map's order, and bring them back; the answer should follow (key d)",
            icon="line-chart",
        )
        self.pin_list = widgets.Select(
            description="Pinned", tooltip="Maps that are kept", rows=3, style=STYLE, layout={"width": "99%"}
        )
        self.compared, self.curves = Plot(), Plot()
        self.checks = widgets.VBox([self.compared.view, self.curves.view], layout=WIDE)
        self.pin_button.on_click(lambda _: self.attempt(controller.pin))
        self.recall_button.on_click(lambda _: self._use_pin(controller.recall))
        self.unpin_button.on_click(lambda _: self._use_pin(controller.unpin))
        self.curves_button.on_click(lambda _: self.attempt(controller.measure_curves))
        self.keys = ExplorerKeys(
            {
                "c": ("computes", lambda: self.attempt(controller.compute)),
                "p": ("pins the map", lambda: self.attempt(controller.pin)),
                "d": ("draws deletion and insertion", lambda: self.attempt(controller.measure_curves)),
            }
        )

    def _listen(self, control: Any, action: Callable[[Any], Any]) -> None:
        """Pass what a person chooses on; what `refresh` sets is no choice."""

        def pass_on(change: Any) -> None:
            with self.controller.lock:
                if not self._painting and change["new"] is not None:
                    self.attempt(action, change["new"])

        control.observe(pass_on, "value")

    def _take_own(self, name: str) -> None:
        """Explain a sound that was just uploaded or recorded."""
        self.class_menu.value, self.search.value = OWN, ""
        self.attempt(lambda: self.controller.choose(clip=name))

    def _use_pin(self, action: Callable[[int], Any]) -> None:
        number = self.pin_list.value
        if number is None:
            self.say("Pin a map first, then choose it in the list")
        else:
            self.attempt(action, number)

    def _fill_menus(self) -> None:
        controller = self.controller
        names = controller.list_clips(class_name=self.class_menu.value, words=self.search.value)
        if controller.clip in names[MOST_LISTED:]:
            names.insert(0, controller.clip)
        listed = [(self._label_clip(name), name) for name in names[:MOST_LISTED]]
        _fill(self.clip_list, listed, controller.clip if controller.clip in names else None)
        self.clip_list.description = f"{len(listed)} of {len(names)}" if len(names) > MOST_LISTED else "Clip"
        self.run_menu.value = controller.run
        notes = [*self.problems, *([controller.note] if controller.note else [])]
        self.notice.value = "".join(f"<div>&#9888; {html.escape(one)}</div>" for one in notes)
        _fill(self.method_menu, [(METHODS[name].title, name) for name in controller.methods], controller.method)
        entry = METHODS[controller.method]
        words = ", ".join(part for part in (entry.summary, entry.source) if part)
        self.help.value = f"<div style='line-height:1.3'>{html.escape(words)}</div>"
        none = "mean over all" if entry.needs_gates else "the input alone"
        layers = [(name, name) for name in controller.layers]
        _fill(self.layer_menu, layers if entry.needs_layer else [(none, ""), *layers], controller.layer)
        self.layer_menu.disabled = not layers
        classes = [("the predicted class", -1)]
        classes += [(class_words(name), number) for number, name in enumerate(controller.class_names)]
        _fill(self.target_menu, classes, -1 if controller.target is None else controller.target)
        self.compute_button.disabled = not controller.needs_compute
        self.compute_button.button_style = "primary" if controller.needs_compute else ""

    def _label_clip(self, name: str) -> str:
        if name not in self._folds:
            return f"{name}, your own"
        held_out = self.controller.runs[self.controller.run].config.held_out
        trained = "" if self._folds[name] == held_out else ", trained on"
        return f"{class_words(self._classes[name])} ({name}){trained}"

    def _paint_map(self) -> None:
        controller, look, found = self.controller, self.controller.look, self.controller.map
        if look is None:
            self.canvas.shape, self.canvas.overlay, self.canvas.boxes = [0, 0], b"", []
            self.canvas.title, self.canvas.subtitle, self.scores.value, self.map_note.value = "", "", "", ""
            return
        self.canvas.show_map(look.spectrogram)
        self.canvas.show_overlay(None if found is None else share_importance(found))
        self.canvas.show_events(look.clip.events)
        held_out = {True: "not trained on", False: "trained on this clip", None: "your own sound"}
        self.canvas.title = look.clip.label
        self.canvas.subtitle = (
            f"{controller.labels[controller.run]}: {held_out[controller.is_held_out(look.clip.name)]}"
        )
        self.map_note.value = html.escape(self._tell_map())
        key = controller.key
        assert key is not None
        self.scores.value = write_scores(look.probabilities, controller.class_names, key[4])

    def _tell_map(self) -> str:
        controller, found = self.controller, self.controller.map
        title = METHODS[controller.method].title
        if found is None:
            return f"{title} takes a while: press Compute." if controller.needs_compute else ""
        where = f", {found.layer}" if found.layer else ""
        words = [f"{title}{where}, for {class_words(found.class_name)} ({found.probability:.0%})"]
        if note_map(found):
            words.append(note_map(found))
        elif METHODS[found.method].signed:
            words.append("what speaks against the class is not shown")
        if controller.look is not None and controller.look.clip.events is not None:
            words.append("dashed: known events")
        return "; ".join(words)

    def _paint_sounds(self) -> None:
        controller, look = self.controller, self.controller.look
        sounds = controller.sounds()
        if self._shown_sounds != [id(samples) for samples in sounds.values()] and look is not None:
            self.canvas.set_sounds(sounds, look.sample_rate)
        elif look is None:
            self.canvas.sounds = {}
        self._shown_sounds = [id(samples) for samples in sounds.values()]
        self.hear_box.value, self.share.value = controller.hearing, controller.share

    def _paint_checks(self) -> None:
        controller = self.controller
        chosen = self.pin_list.value
        pins = [(str(pin), number) for number, pin in enumerate(controller.pins)]
        last = len(pins) - 1
        _fill(self.pin_list, pins, (min(chosen, last) if chosen is not None else last) if pins else None)
        self.pin_button.disabled = self.curves_button.disabled = controller.map is None
        self.recall_button.disabled = self.unpin_button.disabled = not pins
        comparison = controller.comparison() if pins else None
        maps = [id(one) for one in comparison.maps] if comparison is not None else []
        if maps != self._shown_maps:
            figure = None if comparison is None else draw("attribution", comparison)
            self.compared.paint(figure, width_px=PLOT_PX)
        if controller.curves is not self._shown_curves:
            figure = None if controller.curves is None else draw("faithfulness", controller.curves)
            self.curves.paint(figure, width_px=PLOT_PX)
        self._shown_maps, self._shown_curves = maps, controller.curves


def write_scores(probabilities: np.ndarray, class_names: Sequence[str], explained: int) -> str:
    """Return the likeliest classes, and the one that is explained, as bars in HTML; names are escaped."""
    best = np.argsort(-probabilities, kind="stable")[:MOST_SCORES].tolist()
    rows = []
    for number in [*best, *([explained] if explained not in best else [])]:
        name, percent = html.escape(class_words(class_names[number])), 100 * float(probabilities[number])
        mark, weight = ("&#9654; ", 700) if number == explained else ("", 400)
        paint = f"height:10px;width:{percent:.1f}%;min-width:1px;background:var(--jp-brand-color1,#0072b2)"
        rows.append(
            f"<tr style='font-weight:{weight}'><td style='padding-right:8px;overflow-wrap:anywhere'>{mark}{name}</td>"
            f"<td style='text-align:right;padding-right:8px'>{percent:.1f} %</td>"
            f"<td style='width:110px'><div style='{paint}'></div></td></tr>"
        )
    caption = "<caption style='text-align:left'>Likeliest classes (&#9654; explained)</caption>"
    return f"<table style='line-height:1.4'>{caption}{''.join(rows)}</table>"


def _menu(label: str, tooltip: str, options: list[tuple[str, Any]]) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, description=label, tooltip=tooltip, style=STYLE, layout=NARROW)


def _fill(menu: Any, options: list[tuple[str, Any]], value: Any) -> None:
    """Set a menu's options and value; the same options are not sent again."""
    if list(menu.options) != options:
        menu.options = options
    if menu.value != value:
        menu.value = value
