"""Does a network use what an explanation calls important? Cells are taken away, and the answer is asked again.

Functions take features (clip, 1, frame, band) and maps (clip, frame, band), and run in batches without gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from esclab.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.models.base import SoundClassifier

BATCH = 32  # clips that go through the network at once


def predict_targets(model: SoundClassifier, features: Tensor, targets: np.ndarray) -> np.ndarray:
    """Return the probability that a network gives to one class a clip.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode.
    features : Tensor of shape (clip, 1, frame, band)
    targets : ndarray of int, shape (clip,)

    Returns
    -------
    probabilities : ndarray of shape (clip,)
        In 0..1.
    """
    import torch

    chosen = torch.as_tensor(np.asarray(targets), device=features.device)[:, None]
    with torch.inference_mode():
        parts = zip(features.split(BATCH), chosen.split(BATCH), strict=True)
        picked = [model(part).double().softmax(1).gather(1, classes)[:, 0] for part, classes in parts]
    return torch.cat(picked).cpu().numpy()


def predict_classes(model: SoundClassifier, features: Tensor) -> np.ndarray:
    """Return the class that a network predicts for each clip, (clip,); parameters as `predict_targets`."""
    import torch

    with torch.inference_mode():
        return torch.cat([model(part).argmax(1) for part in features.split(BATCH)]).cpu().numpy()


def find_ends(
    model: SoundClassifier, features: Tensor, targets: np.ndarray, *, baseline: str | Tensor = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Return a class's probabilities with all cells and with none, where every curve starts or ends.

    Parameters as `deletion_curve`.

    Returns
    -------
    whole, none : ndarray of shape (clip,)
    """
    filled = _fill(model, features, baseline)
    return predict_targets(model, features, targets), predict_targets(model, filled, targets)


def deletion_curve(
    model: SoundClassifier,
    features: Tensor,
    maps: np.ndarray,
    *,
    targets: np.ndarray,
    steps: int = 20,
    baseline: str | Tensor = "mean",
    ends: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return how a class's probability falls as cells are deleted, the most important ones first.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode.
    features : Tensor of shape (clip, 1, frame, band)
    maps : ndarray of shape (clip, frame, band)
        Larger is more important; equal cells go in an order drawn once, the same for every map.
    targets : ndarray of int, shape (clip,)
    steps : int
        Equal shares in which the cells go.
    baseline : {"mean"} or Tensor
        What a deleted cell holds: "mean" is the training clips' mean of its band, a tensor broadcasts to the features.
    ends : pair of ndarray of shape (clip,), optional
        What `find_ends` gives, where it is known already.

    Returns
    -------
    curve : ndarray of shape (clip, steps + 1)
        Probability with 0, 1/steps, ... of the cells deleted; the last is the baseline's.

    Raises
    ------
    OptionError
        When the maps do not fit the features, or an option is out of range.

    Notes
    -----
    Petsiuk et al. 2018, "RISE", section 4.2. A clip with deleted cells is like nothing that the network was trained
    on, so compare methods with each other, and with a random order, on the same network.
    """
    ranks, filled = _rank_cells(features, maps), _fill(model, features, baseline)
    whole, none = ends or find_ends(model, features, targets, baseline=baseline)
    return _trace(model, features, filled, ranks=ranks, targets=targets, steps=steps, ends=(whole, none))


def insertion_curve(
    model: SoundClassifier,
    features: Tensor,
    maps: np.ndarray,
    *,
    targets: np.ndarray,
    steps: int = 20,
    baseline: str | Tensor = "mean",
    ends: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return how a class's probability rises as cells come back into the baseline, the most important ones first.

    Parameters, errors and source as `deletion_curve`. The first value is the baseline's, the last the clip's.
    """
    ranks, filled = _rank_cells(features, maps), _fill(model, features, baseline)
    whole, none = ends or find_ends(model, features, targets, baseline=baseline)
    return _trace(model, filled, features, ranks=ranks, targets=targets, steps=steps, ends=(none, whole))


def curve_area(curve: np.ndarray) -> np.ndarray:
    """Return the area under curves over the share of cells, (clip, step) to (clip,): the mean probability, in 0..1."""
    return ((curve[:, 1:] + curve[:, :-1]) / 2).mean(axis=1)


def keep_important(
    model: SoundClassifier,
    features: Tensor,
    maps: np.ndarray,
    *,
    targets: np.ndarray,
    baseline: str | Tensor = "mean",
) -> np.ndarray:
    """Return a class's probability when each cell is kept only as far as it is important.

    A cell becomes w * itself + (1 - w) * baseline, where w is the map's evidence (its values above 0) divided by its
    maximum. Parameters as `deletion_curve`.

    Returns
    -------
    probabilities : ndarray of shape (clip,)
    """
    import torch

    _check_maps(features, maps)
    evidence = np.maximum(maps, 0.0)
    peak = evidence.max(axis=(1, 2), keepdims=True)
    weights = np.divide(evidence, peak, out=np.zeros_like(evidence), where=peak > 0)
    weights = torch.as_tensor(weights, dtype=features.dtype, device=features.device)[:, None]
    return predict_targets(model, torch.lerp(_fill(model, features, baseline), features, weights), targets)


def average_drop(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return by how much of itself a class's probability drops when only what is important is kept, (clip,), in 0..1.

    A rise counts as 0. Chattopadhay et al. 2018, "Grad-CAM++", section 4.1; their figure is the mean over clips.

    Parameters
    ----------
    before, after : ndarray of shape (clip,)
        Probabilities from `predict_targets` and `keep_important`.
    """
    drop = np.maximum(before - after, 0.0)
    return np.divide(drop, before, out=np.zeros_like(drop), where=before > 0)


def increase_in_confidence(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return 1 where a class's probability rises when only what is important is kept, else 0, (clip,).

    Parameters and source as `average_drop`.
    """
    return (after > before).astype(float)


def _fill(model: SoundClassifier, features: Tensor, baseline: str | Tensor) -> Tensor:
    """Return what deleted cells hold, in the shape of the features."""
    if isinstance(baseline, str):
        if baseline != "mean":
            raise OptionError(f"baseline {baseline}", "is not known", "choose mean, or give a tensor")
        baseline = model.input_mean
    return baseline.to(features).expand_as(features)


def _trace(
    model: SoundClassifier,
    start: Tensor,
    end: Tensor,
    *,
    ranks: Tensor,
    targets: np.ndarray,
    steps: int,
    ends: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return the probabilities, (clip, steps + 1), while cells of `start` become those of `end` in the ranks' order."""
    import torch

    cells = ranks[0].numel()
    if not 1 <= steps <= cells:
        raise OptionError(f"steps={steps}", "is out of range", f"choose a number from 1 to {cells}")
    counts = [round(step * cells / steps) for step in range(1, steps)]
    between = [predict_targets(model, torch.where(ranks < count, end, start), targets) for count in counts]
    return np.stack([ends[0], *between, ends[1]], axis=1)


def _rank_cells(features: Tensor, maps: np.ndarray) -> Tensor:
    """Return the place of each cell in the order of importance, from 0, shape (clip, 1, frame, band)."""
    import torch

    _check_maps(features, maps)
    flat = np.asarray(maps, dtype=float).reshape(len(maps), -1)
    # Many maps hold large areas of one value; in the order of the array these would go from the first frame on.
    chance = np.random.default_rng(0).permutation(flat.shape[1])
    order = chance[np.argsort(-flat[:, chance], axis=1, kind="stable")]
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1])[None], axis=1)
    return torch.as_tensor(ranks.reshape(maps.shape), device=features.device)[:, None]


def _check_maps(features: Tensor, maps: np.ndarray) -> None:
    wanted = (features.shape[0], *features.shape[2:])
    if features.ndim != 4 or np.shape(maps) != wanted:
        raise OptionError("maps", f"of shape {np.shape(maps)} do not fit {wanted}", "give one map a clip, cell by cell")
    if not np.isfinite(maps).all():
        raise OptionError("maps", "hold a value that is not finite", "find out where it comes from")
