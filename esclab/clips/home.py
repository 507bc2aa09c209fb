"""Where datasets are looked for, and where downloads and caches go."""

from __future__ import annotations

import os
from pathlib import Path

from esclab.errors import MissingDatasetError


def data_home() -> Path:
    """Return the one folder that esclab writes downloads and caches to.

    Returns
    -------
    Path
        `$ESCLAB_HOME` where it is set; else `data/` of the source checkout that the package runs from; else
        `$XDG_DATA_HOME/esclab` (`~/.local/share/esclab`). It may not exist yet.
    """
    chosen = os.environ.get("ESCLAB_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "data").is_dir():
        return checkout / "data"
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "esclab"


def data_folders() -> list[Path]:
    """Return the folders that hold datasets, in the order in which they are searched.

    Returns
    -------
    list of Path
        Every folder of `$ESCLAB_DATA` (separated as in `$PATH`; relative ones start at the working folder;
        never written to), then `data_home()`.
    """
    named = os.environ.get("ESCLAB_DATA", "").split(os.pathsep)
    return [Path(name).expanduser().absolute() for name in named if name.strip()] + [data_home()]


def find_dataset(name: str, folders: tuple[str, ...], markers: tuple[str, ...]) -> Path:
    """Return the first folder that holds a dataset.

    Parameters
    ----------
    name : str
        The dataset's name, for the message.
    folders : tuple of str
        Names of folders to look for in each of `data_folders()`.
    markers : tuple of str
        Files or folders of which one must be inside, e.g. ("meta/esc50.csv",).

    Raises
    ------
    MissingDatasetError
        When no folder has one.
    """
    found = _search(folders, markers)
    if found is None:
        searched = ", ".join(str(folder) for folder in data_folders())
        raise MissingDatasetError(
            name,
            f"no folder {' or '.join(folders)} with {' or '.join(markers)} in {searched}",
            f"run `esclab get {name}`, or name the folder that it lies in with ESCLAB_DATA",
        )
    return found


def is_there(folders: tuple[str, ...], markers: tuple[str, ...]) -> bool:
    """Tell whether `find_dataset` would find a dataset."""
    return _search(folders, markers) is not None


def has_marker(folder: Path, markers: tuple[str, ...]) -> bool:
    """Tell whether one of the files or folders is inside `folder`."""
    return any((folder / marker).exists() for marker in markers)


def _search(folders: tuple[str, ...], markers: tuple[str, ...]) -> Path | None:
    for parent in data_folders():
        for folder in folders:
            if has_marker(parent / folder, markers):
                return parent / folder
    return None
