"""What a kind of noise is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Draw = Callable[[int, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class NoiseEntry:
    """A kind of noise.

    Attributes
    ----------
    label : str
        For titles and legends; names what is only synthesised to be like something.
    summary : str
        One line about the sound.
    draw : callable
        `draw(count, sample_rate, generator)` returns `count` samples, shape (sample,), at any level; the same state
        of the generator gives the same samples.
    synthetic : bool
        Whether it is made by a formula; False for a recording.
    """

    label: str
    summary: str
    draw: Draw
    synthetic: bool = True
