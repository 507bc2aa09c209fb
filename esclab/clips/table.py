"""From a dataset's own CSV or file names to the clip table, with errors that name file, row and column."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from esclab.clips.dataset import COLUMNS
from esclab.clips.folds import find_shared_sources
from esclab.errors import DatasetError, OptionError

AUDIO_SUFFIXES = (
    ".wav",
    ".ogg",
    ".flac",
    ".mp3",
    ".aif",
    ".aiff",
    ".opus",
    ".oga",
    ".caf",
    ".au",
    ".w64",
    ".rf64",
)
LISTED = 5  # problems spelled out in one message


def read_csv(path: Path, required: Iterable[str] = (), *, separator: str = ",") -> pd.DataFrame:
    """Read a CSV file as text, in any column order, with or without a byte-order mark.

    Parameters
    ----------
    path : Path
    required : iterable of str
        Columns that must be there.
    separator : str
        What stands between two cells.

    Returns
    -------
    DataFrame of str
        Index: the row of the file, counted from 1 with the header as row 1.

    Raises
    ------
    DatasetError
        When the file cannot be read, is empty or lacks a column.
    """
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,
            on_bad_lines="error",
        )
    except OSError as error:
        raise DatasetError(path, f"cannot be opened ({error.strerror or error})", "check its name") from error
    except (ValueError, pd.errors.ParserError) as error:  # ValueError: empty file, wrong encoding
        raise DatasetError(path, f"is no CSV table ({error})", "save it as comma-separated UTF-8") from error
    table.columns = table.columns.str.strip()
    table.index = pd.RangeIndex(2, len(table) + 2)
    table = table[(table != "").any(axis=1)]
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise DatasetError(
            path,
            f"has no column {', '.join(missing)} (it has {', '.join(table.columns)})",
            "add it to the header",
        )
    if table.empty:
        raise DatasetError(path, "has a header but no rows", "add one row a clip")
    return table


def parse_numbers(path: Path, column: pd.Series, *, whole: bool = True, lowest: float = 0) -> pd.Series:
    """Return a column of a CSV as numbers; `DatasetError` names the row that holds something else.

    Parameters
    ----------
    path : Path
        The file, for the message.
    column : Series of str
    whole : bool
        Refuse fractions, and return int; otherwise float, NaN where a cell is empty.
    lowest : float
        Smallest value allowed.
    """
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = ~(numbers.abs() < 2**31) | (numbers < lowest)
    if whole:
        wrong |= numbers != numbers.round()
    else:
        wrong &= column.str.strip() != ""
    if wrong.any():
        kind = "a whole number" if whole else "a number"
        raise cell_error(path, column, wrong, cause=f"is not {kind} from {lowest:g} up")
    return numbers.astype(np.int64) if whole else numbers


def cell_error(path: Path, column: pd.Series, wrong: pd.Series, *, cause: str) -> DatasetError:
    """Return the error for the first `wrong` cell of a column, naming file, row and column."""
    row = int(column.index[wrong.to_numpy()][0])
    others = f" (and {int(wrong.sum()) - 1} more rows)" if wrong.sum() > 1 else ""
    return DatasetError(path, f"row {row}, column {column.name}: {column[row]!r} {cause}{others}", "correct the cell")


def resolve_names(path: Path, column: pd.Series, folder: Path) -> list[Path]:
    """Return the file under `folder` for every name of a CSV column.

    A missing file is looked for under the same stem with another audio suffix; where there is none, the path
    is that of the missing file, so that a check can list them all.

    Raises
    ------
    DatasetError
        When a name is empty or absolute, contains "..", or leads out of the folder through a link.
    """
    parts = column.map(is_inside)
    if not parts.all():
        raise cell_error(path, column, ~parts, cause=f"does not stay inside {folder}")
    suffixes = _list_suffixes(folder)
    root = folder.resolve()
    found = [_match_stem(folder / name, suffixes) for name in column]
    inside = pd.Series([_resolves_inside(file, root) for file in found], index=column.index)
    if not inside.all():
        raise cell_error(path, column, ~inside, cause=f"is a link that leads out of {folder}")
    return found


def build_table(where: str | Path, columns: dict[str, object]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the clip table and the class names, checked for what would make every result wrong.

    Parameters
    ----------
    where : str or Path
        The dataset or file, for the message.
    columns : dict of str to sequences
        `clip`, `path`, `class_name`, `fold`, `source`; optionally `class_index` (any numbers, whose rank
        counts), `split`, `onset_s`, `offset_s`.

    Raises
    ------
    DatasetError
        When clips share a name, a class has two numbers or a source is in two folds (the pairs are listed), or there is
        one class only.
    """
    table = pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})
    table["path"] = [os.fspath(path) for path in table["path"]]
    for name, default in (("split", ""), ("onset_s", np.nan), ("offset_s", np.nan)):
        table[name] = table.get(name, default)
    names = _rank_classes(where, table)
    table["class_index"] = table["class_name"].map({name: index for index, name in enumerate(names)})
    twice = table["clip"][table["clip"].duplicated()]
    refuse(where, [f"clip {clip} is listed more than once" for clip in twice.unique()], "keep one row of each")
    refuse(
        where,
        find_shared_sources(table),
        "put all clips of a source into one fold, or name them apart if they are separate recordings",
    )
    if len(names) < 2:
        raise DatasetError(where, f"has one class only, {names[0]!r}", "add clips of another class")
    return table[list(COLUMNS)].astype({"class_index": "int64", "fold": "int64"}), names


def refuse_option(name: str, option: str) -> None:
    """Raise an `OptionError` for a dataset that takes no option, when one was given."""
    if option:
        raise OptionError(f"{name}:{option}", f"{name} takes no option", f"write {name} alone")


def refuse(where: str | Path, problems: list[str], next_step: str) -> None:
    """Raise a `DatasetError` that lists the first few problems, unless there are none."""
    if problems:
        more = f"; and {len(problems) - LISTED} more" if len(problems) > LISTED else ""
        raise DatasetError(where, "; ".join(problems[:LISTED]) + more, next_step)


def _rank_classes(where: str | Path, table: pd.DataFrame) -> tuple[str, ...]:
    if "class_index" not in table:
        return tuple(sorted(table["class_name"].unique()))
    pairs = table[["class_index", "class_name"]].drop_duplicates().sort_values("class_index")
    for column, other in (("class_index", "class_name"), ("class_name", "class_index")):
        twice = pairs[pairs[column].duplicated(keep=False)]
        problems = [
            f"{column} {key} goes with {', '.join(map(str, rows[other]))}" for key, rows in twice.groupby(column)
        ]
        refuse(where, problems, "give every class one number and one name")
    return tuple(pairs["class_name"])


def is_inside(name: str) -> bool:
    """Tell whether a relative name stays inside its folder on any system, links aside."""
    windows = PureWindowsPath(name)
    absolute = PurePosixPath(name).is_absolute() or bool(windows.drive or windows.root)
    return bool(name.strip()) and "\0" not in name and not absolute and ".." not in windows.parts


def _list_suffixes(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in AUDIO_SUFFIXES)
    return {os.fspath(file.with_suffix("")): file.suffix for file in reversed(files)}


def _match_stem(file: Path, suffixes: dict[str, str]) -> Path:
    if file.exists():
        return file
    suffix = suffixes.get(os.fspath(file.with_suffix("")))
    return file if suffix is None else file.with_suffix(suffix)


def _resolves_inside(file: Path, root: Path) -> bool:
    try:
        return file.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links: reading it gives the error
        return True
