"""How long the clips of each class are."""

from __future__ import annotations

import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.clips.durations import measure_durations
from esclab.results import DurationsResult

SLACK_S = 1e-3  # a clip cut to 1 s may be short of it by a sample


def count_durations(dataset: ClipDataset, *, limit_s: float | None = None) -> DurationsResult:
    """Count, for every class, the clips that are shorter than a limit.

    Parameters
    ----------
    dataset : ClipDataset
    limit_s : float, optional
        The length to which clips are padded or cut by default. Clips that lack at most 1 ms do not count as shorter.

    Raises
    ------
    ClipError
        When a recording cannot be opened.
    """
    limit_s = dataset.duration_s if limit_s is None else limit_s
    length_s = pd.Series(measure_durations(dataset))
    rows = []
    for index, class_name in enumerate(dataset.class_names):
        own = length_s[(dataset.table["class_index"] == index).to_numpy()]
        shorter = int((own < limit_s - SLACK_S).sum())
        rows.append(
            {
                "class_name": class_name, "shorter": shorter, "other": len(own) - shorter,
                "shortest_s": own.min(), "median_s": own.median(), "longest_s": own.max(),
            }
        )  # fmt: skip
    return DurationsResult(pd.DataFrame(rows), limit_s, f"Durations of the clips of {dataset.name}")
