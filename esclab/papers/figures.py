"""What a paper's figures are handed over as: which of the package's figures draws which result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PaperFigure:
    """A figure of a paper, ready to be drawn.

    Attributes
    ----------
    stem : str
        Its file name without an ending, e.g. "figure_5".
    figure : str
        A key of `esclab.figures.FIGURES`.
    result : dataclass
        Of the type that the figure takes.
    options : dict
        The figure's own keywords.
    """

    stem: str
    figure: str
    result: Any
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A figure of a paper that cannot be made of the runs that are there, and why."""

    stem: str
    reason: str
