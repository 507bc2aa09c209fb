"""What a training's learned numbers did, and how long a dataset's clips are."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class TrajectoryResult:
    """Numbers that move in training, such as the weight of a branch.

    Attributes
    ----------
    table : DataFrame
        One row a run, number and step: `run`, `panel` (what is measured, with its unit, e.g. "Block size (cells)"),
        `line` (the number's name), `iteration`, `value`.
    bounds : dict of str to (float, float)
        Lowest and highest value that a panel's numbers can take, where known.
    label : str
    """

    table: pd.DataFrame
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class DurationsResult:
    """How long the clips of each class are.

    Attributes
    ----------
    table : DataFrame
        One row a class: `class_name`, `shorter` and `other` (clips shorter than `limit_s`, and all others),
        `shortest_s`, `median_s`, `longest_s`.
    limit_s : float
    label : str
    """

    table: pd.DataFrame
    limit_s: float
    label: str = ""
