"""A table in the browser that sorts by its headers and whose rows can be chosen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets

STATIC = Path(__file__).parent / "static"
UNKNOWN = "–"


class TableView(anywidget.AnyWidget):
    """One table; cells are shown letter by letter, so that a name cannot be markup.

    A click on a header sorts; on a row, or Enter on it, chooses (where `picking`); arrow keys move from row to row.
    `chosen` is the number of a row in the order in which it was given, -1 for none. `clicks` counts choices, so that
    the same row can be chosen again.
    """

    _esm = STATIC / "table.js"
    _css = STATIC / "table.css"

    columns: traitlets.List = traitlets.List([]).tag(sync=True)
    rows: traitlets.List = traitlets.List([]).tag(sync=True)
    sorted_by = traitlets.List([-1, 1]).tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    clicks = traitlets.Int(0).tag(sync=True)
    faint: traitlets.List = traitlets.List([]).tag(sync=True)
    picking = traitlets.Bool(False).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    empty = traitlets.Unicode("Nothing to show.").tag(sync=True)
    height_px = traitlets.Int(260).tag(sync=True)

    def show_table(
        self,
        table: pd.DataFrame,
        *,
        formats: Mapping[str, Callable[[Any], str]] | None = None,
        faint: Iterable[int] = (),
        chosen: int = -1,
    ) -> None:
        """Show a table.

        Parameters
        ----------
        table : DataFrame
            Its column names are the headers.
        formats : mapping of str to callable, optional
            How the values of a column are written; sorting takes the values themselves.
        faint : iterable of int
            Rows that are there, but do not count.
        chosen : int
        """
        numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
        columns = [[str(name), "number" if n else "text"] for name, n in zip(table.columns, numeric, strict=True)]
        writers = [(formats or {}).get(str(name), str) for name in table.columns]
        rows = [
            [_write_cell(value, write) for value, write in zip(row, writers, strict=True)]
            for row in table.itertuples(index=False, name=None)
        ]
        with self.hold_sync():
            self.columns, self.rows, self.faint, self.chosen = columns, rows, list(faint), chosen


def _write_cell(value: Any, write: Callable[[Any], str]) -> list[Any]:
    """Return a cell's text, and the value that it is sorted by (None for unknown)."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return [UNKNOWN, None]
    plain = value.item() if hasattr(value, "item") else value
    return [write(value), plain if isinstance(plain, int | float | str) else str(plain)]
