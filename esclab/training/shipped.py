"""Trained runs that come with the package, so that the first minute shows a trained network."""

from __future__ import annotations

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
