"""UrbanSound8K: city sounds of up to 4 s with ten official folds."""

from __future__ import annotations

import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.clips.download import Archive, install_archive
from esclab.clips.entry import DatasetEntry
from esclab.clips.home import find_dataset, is_there
from esclab.clips.table import build_table, parse_numbers, read_csv, refuse_option, resolve_names

COLUMNS = ("slice_file_name", "fsID", "fold", "classID", "class")
FOLDERS = ("UrbanSound8K",)
MARKERS = ("metadata/UrbanSound8K.csv",)
LICENCE = "CC BY-NC 3.0"
CITATION = (
    "J. Salamon, C. Jacoby and J. P. Bello. A Dataset and Taxonomy for Urban Sound Research. Proceedings of "
    "the 22nd ACM International Conference on Multimedia, 1041-1044, 2014. https://doi.org/10.1145/2647868.2655045"
)
ARCHIVE = Archive(
    address="https://zenodo.org/records/1203745/files/UrbanSound8K.tar.gz",
    file_name="UrbanSound8K.tar.gz",
    folder="UrbanSound8K",
    markers=MARKERS,
    recordings=8732,
    known_hash="md5:9aa69802bbf37fb986f71ec1483a196e",
)


def load_urbansound8k(option: str) -> ClipDataset:
    """Load UrbanSound8K from the official layout: `metadata/UrbanSound8K.csv`, `audio/fold1` to `fold10`.

    The recordings' rates differ; 44100 Hz is that of most.

    Parameters
    ----------
    option : str
        Must be empty.

    Raises
    ------
    DatasetError
        When it is not on this machine, or its table is damaged.
    """
    refuse_option("urbansound8k", option)
    folder = find_dataset("urbansound8k", FOLDERS, MARKERS)
    path = folder / MARKERS[0]
    rows = read_csv(path, COLUMNS)
    folds = parse_numbers(path, rows["fold"], lowest=1)
    names = pd.Series("fold" + folds.astype(str) + "/" + rows["slice_file_name"], name="slice_file_name")
    files = resolve_names(path, names, folder / "audio")
    table, class_names = build_table(
        path,
        {
            "clip": [file.stem for file in files],
            "path": files,
            "class_name": rows["class"],
            "class_index": parse_numbers(path, rows["classID"]),
            "fold": folds,
            "source": rows["fsID"],
        },
    )
    return ClipDataset(
        name="urbansound8k",
        table=table,
        class_names=class_names,
        duration_s=4.0,
        sample_rate=44100,
        protocol="official 10 folds",
        licence=LICENCE,
        citation=CITATION,
    )


def get_urbansound8k(option: str) -> None:
    """Download and unpack UrbanSound8K unless it is there."""
    refuse_option("urbansound8k", option)
    if not is_there(FOLDERS, MARKERS):
        install_archive(ARCHIVE)


ENTRY = DatasetEntry(
    name="urbansound8k",
    summary="10 classes of city sound, 10 official folds",
    size="8732 clips of up to 4 s, 6 GB download",
    licence=LICENCE,
    citation=CITATION,
    load=load_urbansound8k,
    get=get_urbansound8k,
)
