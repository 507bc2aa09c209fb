"""Attribution by taking parts of the input away."""

from __future__ import annotations

import math

import torch
from captum.attr import Occlusion
from torch import Tensor

from esclab.analysis.attribution.question import BATCH, Question
from esclab.errors import OptionError


def map_occlusion(
    question: Question, *, window: tuple[int, int] = (20, 8), stride: tuple[int, int] | None = None
) -> Tensor:
    """Map the loss of the class's logit when a window is set to the baseline, by Captum.

    A cell gets the mean over the windows that cover it.

    Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2.

    Parameters
    ----------
    question : Question
        Of one clip.
    window : (int, int)
        Frames and bands of the window; one larger than the input is cut to it.
    stride : (int, int), optional
        Steps between windows; half a window, rounded up, by default.

    Raises
    ------
    OptionError
        When a size or step is below 1, or a step is larger than the window.
    """
    sizes = [min(size, length) for size, length in zip(window, question.features.shape[2:], strict=True)]
    steps = [-(-size // 2) for size in sizes] if stride is None else list(stride)
    if any(not 1 <= step <= size for step, size in zip(steps, sizes, strict=True)):
        raise OptionError(
            f"occlusion window {tuple(window)} with steps {tuple(steps)}",
            "would be empty or leave cells out",
            "give sizes of 1 and more, and steps no larger",
        )
    lengths = question.features.shape[2:]
    windows = [math.ceil((n - size) / step) + 1 for n, size, step in zip(lengths, sizes, steps, strict=True)]
    with torch.no_grad():
        maps: Tensor = Occlusion(question.count_passes(math.prod(windows) + 1)).attribute(
            question.features,
            (1, *sizes),
            (1, *steps),
            question.baseline,
            int(question.targets[0]),
            perturbations_per_eval=BATCH,
        )
    return maps.squeeze(1).float()
