"""Tables of results as text for a README, a paper or a spreadsheet."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real

import pandas as pd

from esclab.errors import OptionError
from esclab.results import AccuracyResult

STYLES = ("markdown", "latex", "csv")
UNKNOWN = "–"  # shown where a number does not exist
_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "±": r"$\pm$",
    "\n": " ",
}


def accuracy_table(result: AccuracyResult, *, decimals: int = 1) -> pd.DataFrame:
    """Return an accuracy result as a table to read.

    Parameters
    ----------
    result : AccuracyResult
    decimals : int
        Digits after the point.

    Returns
    -------
    table : DataFrame
        One row a model, in the result's order: `Model`, `Accuracy (%)`, `95 % interval` (in %), `Folds` and
        `Spread` (standard deviation over folds, in percentage points). All but `Folds` are text; a dash
        stands for NaN.
    """
    rows = result.table
    bounds = zip(rows["low"], rows["high"], strict=True)
    return pd.DataFrame(
        {
            "Model": rows["model"],
            "Accuracy (%)": [_percent(value, decimals) for value in rows["mean"]],
            "95 % interval": [_percent_range(low, high, decimals) for low, high in bounds],
            "Folds": rows["folds"],
            "Spread": [_percent(value, decimals) for value in rows["spread"]],
        }
    )


def format_table(table: pd.DataFrame, style: str, *, caption: str = "", label: str = "") -> str:
    """Write a table as text.

    Parameters
    ----------
    table : DataFrame
        Its index is left out. Floats are written with three significant digits (in full in CSV).
    style : {"markdown", "latex", "csv"}
        GitHub Markdown, LaTeX for the booktabs package, or comma-separated values.
    caption : str
        Stands above the table in Markdown and LaTeX; CSV has no place for one.
    label : str
        What a LaTeX reference names; the other styles have no place for one.

    Returns
    -------
    text : str
        Ends with a line break.

    Raises
    ------
    OptionError
        When the style is unknown.
    """
    if style == "csv":
        return table.to_csv(index=False, lineterminator="\n")
    if style == "markdown":
        return _format_markdown(table, caption)
    if style == "latex":
        return _format_latex(table, caption, label)
    raise OptionError(f"style {style!r}", "is unknown", f"choose one of {', '.join(STYLES)}")


def _format_markdown(table: pd.DataFrame, caption: str) -> str:
    names = [_escape_markdown(str(name)) for name in table.columns]
    rules = ["---:" if right else "---" for right in _right_aligned(table)]
    rows = [[_escape_markdown(cell) for cell in row] for row in _cells(table)]
    lines = [f"| {' | '.join(row)} |" for row in [names, rules, *rows]]
    heading = [_escape_markdown(caption), ""] if caption else []
    return "\n".join([*heading, *lines]) + "\n"


def _format_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    columns = "".join("r" if right else "l" for right in _right_aligned(table))
    rows = [[_escape_latex(cell) for cell in row] for row in _cells(table)]
    names = [_escape_latex(str(name)) for name in table.columns]
    lines = [
        r"\begin{table}",
        r"\centering",
        *([rf"\caption{{{_escape_latex(caption)}}}"] if caption else []),
        *([rf"\label{{{label}}}"] if label else []),
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(names) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cells(table: pd.DataFrame) -> list[list[str]]:
    # By column, because a row of mixed types would turn whole numbers into floats.
    columns = [[_format_cell(value) for value in table.iloc[:, n]] for n in range(table.shape[1])]
    return [list(row) for row in zip(*columns, strict=True)]


def _format_cell(value: object) -> str:
    if isinstance(value, bool | Integral) or not isinstance(value, Real):
        return UNKNOWN if value is None else str(value)
    number = float(value)
    if math.isnan(number):
        return UNKNOWN
    return f"{number:.3g}" if abs(number) < 999.5 else f"{number:.0f}"


def _right_aligned(table: pd.DataFrame) -> list[bool]:
    """Return for each column whether all its cells start like a number."""
    number = re.compile(r"[-+]?\d[\d.,]*( ?%|–\d[\d.]*|e[-+]\d+)?")
    columns = list(zip(*_cells(table), strict=True)) or [()] * table.shape[1]
    return [bool(column) and all(c == UNKNOWN or number.fullmatch(c) for c in column) for column in columns]


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\|*_`<\[])", r"\\\1", " ".join(text.splitlines()))


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _percent(value: float, decimals: int) -> str:
    return UNKNOWN if math.isnan(value) else f"{100 * value:.{decimals}f}"


def _percent_range(low: float, high: float, decimals: int) -> str:
    if math.isnan(low) or math.isnan(high):
        return UNKNOWN
    return f"{_percent(low, decimals)}–{_percent(high, decimals)}"
