"""Deletion and insertion curves of one clip: which of several maps names what the network needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esclab.analysis.faithfulness import deletion_curve, insertion_curve
from esclab.results import AttributionMap, FaithfulnessResult, TimeFrequencyMap

if TYPE_CHECKING:
    from esclab.models.base import SoundClassifier

STEPS = 20  # of a curve


def trace_curves(
    models: Sequence[SoundClassifier],
    spectrogram: TimeFrequencyMap,
    maps: Sequence[AttributionMap],
    *,
    class_names: Sequence[Sequence[str]],
    frames: Sequence[int | None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FaithfulnessResult:
    """Take the cells of one clip away, and bring them back, in the order of each map.

    Parameters
    ----------
    models : sequence of SoundClassifier
        The network of each map.
    spectrogram : TimeFrequencyMap
        What they heard.
    maps : sequence of AttributionMap
    class_names : sequence of sequence of str
        Of each network.
    frames : sequence of int or None, optional
        The clip's own for each network, None where it hears the padding too (`Run.count_own_frames`).
    progress : callable, optional
        Called with (curves done, curves in all).

    Returns
    -------
    result : FaithfulnessResult
        Without intervals, which one clip has not. See `deletion_curve` and `insertion_curve`.
    """
    import torch

    features = torch.from_numpy(spectrogram.values.copy())[None, None]
    curves = {"deletion": deletion_curve, "insertion": insertion_curve}
    parts: list[pd.DataFrame] = []
    shares = np.linspace(0, 1, STEPS + 1)
    own = [None] * len(maps) if frames is None else frames
    for model, one, classes, name, heard in zip(models, maps, class_names, name_curves(maps), own, strict=True):
        targets = np.array([list(classes).index(one.class_name)])
        for curve, trace in curves.items():
            if progress is not None:
                progress(len(parts), 2 * len(maps))
            (means,) = trace(model, features[:, :, :heard], one.values[None, :heard], targets=targets, steps=STEPS)
            part = {"model": one.model, "method": name, "curve": curve, "share": shares, "mean": means}
            parts.append(pd.DataFrame(part | {"low": np.nan, "high": np.nan}))
    return FaithfulnessResult(pd.concat(parts, ignore_index=True), spectrogram.label)


def name_curves(maps: Sequence[AttributionMap]) -> list[str]:
    """Return a name for each map's curve: its method, with layer and class only where they tell two apart."""
    names = [one.method for one in maps]
    for part in ("layer", "class_name"):
        counts = Counter(zip((one.model for one in maps), names, strict=True))
        names = [
            f"{name}, {getattr(one, part)}" if counts[one.model, name] > 1 and getattr(one, part) else name
            for name, one in zip(names, maps, strict=True)
        ]
    return names
