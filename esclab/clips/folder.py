"""The user's own recordings: a folder with one folder a class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from esclab.clips.audio import audio_info
from esclab.clips.dataset import ClipDataset
from esclab.clips.entry import DatasetEntry
from esclab.clips.folds import describe_made_folds, make_folds
from esclab.clips.table import AUDIO_SUFFIXES, build_table
from esclab.errors import ClipError, DatasetError, OptionError

LONGEST_S = 10.0  # clips are not padded to more than this; longer ones are cut
OWN = "your own"


def load_folder(option: str) -> ClipDataset:
    """Load a folder whose folders are classes, with the recordings inside them (at any depth).

    Every file counts as a recording of its own, but for files of one name and different formats. The folds
    are made by source, `esclab.clips.folds.make_folds`. Clips are padded to the longest of them, at most 10
    s.

    Parameters
    ----------
    option : str
        The folder, e.g. "/home/me/birds" or "birds".

    Raises
    ------
    DatasetError
        When there is no such folder, or it has no recordings, one class, or a class with one recording only.
    """
    root = check_path("folder", option)
    if not root.is_dir():
        raise DatasetError(root, "is no folder", "name a folder that holds one folder a class")
    files = sorted(_find_recordings(root))
    if not files:
        raise DatasetError(
            root, "has no recordings in folders", "put the recordings of each class into a folder of its own"
        )
    clips = pd.Series([file.relative_to(root).as_posix() for file in files])
    classes = clips.str.split("/").str[0]
    sources = pd.Series([file.relative_to(root).with_suffix("").as_posix() for file in files])
    folds = make_folds(str(root), classes, sources)
    table, class_names = build_table(
        root, {"clip": clips, "path": files, "class_name": classes, "fold": folds, "source": sources}
    )
    duration_s, sample_rate = measure_clips(root, table)
    return ClipDataset(
        name=f"folder:{root}",
        table=table,
        class_names=class_names,
        duration_s=duration_s,
        sample_rate=sample_rate,
        protocol=describe_made_folds(folds),
        licence=OWN,
    )


def measure_clips(where: Path, table: pd.DataFrame) -> tuple[float, int]:
    """Return the longest clip's length (s, at most 10) and the most common rate (Hz).

    Bad files are passed over; of two rates that are as common, the higher counts.

    Raises
    ------
    DatasetError
        When not one file can be read.
    """
    rates: Counter[int] = Counter()
    longest_s, last_error = 0.0, None
    for path, onset_s, offset_s in table[["path", "onset_s", "offset_s"]].itertuples(index=False):
        try:
            info = audio_info(path)
        except ClipError as error:
            last_error = error
            continue
        rates[info.sample_rate] += 1
        end_s = info.duration_s if pd.isna(offset_s) else offset_s
        longest_s = max(longest_s, end_s - (0.0 if pd.isna(onset_s) else onset_s))
    if not rates:
        raise DatasetError(where, f"not one of its files can be read, e.g. {last_error}", "replace them")
    return min(longest_s, LONGEST_S), max(rates, key=lambda rate: (rates[rate], rate))


def check_path(name: str, option: str) -> Path:
    """Return the path that a spec such as "folder:birds" names; `OptionError` when it names none."""
    if not option:
        raise OptionError(name, "needs a path", f"write {name}:/path/to/your/data")
    return Path(option).expanduser().absolute()


def _find_recordings(root: Path) -> list[Path]:
    return [
        file
        for file in root.rglob("*")
        if file.suffix.lower() in AUDIO_SUFFIXES
        and len(file.relative_to(root).parts) > 1
        and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]


def get_folder(option: str) -> None:
    """Check that the folder can be loaded: there is nothing to fetch."""
    load_folder(option)


ENTRY = DatasetEntry(
    name="folder",
    summary="your own recordings, folder:/path with one folder a class; folds are made by source",
    size="as large as yours",
    licence=OWN,
    citation="",
    load=load_folder,
    get=get_folder,
)
