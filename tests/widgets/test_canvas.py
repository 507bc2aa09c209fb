"""What the canvas sends to the browser."""

from __future__ import annotations

import numpy as np

from esclab.widgets.canvas import to_levels


def test_levels_divide_the_range_evenly_and_hold_at_its_ends():
    values = np.array([-80.0, -40.0, 0.0, 12.0, -200.0, np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(
        np.frombuffer(to_levels(values, (-80.0, 0.0)), np.uint8), [0, 128, 255, 255, 0, 0, 255, 0]
    )
