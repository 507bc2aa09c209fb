"""Explanation methods in figures: their titles, which of them are only references, and the line of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from esclab.errors import OptionError
from esclab.figures.theme import COLOURS, PLOTLY_MARKERS, PRINT_MARKERS, SOFT_INK

REFERENCES = ("random", "spectrogram")
# As papers print them; a method that is not here is called by its key.
TITLES = {
    "gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++", "layercam": "LayerCAM", "eigencam": "Eigen-CAM",
    "scorecam": "Score-CAM", "saliency": "Saliency", "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion", "deeplift": "DeepLIFT", "gradientshap": "GradientSHAP", "attention": "Attention",
    "spectrogram": "Spectrogram", "random": "Random",
}  # fmt: skip
DASHES: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("solid", ()),
    ("dash", (4, 1.5)),
    ("dashdot", (5, 1.2, 1, 1.2)),
)
REFERENCE_DASHES: dict[str, tuple[str, tuple[float, ...]]] = {
    "random": ("dot", (1, 1)),
    "spectrogram": ("dash", (6, 2)),
}


@dataclass(frozen=True)
class LineStyle:
    """How one method is drawn: colour, dash and marker, each by itself enough to tell neighbours apart.

    Attributes
    ----------
    colour : str
    dash : str
        In plotly's words.
    dashes : tuple of float
        In matplotlib's: points on and off; empty is solid.
    plotly_marker, print_marker : str
        "" draws no marker.
    """

    colour: str
    dash: str
    dashes: tuple[float, ...]
    plotly_marker: str
    print_marker: str


def title_method(method: str) -> str:
    """Return a method as papers print it: "Grad-CAM, block4" for "gradcam, block4"."""
    key, comma, rest = method.partition(", ")
    return TITLES.get(key, key) + comma + rest


def sort_methods(methods: Iterable[str]) -> list[str]:
    """Return each method once, in the order given, with the references behind all others."""
    found = list(dict.fromkeys(methods))
    return [m for m in found if m not in REFERENCES] + [m for m in REFERENCES if m in found]


def style_methods(methods: Iterable[str]) -> dict[str, LineStyle]:
    """Return the line of each method; references are grey and bare, so that they stand back."""
    styles = {}
    for i, method in enumerate(sort_methods(methods)):
        if method in REFERENCES:
            dash, dashes = REFERENCE_DASHES[method]
            styles[method] = LineStyle(SOFT_INK, dash, dashes, "", "")
            continue
        dash, dashes = DASHES[i // len(COLOURS) % len(DASHES)]
        markers = PLOTLY_MARKERS[i % len(PLOTLY_MARKERS)], PRINT_MARKERS[i % len(PRINT_MARKERS)]
        styles[method] = LineStyle(COLOURS[i % len(COLOURS)], dash, dashes, *markers)
    return styles


def check_table(where: str, table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise `OptionError` unless `table` has every one of `columns`, and a row."""
    columns = list(columns)
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise OptionError(where, f"column {missing[0]!r} is missing", f"give the columns {', '.join(columns)}")
    if table.empty:
        raise OptionError(where, "it holds no row", "give at least one")


def check_names(option: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return `names` as a list, each once; raise `OptionError` for one that is not among `known`."""
    names, known = list(dict.fromkeys([names] if isinstance(names, str) else names)), list(known)
    for name in names:
        if name not in known:
            raise OptionError(option, f"{name!r} is not in the result", f"choose among {', '.join(known)}")
    return names
