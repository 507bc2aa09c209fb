"""One clip explained: maps with the clip's spectrogram, the class and its probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.analysis.attention import transform_clip
from esclab.analysis.attribution.maps import Baseline, Progress, attribute, choose_layer
from esclab.analysis.attribution.methods import find_method
from esclab.errors import OptionError
from esclab.results import AttributionMap, AttributionResult

if TYPE_CHECKING:
    import pandas as pd

    from esclab.features import Feature
    from esclab.models.base import SoundClassifier

DEFAULT_METHODS = ("gradcam", "gradcam++", "layercam", "integrated-gradients")


def attribute_clip(
    model: SoundClassifier,
    feature: Feature,
    samples: np.ndarray,
    *,
    method: str,
    class_names: Sequence[str],
    target: str | int | None = None,
    layer: str | None = None,
    name: str = "",
    frames: int | None = None,
    **options: Any,
) -> AttributionMap:
    """Explain one clip by one method.

    Parameters
    ----------
    model : SoundClassifier
    feature : Feature
        The front end it was trained on.
    samples : ndarray of float32, shape (sample,)
        At the feature's sample rate.
    method : str
        A key of `METHODS`.
    class_names : sequence of str
        In the order of the network's scores.
    target : str or int, optional
        Class to explain, by name or index; the predicted one by default.
    layer : str, optional
        See `attribute`.
    name : str
        What the model is called.
    frames : int, optional
        The clip's own, where its padding is hidden from the network (`Run.count_own_frames`); the map is 0 behind them.
    **options
        What `attribute` takes: `baseline`, `seed`, `progress`, and the method's own.

    Raises
    ------
    OptionError
        As `attribute` does, or when the class is not among `class_names`.
    """
    values = transform_clip(samples, feature).values
    return _Clip(model, values, class_names, target, name, frames).map(method, layer, **options)


def explain_clip(
    model: SoundClassifier,
    feature: Feature,
    samples: np.ndarray,
    *,
    class_names: Sequence[str],
    methods: Sequence[str] = DEFAULT_METHODS,
    layers: Sequence[str] | None = None,
    target: str | int | None = None,
    label: str = "",
    name: str = "",
    events: pd.DataFrame | None = None,
    frames: int | None = None,
    baseline: Baseline = "mean",
    seed: int = 0,
    progress: Progress | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> AttributionResult:
    """Explain one clip by several methods; class activation maps by several layers.

    Parameters
    ----------
    model, feature, samples, class_names, target, name, frames
        See `attribute_clip`.
    methods : sequence of str
        Keys of `METHODS`, in the order of the maps.
    layers : sequence of str, optional
        Layers of the class activation maps; the last of `model.cam_layers` by default. Other methods come once.
    label : str
        What the clip is called.
    events : DataFrame, optional
        Where the true events lie: `onset_s`, `offset_s`, `low_hz`, `high_hz`.
    baseline, seed
        See `attribute`.
    progress : callable, optional
        Called as (maps done, maps in all).
    options : mapping, optional
        Options by method, e.g. ``{"integrated-gradients": {"steps": 20}}``.

    Raises
    ------
    OptionError
        As `attribute_clip` does; every name is checked before the work begins.
    """
    spectrogram = transform_clip(samples, feature, label=label)
    pairs = [
        (method, layer)
        for method in methods
        for layer in (layers if layers is not None and find_method(method).needs_layer else (None,))
    ]
    for method, layer in pairs:
        choose_layer(model, method, layer)
    clip = _Clip(model, spectrogram.values, class_names, target, name, frames)
    maps = []
    for method, layer in pairs:
        own = (options or {}).get(method, {})
        maps.append(clip.map(method, layer, baseline=baseline, seed=seed, **own))
        if progress is not None:
            progress(len(maps), len(pairs))
    return AttributionResult(spectrogram, tuple(maps), events)


class _Clip:
    """A clip's features, the class to explain, and what the network gave to it."""

    def __init__(
        self,
        model: SoundClassifier,
        values: np.ndarray,
        class_names: Sequence[str],
        target: str | int | None,
        name: str,
        frames: int | None,
    ) -> None:
        import torch

        from esclab.analysis.attribution.stillness import hold_still

        self.model, self.class_names, self.name = model, tuple(class_names), name
        self.features = torch.from_numpy(values[:frames].copy())[None, None].to(model.input_mean.device)
        self.padding = len(values) - self.features.shape[2]
        with hold_still(model), torch.no_grad():
            (probabilities,) = model(self.features).double().softmax(1).tolist()
        if len(probabilities) != len(self.class_names):
            raise OptionError(
                f"{len(self.class_names)} class names",
                f"the network knows {len(probabilities)} classes",
                "give the names that it was trained with",
            )
        self.target = find_class(target, self.class_names, probabilities.index(max(probabilities)))
        self.probability = probabilities[self.target]

    def map(self, method: str, layer: str | None, **options: Any) -> AttributionMap:
        (values,) = attribute(self.model, self.features, method=method, target=self.target, layer=layer, **options)
        return AttributionMap(
            values=np.pad(values, ((0, self.padding), (0, 0))),
            method=method,
            layer=choose_layer(self.model, method, layer),
            model=self.name,
            class_name=self.class_names[self.target],
            probability=self.probability,
        )


def find_class(target: str | int | None, class_names: Sequence[str], default: int) -> int:
    """Return the index of a class given by name or index, or the default.

    Raises
    ------
    OptionError
        When there is no such class.
    """
    if target is None:
        return default
    if isinstance(target, str) and target in class_names:
        return list(class_names).index(target)
    if not isinstance(target, str) and 0 <= target < len(class_names):
        return int(target)
    raise OptionError(f"class {target}", "is not known to this network", f"choose one of {', '.join(class_names)}")
