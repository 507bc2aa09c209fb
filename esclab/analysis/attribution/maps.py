"""The one call of attribution: a method's maps of many clips, on the input's frames and bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from esclab.analysis.attribution.methods import find_method, method_options
from esclab.analysis.attribution.references import find_gates
from esclab.analysis.cells import spread_cells
from esclab.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.models.base import SoundClassifier

Progress = Callable[[int, int], None]
Baseline = Literal["mean", "silence"]


def attribute(
    model: SoundClassifier,
    features: Tensor,
    *,
    method: str,
    target: int | Sequence[int] | None = None,
    layer: str | None = None,
    baseline: Baseline = "mean",
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> np.ndarray:
    """Map how much each frame and band of each clip counts for a class.

    The network is left as it was: mode, gradients, hooks and random generators. A batch of N clips gives the maps of N
    batches of one.

    Parameters
    ----------
    model : SoundClassifier
        On any device.
    features : Tensor of shape (clip, 1, frame, band)
        As the front end gives them, not standardised.
    method : str
        A key of `METHODS`.
    target : int or sequence of int, optional
        Class to explain, for all clips or for each; by default the class that the network predicts.
    layer : str, optional
        For class activation maps one of `model.cam_layers`, the last by default; for "attention" a layer with gates,
        the mean over all by default.
    baseline : {"mean", "silence"}
        What stands for "nothing there": the mean of the training clips, band by band (zero once standardised), or the
        lowest value of the clip itself. Used by integrated gradients, DeepLIFT, GradientSHAP, occlusion and Score-CAM.
    seed : int
        Of "gradientshap" and "random".
    progress : callable, optional
        Called as (done, count) while a slow method runs: in passes through the network; for others in clips.
    **options
        The method's own, see `method_options`, e.g. ``steps=50`` or ``window=(20, 8)``.

    Returns
    -------
    maps : ndarray of float32, shape (clip, frame, band)
        Larger is more important; below 0, for methods that are `signed`, speaks against the class. Gradients and
        differences are those of the logit, and are not brought to any range.

    Raises
    ------
    OptionError
        When the method, an option, the layer, a target or the baseline is unknown or does not fit the network.
    """
    from esclab.analysis.attribution.question import BATCH, Question
    from esclab.analysis.attribution.stillness import hold_still

    entry, layer_name = find_method(method), choose_layer(model, method, layer)
    _check_options(method, options)
    function, size = entry.load(), 1 if entry.slow else BATCH
    with hold_still(model):
        inputs = _take_features(model, features)
        targets, nothing = _choose_targets(model, inputs, target), _build_baseline(model, inputs, baseline)
        clips, _, frames, bands = inputs.shape
        ranges = model.layer_bands(layer_name) if entry.needs_layer else None
        result = np.empty((clips, frames, bands), dtype=np.float32)
        for start in range(0, clips, size):
            rows = slice(start, start + size)
            # A fast method is done with its clips in one step; a slow one has one clip and tells its own steps.
            report = partial(_report, progress, start // size, -(-clips // size)) if progress else None
            inner = report if entry.slow else None
            part = Question(model, inputs[rows], targets[rows], layer_name, nothing[rows], seed, inner)
            maps = function(part, **options).detach().cpu().numpy()
            result[rows] = spread_cells(maps, frames, bands, ranges=ranges)
            if report is not None and not entry.slow:
                report(1, 1)
    return result


def choose_layer(model: SoundClassifier, method: str, layer: str | None) -> str:
    """Return the layer that a method maps, the last of `model.cam_layers` by default; "" for none.

    Raises
    ------
    OptionError
        When the network has no such layer, or the method looks at none.
    """
    entry = find_method(method)
    names = find_gates(model) if entry.needs_gates else tuple(model.cam_layers) if entry.needs_layer else ()
    kind = "with attention" if entry.needs_gates else "for activation maps"
    if not names and (entry.needs_gates or entry.needs_layer):
        raise OptionError(f"method {method}", f"this network has no layer {kind}", "choose another, see methods_for")
    if layer is None:
        return names[-1] if entry.needs_layer else ""
    if not names:
        raise OptionError(f"layer {layer}", f"{method} looks at the input alone", "leave the layer out")
    if layer not in names:
        raise OptionError(f"layer {layer}", f"is none of this network's layers {kind}", f"choose {' or '.join(names)}")
    return layer


def _check_options(method: str, options: dict[str, Any]) -> None:
    known = method_options(method)
    for option in options:
        if option not in known:
            hint = f"choose among {', '.join(known)}" if known else "leave it out, the method has none"
            raise OptionError(f"method {method}", f"has no option {option}", hint)


def _take_features(model: SoundClassifier, features: Tensor) -> Tensor:
    """Return features as float32 on the model's device, checked for their shape."""
    import torch

    bands = len(model.input_mean)
    if features.ndim != 4 or features.shape[1] != 1 or features.shape[3] != bands:
        raise OptionError(
            f"features of shape {tuple(features.shape)}",
            "do not fit this network",
            f"give (clip, 1, frame, band) with {bands} bands",
        )
    return torch.empty(features.shape, device=model.input_mean.device).copy_(features.detach())


def _choose_targets(model: SoundClassifier, features: Tensor, target: int | Sequence[int] | None) -> Tensor:
    """Return one class a clip, (clip,) of int64 on the features' device."""
    import torch

    clips = len(features)
    if target is None:
        return _score(model, features).argmax(1)
    chosen = np.asarray(target)
    if chosen.ndim > 1 or (chosen.ndim == 1 and len(chosen) != clips) or not np.issubdtype(chosen.dtype, np.integer):
        raise OptionError(f"target {target}", f"is not a class index, or one for each of {clips} clips", "mend it")
    # A linear classifier tells without a pass, which would be half of what Grad-CAM takes.
    classes = getattr(model.classifier, "out_features", None) or _score(model, features[:1]).shape[1]
    for index in np.atleast_1d(chosen):
        if not 0 <= index < classes:
            raise OptionError(f"target {index}", f"is not one of the network's {classes} classes", "count from 0")
    return torch.from_numpy(np.broadcast_to(chosen, clips).astype(np.int64)).to(features.device)


def _score(model: SoundClassifier, features: Tensor) -> Tensor:
    """Return logits (clip, class)."""
    import torch

    from esclab.analysis.attribution.question import BATCH

    with torch.no_grad():
        return torch.cat([model(part) for part in features.split(BATCH)])


def _build_baseline(model: SoundClassifier, features: Tensor, baseline: Baseline) -> Tensor:
    if baseline not in get_args(Baseline):
        raise OptionError(f"baseline {baseline}", "is not known", f"choose {' or '.join(get_args(Baseline))}")
    level = model.input_mean if baseline == "mean" else features.amin((1, 2, 3), keepdim=True)
    return level.expand_as(features)


def _report(progress: Progress, before: int, parts: int, /, done: int, count: int) -> None:
    """Report work on one of `parts` equal parts, `before` of which are finished."""
    progress(before * count + done, parts * count)
