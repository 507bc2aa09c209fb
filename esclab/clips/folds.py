"""Folds for collections that come without: by source recording, so that no recording is on both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.errors import DatasetError

FOLDS = 5
SEED = 0


def make_folds(where: str, class_names: pd.Series, sources: pd.Series) -> np.ndarray:
    """Return a fold for each clip: a source in one fold, the classes spread as evenly as the sources allow.

    scikit-learn's `StratifiedGroupKFold`, shuffled with a fixed seed; five folds, or fewer where a class has
    fewer sources.

    Parameters
    ----------
    where : str
        The dataset or file, for the message.
    class_names, sources : Series of str, length clips
        Class and source recording of each clip.

    Returns
    -------
    ndarray of int, shape (clip,)
        Folds from 1.

    Raises
    ------
    DatasetError
        When a class has clips from one source only.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    counts = sources.groupby(class_names.to_numpy()).nunique()
    if counts.min() < 2:
        raise DatasetError(
            where,
            f"class {counts.idxmin()!r} has one source only, which cannot be in training and in test",
            "add recordings to that class or remove it",
        )
    splitter = StratifiedGroupKFold(min(FOLDS, int(counts.min())), shuffle=True, random_state=SEED)
    folds = np.zeros(len(sources), dtype=np.int64)
    for fold, (_, held_out) in enumerate(splitter.split(folds, class_names, sources), start=1):
        folds[held_out] = fold
    return folds


def describe_made_folds(folds: np.ndarray) -> str:
    """Return the protocol's words for folds of `make_folds`."""
    return f"grouped {folds.max()}-fold by source, made by esclab"


def find_shared_sources(table: pd.DataFrame) -> list[str]:
    """Return a line for every source that has clips in more than one fold, with one clip of each fold."""
    lines = []
    pairs = table.drop_duplicates(["source", "fold"])
    for source, firsts in pairs[pairs.duplicated("source", keep=False)].groupby("source", sort=True):
        clips = ", ".join(f"{clip} in fold {fold}" for clip, fold in firsts[["clip", "fold"]].to_numpy())
        lines.append(f"source {source} is in {len(firsts)} folds: {clips}")
    return lines
