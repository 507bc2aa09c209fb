"""Does an explanation look at what the network learned? Its maps against those of a network of random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.models.base import SoundClassifier


def randomisation_similarity(
    model: SoundClassifier,
    features: Tensor,
    method: str,
    *,
    targets: np.ndarray,
    layer: str | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return how much a method's maps stay the same when the network forgets all that it learned.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode.
    features : Tensor of shape (clip, 1, frame, band)
    method : str
        A key of `esclab.analysis.attribution.METHODS`.
    targets : ndarray of int, shape (clip,)
        The class that is explained, of both networks.
    layer : str, optional
        Of methods that look at one.
    seed : int
        Of the random weights, and of the method where it draws.

    Returns
    -------
    similarity : ndarray of shape (clip,)
        `rank_similarity` of the maps of the network and of `randomise_weights`. Near 0 is good; a map that does not
        look at the network at all (spectrogram, random) has 1.

    Notes
    -----
    Adebayo et al. 2018, "Sanity checks for saliency maps", section 3: all weights at once, signed maps.
    """
    from esclab.analysis.attribution import attribute

    networks = model, randomise_weights(model, seed=seed)
    maps = [
        attribute(network, features, method=method, target=targets.tolist(), layer=layer, seed=seed)
        for network in networks
    ]
    return rank_similarity(*maps)


def randomise_weights(model: SoundClassifier, *, seed: int = 0) -> SoundClassifier:
    """Return a copy of a network with fresh weights, in evaluation mode; the input is standardised as before.

    Layers draw as for a new training. A parameter of a module that cannot reset itself is shuffled. No other random
    numbers are changed.
    """
    import copy

    import torch

    from esclab.models.base import initialise_weights

    fresh = copy.deepcopy(model)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for parameter in module.parameters(recurse=False):
                order = torch.randperm(parameter.numel(), device=parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
        initialise_weights(fresh)
    return fresh.eval()


def rank_similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of two maps of each clip, (clip, frame, band) to (clip,), in -1..1.

    A map without differences has no ranks: it gives 1 with a map that has none either, else 0.
    """
    from scipy.stats import rankdata

    centred = []
    for maps in (a, b):
        ranks = rankdata(maps.reshape(len(maps), -1), axis=1)
        centred.append(ranks - ranks.mean(axis=1, keepdims=True))
    spread = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    flat = [(ranks == 0).all(axis=1) for ranks in centred]
    product = (centred[0] * centred[1]).sum(axis=1)
    similarity = np.divide(product, spread, out=np.zeros_like(product), where=spread > 0)
    return np.where(flat[0] & flat[1], 1.0, similarity)
