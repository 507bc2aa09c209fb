"""Attribution to the input by gradients, all by Captum, of the class's logit per unit of the features (such as dB)."""

from __future__ import annotations

import warnings

import torch
from captum.attr import DeepLift, GradientShap, IntegratedGradients, Saliency
from torch import Tensor

from esclab.analysis.attribution.question import BATCH, Question, differentiable, seed_clip
from esclab.analysis.attribution.stillness import draw_from


def map_saliency(question: Question) -> Tensor:
    """Map the size of the gradient, |dS/dx|.

    Source: Simonyan et al., "Deep inside convolutional networks", ICLR workshop 2014, section 3.1.
    """
    maps: Tensor = Saliency(question.model).attribute(differentiable(question.features), target=question.targets)
    return maps.squeeze(1)


def map_integrated_gradients(question: Question, *, steps: int = 50) -> Tensor:
    """Map (x - b) times the mean gradient on the straight way from the baseline b to x; sums to S(x) - S(b).

    Source: Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017, equation 1.

    Parameters
    ----------
    question : Question
        Of one clip.
    steps : int
        Points of the Gauss-Legendre rule.
    """
    maps: Tensor = IntegratedGradients(question.count_passes(steps)).attribute(
        differentiable(question.features),
        question.baseline,
        int(question.targets[0]),
        n_steps=steps,
        internal_batch_size=BATCH,
    )
    return maps.detach().squeeze(1).float()


def map_deeplift(question: Question) -> Tensor:
    """Map (x - b) times DeepLIFT's multipliers by its rescale rule.

    The rule acts where an activation is a module of its own, used once, as CNN10's ReLUs are. What a network computes
    by functions (attention gates, the product with their weights, the maximum over time) passes the plain gradient on,
    so that there the sum of the map is near S(x) - S(b), not equal to it.

    Source: Shrikumar et al., "Learning important features through propagating activation differences", ICML 2017
    (the rescale rule).
    """
    with warnings.catch_warnings():
        # Captum announces its hooks each time; it takes them off again.
        warnings.filterwarnings("ignore", "Setting forward, backward hooks and attributes on non-linear", UserWarning)
        maps: Tensor = DeepLift(question.model).attribute(
            differentiable(question.features), question.baseline, question.targets
        )
    return maps.detach().squeeze(1)


def map_gradientshap(question: Question, *, samples: int = 48, noise: float = 0.1) -> Tensor:
    """Map the mean of (x + e - b) times the gradient at random points between the baseline b and x + e, e noise.

    The draws depend on the seed and the clip, not on the batch.

    Source: Lundberg and Lee, "A unified approach to interpreting model predictions", NeurIPS 2017; expected gradients
    as Captum's `GradientShap` computes them.

    Parameters
    ----------
    question : Question
        Of one clip.
    samples : int
        Random points.
    noise : float
        Standard deviation of the noise, as a share of the mean spread of the model's bands.
    """
    features = differentiable(question.features)
    method = GradientShap(question.count_passes(samples))
    deviation = noise * float(question.model.input_std.mean())
    total = torch.zeros_like(question.features)
    with draw_from(seed_clip(question.seed, question.features), features.device):
        for start in range(0, samples, BATCH):
            count = min(BATCH, samples - start)
            mean = method.attribute(
                features, question.baseline, n_samples=count, stdevs=deviation, target=int(question.targets[0])
            )
            total += mean.detach() * (count / samples)
    return total.squeeze(1)
