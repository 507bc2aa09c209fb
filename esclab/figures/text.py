"""Names as text in a figure: every letter as it is, never as markup."""

from __future__ import annotations

import html

import numpy as np

from esclab.errors import printable

LONGEST_LABEL = 32


def shorten(text: object, longest: int = LONGEST_LABEL) -> str:
    """Return `text` in one printable line of at most `longest` letters, an ellipsis in place of the rest."""
    line = printable(" ".join(str(text).split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def plotly_text(text: object, longest: int = LONGEST_LABEL) -> str:
    """Return `text` so that plotly shows it letter by letter.

    Plotly reads tags (`<b>`), entities (`&lt;`), MathJax (`$x$`) and, in hover texts, templates (`%{x}`).
    """
    return html.escape(shorten(text, longest), quote=False).replace("$", "&#36;").replace("%{", "&#37;{")


def class_words(class_name: object) -> str:
    """Return a class name in words: "sea waves" for "sea_waves", as the datasets' tables write it."""
    return str(class_name).replace("_", " ")


def label_unit(quantity: str, unit: str) -> str:
    """Return an axis title such as "Level (dB)", or the quantity alone where it has no unit."""
    return f"{quantity} ({unit})" if unit else quantity


def number_text(value: float, span: float) -> str:
    """Return `value` with just enough decimals (two or more) to tell apart two ends that lie `span` apart."""
    decimals = 2 if span <= 0 else max(2, int(np.ceil(-np.log10(span))) + 1)
    return f"{value:.{min(decimals, 6)}f}"
