"""What the attribution explorer does, without a browser: a clip, a model, a method, a map, and how far to trust it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.analysis.attribution import METHODS, find_method, methods_for
from esclab.analysis.attribution.maps import choose_layer
from esclab.analysis.attribution.references import find_gates
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.results import AttributionMap, AttributionResult, FaithfulnessResult
from esclab.training.labels import label_runs
from esclab.training.run import Run
from esclab.widgets.attribution_work import Asked, Key, Look, Pin, look_at, split_clip, trace_look, write_code
from esclab.widgets.source import ClipSource
from esclab.widgets.working import Report, WorkingController

if TYPE_CHECKING:
    from esclab.analysis.listen import SoundSplit
    from esclab.models.base import SoundClassifier

KEPT_LOOKS, KEPT_MAPS = 24, 400
SLIDER_PAUSE_S = 0.15
FIRST_METHOD = "gradcam"


class AttributionController(WorkingController):
    """The state of the attribution explorer.

    Every map is kept by clip, model, method, layer and class, so that going back takes no time. A fast method is asked
    at once, a slow one only by `compute`.

    Parameters
    ----------
    runs : sequence of Run
        Finished ones, of any models.
    dataset : ClipDataset

    Attributes
    ----------
    clip, method, layer : str
        What is chosen; layer "" is the method's own.
    run : int
        Place of the chosen run in `runs`.
    target : int or None
        Class to explain; None for the one that the model predicts.
    share : float
        Of the clip's energy that the kept sound has.
    hearing : bool
        Whether kept and removed sounds are made.
    split : SoundSplit or None
    curves : FaithfulnessResult or None
    pins : list of Pin
    note : str
        What else there is to say, besides an error.
    """

    def __init__(self, runs: Sequence[Run], dataset: ClipDataset) -> None:
        super().__init__()
        if not runs:
            raise OptionError("runs", "are none", "give one run at least, e.g. ts-cnn10-synth10")
        self.runs, self.source = list(runs), ClipSource(dataset)
        self.run, self.clip, self.method, self.layer = 0, "", FIRST_METHOD, ""
        self.target: int | None = None
        self.share, self.hearing = 0.3, False
        self.split: SoundSplit | None = None
        self.curves: FaithfulnessResult | None = None
        self.pins: list[Pin] = []
        self.note = ""
        self._models: dict[int, SoundClassifier] = {}
        self._looks: OrderedDict[tuple[str, int], Look] = OrderedDict()
        self._maps: OrderedDict[Key, AttributionMap] = OrderedDict()
        self._traced: list[Key] = []
        if self.method not in self.methods:
            self.method = self.methods[0]
        names = self.list_clips()
        self.attempt(lambda: self.choose(clip=names[0]))
        self.source.subscribe(self._take_sounds)

    @property
    def labels(self) -> list[str]:
        """Names of the runs: the model's, told apart by fold and seed where two are of one kind."""
        return label_runs(self.runs)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that the chosen run knows."""
        return self.runs[self.run].config.class_names

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that the chosen run's model offers."""
        return methods_for(self.load_model(self.run))

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that the chosen method can look at; none for methods of the input."""
        entry, model = METHODS[self.method], self.load_model(self.run)
        return find_gates(model) if entry.needs_gates else tuple(model.cam_layers) if entry.needs_layer else ()

    @property
    def look(self) -> Look | None:
        """The chosen clip as the chosen run hears it, once it was read."""
        return self._looks.get((self.clip, self.run))

    @property
    def key(self) -> Key | None:
        """What the wanted map is kept under, once the clip was read."""
        if self.look is None:
            return None
        target = int(self.look.probabilities.argmax()) if self.target is None else self.target
        return self.clip, self.run, self.method, self.layer, target

    @property
    def map(self) -> AttributionMap | None:
        """The wanted map, where it is there."""
        return self._maps.get(self.key) if self.key is not None else None

    @property
    def needs_compute(self) -> bool:
        """Whether the map waits for `compute`, because its method is slow."""
        return METHODS[self.method].slow and self.map is None and not self.busy

    def load_model(self, run: int) -> SoundClassifier:
        """Return a run's network, loaded once."""
        return self._models.get(run) or self._models.setdefault(run, self.runs[run].load_model())

    def is_held_out(self, clip: str) -> bool | None:
        """Whether the chosen run was not trained on a clip; None for a sound of one's own."""
        fold = self.source.describe(clip).fold
        return fold == self.runs[self.run].config.held_out if fold else None

    def list_clips(self, *, class_name: str = "", words: str = "") -> list[str]:
        """Return clips by class and letters: own sounds first, then those that the run was not trained on."""
        names = self.source.select(class_name=class_name, words=words)
        table = self.source.dataset.table
        folds = dict(zip(table["clip"].astype(str), table["fold"], strict=True))
        held_out = self.runs[self.run].config.held_out
        return sorted(names, key=lambda name: folds.get(name, held_out) != held_out)

    def choose(
        self,
        *,
        clip: str | None = None,
        run: int | None = None,
        method: str | None = None,
        layer: str | None = None,
        target: int | None = -1,
    ) -> None:
        """Change what is asked; what is left out stays, as far as the new model and method have it.

        Parameters
        ----------
        clip : str, optional
        run : int, optional
            Place in `runs`.
        method, layer : str, optional
            Key of `METHODS`; layer "" is the method's own.
        target : int or None
            Class index, None for the predicted one.

        Raises
        ------
        OptionError
            When there is no such clip, or the model has no such method, layer or class; all stays as it was then.
        RunError
            When the run's weights cannot be read.
        """
        run = self.run if run is None else run
        model, note = self.load_model(run), ""
        wanted = self.method if method is None else method
        find_method(wanted)
        if method is None and wanted not in methods_for(model):
            note = f"{self.labels[run]} has no method {METHODS[wanted].title}; {METHODS[FIRST_METHOD].title} is shown."
            wanted, layer = methods_for(model)[0], ""
        same = run == self.run and wanted == self.method
        layer = (self.layer if same else "") if layer is None else layer
        layer = choose_layer(model, wanted, layer or None)
        target = self.target if target == -1 else target
        if target is not None and not 0 <= target < len(self.runs[run].config.class_names):
            raise OptionError(f"class {target}", f"is unknown to {self.labels[run]}", "choose one from the list")
        if clip is not None:
            self.source.describe(clip)
            self.clip = clip
        self.run, self.method, self.layer, self.target, self.note = run, wanted, layer, target, note
        self.split, self.curves, self.message = None, None, ""
        self._update(slow=False)

    def compute(self) -> None:
        """Compute the wanted map, however long it takes."""
        self.message = ""
        self._update(slow=True)

    def hear(self, *, hearing: bool | None = None, share: float | None = None) -> None:
        """Switch kept and removed sounds on or off, or change the share of energy that is kept.

        Raises
        ------
        OptionError
            When the share is not above 0 and at most 1.
        """
        share = self.share if share is None else share
        if not 0 < share <= 1:
            raise OptionError(f"share={share}", "is no share", "give a number above 0 and at most 1")
        self.hearing = self.hearing if hearing is None else hearing
        self.share, self.split, self.message = share, None, ""
        self._update(slow=False, pause_s=SLIDER_PAUSE_S)

    def measure_curves(self) -> None:
        """Take cells away and bring them back by the wanted map, the pinned ones of this clip, and by chance.

        Raises
        ------
        OptionError
            When there is no map yet.
        """
        look, key = self.look, self.key
        if look is None or key is None or self.map is None:
            raise OptionError("curves", "there is no map yet", "choose a fast method, or press Compute first")
        keys = [one for one in dict.fromkeys([key, *self._pinned_here()]) if one[2] != "random"] or [key]
        chance = {one[1]: (self.clip, one[1], "random", "", one[4]) for one in reversed(keys)}
        keys = list(dict.fromkeys([*keys, *chance.values()]))
        self.message = ""

        def work(report: Report) -> Any:
            maps = [self._explain(one, look, None) for one in keys]
            models, runs = [self.load_model(one[1]) for one in keys], [self.runs[one[1]] for one in keys]
            curves = trace_look(look, maps, source=self.source, runs=runs, models=models, progress=report)
            return lambda: self._keep_curves(curves, keys)

        self.start("Deletion and insertion curves", work)

    def pin(self) -> None:
        """Keep the wanted map to compare it with others.

        Raises
        ------
        OptionError
            When there is no map yet.
        """
        if self.map is None or self.key is None or self.look is None:
            raise OptionError("pin", "there is no map yet", "choose a fast method, or press Compute first")
        if self.key not in [pin.key for pin in self.pins]:
            self.pins.append(Pin(self.key, self.look.clip.label, self.map))
        self.message = ""
        self.notify()

    def unpin(self, number: int) -> None:
        """Take a map off the list."""
        del self.pins[number]
        self.message = ""
        self.notify()

    def recall(self, number: int) -> None:
        """Go back to the clip, model, method, layer and class of a pinned map."""
        pin = self.pins[number]
        self._maps[pin.key] = pin.map
        clip, run, method, layer, target = pin.key
        self.choose(clip=clip, run=run, method=method, layer=layer, target=target)

    def comparison(self) -> AttributionResult | None:
        """Return the pinned maps of this clip, and the wanted one; None where there is none of them."""
        if self.look is None:
            return None
        keys = self._compared()
        maps = tuple(self._maps[key] if key in self._maps else self._find_pin(key) for key in keys)
        return AttributionResult(self.look.spectrogram, maps, self.look.clip.events) if maps else None

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return the maps of this clip and, where measured, their curves."""
        comparison = self.comparison()
        found: dict[str, tuple[str, Any]] = {}
        if comparison is not None:
            found["attribution"] = ("attribution", comparison)
        if self.curves is not None:
            found["faithfulness"] = ("faithfulness", self.curves)
        return found

    def export(self, folder: str | Path) -> list[Path]:
        """Write figures and data, and where they were made, the kept and removed sounds with one gain."""
        from esclab.clips.write import write_audio
        from esclab.noise import common_gain

        paths = super().export(folder)
        sounds, look = self.sounds(), self.look
        if look is not None and len(sounds) > 1:
            gain = common_gain(*sounds.values())
            paths += [
                write_audio(Path(folder) / f"{name}.wav", samples, look.sample_rate, gain=gain)
                for name, samples in sounds.items()
            ]
        return paths

    def sounds(self) -> dict[str, np.ndarray]:
        """Return the clip and, where they were made, its kept and removed parts."""
        if self.look is None:
            return {}
        parts = {"kept": self.split.kept, "removed": self.split.removed} if self.split is not None else {}
        return {"clip": self.look.samples} | parts

    def code(self) -> str:
        """Return the lines that make the same maps, and the same curves where they were measured."""
        if self.look is None:
            return ""
        own = self.clip in self.source.list_own()
        clip = str(self.source.own_folder / self.clip) if own else self.clip
        curves = self._traced if self.curves is not None else []
        return write_code(
            (self.source.dataset.name, clip), [self._ask(key) for key in self._compared()],
            curves=[self._ask(key) for key in curves], run=self.runs[self.run],
        )  # fmt: skip

    def _take_sounds(self) -> None:
        """Sounds of one's own came or went; what is known of those that went is forgotten, pins too."""
        with self.lock:
            names = set(self.source.select())
            self.pins = [pin for pin in self.pins if pin.key[0] in names]
            stores: tuple[OrderedDict[Any, Any], ...] = (self._looks, self._maps)
            for store in stores:
                for gone in [key for key in store if key[0] not in names]:
                    del store[gone]
            if self.clip in names:
                self.notify()
            else:
                self.attempt(lambda: self.choose(clip=self.list_clips()[0]))

    def _ask(self, key: Key) -> Asked:
        """Return a key in words that code has."""
        _, run, method, layer, target = key
        names = self.runs[run].config.class_names
        return Asked(self.runs[run], self.labels[run], method, layer, names[target])

    def _compared(self) -> list[Key]:
        """Return what `comparison` shows: pins of this clip on this spectrogram, then the wanted map."""
        wanted = [self.key] if self.key is not None and self.map is not None else []
        return list(dict.fromkeys([*self._pinned_here(), *wanted]))

    def _pinned_here(self) -> list[Key]:
        shape = self.look.spectrogram.values.shape if self.look is not None else ()
        return [pin.key for pin in self.pins if pin.key[0] == self.clip and pin.map.values.shape == shape]

    def _find_pin(self, key: Key) -> AttributionMap:
        return next(pin.map for pin in self.pins if pin.key == key)

    def _update(self, *, slow: bool, pause_s: float = 0.0) -> None:
        """Show what is there already, or have it made."""
        clip, run, method, layer, target = self.clip, self.run, self.method, self.layer, self.target
        hearing, share = self.hearing, self.share
        wants_map = slow or not METHODS[method].slow
        if self.look is not None and (not wants_map if self.map is None else not hearing):
            self.stop()
            return

        def work(report: Report) -> Any:
            look = self._look(clip, run)
            index = int(look.probabilities.argmax()) if target is None else target
            key = (clip, run, method, layer, index)
            found = self._explain(key, look, report) if wants_map else self._maps.get(key)
            split = split_clip(look, found, share=share) if hearing and found is not None else None
            return lambda: setattr(self, "split", split)

        self.start(METHODS[method].title if self.map is None else "Kept and removed sound", work, pause_s=pause_s)

    def _look(self, clip: str, run: int) -> Look:
        """Return a clip as a run hears it, read where it was not; in the worker's thread."""
        if (clip, run) not in self._looks:
            look = look_at(self.source, clip, run=self.runs[run], model=self.load_model(run))
            self._keep(self._looks, (clip, run), look, KEPT_LOOKS)
        return self._looks[clip, run]

    def _explain(self, key: Key, look: Look, report: Report | None) -> AttributionMap:
        """Return a map, computed where it was not; in the worker's thread."""
        from esclab.analysis.attribution import attribute_clip

        if key not in self._maps:
            _, run, method, layer, target = key
            frames = self.source.count_frames(look.clip.name, self.runs[run])
            found = attribute_clip(
                self.load_model(run), self.runs[run].build_feature(), look.samples, method=method,
                class_names=self.runs[run].config.class_names, target=target, layer=layer or None,
                name=self.labels[run], progress=report, frames=frames,
            )  # fmt: skip
            self._keep(self._maps, key, found, KEPT_MAPS)
        return self._maps[key]

    def _keep(self, store: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
        with self.lock:
            store[key] = value
            while len(store) > most:
                store.popitem(last=False)

    def _keep_curves(self, curves: FaithfulnessResult, keys: list[Key]) -> None:
        self.curves, self._traced = curves, keys
