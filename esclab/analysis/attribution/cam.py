"""Class activation maps: a layer's channels, weighed and summed, on the layer's own cells.

In the equations A_k is channel k of the layer's output, g_k the gradient of the class's score (the logit) with regard
to it, both with one value a cell.
"""

from __future__ import annotations

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from esclab.analysis.attribution.question import BATCH, Question
from esclab.analysis.cells import weigh_map
from esclab.models.base import Ranges


def map_gradcam(question: Question) -> Tensor:
    """Map relu(sum_k mean(g_k) A_k), by Captum.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.
    """
    method = LayerGradCam(question.model, question.module)
    maps = method.attribute(question.features, target=question.targets, relu_attributions=True)
    return maps.detach().squeeze(1)


def map_gradcam_pp(question: Question) -> Tensor:
    """Map relu(sum_k w_k A_k) with w_k = sum over cells of a_k relu(g_k), a_k = g_k^2 / (2 g_k^2 + g_k^3 sum(A_k)).

    The score is taken as exp(logit), whose derivatives are powers of g_k; its own factor scales the map as a whole and
    is left out. Where the denominator is not above 0, which needs negative activations, a_k is 0.

    Source: Chattopadhay et al., "Grad-CAM++", WACV 2018 (arXiv 1710.11063, equation 19).
    """
    activations, gradients = record_layer(question)
    # Both sides of the fraction divided by g^2, whose third powers leave the range of float32.
    denominator = 2 + gradients * activations.sum((2, 3), keepdim=True)
    shares = torch.where(denominator > 0, 1 / denominator, 0)
    weights = (shares * gradients.relu()).sum((2, 3), keepdim=True)
    return (weights * activations).sum(1).relu()


def map_layercam(question: Question) -> Tensor:
    """Map relu(sum_k relu(g_k) A_k): every cell has a weight of its own.

    Source: Jiang et al., "LayerCAM", IEEE Transactions on Image Processing 30, 2021.
    """
    activations, gradients = record_layer(question)
    return (gradients.relu() * activations).sum(1).relu()


def map_eigencam(question: Question) -> Tensor:
    """Map the activations projected on their first right singular vector; no class is asked for.

    A singular vector has no sign: it is turned so that the map's sum is positive, and what stays below 0 becomes 0.

    Source: Muhammad and Yeasin, "Eigen-CAM", IJCNN 2020.
    """
    activations = watch_layer(question, question.features)
    cells = activations.flatten(2).transpose(1, 2)
    first = torch.linalg.svd(cells, full_matrices=False).Vh[:, 0]
    maps = (cells @ first.unsqueeze(2)).squeeze(2)
    maps = maps * torch.where(maps.sum(1, keepdim=True) < 0, -1.0, 1.0)
    return maps.relu().unflatten(1, activations.shape[2:])


def map_scorecam(question: Question, *, channels: int | None = None) -> Tensor:
    """Map relu(sum_k softmax_k(s_k) A_k), s_k the score of the input seen through channel k, less the baseline's.

    Channel k, brought to the input's cells and to 0..1, is the mask H_k; the network hears the baseline plus
    H_k (input - baseline), which is the product H_k input of the original where the baseline is 0. A channel that is
    the same in every cell is no mask and gets no weight.

    Source: Wang et al., "Score-CAM", CVPR Workshops 2020, algorithm 1.

    Parameters
    ----------
    question : Question
        Of one clip.
    channels : int, optional
        Take only so many channels, those that vary most over the cells, to save time; all by default.
    """
    with torch.no_grad():
        (activations,) = watch_layer(question, question.features)
        alive = (activations.amax((1, 2)) > activations.amin((1, 2))).nonzero().flatten()
        if not len(alive):
            return torch.zeros_like(activations[:1])
        alive = alive[activations[alive].var((1, 2)).argsort(descending=True)][:channels]
        difference, target = question.features - question.baseline, int(question.targets[0])
        ranges = question.model.layer_bands(question.layer)
        everything = len(activations)
        forward = question.count_passes(everything, skipped=everything - len(alive))
        scores = []
        for part in alive.split(BATCH):
            masks = build_masks(activations[part], question.features, ranges=ranges).unsqueeze(1)
            scores.append(forward(question.baseline + masks * difference)[:, target])
        # The baseline's own score is the same for all channels, and a softmax does not see it.
        weights = torch.cat(scores).softmax(0)
        return torch.einsum("k,ktb->tb", weights, activations[alive]).relu()[None]


def build_masks(activations: Tensor, features: Tensor, *, ranges: Ranges | None = None) -> Tensor:
    """Bring channels (channel, t, b) to the frames and bands of `features` and each to 0..1: (channel, frame, band).

    `ranges` are the bands that the layer covers, see `SoundClassifier.layer_bands`; the others are masked away.
    """
    frames, bands = features.shape[2:]
    masks = activations.new_zeros(len(activations), frames, bands)
    for first, last in ranges or ((0, bands),):
        weights = weigh_map(frames, last - first, (activations.shape[1], activations.shape[2]))
        along_time, along_frequency = (torch.from_numpy(w).to(activations) for w in weights)
        masks[:, :, first:last] = along_time @ activations @ along_frequency.t()
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    return (masks - low) / (high - low).clamp_min(torch.finfo(masks.dtype).tiny)


def record_layer(question: Question) -> tuple[Tensor, Tensor]:
    """Return the layer's activations and the gradients of the scores, both (clip, channel, t, b)."""
    activations, logits = _run_from_layer(question, question.features)
    score = logits.gather(1, question.targets[:, None]).sum()
    (gradients,) = torch.autograd.grad(score, activations)
    return activations.detach(), gradients


def watch_layer(question: Question, features: Tensor) -> Tensor:
    """Return the layer's activations (clip, channel, t, b) without gradients."""
    with torch.no_grad():
        return _run_from_layer(question, features)[0]


def _run_from_layer(question: Question, features: Tensor) -> tuple[Tensor, Tensor]:
    """Return activations and logits; the graph starts at the layer, so that nothing before it is differentiated."""
    kept: list[Tensor] = []

    def start_here(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_(torch.is_grad_enabled()))
        return kept[-1]

    handle = question.module.register_forward_hook(start_here)
    try:
        logits = question.model(features)
    finally:
        handle.remove()
    return kept[-1], logits
