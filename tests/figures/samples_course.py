"""Made-up trajectories and durations, for the tests of figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.results import DurationsResult, TrajectoryResult
from tests.figures.samples import CLASSES


def sample_trajectory() -> TrajectoryResult:
    """Two runs of 3,000 steps, more than are drawn: a ratio that rises and falls, a block size that grows."""
    step = np.arange(1, 3001)
    parts = [
        pd.DataFrame({"run": f"run of seed {seed}", "panel": panel, "line": line, "iteration": step, "value": y})
        for seed in (0, 1)
        for panel, line, y in (
            ("Masking ratio", "ratio", 0.45 + 0.2 * np.sin(step / (700 + 200 * seed))),
            ("Block size (cells)", "block", 14 - 6 * np.exp(-step / (900 + 300 * seed))),
        )
    ]
    table = pd.concat(parts, ignore_index=True)
    return TrajectoryResult(table, {"Masking ratio": (0.05, 0.95)}, "What spectromasknet learned on esc10")


def sample_durations() -> DurationsResult:
    """Ten classes, some with a few short clips, one with short clips only."""
    shorter = np.array([4, 0, 0, 12, 7, 40, 3, 0, 1, 22])
    table = pd.DataFrame({"class_name": CLASSES, "shorter": shorter, "other": 40 - shorter})
    return DurationsResult(
        table.assign(shortest_s=0.4, median_s=0.98, longest_s=1.0), 1.0, "Durations of the clips of speech-commands"
    )
