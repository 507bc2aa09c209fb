"""Finding runs by the words a person has for them; some come with the package, for the first minute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from esclab.errors import RunError
from esclab.training.run import Run, open_run

FOLDER = Path(__file__).parent.parent / "shipped"


def list_shipped() -> list[str]:
    """Return the names of the shipped runs, e.g. "ts-cnn10-synth10"."""
    return sorted(path.parent.name for path in FOLDER.glob("*/config.json"))


def find_run(name: str | Path) -> Run:
    """Return the run in a folder, or the shipped run of this name.

    Raises
    ------
    RunError
        When there is neither.
    """
    if Path(name).is_dir():
        return open_run(name)
    if str(name) in list_shipped():
        return open_run(FOLDER / str(name))
    raise RunError(
        name,
        "is neither a run folder nor a shipped run",
        f"give a folder, or one of: {', '.join(list_shipped()) or 'none shipped'}",
    )


def find_runs(names: Sequence[str | Path]) -> list[Run]:
    """Return the finished runs that the words name.

    Parameters
    ----------
    names : sequence of str or Path
        Each a run folder, a shipped run, or a folder with finished runs anywhere below it.

    Returns
    -------
    runs : list of Run
        In the order of the words, each once; those below one folder by path.

    Raises
    ------
    RunError
        When a word names no finished run.
    """
    found: dict[Path, Run] = {}
    for name in names:
        folder = Path(name)
        if folder.is_dir() and not (folder / "config.json").exists():
            below = [open_run(path.parent) for path in sorted(folder.glob("**/summary.json"))]
            if not below:
                raise RunError(folder, "has no finished run below it", "give a folder that esclab train or cv wrote")
        else:
            below = [find_run(name)]
        found |= {run.path.resolve(): run for run in below}
    return list(found.values())
