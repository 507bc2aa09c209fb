"""Tables as JSON that any program reads."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def to_records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the rows of a table for JSON, which has no NaN and no infinity: null in their place."""
    known = table.notna() & ~table.isin([math.inf, -math.inf])
    return table.astype(object).where(known, None).to_dict("records")
