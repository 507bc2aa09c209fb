"""The clip table: one row a clip, and what is known about the whole collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from esclab.errors import OptionError

COLUMNS = ("clip", "path", "class_name", "class_index", "fold", "source", "split", "onset_s", "offset_s")


@dataclass(frozen=True)
class ClipDataset:
    """A collection of labelled clips with its folds.

    Attributes
    ----------
    name : str
        The words it is loaded with, e.g. "esc10" or "synth10:80"; `load_dataset(name)` gives the same clips.
    table : DataFrame
        One row a clip: `clip` (unique name), `path` (absolute), `class_name`, `class_index` (0..classes-1), `fold`
        (from 1), `source` (the recording it was cut from, or the speaker where speakers are held out), `split`
        ("train", "test" or "" where the data have none), `onset_s` and `offset_s` (the part of the file that is the
        clip, NaN for the whole file).
    class_names : tuple of str
        Names in the order of `class_index`.
    duration_s : float
        Length to which clips are padded or cut.
    sample_rate : int
        The recordings' own rate, in Hz.
    protocol : str
        Who made the folds, e.g. "official 5 folds"; a protocol that leaks says so here.
    licence, citation : str
    events : DataFrame or None
        Where known, one row an event: `clip`, `onset_s`, `offset_s`, `low_hz`, `high_hz`.
    categories : mapping of str to str
        Class name to its parent category, where the data have such; empty elsewhere.
    devices : mapping of str to str
        Clip name to the device that recorded it, where that differs among clips; empty elsewhere.
    test_folds : tuple of int
        The folds that test, where the others only part the training clips for validation; empty where all test in turn.
    """

    name: str
    table: pd.DataFrame
    class_names: tuple[str, ...]
    duration_s: float
    sample_rate: int
    protocol: str
    licence: str = ""
    citation: str = ""
    events: pd.DataFrame | None = field(default=None, repr=False)
    categories: Mapping[str, str] = field(default_factory=dict, repr=False)
    devices: Mapping[str, str] = field(default_factory=dict, repr=False)
    test_folds: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.table)

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that test, in order."""
        return self.test_folds or self.all_folds

    @property
    def all_folds(self) -> tuple[int, ...]:
        """The folds of the table, in order; each may validate while another one tests."""
        return tuple(int(fold) for fold in sorted(self.table["fold"].unique()))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and bytes of all recordings: the content that features are computed from."""
        from esclab.clips.digest import digest_clips

        return digest_clips(self.table)

    def split_fold(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that train and the rows that test when `fold` is held out.

        Parameters
        ----------
        fold : int
            The test fold, one of `folds`; all other clips train.

        Returns
        -------
        train, test : ndarray of int
            Row numbers of the table.

        Raises
        ------
        OptionError
            When the dataset has no such fold, or it does not test.
        """
        held_out = self._rows_of(fold, self.folds)
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def split_validation(self, fold: int, validation_fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that train and that validate when `fold` stays unseen; see `split_fold`.

        Raises
        ------
        OptionError
            When the dataset has no such folds, or both are the same.
        """
        train, _ = self.split_fold(fold)
        validation = np.flatnonzero(self._rows_of(validation_fold, self.all_folds))
        if validation_fold == fold:
            raise OptionError("validation fold", f"{fold} is the test fold", "choose one of the training folds")
        return np.setdiff1d(train, validation), validation

    def _rows_of(self, fold: int, allowed: tuple[int, ...]) -> np.ndarray:
        """Return whether each row is of a fold, bool, shape (clip,)."""
        if fold not in allowed:
            known = fold in self.all_folds
            raise OptionError(
                f"fold {fold}",
                f"{self.name} tests on other folds only" if known else f"{self.name} has no such fold",
                f"choose one of {', '.join(map(str, allowed))}",
            )
        return (self.table["fold"] == fold).to_numpy()
