"""Free Spoken Digit Dataset: who speaks, or which digit is spoken."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.clips.download import Archive, install_archive
from esclab.clips.entry import DatasetEntry
from esclab.clips.home import find_dataset, is_there
from esclab.clips.table import build_table, parse_numbers, read_csv, resolve_names
from esclab.errors import DatasetError, OptionError

COLUMNS = ("filename", "speaker", "digit", "take")
FOLDERS = ("fsdd", "free-spoken-digit-dataset", "free-spoken-digit-dataset-1.0.10")
MARKERS = ("meta/fsdd.csv", "recordings")
TEST_TAKES = 5  # takes 0 to 4 are the official test set
PROTOCOLS = {
    "speakers": "5 folds by digit, made by esclab: the two digits of the test fold are not heard in training",
    "digits": "one fold a speaker, made by esclab: the speaker of the test fold is not heard in training",
}
LICENCE = "CC BY-SA 4.0"
CITATION = "Z. Jackson et al. Free Spoken Digit Dataset, v1.0.10. https://doi.org/10.5281/zenodo.1342401"
ARCHIVE = Archive(
    address="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",
    file_name="free-spoken-digit-dataset-1.0.10.zip",
    folder="fsdd",
    markers=MARKERS,
    recordings=3000,
)


def load_fsdd(option: str) -> ClipDataset:
    """Load the Free Spoken Digit Dataset.

    Parameters
    ----------
    option : {"speakers", "digits", ""}
        What is to be told apart. "speakers", also "": the classes are the speakers and fold k holds the
        digits 2k-2 and 2k-1. "digits": the classes are the digits and each fold is one speaker.

    Returns
    -------
    ClipDataset
        `source` is what must not be on both sides of a fold: for "digits" the speaker, for "speakers" each file by
        itself, as every speaker is heard in training. Column `split` is the official one: takes 0-4 test.

    Raises
    ------
    DatasetError
        When it is not on this machine, or its table or file names are damaged.
    OptionError
        When the option is another word.
    """
    option = _check_option(option)
    folder = find_dataset("fsdd", FOLDERS, MARKERS)
    where = folder / MARKERS[0]
    rows, files = _read_table(where) if where.is_file() else _read_names(folder / "recordings")
    speaker_names = sorted(rows["speaker"].unique())
    stems = [file.stem for file in files]
    if option == "speakers":
        classes, folds, sources = rows["speaker"], rows["digit"] // 2 + 1, stems
    else:
        speakers = rows["speaker"]
        classes, folds, sources = rows["digit"].astype(str), speakers.map(speaker_names.index) + 1, list(speakers)
    table, class_names = build_table(
        folder,
        {
            "clip": stems,
            "path": files,
            "class_name": classes,
            "fold": folds,
            "source": sources,
            "split": np.where(rows["take"] < TEST_TAKES, "test", "train"),
        },
    )
    return ClipDataset(
        name=f"fsdd:{option}",
        table=table,
        class_names=class_names,
        duration_s=1.0,
        sample_rate=8000,
        protocol=PROTOCOLS[option],
        licence=LICENCE,
        citation=CITATION,
    )


def get_fsdd(option: str) -> None:
    """Download and unpack the Free Spoken Digit Dataset unless it is there."""
    _check_option(option)
    if not is_there(FOLDERS, MARKERS):
        install_archive(ARCHIVE)


def _check_option(option: str) -> str:
    if option not in ("", *PROTOCOLS):
        raise OptionError(f"fsdd:{option}", "unknown option", "use fsdd:speakers or fsdd:digits")
    return option or "speakers"


def _read_table(path: Path) -> tuple[pd.DataFrame, list[Path]]:
    rows = read_csv(path, COLUMNS)
    files = resolve_names(path, rows["filename"], path.parents[1] / "audio")
    numbers = {column: parse_numbers(path, rows[column]) for column in ("digit", "take")}
    return rows.assign(**numbers), files


def _read_names(folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Read digit, speaker and take from names such as `7_jackson_32.wav`, the official layout."""
    files = sorted(folder.glob("*.wav"))
    matches = [re.fullmatch(r"(\d)_([^_]+)_(\d+)", file.stem) for file in files]
    strange = [file.name for file, match in zip(files, matches, strict=True) if match is None]
    if strange or not files:
        found = f"{len(strange)} names such as {strange[0]!r}" if strange else "no WAV files"
        raise DatasetError(folder, f"has {found} where digit_speaker_take.wav is expected", "fetch it again")
    parts = [match.groups() for match in matches if match is not None]
    rows = pd.DataFrame(parts, columns=["digit", "speaker", "take"])
    return rows.astype({"digit": "int64", "take": "int64"}), files


ENTRY = DatasetEntry(
    name="fsdd",
    summary="spoken digits; fsdd:speakers (6 classes): who speaks, fsdd:digits (10 classes): what is said",
    size="3000 clips of about 0.4 s, 16 MB download",
    licence=LICENCE,
    citation=CITATION,
    load=load_fsdd,
    get=get_fsdd,
)
