"""What the noise lab does, without a browser: a clip, an edit in a region, the answers before and after."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.figures.text import class_words
from esclab.noise import attenuate_region, draw_noise
from esclab.results import Region, ScoreChangeResult, SensitivityResult, TimeFrequencyMap
from esclab.training.labels import label_runs
from esclab.training.run import Run
from esclab.widgets.controller import Controller
from esclab.widgets.edit import MODES, Edit
from esclab.widgets.live import LiveAnswer, LiveModel
from esclab.widgets.noise_map import MapController, MapQuestion
from esclab.widgets.noise_results import gather_results, write_code, write_extras
from esclab.widgets.source import ClipInfo, ClipSource

MOST_EDITS = 200
# What a change that fails leaves as it was.
CHANGING = ("clip", "edit", "samples", "pictures", "answers", "layer", "attention_layer", "target", "_noise", "_same",
            "_done", "_undone", "_changing")  # fmt: skip


class NoiseController(Controller):
    """The state of the noise lab.

    Parameters
    ----------
    runs : sequence of Run
        With one front end and length of clip.
    dataset : ClipDataset

    Attributes
    ----------
    clip : ClipInfo
    edit : Edit
    samples : dict of str to ndarray
        "clean", "changed" and "difference", shape (sample,).
    pictures : dict of str to TimeFrequencyMap
        "clean" and "changed".
    answers : dict of str to list of LiveAnswer
        "clean" and "changed", one a model.
    tries : DataFrame
        What was kept to compare.
    maps : MapController
        Measures sensitivity maps.
    own_names : list of str
        Sounds of one's own, newest first.
    """

    def __init__(self, runs: Sequence[Run], dataset: ClipDataset) -> None:
        super().__init__()
        if not runs:
            raise OptionError("runs", "are none", "give one run at least, e.g. ts-cnn10-synth10")
        if any(_front_end(run) != _front_end(runs[0]) for run in runs):
            raise OptionError("runs", "have different front ends or lengths", "give runs of one recipe")
        self.source = ClipSource(dataset)
        self.models = [LiveModel(run) for run in runs]
        self.feature = self.models[0].feature
        self.duration_s = runs[0].config.duration_s
        self.class_names = runs[0].config.class_names
        self.edit = Edit()
        self.layer, self.attention_layer, self.target = "", "", ""
        self.tries = pd.DataFrame()
        self.maps = MapController()
        self.own_names = self.source.list_own()
        self._undone: list[Edit] = []
        self._done: list[Edit] = [self.edit]
        self._changing: tuple[str, ...] = ()  # what was changed since the last step of undo
        self._noise: tuple[Any, np.ndarray] | None = None
        self._same: dict[Any, LiveAnswer] = {}
        self.samples: dict[str, np.ndarray] = {}
        self.pictures: dict[str, TimeFrequencyMap] = {}
        self.answers: dict[str, list[LiveAnswer]] = {}
        # Its libraries load now, not at the first gesture.
        draw_noise(np.ones(1000), 44_100, region=Region(0.005, 0.01))
        self.source.subscribe(self._list_again)
        self._choose_first()

    @property
    def labels(self) -> list[str]:
        """Names of the models, told apart where two are of one kind."""
        return label_runs([model.run for model in self.models])

    def choose_clip(self, name: str) -> None:
        """Load a clip; the edit stays.

        Raises
        ------
        ClipError, OptionError
            When it cannot be read or is not there; the clip before stays then.
        """
        clip = self.source.describe(name)
        rate = self.feature.config.sample_rate
        samples = self.source.read(name, sample_rate=rate, duration_s=self.duration_s)
        with self._change():
            self.clip: ClipInfo = clip
            self.samples = {"clean": samples}
            self.pictures = {"clean": self._transform(samples, clip.label)}
            self._noise, self._same = None, {}

    def change(self, **settings: Any) -> None:
        """Change the edit, e.g. ``change(snr_db=0)``; see `Edit`. `commit` makes it a step of undo.

        Raises
        ------
        OptionError
            When a setting is unknown or does not fit; the edit before stays then.
        """
        if settings.get("mode", "noise") not in MODES:
            raise OptionError(f"mode {settings['mode']}", "is not known", f"choose one of {', '.join(MODES)}")
        what = tuple(sorted(settings))
        with self._change():
            if what != self._changing:  # sliders and keys do not tell when a gesture ends; the next one does
                self._step()
            self.edit, self._changing = replace(self.edit, **settings), what

    def commit(self) -> None:
        """Make the present edit a step that `undo` comes back to; a change of something else does so by itself."""
        if self._step():
            self.notify()

    def undo(self) -> None:
        """Go back to the edit before."""
        done = self._done if self.edit == self._done[-1] else [*self._done, self.edit]
        if len(done) > 1:
            self._go_to(done[:-1], [*self._undone, done[-1]])

    def redo(self) -> None:
        """Go forward again after `undo`."""
        if self._undone:
            self._go_to([*self._done, self._undone[-1]], self._undone[:-1])

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to go back to."""
        return len(self._done) > 1 or self.edit != self._done[-1]

    @property
    def can_redo(self) -> bool:
        """Whether an edit was undone."""
        return bool(self._undone)

    def look(self, *, layer: str | None = None, attention_layer: str | None = None, target: str | None = None) -> None:
        """Choose the layer of the heatmap, the layer of the gates, and the class explained ("" is each one's own)."""
        if target and target not in self.class_names:
            raise OptionError(f"class {target}", "is not known", f"choose one of {', '.join(self.class_names)}")
        with self._change():
            self.layer = self.layer if layer is None else layer
            self.attention_layer = self.attention_layer if attention_layer is None else attention_layer
            self.target = self.target if target is None else target
            self._same = {}

    def presets(self) -> dict[str, Edit]:
        """Return the three noises of TS-CNN's Figure 4 by name."""
        from esclab.papers.ts_cnn import FIGURE_4_SNR_DB, figure_4_regions

        noise = replace(self.edit, mode="noise", kind="gaussian", snr_db=FIGURE_4_SNR_DB, reference="clip")
        return {name: replace(noise, region=region) for name, region in figure_4_regions(self.feature).items()}

    def apply_preset(self, name: str) -> None:
        """Take a preset as the edit."""
        presets = self.presets()
        if name not in presets:
            raise OptionError(f"preset {name}", "is not known", f"choose one of {', '.join(presets)}")
        self.change(**vars(presets[name]))
        self.commit()

    def keep(self) -> None:
        """Add the present edit and its answers to the list of tries."""
        row: dict[str, Any] = {"clip": self.clip.name, "edit": str(self.edit)}
        watched = self.class_names.index(self.watched_class)
        words = class_words(self.watched_class)
        for label, clean, changed in zip(self.labels, self.answers["clean"], self.answers["changed"], strict=True):
            row[f"{label}: answer"] = class_words(self.class_names[int(changed.probabilities.argmax())])
            row[f"{label}: {words} before"] = round(float(clean.probabilities[watched]), 3)
            row[f"{label}: {words} after"] = round(float(changed.probabilities[watched]), 3)
        self.tries = pd.concat([self.tries, pd.DataFrame([row])], ignore_index=True)
        self.notify()

    @property
    def watched_class(self) -> str:
        """The class whose score is followed: the one chosen, else the clip's own, else the first model's answer."""
        if self.target:
            return self.target
        if self.clip.class_name in self.class_names:
            return self.clip.class_name
        return self.class_names[int(self.answers["clean"][0].probabilities.argmax())]

    @property
    def sensitivity(self) -> SensitivityResult | None:
        """The map of this clip, class and noise, where it was measured."""
        return self.maps.result

    def measure_sensitivity(self, model: int = 0) -> None:
        """Begin to measure where this clip is tender to the present kind and level of noise, see `maps`."""
        self.maps.measure(
            self._map_question(), self.models[model].run, self.samples["clean"],
            name=self.labels[model], label=self.clip.label, frames=self.count_frames(self.models[model]),
        )  # fmt: skip

    def notify(self) -> None:
        """Tell all listeners that something changed; a map of another clip or noise is dropped."""
        self.maps.follow(self._map_question())
        super().notify()

    def sounds(self) -> dict[str, np.ndarray]:
        """Return what can be heard: the clean clip and, where it is changed, the changed one and the difference."""
        samples = self.samples  # of one moment: another thread may be choosing a clip
        clean = samples["clean"]
        return {"clean": clean} if samples.get("changed", clean) is clean else samples

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return spectrograms, scores, heatmaps, attention and, where measured, the sensitivity map."""
        return gather_results(self)

    def export(self, folder: str | Path) -> list[Path]:
        """Write figures and data, the sounds with one gain, and the list of tries; errors as `Controller.export`."""
        return [*super().export(folder), *write_extras(self, Path(folder))]

    def code(self) -> str:
        """Return the lines that make the same change, scores and heatmaps."""
        return write_code(self)

    def scores(self) -> ScoreChangeResult:
        """Return every model's class scores before and after."""
        rows = [
            {"model": label, "class_name": name, "before": before, "after": after}
            for label, clean, changed in zip(self.labels, self.answers["clean"], self.answers["changed"], strict=True)
            for name, before, after in zip(self.class_names, clean.probabilities, changed.probabilities, strict=True)
        ]
        return ScoreChangeResult(pd.DataFrame(rows), self.clip.class_name, f"{self.clip.label}: {self.edit}")

    def _map_question(self) -> MapQuestion:
        return MapQuestion(self.clip.name, self.edit.kind, self.edit.snr_db, self.edit.seed, self.watched_class)

    def _choose_first(self) -> None:
        table = self.source.dataset.table
        held_out = table[table["fold"] == self.models[0].run.config.held_out]["clip"]
        self.choose_clip(str(held_out.iloc[0] if len(held_out) else table["clip"].iloc[0]))

    def _list_again(self) -> None:
        """Follow own sounds that came or went."""
        self.own_names = self.source.list_own()
        gone = self.clip.fold == 0 and self.clip.name not in self.own_names
        self.attempt(self._choose_first if gone else self.notify)

    def _step(self) -> bool:
        """Keep the present edit as a step of undo, where it is a new one."""
        self._changing = ()
        if self._done[-1] == self.edit:
            return False
        self._done = [*self._done[-MOST_EDITS:], self.edit]
        self._undone = []
        return True

    def _go_to(self, done: list[Edit], undone: list[Edit]) -> None:
        with self._change():
            self._done, self._undone, self._changing, self.edit = done, undone, (), done[-1]

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Compute and tell what changed within; where that fails, all stays as it was."""
        before = {name: getattr(self, name) for name in CHANGING if hasattr(self, name)}
        try:
            yield
            self._apply()
        except Exception:
            vars(self).update(before)
            raise
        self.notify()

    def _apply(self) -> None:
        """Recompute what the edit changes: the sound, its picture, the answers."""
        clean, edit = self.samples["clean"], self.edit
        if edit.region is None:
            changed = clean
        elif edit.mode == "noise":
            changed = (clean + self._unit_noise() * 10 ** (-edit.snr_db / 20)).astype(np.float32)
        else:
            gain_db = -math.inf if edit.mode == "erase" else edit.gain_db
            changed = attenuate_region(clean, self.feature.config.sample_rate, edit.region, gain_db=gain_db)
        self.samples = {"clean": clean, "changed": changed, "difference": changed - clean}
        untouched = changed is clean
        picture = self.pictures["clean"]
        self.pictures = {
            "clean": picture,
            "changed": picture if untouched else replace(self._transform(changed, ""), label=str(edit)),
        }
        before = [self._answer_clean(number) for number in range(len(self.models))]
        after = before if untouched else [self._answer(m, self.pictures["changed"].values) for m in self.models]
        self.answers = {"clean": before, "changed": after}

    def _unit_noise(self) -> np.ndarray:
        """Return the noise at 0 dB; another level only scales it, so that it is drawn once."""
        edit = self.edit
        assert edit.region is not None
        key = (edit.kind, edit.region, edit.reference, edit.seed)
        if self._noise is None or self._noise[0] != key:
            noise = draw_noise(
                self.samples["clean"], self.feature.config.sample_rate, kind=edit.kind, snr_db=0.0, region=edit.region,
                reference=edit.reference, seed=edit.seed,
            )  # fmt: skip
            self._noise = (key, noise)
        return self._noise[1]

    def _answer_clean(self, number: int) -> LiveAnswer:
        key = (number, self.layer, self.attention_layer, self.target)
        if key not in self._same:
            self._same[key] = self._answer(self.models[number], self.pictures["clean"].values)
        return self._same[key]

    def _answer(self, model: LiveModel, features: np.ndarray) -> LiveAnswer:
        target = self.class_names.index(self.target) if self.target else None
        layer = self.layer if self.layer in model.network.cam_layers else ""
        return model.answer(
            features, target=target, layer=layer, attention_layer=self.attention_layer,
            frames=self.count_frames(model),
        )  # fmt: skip

    def count_frames(self, model: LiveModel) -> int | None:
        """Return how many frames of the clip are its own, where a model does not hear the others."""
        return self.source.count_frames(self.clip.name, model.run)

    def _transform(self, samples: np.ndarray, label: str) -> TimeFrequencyMap:
        with torch.inference_mode():
            values = self.feature(torch.from_numpy(samples)[None])[0, 0].numpy()
        feature = self.feature
        time_s = feature.time_s(len(values))
        return TimeFrequencyMap(values, time_s, feature.frequency_hz, label, feature.unit, feature.axis)


def _front_end(run: Run) -> tuple[str, float, tuple[str, ...]]:
    return repr(sorted(run.config.recipe.feature.items())), run.config.duration_s, run.config.class_names
