"""What both hands of the votes figure share: which classes are shown, and where each voter stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esclab.figures.scale import find_edges, fit_edges
from esclab.figures.text import class_words, shorten
from esclab.figures.votes import limit_parts
from esclab.results import VoteResult

CLASS_TITLE, PART_TITLE, SCORE_TITLE, VOTE_TITLE = "Class", "Sub-band", "Score (%)", "Score of the clip (%)"
FRAMES_HEADING, PARTS_HEADING = "Votes of frames (ring: first choice)", "Votes of sub-bands"
LONGEST_CLASS = 20
WHOLE = "all"


@dataclass(frozen=True)
class VotePlan:
    """What stands where.

    Attributes
    ----------
    labels : list of str
        Classes with the clip's score, the strongest first.
    scores : ndarray of shape (shown,)
        The clip's, in %.
    frames : ndarray of shape (shown, frame) or None
        In %.
    edges_s : ndarray of shape (frame + 1,)
        Borders of the frames; empty without.
    winners : ndarray of int, shape (frame,)
        Row of each frame's first choice; -1 where it is none of those shown.
    parts : ndarray of shape (shown, part) or None
        In %.
    spans : list of (float, float)
        Lowest and highest place of each sub-band on the band axis.
    names : list of str
        Of the sub-bands: numbers from the lowest up, "all" for the whole band.
    choices : list of str
        Each sub-band's first choice.
    limits : list of str
        Each sub-band's range in words, e.g. "0-1240 Hz".
    """

    labels: list[str]
    scores: np.ndarray
    frames: np.ndarray | None
    edges_s: np.ndarray
    winners: np.ndarray
    parts: np.ndarray | None
    spans: list[tuple[float, float]]
    names: list[str]
    choices: list[str]
    limits: list[str]


def plan_votes(result: VoteResult, most: int) -> VotePlan:
    """Return what is drawn of a checked result."""
    shown = np.argsort(-result.scores, kind="stable")[:most]
    frames, parts = (None if x is None else 100 * x[:, shown].T for x in (result.frames, result.parts))
    edges_s, winners = np.zeros(0), np.zeros(0, dtype=int)
    if result.frames is not None and result.time_s is not None:
        borders = find_edges(result.spectrogram.time_s)
        edges_s = fit_edges(result.time_s, borders[0], borders[-1])
        rows = np.full(len(result.class_names), -1)
        rows[shown] = np.arange(len(shown))
        winners = rows[result.frames.argmax(axis=1)]
    bands = len(result.spectrogram.frequency_hz)
    firsts = [] if result.parts is None else result.parts.argmax(axis=1).tolist()
    whole = [span == (0, bands) for span in result.part_bands]
    return VotePlan(
        [f"{shorten(_name(result, i), LONGEST_CLASS)}: {100 * result.scores[i]:.0f} %" for i in shown],
        100 * result.scores[shown],
        frames,
        edges_s,
        winners,
        parts,
        [(first - 0.5, last - 0.5) for first, last in result.part_bands],
        [WHOLE if all_bands else str(1 + number) for number, all_bands in enumerate(whole)],
        [_name(result, i) for i in firsts],
        _write_limits(result) if result.part_bands else [],
    )


def size_ring(frames: int, *, widest: float) -> float:
    """Return the diameter of a ring so that neighbours hardly touch, given it for up to 30 frames."""
    return widest * min(1.0, 30 / frames) ** 0.6


def title_votes(result: VoteResult) -> str:
    """Return the figure's title: the model and the clip."""
    return " · ".join(part for part in (shorten(result.model, 40), shorten(result.spectrogram.label, 40)) if part)


def _name(result: VoteResult, number: int) -> str:
    return class_words(result.class_names[number])


def _write_limits(result: VoteResult) -> list[str]:
    axis = result.spectrogram.axis
    if axis != "frequency":
        return [f"{axis}s {first}-{last - 1}" for first, last in result.part_bands]
    return [f"{low:.0f}-{high:.0f} Hz" for low, high in limit_parts(result)]
