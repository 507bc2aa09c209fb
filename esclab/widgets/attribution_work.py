"""The work behind the attribution explorer: reading a clip, splitting its sound, taking cells away, writing code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from esclab.figures.text import class_words
from esclab.results import AttributionMap, FaithfulnessResult, TimeFrequencyMap
from esclab.training.run import Run
from esclab.widgets.source import ClipInfo, ClipSource
from esclab.widgets.working import Report

if TYPE_CHECKING:
    from esclab.analysis.listen import SoundSplit
    from esclab.models.base import SoundClassifier

Key = tuple[str, int, str, str, int]


@dataclass(frozen=True)
class Look:
    """A clip as one model hears it.

    Attributes
    ----------
    clip : ClipInfo
    samples : ndarray of shape (sample,)
    sample_rate : int
    spectrogram : TimeFrequencyMap
    probabilities : ndarray of shape (class,)
    """

    clip: ClipInfo
    samples: np.ndarray
    sample_rate: int
    spectrogram: TimeFrequencyMap
    probabilities: np.ndarray


@dataclass(frozen=True)
class Pin:
    """A map that is kept to be compared.

    Attributes
    ----------
    key : tuple
        Clip, number of the run, method, layer and class index.
    clip : str
        What the clip is called.
    map : AttributionMap
    """

    key: Key
    clip: str
    map: AttributionMap

    def __str__(self) -> str:
        """Return what a list shows."""
        from esclab.analysis.attribution import METHODS

        one = self.map
        what = ", ".join(part for part in (METHODS[one.method].title, one.layer) if part)
        return f"{what}: {class_words(one.class_name)}, {one.model}, {self.clip}"


@dataclass(frozen=True)
class Asked:
    """One map in the words of code: run, its name, method, layer ("" for the method's own) and class."""

    run: Run
    name: str
    method: str
    layer: str
    class_name: str


def look_at(source: ClipSource, clip: str, *, run: Run, model: SoundClassifier) -> Look:
    """Read a clip as a run's network hears it.

    Raises
    ------
    ClipError
        When the recording cannot be read.
    OptionError
        When there is no such clip.
    """
    import torch

    from esclab.analysis.attention import transform_clip

    info, feature = source.describe(clip), run.build_feature()
    rate = feature.config.sample_rate
    samples = source.read(clip, sample_rate=rate, duration_s=run.config.duration_s)
    spectrogram = transform_clip(samples, feature, label=info.label)
    with torch.inference_mode():
        heard = spectrogram.values[: source.count_frames(clip, run)]
        logits = model(torch.from_numpy(heard.copy())[None, None])
    return Look(info, samples, rate, spectrogram, logits[0].double().softmax(0).numpy())


def trace_look(
    look: Look, maps: Sequence[AttributionMap], *, source: ClipSource, runs: Sequence[Run],
    models: Sequence[SoundClassifier], progress: Report,
) -> FaithfulnessResult:  # fmt: skip
    """Return the curves of a clip's maps, each of a run and its network; see `trace_curves`."""
    from esclab.analysis.curves import trace_curves

    return trace_curves(
        models, look.spectrogram, maps, class_names=[run.config.class_names for run in runs],
        frames=[source.count_frames(look.clip.name, run) for run in runs], progress=progress,
    )  # fmt: skip


def split_clip(look: Look, attribution: AttributionMap, *, share: float) -> SoundSplit:
    """Return the clip split in what a map calls important and the rest; errors as `split_sound`."""
    from esclab.analysis.listen import split_sound

    importance = replace(look.spectrogram, values=attribution.importance, unit="")
    return split_sound(look.samples, look.sample_rate, importance, share=share)


def write_code(clip: tuple[str, str], maps: Sequence[Asked], *, curves: Sequence[Asked], run: Run) -> str:
    """Return the lines that make maps of a clip, and curves where there are some.

    Parameters
    ----------
    clip : (str, str)
        Dataset and clip, as `pick_clip` takes them.
    maps, curves : sequence of Asked
    run : Run
        Whose front end makes the spectrogram.
    """
    lines = [
        "from esclab.analysis.attention import transform_clip",
        "from esclab.analysis.attribution import attribute_clip",
        "from esclab.clips.pick import measure_part, pick_clip",
        "from esclab.figures import export",
        "from esclab.results import AttributionResult",
        "from esclab.training import find_run",
        *(["from esclab.analysis.curves import trace_curves"] if curves else []),
        "",
        f"run = find_run({name_run(run)!r})",
        "feature, duration_s = run.build_feature(), run.config.duration_s",
        f"samples, label = pick_clip({clip[0]!r}, {clip[1]!r}, sample_rate=feature.config.sample_rate, "
        "duration_s=duration_s)",
        f"heard_s = measure_part({clip[0]!r}, {clip[1]!r}, duration_s=duration_s).heard_s",
        "spectrogram = transform_clip(samples, feature, label=label)",
        *_write_maps("asked", "maps", maps),
        "attribution = AttributionResult(spectrogram, tuple(maps))",
        *(['export("attribution", attribution, "out/attribution/attribution")'] if maps else []),
    ]
    if curves:
        lines += [
            *_write_maps("traced", "traced_maps", curves),
            "runs = [find_run(folder) for folder, *_ in traced]",
            "models, names = [run.load_model() for run in runs], [run.config.class_names for run in runs]",
            "frames = [run.count_own_frames(heard_s) for run in runs]",
            "faithfulness = trace_curves(models, spectrogram, traced_maps, class_names=names, frames=frames)",
            'export("faithfulness", faithfulness, "out/attribution/faithfulness")',
        ]
    return "\n".join(lines)


def name_run(run: Run) -> str:
    """Return the words that `find_run` finds a run by: the name of a shipped one, else its folder."""
    from esclab.training.shipped import FOLDER

    return run.path.name if run.path.parent == FOLDER else str(run.path)


def _write_maps(words: str, maps: str, asked: Sequence[Asked]) -> list[str]:
    rows = [(name_run(one.run), one.name, one.method, one.layer or None, one.class_name) for one in asked]
    return [
        f"{words} = [",
        *(f"    {row!r}," for row in rows),
        "]",
        f"{maps} = []",
        f"for folder, name, method, layer, class_name in {words}:",
        "    run = find_run(folder)",
        f"    {maps}.append(attribute_clip(",
        "        run.load_model(), run.build_feature(), samples, method=method, layer=layer, target=class_name,",
        "        class_names=run.config.class_names, name=name, frames=run.count_own_frames(heard_s),",
        "    ))",
    ]
