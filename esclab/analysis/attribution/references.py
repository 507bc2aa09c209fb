"""Maps to hold others against: the network's own gates, the input's level, and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from esclab.analysis.cells import spread_cells
from esclab.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from esclab.analysis.attribution.question import Question


def find_gates(model: nn.Module) -> tuple[str, ...]:
    """Return the names of a network's layers whose gates weigh frames, bands or cells, e.g. ("block1", "block2")."""
    from esclab.models import recording

    return tuple(name for name, gate in recording.find_gates(model).items() if gate.weighs_cells)


def map_attention(question: Question) -> Tensor:
    """Map the weight that the network's gates give to each cell (`LayerAttention.cells`), for no class.

    Of the layer that is asked for; of none, the mean over all, each brought to the input's frames and bands. The gates
    of a block stand before its pooling, so their cells are those of the block's input.

    Source: Wang et al., "Environmental sound classification with parallel temporal-spectral attention", Interspeech
    2020, equations 1 to 8.
    """
    import torch

    from esclab.models.recording import record_attention

    with torch.no_grad(), record_attention(question.model) as recorded:
        question.model(question.features)
    frames, bands = question.features.shape[2:]
    layers = [question.layer] if question.layer else find_gates(question.model)
    weights = {layer: recorded[layer].cells for layer in layers}
    maps = [
        spread_cells(cells.numpy(), frames, bands, ranges=question.model.layer_bands(layer))
        for layer, cells in weights.items()
        if cells is not None
    ]
    return torch.from_numpy(np.mean(maps, axis=0))


def map_spectrogram(question: Question) -> Tensor:
    """Map the standardised input, from each clip's minimum up: what a network would use that trusts loudness alone."""
    standardised = (question.features - question.model.input_mean) / question.model.input_std
    maps = standardised.squeeze(1)
    return maps - maps.amin((1, 2), keepdim=True)


def map_random(question: Question, *, smooth: float = 2.0) -> Tensor:
    """Map uniform noise in 0..1, smoothed: what chance alone scores.

    The draw depends on the seed and the clip, not on the batch. Some smoothing makes patches like other maps have;
    without it, taking cells away in this order would shatter the input as no method does.

    Parameters
    ----------
    question : Question
    smooth : float
        Standard deviation of the Gaussian that smooths, in frames and bands; 0 for none.

    Raises
    ------
    OptionError
        When `smooth` is below 0.
    """
    import torch
    from scipy.ndimage import gaussian_filter

    from esclab.analysis.attribution.question import seed_clip

    if not smooth >= 0:
        raise OptionError(f"smooth {smooth}", "is below 0", "give 0 for none, or a number of frames and bands")
    maps = []
    for clip in question.features:
        noise = np.random.default_rng(seed_clip(question.seed, clip)).random(clip.shape[1:])
        # Around the ends, so that no place is likelier to hold the maximum; a mirrored border would draw it there.
        maps.append(gaussian_filter(noise, smooth, mode="wrap") if smooth else noise)
    return torch.from_numpy(np.stack(maps))
