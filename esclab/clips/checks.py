"""Whether a dataset can be trusted: sound files, labels in range, no recording on both sides of a fold."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd

from esclab.clips.audio import clip_part, iterate_part
from esclab.clips.dataset import ClipDataset
from esclab.clips.folds import find_shared_sources
from esclab.errors import ClipError, printable

LISTED = 20  # problems spelled out in the summary


@dataclass(frozen=True)
class CheckReport:
    """What `check_dataset` found.

    Attributes
    ----------
    clips, sources, folds, classes : int
        How many there are.
    seconds : float
        Length of all clips that can be read together, in s, before padding.
    problems : tuple of str
        One sentence a problem, with the clips it concerns; events count from 0 as in their table.
    """

    clips: int
    sources: int
    folds: int
    classes: int
    seconds: float
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    @property
    def summary(self) -> str:
        """The report as text: a line of counts, then a line a problem (the first 20)."""
        counts = (
            f"{self.clips} clips from {self.sources} sources, {self.classes} classes, {self.folds} folds, "
            f"{self.seconds / 60:.1f} min: "
        )
        if self.ok:
            return counts + "no problems"
        lines = [f"- {problem}" for problem in self.problems[:LISTED]]
        if len(self.problems) > LISTED:
            lines.append(f"- and {len(self.problems) - LISTED} more")
        return "\n".join([counts + f"{len(self.problems)} problem{'s' * (len(self.problems) > 1)}", *lines])


def check_dataset(dataset: ClipDataset) -> CheckReport:
    """Decode every clip of a dataset and look for all that would make its results wrong.

    Missing and damaged files; clips listed twice; labels and folds out of range; classes missing from a fold;
    a source, or identical samples, in two folds; events outside their clip.

    Parameters
    ----------
    dataset : ClipDataset

    Returns
    -------
    CheckReport
        All problems, never only the first.
    """
    table = dataset.table
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        decoded = list(pool.map(lambda row: _decode(dataset, row), range(len(table))))
    problems = [f"clip {clip}: {error}" for clip, (_, _, error) in zip(table["clip"], decoded, strict=True) if error]
    problems += _check_labels(dataset) + _check_rows(table) + _check_folds(dataset)
    problems += find_shared_sources(table)
    problems += _check_copies(table, [samples for samples, _, _ in decoded])
    problems += _check_events(dataset)
    return CheckReport(
        clips=len(table),
        sources=int(table["source"].nunique()),
        folds=int(table["fold"].nunique()),
        classes=len(dataset.class_names),
        seconds=float(sum(seconds for _, seconds, _ in decoded)),
        problems=tuple(printable(problem) for problem in problems),
    )


def _decode(dataset: ClipDataset, row: int) -> tuple[str, float, str]:
    """Return (hash of the samples, length in s, error) of a clip."""
    digest, seconds = hashlib.sha256(), 0.0
    try:
        for block, sample_rate in iterate_part(*clip_part(dataset, row)):
            digest.update(block.tobytes())
            seconds += len(block) / sample_rate
    except ClipError as error:
        return "", 0.0, str(error)
    return digest.hexdigest(), seconds, ""


def _check_labels(dataset: ClipDataset) -> list[str]:
    names = dataset.class_names
    problems = []
    for clip, index, name in dataset.table[["clip", "class_index", "class_name"]].itertuples(index=False):
        if not 0 <= index < len(names):
            problems.append(f"clip {clip}: class_index {index} is not in 0..{len(names) - 1}")
        elif names[int(index)] != name:
            problems.append(f"clip {clip}: class_index {index} is {names[int(index)]!r}, not {name!r}")
    return problems


def _check_rows(table: pd.DataFrame) -> list[str]:
    low = table.loc[table["fold"] < 1, ["clip", "fold"]]
    problems = [f"clip {clip}: fold {fold} is below 1" for clip, fold in low.itertuples(index=False)]
    counts = table["clip"].value_counts(sort=False)
    problems += [f"{count} clips are called {clip}" for clip, count in counts[counts > 1].items()]
    part = ["path", "onset_s", "offset_s"]
    twice = table[table.duplicated(part, keep=False)]
    for _, rows in twice.groupby(part, dropna=False, sort=False):
        problems.append(f"clips {', '.join(rows['clip'])} are the same part of a file")
    return problems


def _check_folds(dataset: ClipDataset) -> list[str]:
    counts = pd.crosstab(dataset.table["fold"], dataset.table["class_name"])
    counts = counts.reindex(columns=list(dataset.class_names), fill_value=0)
    problems = [] if len(counts) > 1 else ["there is one fold only, so nothing is left to train on"]
    for fold, row in counts.iterrows():
        absent = [str(name) for name in row.index[row == 0]]
        if absent:
            problems.append(f"fold {fold} has no clip of {', '.join(absent)}")
    return problems


def _check_copies(table: pd.DataFrame, samples: list[str]) -> list[str]:
    readable = table.assign(samples=samples)
    readable = readable[(readable["samples"] != "") & readable.duplicated("samples", keep=False)]
    problems = []
    for _, rows in readable.groupby("samples", sort=False):
        folds = rows["fold"].nunique()
        if folds >= 2:
            clips = ", ".join(f"{clip} in fold {fold}" for clip, fold in zip(rows["clip"], rows["fold"], strict=True))
            problems.append(f"identical audio in {folds} folds: {clips}")
    return problems


def _check_events(dataset: ClipDataset) -> list[str]:
    if dataset.events is None:
        return []
    events = dataset.events.reset_index(drop=True)
    wrong = {
        "belong to no clip": ~events["clip"].isin(dataset.table["clip"]),
        "end before they start": ~(events["onset_s"] < events["offset_s"]),
        "start before their clip": events["onset_s"] < 0,
        "have no frequencies between low and high": ~(events["low_hz"] < events["high_hz"]),
    }
    return [
        f"events {', '.join(map(str, events.index[rows][:LISTED]))} {what}"
        for what, rows in wrong.items()
        if rows.any()
    ]
