"""Clips of several runs' datasets, read, made into a spectrogram and explained."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.clips import ClipDataset, load_dataset
from esclab.clips.home import data_home
from esclab.errors import DatasetError, EsclabError
from esclab.results import AttributionMap, AttributionResult, TimeFrequencyMap
from esclab.training.run import Run
from esclab.widgets.source import ClipInfo, ClipSource

if TYPE_CHECKING:
    from esclab.widgets.live import LiveModel

MOST_MODELS_KEPT = 4


@dataclass(frozen=True)
class ClipPicture:
    """A clip to see and to hear.

    Attributes
    ----------
    clip : ClipInfo
    samples : ndarray of shape (sample,)
    sample_rate : int
    spectrogram : TimeFrequencyMap
        As the run's network hears it.
    heatmap : ndarray of shape (frame, band), or None
        Where the network looked for `explained`, 0 to 1.
    explained : str
        A class's name, or "".
    epoch : int
        After which the heatmap is: weights are kept of the last one alone.
    model, layer : str
        What looked, and the layer of the heatmap.
    probability : float
        What the network gave to `explained`, in 0..1.
    """

    clip: ClipInfo
    samples: np.ndarray
    sample_rate: int
    spectrogram: TimeFrequencyMap
    heatmap: np.ndarray | None
    explained: str
    epoch: int
    model: str = ""
    layer: str = ""
    probability: float = nan

    @property
    def result(self) -> tuple[str, Any]:
        """The name in `esclab.figures.FIGURES`, and what that figure draws: the heatmap, or the spectrogram alone."""
        if self.heatmap is None:
            return "spectrogram", self.spectrogram
        found = AttributionMap(self.heatmap, "gradcam", self.layer, self.model, self.explained, self.probability)
        return "attribution", AttributionResult(self.spectrogram, (found,), self.clip.events)


class ClipPainter:
    """Datasets and networks of several runs, loaded when they are first needed.

    Parameters
    ----------
    dataset : ClipDataset, optional
        Where the clips are; each run's own by default.
    """

    def __init__(self, dataset: ClipDataset | None = None) -> None:
        self._given = dataset
        self._sources: dict[str, ClipSource] = {}
        self._models: dict[Path, LiveModel] = {}

    def paint(self, run: Run, name: str, target: int | None) -> ClipPicture:
        """Read a clip, and explain class number `target`, or none.

        Raises
        ------
        ClipError, DatasetError, OptionError
            When the clip cannot be had.
        RunError
            When the run's weights are damaged.
        """
        from esclab.analysis.attention import transform_clip
        from esclab.analysis.epochs import last_epoch

        source = self.find_source(run)
        feature = run.build_feature()
        rate = feature.config.sample_rate
        samples = source.read(name, sample_rate=rate, duration_s=run.config.duration_s)
        clip = source.describe(name)
        spectrogram = transform_clip(samples, feature, label=clip.label)
        if target is None:
            return ClipPicture(clip, samples, rate, spectrogram, None, "", last_epoch(run))
        model = self._find_model(run)
        answer = model.answer(spectrogram.values, target=target, frames=source.count_frames(name, run))
        return ClipPicture(
            clip, samples, rate, spectrogram, answer.heatmap, model.class_names[target], last_epoch(run), model.name,
            model.network.cam_layers[-1], float(answer.probabilities[target]),
        )  # fmt: skip

    def ask(self, run: Run, name: str) -> tuple[ClipPicture, np.ndarray]:
        """Return a clip with a heatmap of what a run's network answers, and the probability of each class.

        Raises as `paint`.
        """
        spectrogram = self.paint(run, name, None).spectrogram
        frames = self.find_source(run).count_frames(name, run)
        answer = self._find_model(run).answer(spectrogram.values, frames=frames)
        return self.paint(run, name, answer.target), answer.probabilities

    def find_source(self, run: Run) -> ClipSource:
        """Return the clips that a run was trained on.

        Raises
        ------
        DatasetError
            When they are not here, or the dataset that was given has other classes.
        """
        name = run.config.dataset
        if name not in self._sources:
            if self._given is not None and self._given.class_names != run.config.class_names:
                cause = f"has other classes than {name}, on which the run was trained"
                raise DatasetError(self._given.name, cause, "give the run's own dataset, or none")
            self._sources[name] = ClipSource(self._given or load_dataset(name))
        return self._sources[name]

    def list_categories(self, run: Run) -> dict[str, str]:
        """Return the parent category of each class; empty where there are none, or the dataset is not here yet."""
        made = self._given is not None or run.config.dataset in self._sources or any(data_home().glob("synth10*"))
        if not made and run.config.dataset.startswith("synth10"):
            return {}  # its clips would have to be made first, for which nobody asked
        try:
            return dict(self.find_source(run).dataset.categories)
        except EsclabError:
            return {}  # a matrix needs no sounds; choosing a clip tells what is missing

    def _find_model(self, run: Run) -> LiveModel:
        from esclab.widgets.live import LiveModel

        if run.path not in self._models:
            while len(self._models) >= MOST_MODELS_KEPT:
                self._models.pop(next(iter(self._models)))
            self._models[run.path] = LiveModel(run)
        return self._models[run.path]
