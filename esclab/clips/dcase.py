"""DCASE's acoustic scenes (Task 1 of 2018, 2019 and 2020): ten scenes or three, recorded in cities of Europe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.clips.dcase_parts import MARKERS, PARTS, install_parts
from esclab.clips.entry import DatasetEntry
from esclab.clips.folds import make_folds
from esclab.clips.home import find_dataset, is_there
from esclab.clips.table import build_table, cell_error, read_csv, refuse, refuse_option, resolve_names
from esclab.errors import DatasetError, OptionError

COLUMNS = ("filename", "scene_label", "identifier", "source_label")
SETUP = "evaluation_setup"
COLLECTION = "TAU Urban Acoustic Scenes"  # later years extend earlier ones
# The test part is written with and without labels; 2018 has .txt files without a header, later years .csv with one.
PART_FILES = {"train": ("fold1_train",), "test": ("fold1_evaluate", "fold1_test")}
SUFFIXES = (".csv", ".txt")
TEST_FOLD = 1
SCENES = (
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
)
MOBILE_DEVICES = ("a", "b", "c", "s1", "s2", "s3", "s4", "s5", "s6")
LICENCE = "free for academic use, no commercial use (Tampere University)"
CITATIONS = {
    2018: (
        "A. Mesaros, T. Heittola and T. Virtanen. A multi-device dataset for urban acoustic scene classification. "
        "Proceedings of the DCASE 2018 Workshop, 9-13, 2018."
    ),
    2020: (
        "T. Heittola, A. Mesaros and T. Virtanen. Acoustic scene classification in DCASE 2020 Challenge: "
        "generalization across devices and low complexity solutions. Proceedings of the DCASE 2020 Workshop, 56-60, "
        "2020."
    ),
}


@dataclass(frozen=True)
class Task:
    """One development set of DCASE's Task 1.

    Attributes
    ----------
    summary, size : str
        As `DatasetEntry`.
    citation : str
    sample_rate : int
        In Hz.
    class_names : tuple of str
        In the official order.
    devices : tuple of str
        Names of the recording devices; s1 to s6 are simulated.
    """

    summary: str
    size: str
    citation: str
    sample_rate: int = 48_000
    class_names: tuple[str, ...] = SCENES
    devices: tuple[str, ...] = ("a",)


TASKS = {
    "dcase2018-1a": Task(
        "10 urban scenes in 6 cities, official training/test split",
        "8640 clips of 10 s, 21 GB download",
        CITATIONS[2018],
    ),
    "dcase2019-1a": Task(
        "10 urban scenes in 10 cities, official training/test split",
        "14400 clips of 10 s, 36 GB download",
        CITATIONS[2018],
    ),
    "dcase2020-1a": Task(
        "10 urban scenes by 9 devices, official training/test split; dcase2020-1a:a has device a only",
        "about 23000 clips of 10 s, 27 GB download",
        CITATIONS[2020],
        sample_rate=44_100,
        devices=MOBILE_DEVICES,
    ),
    "dcase2020-1b": Task(
        "urban scenes in 3 classes (indoor, outdoor, transportation), official training/test split",
        "14400 clips of 10 s, 36 GB download",
        CITATIONS[2020],
        class_names=("indoor", "outdoor", "transportation"),
    ),
}


def load_dcase(name: str, option: str) -> ClipDataset:
    """Load a development set in its official layout: `meta.csv`, `evaluation_setup/` and `audio/`.

    Fold 1 is the official test part and the only fold that tests, so that `split_fold(1)` is the official split. The
    training part is in the folds from 2 on, which esclab makes by location (`make_folds`), for validation only. Clips
    in neither part are left out; `protocol` counts them.

    Parameters
    ----------
    name : str
        A key of `TASKS`.
    option : str
        A device, e.g. "a", where the set has several; "" for all of them.

    Returns
    -------
    ClipDataset
        `source` is the location, `split` the official part, and `devices` the device of each clip where the set has
        several.

    Raises
    ------
    DatasetError
        When it is not on this machine, or its tables are damaged or contradict each other.
    OptionError
        When the device is unknown, or not in the training part.
    """
    task = TASKS[name]
    _check_option(name, option)
    folder = find_dataset(name, (PARTS[name].folder,), MARKERS)
    path = folder / MARKERS[0]
    rows = read_csv(path, COLUMNS, separator="\t")
    _check_words(path, rows["scene_label"], task.class_names)
    _check_words(path, rows["source_label"], task.devices)
    rows = _add_folds(path, rows.assign(split=_read_split(folder, rows)))
    if option:
        rows = _keep_device(name, option, rows)
    unused = int((rows["split"] == "").sum())
    rows = rows[rows["split"] != ""]
    files = resolve_names(path, rows["filename"], folder)
    clips = [file.stem for file in files]
    table, class_names = build_table(
        path,
        {
            "clip": clips,
            "path": files,
            "class_name": rows["scene_label"],
            "class_index": rows["scene_label"].map(task.class_names.index),
            "fold": rows["fold"],
            "source": rows["identifier"],
            "split": rows["split"],
        },
    )
    return ClipDataset(
        name=f"{name}:{option}" if option else name,
        table=table,
        class_names=class_names,
        duration_s=10.0,
        sample_rate=task.sample_rate,
        protocol="official split, fold 1 tests" + (f"; {unused} clips of neither part left out" if unused else ""),
        licence=LICENCE,
        citation=task.citation,
        devices=dict(zip(clips, rows["source_label"], strict=True)) if len(task.devices) > 1 else {},
        test_folds=(TEST_FOLD,),
    )


def get_dcase(name: str, option: str) -> None:
    """Download and unpack a development set unless it is there; see `load_dcase` for the option and errors."""
    _check_option(name, option)
    if not is_there((PARTS[name].folder,), MARKERS):
        install_parts(PARTS[name])


def _check_option(name: str, option: str) -> None:
    devices = TASKS[name].devices
    if len(devices) == 1:
        refuse_option(name, option)
    elif option not in ("", *devices):
        raise OptionError(f"{name}:{option}", "no such device", f"use one of {', '.join(devices)}, or {name} alone")


def _check_words(path: Path, column: pd.Series, words: tuple[str, ...]) -> None:
    known = column.isin(words)
    if not known.all():
        raise cell_error(path, column, ~known, cause=f"is none of {', '.join(words)}")


def _read_split(folder: Path, rows: pd.DataFrame) -> list[str]:
    """Return the official part of each row of `meta.csv`: "train", "test" or "" for neither."""
    labels = dict(zip(rows["filename"], rows["scene_label"], strict=True))
    train, test = (set(_read_part(_find_part(folder, stems), labels)) for stems in PART_FILES.values())
    both = [f"{name} is in the training and in the test part" for name in sorted(train & test)]
    refuse(folder / SETUP, both, "fetch the official files again")
    return ["train" if name in train else "test" if name in test else "" for name in rows["filename"]]


def _find_part(folder: Path, stems: tuple[str, ...]) -> Path:
    names = [stem + suffix for stem in stems for suffix in SUFFIXES]
    found = next((folder / SETUP / name for name in names if (folder / SETUP / name).is_file()), None)
    if found is None:
        raise DatasetError(folder / SETUP, f"has no {names[0]}", "unpack the archive that ends in .meta.zip there")
    return found


def _read_part(path: Path, labels: dict[str, str]) -> pd.Series:
    """Return the file names that a part lists, indexed by their line; labels must be those of `meta.csv`."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(path, f"cannot be read ({error})", "fetch it again") from error
    cells = {number: line.split("\t") for number, line in enumerate(lines, start=1) if line.strip()}
    if cells.get(1, [""])[0] == "filename":
        del cells[1]
    if not cells:
        raise DatasetError(path, "lists no clips", "fetch it again")
    names = pd.Series({number: row[0] for number, row in cells.items()}, name="filename")
    unknown = ~names.isin(labels.keys())
    if unknown.any():
        raise cell_error(path, names, unknown, cause="is not in meta.csv")
    told = pd.Series({number: row[1] for number, row in cells.items() if len(row) > 1}, name="scene_label", dtype=str)
    other = told != names[told.index].map(labels)
    if other.any():
        raise cell_error(path, told, other, cause="is not the label that meta.csv has")
    return names


def _add_folds(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Add `fold`: 1 for the test part, from 2 on by location for the training part, 0 for neither."""
    folds = np.zeros(len(rows), dtype=np.int64)
    train = (rows["split"] == "train").to_numpy()
    folds[(rows["split"] == "test").to_numpy()] = TEST_FOLD
    folds[train] = TEST_FOLD + make_folds(str(path), rows["scene_label"][train], rows["identifier"][train])
    return rows.assign(fold=folds)


def _keep_device(name: str, device: str, rows: pd.DataFrame) -> pd.DataFrame:
    trained = sorted(rows["source_label"][rows["split"] == "train"].unique())
    if device not in trained:
        raise OptionError(
            f"{name}:{device}", "this device is not in the training part", f"use one of {', '.join(trained)}"
        )
    return rows[rows["source_label"] == device]


ENTRIES = {
    name: DatasetEntry(
        name=name,
        summary=task.summary,
        size=task.size,
        licence=LICENCE,
        citation=task.citation,
        load=partial(load_dcase, name),
        get=partial(get_dcase, name),
        has_devices=len(task.devices) > 1,
        recordings=COLLECTION,
    )
    for name, task in TASKS.items()
}
