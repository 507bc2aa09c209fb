"""ESC-50 and its subset ESC-10: environmental sounds of 5 s with five official folds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from esclab.clips.dataset import ClipDataset
from esclab.clips.download import Archive, install_archive
from esclab.clips.entry import DatasetEntry
from esclab.clips.home import find_dataset, is_there
from esclab.clips.table import build_table, cell_error, parse_numbers, read_csv, refuse_option, resolve_names
from esclab.errors import DatasetError

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file")
MARKERS = ("meta/esc50.csv",)
FOLDERS = {"esc10": ("ESC-10", "ESC-50", "ESC-50-master"), "esc50": ("ESC-50", "ESC-50-master")}
COLLECTION = "ESC-50"
LICENCES = {"esc10": "CC BY 3.0", "esc50": "CC BY-NC 3.0"}
CITATION = (
    "K. J. Piczak. ESC: Dataset for Environmental Sound Classification. Proceedings of the 23rd ACM "
    "International Conference on Multimedia, 1015-1018, 2015. https://doi.org/10.1145/2733373.2806390"
)
# ESC-50's five groups of ten classes, in the order of their targets (0-9, 10-19 ...), as its README names them.
CATEGORIES = (
    "Animals",
    "Natural soundscapes & water sounds",
    "Human, non-speech sounds",
    "Interior/domestic sounds",
    "Exterior/urban noises",
)
# The archive follows the repository, so no fixed hash holds: its own checksums and its clips are checked.
ARCHIVE = Archive(
    address="https://github.com/karolpiczak/ESC-50/archive/master.zip",
    file_name="ESC-50-master.zip",
    folder="ESC-50",
    markers=MARKERS,
    recordings=2000,
)


def load_esc(name: str, option: str) -> ClipDataset:
    """Load ESC-10 or ESC-50 from the official layout: `meta/esc50.csv` and `audio/`.

    Parameters
    ----------
    name : {"esc10", "esc50"}
        ESC-10 is the rows whose column `esc10` is True; it is found in the folder of either.
    option : str
        Must be empty.

    Raises
    ------
    DatasetError
        When it is not on this machine, or its table is damaged.
    """
    refuse_option(name, option)
    folder = find_dataset(name, FOLDERS[name], MARKERS)
    path = folder / MARKERS[0]
    rows = read_csv(path, COLUMNS)
    known = rows["esc10"].isin(["True", "False"])
    if not known.all():
        raise cell_error(path, rows["esc10"], ~known, cause="is neither True nor False")
    if name == "esc10":
        rows = rows[rows["esc10"] == "True"]
    if rows.empty:
        raise DatasetError(path, f"has no rows of {name}", "fetch the official table")
    files = resolve_names(path, rows["filename"], folder / "audio")
    targets = parse_numbers(path, rows["target"])
    table, class_names = build_table(
        path,
        {
            "clip": [file.stem for file in files],
            "path": files,
            "class_name": rows["category"],
            "class_index": targets,
            "fold": parse_numbers(path, rows["fold"], lowest=1),
            "source": rows["src_file"],
        },
    )
    return ClipDataset(
        name=name,
        table=table,
        class_names=class_names,
        duration_s=5.0,
        sample_rate=44100,
        protocol="official 5 folds",
        licence=LICENCES[name],
        citation=CITATION,
        categories=name_categories(dict(zip(rows["category"], targets, strict=True))),
    )


def name_categories(targets: Mapping[str, int]) -> dict[str, str]:
    """Return each class's parent category, given its number in ESC-50; a class with another number has none."""
    return {
        class_name: CATEGORIES[target // 10]
        for class_name, target in targets.items()
        if 0 <= target < 10 * len(CATEGORIES)
    }


def get_esc(name: str, option: str) -> None:
    """Download and unpack ESC-50, which holds ESC-10, unless it is there."""
    refuse_option(name, option)
    if not is_there(FOLDERS[name], MARKERS):
        install_archive(ARCHIVE)


ENTRY_ESC10 = DatasetEntry(
    name="esc10",
    summary="10 classes of environmental sound (the official subset of ESC-50), 5 official folds",
    size="400 clips of 5 s, comes with ESC-50",
    licence=LICENCES["esc10"],
    citation=CITATION,
    recordings=COLLECTION,
    load=partial(load_esc, "esc10"),
    get=partial(get_esc, "esc10"),
)
ENTRY = DatasetEntry(
    name="esc50",
    summary="50 classes of environmental sound, 5 official folds",
    size="2000 clips of 5 s, 600 MB download",
    licence=LICENCES["esc50"],
    citation=CITATION,
    recordings=COLLECTION,
    load=partial(load_esc, "esc50"),
    get=partial(get_esc, "esc50"),
)
