"""Long names and keys in several lines."""

from __future__ import annotations

import textwrap

from esclab.figures.text import plotly_text, shorten

LONGEST_TEXT = 1000


def wrap_lines(text: object, width: int, *, most: int = 2) -> list[str]:
    """Return `text` as at most `most` lines of at most `width` letters, an ellipsis in place of the rest."""
    line = shorten(text, LONGEST_TEXT)
    return textwrap.wrap(line, width, max_lines=most, placeholder="…", break_on_hyphens=False)


def wrap_plotly(text: object, width: int, *, most: int = 2) -> str:
    """Return `text` in lines for plotly, which shows it letter by letter."""
    return "<br>".join(plotly_text(line, width) for line in wrap_lines(text, width, most=most))
