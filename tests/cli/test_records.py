from __future__ import annotations

import json

import numpy as np
import pandas as pd

from esclab.cli.records import to_records


def test_rows_hold_only_what_json_has():
    table = pd.DataFrame(
        {"n": [1, 2, 3], "x": [0.1, np.nan, -np.inf], "name": ["a", None, "c"], "clips": [("p", "q"), (), ("r",)],
         "sure": [True, False, True]}
    )  # fmt: skip
    text = json.dumps(to_records(table), allow_nan=False)
    assert json.loads(text) == [
        {"n": 1, "x": 0.1, "name": "a", "clips": ["p", "q"], "sure": True},
        {"n": 2, "x": None, "name": None, "clips": [], "sure": False},
        {"n": 3, "x": None, "name": "c", "clips": ["r"], "sure": True},
    ]
