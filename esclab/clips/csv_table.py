"""The user's own recordings: a CSV table with one row a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.clips.entry import DatasetEntry
from esclab.clips.folder import OWN, check_path, measure_clips
from esclab.clips.folds import describe_made_folds, make_folds
from esclab.clips.table import build_table, cell_error, parse_numbers, read_csv, resolve_names
from esclab.errors import DatasetError

PATH_COLUMNS = ("path", "filename")
CLASS_COLUMNS = ("class", "class_name", "label")


def load_csv(option: str) -> ClipDataset:
    """Load a CSV table of clips.

    Columns, in any order: `path` or `filename`, relative to the table's own folder and inside it; `class`,
    `class_name` or `label`; optionally `fold` (from 1), `source` (the recording a clip was cut from; by
    default the file), `onset_s` and `offset_s` (the part of the file that is the clip). Without folds they
    are made by source.

    Parameters
    ----------
    option : str
        The table, e.g. "/home/me/birds/clips.csv".

    Raises
    ------
    DatasetError
        When the table cannot be read or a cell is wrong (file, row and column are named), or a source is in
        two folds.
    """
    path = check_path("csv", option)
    rows = read_csv(path)
    names, classes = _choose(path, rows, PATH_COLUMNS), _choose(path, rows, CLASS_COLUMNS)
    empty = classes.str.strip() == ""
    if empty.any():
        raise cell_error(path, classes, empty, cause="is empty")
    files = resolve_names(path, names, path.parent)
    onsets, offsets = _read_parts(path, rows)
    sources = _read_sources(path, rows, names)
    if "fold" in rows:
        folds, protocol = parse_numbers(path, rows["fold"], lowest=1).to_numpy(), "folds of the table"
    else:
        folds = make_folds(str(path), classes, sources)
        protocol = describe_made_folds(folds)
    columns = {
        "clip": _name_clips(names, onsets, offsets),
        "path": files,
        "class_name": classes,
        "fold": folds,
        "source": sources,
        "onset_s": onsets,
        "offset_s": offsets,
    }
    table, class_names = build_table(path, columns)
    duration_s, sample_rate = measure_clips(path, table)
    return ClipDataset(
        name=f"csv:{path}",
        table=table,
        class_names=class_names,
        duration_s=duration_s,
        sample_rate=sample_rate,
        protocol=protocol,
        licence=OWN,
    )


def get_csv(option: str) -> None:
    """Check that the table can be loaded: there is nothing to fetch."""
    load_csv(option)


def _choose(path: Path, rows: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    for column in columns:
        if column in rows:
            return rows[column]
    found = ", ".join(rows.columns)
    raise DatasetError(path, f"has no column {' or '.join(columns)} (it has {found})", "add it to the header")


def _read_parts(path: Path, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    blank = pd.Series("", index=rows.index)
    onsets, offsets = (parse_numbers(path, rows.get(column, blank), whole=False) for column in ("onset_s", "offset_s"))
    backwards = offsets <= onsets.fillna(0.0)
    if backwards.any():
        raise cell_error(path, rows["offset_s"], backwards, cause="is not after the onset")
    return onsets, offsets


def _read_sources(path: Path, rows: pd.DataFrame, names: pd.Series) -> pd.Series:
    if "source" not in rows:
        return names.map(lambda name: Path(name).with_suffix("").as_posix())
    empty = rows["source"].str.strip() == ""
    if empty.any():
        raise cell_error(path, rows["source"], empty, cause="is empty")
    return rows["source"]


def _name_clips(names: pd.Series, onsets: pd.Series, offsets: pd.Series) -> pd.Series:
    """Name a clip after its file, and after its part where it has one: `rain.wav@2.5-4`."""
    parts = "@" + onsets.fillna(0.0).map("{:g}".format) + "-" + offsets.map("{:g}".format).replace("nan", "end")
    return names + np.where(onsets.isna() & offsets.isna(), "", parts)


ENTRY = DatasetEntry(
    name="csv",
    summary="your own recordings, csv:/path/table.csv with columns path, class and, if known, fold, source",
    size="as large as yours",
    licence=OWN,
    citation="",
    load=load_csv,
    get=get_csv,
)
