"""Which clip is looked at, through which front end, without a browser."""

from __future__ import annotations

import random
import typing
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from esclab.clips import load_dataset
from esclab.clips.dataset import ClipDataset
from esclab.errors import printable
from esclab.features import Feature, build_feature, suit_rate
from esclab.figures.text import class_words
from esclab.results import TimeFrequencyMap
from esclab.widgets.controller import Controller
from esclab.widgets.source import ClipInfo, ClipSource

RATE = "sample_rate"  # the dataset's own is used, so that no picture shows frequencies that the clips lack


class ClipController(Controller):
    """Choose clips of a dataset, and sounds of one's own, one after the other.

    Parameters
    ----------
    dataset : str or ClipDataset
        As in `load_dataset`.
    feature : str
        A key of `FEATURES`.

    Attributes
    ----------
    names : list of str
        Clips that fit `class_name`, `fold` and `words`.
    name : str
        The chosen one, "" for none.
    info : ClipInfo or None
    samples : ndarray or None
        Of the chosen clip at `sample_rate`, padded or cut to the dataset's length.
    picture : TimeFrequencyMap or None
        None also where the clip cannot be read; `message` then says why.

    Raises
    ------
    OptionError
        When dataset or feature are unknown.
    DatasetError
        When the dataset is not here.
    """

    def __init__(self, dataset: str | ClipDataset = "synth10", *, feature: str = "logmel") -> None:
        super().__init__()
        clips = load_dataset(dataset) if isinstance(dataset, str) else dataset
        self.source = ClipSource(clips)
        self.class_name, self.fold, self.words = "", 0, ""
        self.name = ""
        self.info: ClipInfo | None = None
        self.samples: np.ndarray | None = None
        self.picture: TimeFrequencyMap | None = None
        self.feature_name, self.settings = feature, dict[str, Any]()
        self.feature = self._build(feature, {})
        self.names = self._select()
        self.source.subscribe(self._list_again)
        self.attempt(self._choose_first)

    @property
    def dataset(self) -> ClipDataset:
        """The clips' dataset."""
        return self.source.dataset

    @property
    def sample_rate(self) -> int:
        """Rate of `samples`, in Hz."""
        return int(self.feature.config.sample_rate)

    @property
    def position(self) -> int:
        """Place of the chosen clip among `names`, -1 where it is not among them."""
        return self.names.index(self.name) if self.name in self.names else -1

    def filter(self, *, class_name: str | None = None, fold: int | None = None, words: str | None = None) -> None:
        """Offer clips of a class ("" for all, "own" for own sounds), a fold (0 for all), with words; None keeps each.

        The chosen clip stays where it fits; else the first one that does is chosen.

        Raises
        ------
        OptionError, ClipError
            As `choose`.
        """
        self.class_name = self.class_name if class_name is None else class_name
        self.fold = self.fold if fold is None else fold
        self.words = self.words if words is None else words
        self.names = self._select()
        if self.position < 0:
            self._choose_first()
        else:
            self.notify()

    def show_own(self, name: str) -> None:
        """Choose a sound of one's own, and offer clips of every class and fold where it would not be among them."""
        if name not in self.names:
            self.class_name, self.fold, self.words = "", 0, ""
            self.names = self._select()
        self.choose(name)

    def choose(self, name: str) -> None:
        """Choose a clip by its name; its picture is computed.

        Raises
        ------
        OptionError
            When there is no such clip.
        ClipError
            When its recording cannot be read; it stays chosen, without a picture.
        """
        info = self.source.describe(name)
        self.name, self.info, self.samples, self.picture = name, info, None, None
        self._compute()
        self.notify()

    def step(self, by: int) -> None:
        """Choose the clip `by` places further down the list, around its ends; errors as `choose`."""
        if self.names:
            first = -1 if by > 0 else 0
            at = self.position if self.position >= 0 else first
            self.choose(self.names[(at + by) % len(self.names)])

    def surprise(self) -> None:
        """Choose another clip of the list by chance; errors as `choose`."""
        others = [name for name in self.names if name != self.name]
        if others:
            self.choose(random.choice(others))

    def set_feature(self, name: str, **settings: Any) -> None:
        """Look through another front end, its settings as in `build_feature`.

        Raises
        ------
        OptionError
            When the name or a setting is unknown or out of range; the front end then stays as it is.
        """
        feature = self._build(name, settings)
        self.feature_name, self.settings, self.feature = name, dict(settings), feature
        if self.info is not None:
            self._compute()
        self.notify()

    def list_settings(self) -> dict[str, Any]:
        """Return names and values of the front end's settings that are numbers or switches, but for the rate."""
        config = self.feature.config
        kinds = typing.get_type_hints(type(config))
        simple = [field.name for field in fields(config) if kinds[field.name] in (int, float, bool)]
        return {name: getattr(config, name) for name in simple if name != RATE}

    def facts(self) -> list[tuple[str, str]]:
        """Return what is known of the chosen clip and its dataset, as pairs of word and text."""
        clips = self.dataset
        facts = [] if self.info is None else self._clip_facts(self.info)
        if self.info is None or self.info.fold:  # the dataset's licence is not that of a sound of one's own
            counts = f"{len(clips)} clips, {len(clips.class_names)} classes, {len(clips.folds)} folds"
            facts += [
                ("Dataset", f"{clips.name}: {counts}"),
                ("Folds", clips.protocol),
                ("Licence", clips.licence),
                ("Cite", clips.citation),
            ]
        return [(word, printable(text)) for word, text in facts if text]

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return the spectrogram of the chosen clip."""
        return {} if self.picture is None else {"spectrogram": ("spectrogram", self.picture)}

    def export(self, folder: str | Path) -> list[Path]:
        """Write the spectrogram with its known events, and the sound behind its waveform as clip.wav.

        Errors as `Controller.export` and `write_audio`.
        """
        from esclab.clips.write import write_audio
        from esclab.figures import export
        from esclab.noise import common_gain

        if self.picture is None or self.info is None or self.samples is None:
            return super().export(folder)  # tells that there is nothing
        stem, events = Path(folder) / "spectrogram", self.info.events
        paths = export("spectrogram", self.picture, stem, how=self.code(), events=events)
        return [
            *paths,
            write_audio(stem.with_name("clip.wav"), self.samples, self.sample_rate, gain=common_gain(self.samples)),
        ]

    def code(self) -> str:
        """Return code that makes the same spectrogram, with its known events, and the sound."""
        if self.info is None:
            return "# Choose a clip first."
        settings = "".join(f", {name}={value!r}" for name, value in self._full_settings().items())
        duration_s = self.dataset.duration_s
        own = self.info.fold == 0
        lines: list[str] = []
        if own:
            path = str(self.source.own_folder / self.name)
            lines += ["from esclab.clips import read_audio"]
        else:
            lines += ["from esclab.clips import load_dataset, read_clip", "from esclab.clips.pick import find_row"]
        lines += [
            "from esclab.analysis.attention import transform_clip",
            "from esclab.clips.write import write_audio",
            "from esclab.features import build_feature",
            "from esclab.figures import draw",
            "from esclab.noise import common_gain",
            "",
        ]
        rate = f"sample_rate={self.sample_rate}, duration_s={duration_s!r}"
        if own:
            lines += [f"samples = read_audio({path!r}, {rate})"]
        else:
            lines += [
                f"clips = load_dataset({self.dataset.name!r})",
                f"row = find_row(clips, {self.name!r})",
                f"samples = read_clip(clips, row, {rate})",
            ]
        lines += [
            f"feature = build_feature({self.feature_name!r}{settings})",
            f"picture = transform_clip(samples, feature, label={self.info.label!r})",
        ]
        known = self.info.events is not None and len(self.info.events)
        events = f', events=clips.events[clips.events["clip"] == {self.name!r}]' if known else ""
        lines += [
            f'figure = draw("spectrogram", picture{events})',
            f'write_audio("out/clips/clip.wav", samples, {self.sample_rate}, gain=common_gain(samples))',
        ]
        return "\n".join(lines) + "\n"

    def _clip_facts(self, info: ClipInfo) -> list[tuple[str, str]]:
        category = self.dataset.categories.get(info.class_name, "")
        events = info.events
        spans = [] if events is None else [f"{row.onset_s:.2f}-{row.offset_s:.2f} s" for row in events.itertuples()]
        shown = ", ".join(spans[:6]) + (f" and {len(spans) - 6} more" if len(spans) > 6 else "")
        return [
            ("Clip", info.name),
            ("Class", class_words(info.class_name) + (f" ({category})" if category else "")),
            ("Fold", str(info.fold) if info.fold else "none: a sound of your own"),
            ("Source", info.source if info.fold else ""),
            ("Known events", f"{len(spans)}: {shown}" if spans else ""),
        ]

    def _full_settings(self) -> dict[str, Any]:
        return {**suit_rate(self.feature_name, self.source.dataset.sample_rate), **self.settings}

    def _build(self, name: str, settings: dict[str, Any]) -> Feature:
        with warnings.catch_warnings():
            # Bands without a bin of their own are told by torchaudio; the picture shows them as silent.
            warnings.filterwarnings("ignore", message="At least one mel filterbank", category=UserWarning)
            return build_feature(name, **{**suit_rate(name, self.source.dataset.sample_rate), **settings})

    def _compute(self) -> None:
        from esclab.analysis.attention import transform_clip

        assert self.info is not None
        self.samples = self.picture = None
        samples = self.source.read(self.name, sample_rate=self.sample_rate, duration_s=self.dataset.duration_s)
        self.picture = transform_clip(samples, self.feature, label=self.info.label)
        self.samples = samples

    def _select(self) -> list[str]:
        return self.source.select(class_name=self.class_name, fold=self.fold, words=self.words)

    def _choose_first(self) -> None:
        if self.names:
            self.choose(self.names[0])
            return
        self.name, self.info, self.samples, self.picture = "", None, None, None
        self.notify()

    def _list_again(self) -> None:
        """Follow own sounds that came or went."""
        self.names = self._select()
        gone = self.info is not None and self.info.fold == 0 and self.name not in self.source.list_own()
        self.attempt(self._choose_first if gone else self.notify)
