"""Recordings and their labels: datasets, folds, checks, and reading audio.

Adding a dataset is one file that defines an `ENTRY` and one line in `DATASETS`.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from esclab.clips.audio import AudioInfo, audio_info, read_audio, read_clip, read_windows
from esclab.clips.checks import CheckReport, check_dataset
from esclab.clips.dataset import ClipDataset
from esclab.clips.digest import digest_clips
from esclab.clips.entry import DatasetEntry
from esclab.clips.home import data_folders, data_home
from esclab.clips.leaky import count_shared, leaky_split, split_spec

from esclab.clips import csv_table, dcase, esc, folder, fsdd, speech_commands, synth, urbansound8k  # isort: skip
from esclab.errors import OptionError

__all__ = [
    "DATASETS",
    "AudioInfo",
    "CheckReport",
    "ClipDataset",
    "DatasetEntry",
    "audio_info",
    "check_dataset",
    "check_spec",
    "count_shared",
    "data_folders",
    "data_home",
    "digest_clips",
    "find_entry",
    "get_dataset",
    "leaky_split",
    "load_dataset",
    "may_share_recordings",
    "name_dataset",
    "read_audio",
    "read_clip",
    "read_windows",
]

DATASETS: dict[str, DatasetEntry] = {
    "synth10": synth.ENTRY,
    "esc10": esc.ENTRY_ESC10,
    "esc50": esc.ENTRY,
    "urbansound8k": urbansound8k.ENTRY,
    "fsdd": fsdd.ENTRY,
    speech_commands.NAME: speech_commands.ENTRY,
    **dcase.ENTRIES,
    "folder": folder.ENTRY,
    "csv": csv_table.ENTRY,
}


def load_dataset(spec: str) -> ClipDataset:
    """Load a dataset that is on this machine.

    Parameters
    ----------
    spec : str
        A name, or a name and an option: "esc10", "synth10:80", "fsdd:digits", "folder:/path",
        "csv:/path/table.csv". Each may end in "@leaky", which deals the clips to random folds (see `leaky_split`).

    Raises
    ------
    OptionError
        When the name or the option is unknown.
    DatasetError
        When the data are not here or damaged.
    """
    spec, seed = split_spec(spec)
    entry, option = _parse_spec(spec)
    dataset = entry.load(option)
    return dataset if seed is None else leaky_split(dataset, seed)


def check_spec(spec: str) -> None:
    """Refuse an unknown name, or a path that is not there, without loading anything; errors as in `load_dataset`."""
    entry, option = _parse_spec(split_spec(spec)[0])
    if entry in (folder.ENTRY, csv_table.ENTRY) and not Path(option).expanduser().exists():
        entry.load(option)  # says what is missing


def get_dataset(spec: str) -> None:
    """Make or download a dataset, unless it is there; `spec` and errors as in `load_dataset`."""
    entry, option = _parse_spec(split_spec(spec)[0])
    entry.get(option)


def find_entry(spec: str) -> DatasetEntry | None:
    """Return the dataset that a spec such as "fsdd:digits@leaky" is about; None where no such is known."""
    return DATASETS.get(split_spec(spec)[0].partition(":")[0])


def name_dataset(spec: str) -> str:
    """Return the dataset that a spec names, whatever its size, part or split; one's own folder or table with its path.

    Examples
    --------
    >>> name_dataset("synth10:50@leaky")
    'synth10'
    """
    whole = split_spec(spec)[0]
    name = whole.partition(":")[0]
    return whole if name in (folder.ENTRY.name, csv_table.ENTRY.name) else name


def may_share_recordings(first: str, second: str) -> bool:
    """Return whether two specs name datasets that may have recordings in common: the same one, or ESC-10 and ESC-50."""
    names = {name_dataset(first), name_dataset(second)}
    collections = {(DATASETS[name].recordings if name in DATASETS else "") or name for name in names}
    return len(collections) == 1


def _parse_spec(spec: str) -> tuple[DatasetEntry, str]:
    name, _, option = spec.partition(":")
    if name not in DATASETS:
        if name.partition("@")[0] in DATASETS:
            raise OptionError(f"dataset {name!r}", "has no such split", f"write {name.partition('@')[0]}@leaky")
        near = difflib.get_close_matches(name.lower(), DATASETS, n=1)
        guess = f"did you mean {near[0]}? Or choose" if near else "choose"
        raise OptionError(f"dataset {name!r}", "unknown", f"{guess} one of {', '.join(DATASETS)}")
    return DATASETS[name], option
