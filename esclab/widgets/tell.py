"""Short texts for an explorer, as HTML in which every name stands letter by letter."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pandas as pd

from esclab.figures.text import class_words

BAR = "display:inline-block;height:0.8em;background:var(--jp-brand-color1,#0072b2);vertical-align:baseline"


def write_note(text: str) -> str:
    """Return a paragraph, or nothing."""
    return f"<p style='margin:2px 0;line-height:1.4'>{html.escape(text)}</p>" if text else ""


def write_list(lines: Sequence[str]) -> str:
    """Return sentences as a list, or nothing."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul style='margin:2px 0;padding-left:20px;line-height:1.5'>{items}</ul>" if items else ""


def tell_problems(problems: Sequence[str]) -> str:
    """Return one line about runs that are left out; all but the first open on demand."""
    if not problems:
        return ""
    count = "1 run is" if len(problems) == 1 else f"{len(problems)} runs are"
    first = f"&#9888; {count} left out: {html.escape(problems[0])}"
    if len(problems) == 1:
        return f"<p style='margin:2px 0;line-height:1.4'>{first}</p>"
    return f"<details><summary>{first}</summary>{write_list(problems[1:])}</details>"


def tell_bars(values: pd.Series, marks: Mapping[str, str]) -> str:
    """Return rates (0..1) by name as bars with their number; `marks` adds a word to a name."""
    rows = []
    for name, value in values.items():
        mark = f" <b>({html.escape(marks[str(name)])})</b>" if str(name) in marks else ""
        rows.append(
            f"<tr><td style='padding-right:10px'>{html.escape(class_words(name))}{mark}</td>"
            f"<td style='text-align:right;padding-right:8px'>{100 * value:.0f} %</td>"
            f"<td style='width:50%'><span style='{BAR};width:{100 * value:.1f}%'></span></td></tr>"
        )
    return f"<table style='width:100%;max-width:560px;line-height:1.5'>{''.join(rows)}</table>"
