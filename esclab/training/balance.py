"""Over-sampling: clips of small classes drawn more than once in an epoch, until all classes are equally large.

Source: FreqCNN, section 5.1 ("We randomly over-sampled some audio for training because of the class imbalance").
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def count_drawn(classes: np.ndarray, *, oversample: bool) -> int:
    """Return the number of clips in an epoch.

    Parameters
    ----------
    classes : ndarray of int, shape (clip,)
        Class of each training clip.
    oversample : bool
    """
    counts = np.unique(classes, return_counts=True)[1]
    return int(counts.max()) * len(counts) if oversample else len(classes)


def draw_balanced(classes: np.ndarray, generator: torch.Generator) -> Tensor:
    """Return places in `classes`, in random order, such that each class occurs as often as the largest.

    Every clip comes at least once; a class of n clips beside one of m comes m // n times as a whole, and the rest is
    drawn without replacement.

    Parameters
    ----------
    classes : ndarray of int, shape (clip,)
    generator : Generator

    Returns
    -------
    Tensor of int64, shape (class x largest class,)
    """
    largest = int(np.unique(classes, return_counts=True)[1].max())
    drawn = []
    for one in np.unique(classes):
        places = torch.from_numpy(np.flatnonzero(classes == one))
        rounds, rest = divmod(largest, len(places))
        drawn += [places.repeat(rounds), places[torch.randperm(len(places), generator=generator)[:rest]]]
    balanced = torch.cat(drawn)
    return balanced[torch.randperm(len(balanced), generator=generator)]
