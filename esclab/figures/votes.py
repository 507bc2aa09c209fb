"""Votes: who voted for what in one clip, when, and in which bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from esclab.errors import OptionError
from esclab.figures.scale import check_map, choose_color_range, find_edges, name_band_column
from esclab.figures.spectrogram import spectrogram_data
from esclab.figures.theme import Hand, choose_hand
from esclab.results import VoteResult

MOST_CLASSES = 5


def votes_figure(
    result: VoteResult,
    *,
    most: int = MOST_CLASSES,
    color_range: tuple[float, float] | None = None,
    hand: Hand = "plotly",
) -> Any:
    """Draw a clip's spectrogram with the votes of its frames above it and those of its sub-bands beside it.

    Above, one row a class and one column a voter: frames over the spectrogram's own time axis, then sub-bands, darker
    for a higher score; a ring marks each frame's first choice. Below the sub-bands' votes, a bar shows which bands each
    one hears, and names its first choice. Without votes of frames, bars show the scores of the clip in their place.

    Parameters
    ----------
    result : VoteResult
    most : int
        The classes shown: those with the highest score of the clip, the highest first.
    color_range : (float, float) or None
        Lowest and highest value of the spectrogram's colour scale; None takes its own range. Scores go from 0 to 100 %.
    hand : {"plotly", "print"}

    Returns
    -------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure

    Raises
    ------
    OptionError
        When nobody votes, shapes do not fit, `most` is below 1, or an option is unknown.

    Notes
    -----
    SPSM, Figures 2 and 3, show how the votes come about.
    """
    from esclab.figures.votes_plan import plan_votes
    from esclab.figures.votes_plotly import draw_plotly
    from esclab.figures.votes_print import draw_print

    _check_votes(result)
    if most < 1:
        raise OptionError("most", f"{most} is below 1", "give the number of classes to show, e.g. 5")
    colours = choose_color_range(result.spectrogram.values, color_range)
    return choose_hand(hand, plotly=draw_plotly, paper=draw_print)(result, plan_votes(result, most), colours)


def votes_data(result: VoteResult) -> pd.DataFrame:
    """Return one row a value: `voter`, `number`, `time_s`, `frequency_hz`, `low_hz`, `high_hz`, `class_name`, `value`.

    `voter` is "input" (the spectrogram), "clip" (the vote), "frame" or "part" (a sub-band, with its lowest and highest
    frequency); what a voter does not have is empty. Bands without a frequency are numbers, in columns such as
    `coefficient` and `low_coefficient`.
    """
    bands = name_band_column(result.spectrogram)
    low, high = name_limits(bands)
    parts = [spectrogram_data(result.spectrogram).assign(voter="input"), _list_scores(result, result.scores[None])]
    parts[1]["voter"] = "clip"
    if result.frames is not None and result.time_s is not None:
        times_s = np.repeat(result.time_s, len(result.class_names))
        parts.append(_list_scores(result, result.frames).assign(voter="frame", time_s=times_s))
    if result.parts is not None:
        limits = np.repeat(limit_parts(result), len(result.class_names), axis=0)
        table = _list_scores(result, result.parts).assign(voter="part")
        parts.append(table.assign(**{low: limits[:, 0], high: limits[:, 1]}))
    columns = ["voter", "number", "time_s", bands, low, high, "class_name", "value"]
    data = pd.concat(parts, ignore_index=True).reindex(columns=columns)
    data["class_name"] = data["class_name"].fillna("")
    return data


def name_limits(bands: str) -> tuple[str, str]:
    """Return what a table calls the ends of a range on a band axis, given the axis's own column."""
    return ("low_hz", "high_hz") if bands == "frequency_hz" else (f"low_{bands}", f"high_{bands}")


def limit_parts(result: VoteResult) -> np.ndarray:
    """Return the lowest and highest place of each sub-band on the band axis, shape (part, 2), e.g. in Hz."""
    edges = find_edges(result.spectrogram.frequency_hz)
    edges = np.maximum(edges, 0) if result.spectrogram.axis == "frequency" else edges
    return np.array([(edges[first], edges[last]) for first, last in result.part_bands])


def _list_scores(result: VoteResult, scores: np.ndarray) -> pd.DataFrame:
    """Return one row a voter and class."""
    voters, classes = scores.shape
    return pd.DataFrame(
        {
            "number": np.repeat(np.arange(voters), classes),
            "class_name": np.tile(np.array(result.class_names, dtype=object), voters),
            "value": scores.ravel(),
        }
    )


def _check_votes(result: VoteResult) -> None:
    check_map(result.spectrogram)
    classes, bands = len(result.class_names), len(result.spectrogram.frequency_hz)
    if result.frames is None and result.parts is None:
        raise OptionError("VoteResult", "nobody votes in it", "give votes of frames, of sub-bands, or of both")
    frames = 0 if result.time_s is None else len(result.time_s)
    expected = {
        "scores": (result.scores, (classes,)),
        "frames": (result.frames, (frames, classes)),
        "parts": (result.parts, (len(result.part_bands), classes)),
    }
    for name, (values, shape) in expected.items():
        if values is not None and (values.shape != shape or 0 in shape):
            cause = f"shape {values.shape} does not fit {shape}"
            raise OptionError(f"VoteResult.{name}", cause, "give a score for each voter and class")
        if values is not None and not np.isfinite(values).all():
            raise OptionError(f"VoteResult.{name}", "some are not finite", "look whether the training diverged")
    if any(not 0 <= first < last <= bands for first, last in result.part_bands):
        raise OptionError("VoteResult.part_bands", f"do not lie in {bands} bands", "give (first, after the last)")
