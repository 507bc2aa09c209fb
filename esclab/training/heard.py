"""What first weights have heard before: a run that is tested on it would be tested on its training clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from esclab.clips import load_dataset, may_share_recordings
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.training.initial import find_donor, name_weights


def refuse_heard(weights: str | Path, dataset: ClipDataset, *, fold: int, validation_fold: int = 0) -> None:
    """Refuse first weights of a run that was trained on clips which the run that begins holds out.

    Clips and sources are compared by name, and only between datasets that may share recordings. What a file without a
    run has heard is not known, nor what the run's own first weights had.

    Parameters
    ----------
    weights : str or Path
        As `create_run` takes them.
    dataset : ClipDataset
    fold, validation_fold : int
        Of the run that begins; both must be unheard.

    Raises
    ------
    OptionError
        When a held-out clip was trained on, or another clip of its source, unless this run trains on others of that
        source itself, as a leaky split does.
    DatasetError
        When the other dataset is not on this machine, so that nobody can tell.
    """
    donor = find_donor(weights)
    if donor is None or not may_share_recordings(donor.config.dataset, dataset.name):
        return
    theirs = dataset if donor.config.dataset == dataset.name else load_dataset(donor.config.dataset)
    heard, _ = _part(theirs, donor.config.fold, donor.config.validation_fold)
    trained, held_out = _part(dataset, fold, validation_fold)
    siblings = held_out["source"].isin(heard["source"]) & ~held_out["source"].isin(trained["source"])
    count = int((held_out["clip"].isin(heard["clip"]) | siblings).sum())
    if count:
        words = f"folds {fold} and {validation_fold} hold" if validation_fold else f"fold {fold} holds"
        raise OptionError(
            f"weights {weights}",
            f"{name_weights(weights)} was trained on {count} of the {len(held_out)} clips of {dataset.name} that "
            f"{words} out, or on others of their sources",
            "give a run that held the same out, or weights of other recordings",
        )


def _part(dataset: ClipDataset, fold: int, validation_fold: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clips that train and all others, the test fold's and the validation fold's."""
    from esclab.training.data import split_rows

    train, _ = split_rows(dataset, fold, validation_fold)
    others = np.setdiff1d(np.arange(len(dataset)), train)
    return dataset.table.iloc[train], dataset.table.iloc[others]
