"""Random state that depends on seed and epoch alone, so a resumed training needs no saved generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seed_epoch(seed: int, epoch: int) -> Iterator[torch.Generator]:
    """Draw everything inside the block from (seed, epoch), and leave the caller's random state as it was.

    Parameters
    ----------
    seed, epoch : int
        Mixed to 63 bits, so that seed 1, epoch 2 and seed 2, epoch 1 share nothing.

    Yields
    ------
    generator : Generator
        On the CPU, for order and augmentation; torch's global generators are seeded too (dropout, weights).
    """
    state = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))
    with torch.random.fork_rng():
        torch.manual_seed(state)
        yield torch.Generator().manual_seed(state)
