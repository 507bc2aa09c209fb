"""Collecting runs for an explorer: what can be opened, and one line about each that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from esclab.errors import EsclabError, RunError
from esclab.training.run import Run
from esclab.training.shipped import find_run

RunWords = str | Path | Run | Sequence[str | Path | Run]


@dataclass(frozen=True)
class GatheredRuns:
    """Finished runs, and what kept others out.

    Attributes
    ----------
    runs : list of Run
        In the order of the words, each once; those below one folder by path.
    problems : list of str
        One sentence a run that is unfinished, damaged or of another version.
    """

    runs: list[Run] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def gather_runs(words: RunWords) -> GatheredRuns:
    """Return the finished runs that the words name; a faulty one is told of and does not hide the others.

    Parameters
    ----------
    words : str, Path, Run or a sequence of these
        Each a run, a run folder, a shipped run, or a folder with runs anywhere below it.
    """
    found: dict[Path, Run] = {}
    problems: list[str] = []
    for word in [words] if isinstance(words, str | Path | Run) else words:
        for place in _list_places(word):
            try:
                run = place if isinstance(place, Run) else find_run(place)
                _require_finished(run)
                found[run.path.resolve()] = run
            except EsclabError as error:
                problems.append(str(error))
    return GatheredRuns(list(found.values()), list(dict.fromkeys(problems)))


def _list_places(word: str | Path | Run) -> Sequence[str | Path | Run]:
    """Return the run folders below a folder, or the word itself where there are none."""
    if isinstance(word, Run) or not Path(word).is_dir() or (Path(word) / "config.json").exists():
        return [word]
    return [path.parent for path in sorted(Path(word).glob("**/config.json"))] or [word]


def _require_finished(run: Run) -> None:
    if not run.is_finished:
        raise RunError(run.path, "is unfinished", f"finish the run with: esclab resume {run.path}")
    if "seconds" not in run.summary:
        raise RunError(run.path / "summary.json", "lacks seconds", "restore the file or train the run again")
