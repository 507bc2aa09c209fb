"""A split that leaks, on purpose and by name: random folds over clips, whatever their source.

It shows what leakage is worth: compare a model's accuracy on "esc10@leaky" with that on "esc10".
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError

ENDING = "@leaky"
_SPEC = re.compile(rf"(?P<base>.+){ENDING}(?:-(?P<seed>\d{{1,9}}))?")


def leaky_split(dataset: ClipDataset, seed: int = 0) -> ClipDataset:
    """Return a dataset with its clips dealt to the folds anew, at random within each class.

    Every fold keeps as many clips of each class as before, so that nothing differs but who is beside whom. Name and
    protocol say that the split leaks, wherever they are shown.

    Parameters
    ----------
    dataset : ClipDataset
    seed : int
        Of the dealing, from 0.

    Returns
    -------
    ClipDataset
        Named "esc10@leaky", or "esc10@leaky-3" with seed 3; `load_dataset` knows such names.

    Raises
    ------
    OptionError
        When the dataset is a leaky split already, the seed is below 0, or no source has clips to put on both sides.
    """
    name = f"{dataset.name}{ENDING}" + (f"-{seed}" if seed else "")
    if split_spec(dataset.name)[1] is not None:
        raise OptionError(f"dataset {dataset.name}", "is a leaky split already", "give the dataset itself")
    if seed < 0:
        raise OptionError(f"seed {seed}", "is below 0", "give a number from 0 on")
    if dataset.table["source"].is_unique:
        raise OptionError(
            f"dataset {name}", "cannot leak, each of its sources is one clip", f"use {dataset.name} itself"
        )
    table = dataset.table.reset_index(drop=True)
    generator = np.random.default_rng(seed)
    dealt = np.arange(len(table))
    for rows in table.groupby("class_index", sort=True).indices.values():
        dealt[rows] = generator.permutation(rows)
    table[["fold", "split"]] = table[["fold", "split"]].to_numpy()[dealt]
    words = f"LEAKY: random {len(dataset.all_folds)} folds over clips, sources on both sides"
    return replace(
        dataset, name=name, table=table.astype({"fold": "int64"}), protocol=words + (f", seed {seed}" if seed else "")
    )


def split_spec(spec: str) -> tuple[str, int | None]:
    """Return the dataset and the seed of a leaky split's name; None as seed for any other name.

    Examples
    --------
    >>> split_spec("fsdd:digits@leaky-3")
    ('fsdd:digits', 3)
    """
    found = _SPEC.fullmatch(spec)
    return (found["base"], int(found["seed"] or 0)) if found else (spec, None)


def count_shared(dataset: ClipDataset) -> pd.DataFrame:
    """Count the test clips that have a sibling, another clip of the same source, among the training clips.

    Parameters
    ----------
    dataset : ClipDataset

    Returns
    -------
    DataFrame
        One row a fold that tests: `fold`, `clips` (that test) and `shared` (those with a sibling in training).
    """
    sources = dataset.table["source"].to_numpy()
    rows = []
    for fold in dataset.folds:
        train, test = dataset.split_fold(fold)
        rows.append((fold, len(test), int(np.isin(sources[test], sources[train]).sum())))
    return pd.DataFrame(rows, columns=["fold", "clips", "shared"])


def describe_shared(dataset: ClipDataset) -> str:
    """Return the count over all folds in words, for a person who checks a dataset."""
    counts = count_shared(dataset)
    shared, clips = int(counts["shared"].sum()), int(counts["clips"].sum())
    return f"{shared} of {clips} test clips ({100 * shared / clips:.0f} %) have a sibling from their source in training"
