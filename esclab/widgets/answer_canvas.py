"""A network's answer on a canvas: its heatmap over the map, its gates along the sides."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets

from esclab.figures.text import class_words
from esclab.results import TimeFrequencyMap
from esclab.widgets.canvas import SoundCanvas
from esclab.widgets.live import LiveAnswer


def show_answer(
    canvas: SoundCanvas,
    picture: TimeFrequencyMap,
    answer: LiveAnswer,
    *,
    colours: tuple[float, float],
    title: str,
    names: Sequence[str],
) -> None:
    """Paint what the network heard, why it answered so, and which frames and bands its gates let through.

    Parameters
    ----------
    canvas : SoundCanvas
    picture : TimeFrequencyMap
        What the network heard.
    answer : LiveAnswer
    colours : (float, float)
        Range of the map's colours.
    title : str
    names : sequence of str
        Class names in the order of the network.
    """
    name = class_words(names[answer.target])
    mixture = ", ".join(f"{branch} {weight:.2f}" for branch, weight in answer.mixture.items())
    with canvas.hold_sync():
        canvas.show_map(picture, colours)
        canvas.show_overlay(answer.heatmap)
        canvas.show_strips(answer.temporal, answer.spectral)
        canvas.title = title
        canvas.subtitle = f"why {name}?" + (f" · {mixture}" if mixture else "")


def new_answer_canvas() -> SoundCanvas:
    """Return an empty canvas, laid out to share a row with others."""
    # With its layout from the start: a page that is slow may lose what a canvas is told at once after it was made.
    return SoundCanvas(height_px=190, layout=widgets.Layout(flex="1 1 400px", min_width="280px"))


def write_legend(*, gates: bool) -> str:
    """Return in words what the marks of picture, bars and answers mean; `gates`: whether a network has attention."""
    words = [
        "<b>Dashes</b>: where the clip's events are known to be.",
        "<b>Bars</b>: hollow before the change, filled after it.",
        "A <b>low SNR</b> is loud noise.",
        "<b>Cyan</b>: what Grad-CAM gives as the reason of the answer.",
    ]
    if gates:
        words.append(
            "<b>Curves</b>: how far attention opens for each frame (below) and band (beside); alpha, beta, gamma: what "
            "it adds of features weighed over time, over frequency, and left alone."
        )
    return f"<p style='margin:2px 0;line-height:1.4;color:var(--jp-ui-font-color2,#5a5a5a)'>{' '.join(words)}</p>"
