"""What the noise lab does, without a browser: a clip, an edit in a region, the answers before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import torch

from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.noise import attenuate_region, draw_noise
from esclab.results import (
    AttributionMap,
    AttributionResult,
    GalleryResult,
    Region,
    ScoreChangeResult,
    SensitivityResult,
    TimeFrequencyMap,
)
from esclab.training.labels import label_runs
from esclab.training.run import Run
from esclab.widgets.controller import Controller
from esclab.widgets.edit import MODES, Edit, write_edit
from esclab.widgets.live import LiveAnswer, LiveModel
from esclab.widgets.source import ClipInfo, ClipSource

MOST_EDITS = 200


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
    sensitivity : SensitivityResult or None
        Of this clip and the chosen model.
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
        self.sensitivity: SensitivityResult | None = None
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
        held_out = dataset.table[dataset.table["fold"] == runs[0].config.held_out]["clip"]
        self.choose_clip(str(held_out.iloc[0] if len(held_out) else dataset.table["clip"].iloc[0]))

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
        before = self._remember()
        try:
            self.clip: ClipInfo = clip
            self.samples = {"clean": samples}
            self.pictures = {"clean": self._transform(samples, clip.label)}
            self.sensitivity, self._noise, self._same = None, None, {}
            self._apply()
        except Exception:
            self._restore(before)
            raise
        self.notify()

    def change(self, **settings: Any) -> None:
        """Change the edit, e.g. ``change(snr_db=0)``; see `Edit`. `commit` makes it a step of undo.

        Raises
        ------
        OptionError
            When a setting is unknown or does not fit; the edit before stays then.
        """
        if settings.get("mode", "noise") not in MODES:
            raise OptionError(f"mode {settings['mode']}", "is not known", f"choose one of {', '.join(MODES)}")
        before, what = self._remember(), tuple(sorted(settings))
        if what != self._changing:  # sliders and keys do not tell when a gesture ends; the next one does
            self._step()
        try:
            self.edit = replace(self.edit, **settings)
            self._apply()
        except Exception:
            self._restore(before)
            raise
        self._changing = what
        self.notify()

    def commit(self) -> None:
        """Make the present edit a step that `undo` comes back to; a change of something else does so by itself."""
        if self._step():
            self.notify()

    def undo(self) -> None:
        """Go back to the edit before."""
        self._changing = ()
        if self.edit != self._done[-1]:
            self._done.append(self.edit)
        if len(self._done) > 1:
            self._undone.append(self._done.pop())
            self._go_to(self._done[-1])

    def redo(self) -> None:
        """Go forward again after `undo`."""
        self._changing = ()
        if self._undone:
            self._done.append(self._undone.pop())
            self._go_to(self._done[-1])

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
        before = self._remember()
        self.layer = self.layer if layer is None else layer
        self.attention_layer = self.attention_layer if attention_layer is None else attention_layer
        self.target = self.target if target is None else target
        try:
            self._same = {}
            self._apply()
        except Exception:
            self._restore(before)
            raise
        self.notify()

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
        watched = self.watched_class
        for label, clean, changed in zip(self.labels, self.answers["clean"], self.answers["changed"], strict=True):
            row[f"{label}: answer"] = self.class_names[int(changed.probabilities.argmax())]
            row[f"{label}: {watched} before"] = round(float(clean.probabilities[self.class_names.index(watched)]), 3)
            row[f"{label}: {watched} after"] = round(float(changed.probabilities[self.class_names.index(watched)]), 3)
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

    def measure_sensitivity(
        self, model: int = 0, *, stop: Event | None = None, progress: Any = None
    ) -> SensitivityResult | None:
        """Measure where this clip is tender to the present kind and level of noise; None when stopped."""
        from esclab.analysis.sensitivity import measure_sensitivity

        chosen, clip, edit = self.models[model], self.clip, self.edit
        return measure_sensitivity(
            chosen.run.load_model(),  # a network of its own: the lab's is watched while gestures go on
            self.feature,
            [self.samples["clean"]],
            targets=[self.class_names.index(self.watched_class)],
            kind=edit.kind, snr_db=edit.snr_db, reference="clip", seeds=[edit.seed],
            name=self.labels[model], class_name=self.watched_class, label=clip.label,
        )  # fmt: skip

    def show_sensitivity(self, result: SensitivityResult | None) -> None:
        """Take a finished map as the present one."""
        self.sensitivity = result
        self.notify()

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return spectrograms, scores, heatmaps of the changed clip and, where measured, the sensitivity map."""
        pictures = (
            replace(self.pictures["clean"], label="clean"),
            replace(self.pictures["changed"], label=str(self.edit)),
        )
        found: dict[str, tuple[str, Any]] = {
            "spectrograms": ("gallery", GalleryResult(pictures, self.clip.label)),
            "scores": ("score_change", self.scores()),
            "heatmaps": ("attribution", AttributionResult(pictures[1], tuple(self._maps()), self.clip.events)),
        }
        if self.sensitivity is not None:
            found["sensitivity"] = ("sensitivity", self.sensitivity)
        return found

    def scores(self) -> ScoreChangeResult:
        """Return every model's class scores before and after."""
        rows = [
            {"model": label, "class_name": name, "before": before, "after": after}
            for label, clean, changed in zip(self.labels, self.answers["clean"], self.answers["changed"], strict=True)
            for name, before, after in zip(self.class_names, clean.probabilities, changed.probabilities, strict=True)
        ]
        return ScoreChangeResult(pd.DataFrame(rows), self.clip.class_name, f"{self.clip.label}: {self.edit}")

    def code(self) -> str:
        """Return the lines that make the same change and the same scores."""
        edit, rate = self.edit, self.feature.config.sample_rate
        runs = ", ".join(repr(_name_run(model.run)) for model in self.models)
        own = self.clip.name in self.source.list_own()
        where = str(self.source.own_folder / self.clip.name) if own else self.clip.name
        lines = [
            "import torch",
            "from esclab.clips.pick import pick_clip",
            "from esclab.noise import attenuate_region, inject_noise",
            "from esclab.results import Region",
            "from esclab.training import find_run",
            "",
            f"clean, label = pick_clip({self.source.dataset.name!r}, {where!r}, sample_rate={rate}, "
            f"duration_s={self.duration_s!r})",
        ]
        lines.append(write_edit(edit, rate))
        lines += [
            f"for run in map(find_run, [{runs}]):",
            "    feature, model = run.build_feature(), run.load_model()",
            "    with torch.inference_mode():",
            "        scores = model(feature(torch.from_numpy(changed)[None])).softmax(1)[0]",
            "    print(run.label, dict(zip(run.config.class_names, scores.tolist())))",
        ]
        return "\n".join(lines)

    def _maps(self) -> list[AttributionMap]:
        return [
            AttributionMap(
                answer.heatmap, "gradcam", self.layer or model.network.cam_layers[-1], label,
                self.class_names[answer.target], float(answer.probabilities[answer.target]),
            )
            for model, label, answer in zip(self.models, self.labels, self.answers["changed"], strict=True)
        ]  # fmt: skip

    def _step(self) -> bool:
        """Keep the present edit as a step of undo, where it is a new one."""
        self._changing = ()
        if self._done[-1] == self.edit:
            return False
        self._done = [*self._done[-MOST_EDITS:], self.edit]
        self._undone = []
        return True

    def _go_to(self, edit: Edit) -> None:
        self.edit = edit
        self._apply()
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
        return model.answer(features, target=target, layer=layer, attention_layer=self.attention_layer)

    def _transform(self, samples: np.ndarray, label: str) -> TimeFrequencyMap:
        with torch.inference_mode():
            values = self.feature(torch.from_numpy(samples)[None])[0, 0].numpy()
        feature = self.feature
        time_s = feature.time_s(len(values))
        return TimeFrequencyMap(values, time_s, feature.frequency_hz, label, feature.unit, feature.axis)

    def _remember(self) -> dict[str, Any]:
        names = ("clip", "edit", "samples", "pictures", "answers", "sensitivity", "_noise", "_same",
                 "layer", "attention_layer", "target")  # fmt: skip
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


def _front_end(run: Run) -> tuple[str, float, tuple[str, ...]]:
    return repr(sorted(run.config.recipe.feature.items())), run.config.duration_s, run.config.class_names


def _name_run(run: Run) -> str:
    from esclab.training.shipped import FOLDER

    return run.path.name if run.path.parent == FOLDER else str(run.path)
