"""Class scores before and after a change, as bars in the browser."""

from __future__ import annotations

from collections.abc import Sequence

import anywidget
import numpy as np
import traitlets

from esclab.figures.text import class_words
from esclab.widgets.canvas import STATIC
from esclab.widgets.together import SharedMessage


class ScoreBars(SharedMessage, anywidget.AnyWidget):
    """Two bars a class and model (outlined before, filled after), the answer, and the change in points."""

    _esm = STATIC / "score_bars.js"
    _css = STATIC / "score_bars.css"

    models: traitlets.List = traitlets.List([]).tag(sync=True)
    class_names: traitlets.List = traitlets.List([]).tag(sync=True)
    before: traitlets.List = traitlets.List([]).tag(sync=True)
    after: traitlets.List = traitlets.List([]).tag(sync=True)
    true_class = traitlets.Unicode("").tag(sync=True)
    most = traitlets.Int(10).tag(sync=True)

    def show(self, before: Sequence[np.ndarray], after: Sequence[np.ndarray], *, true_class: str = "") -> None:
        """Paint the probabilities (class,) of each model."""
        with self.hold_sync():
            self.true_class = class_words(true_class)
            self.before = [values.round(4).tolist() for values in before]
            self.after = [values.round(4).tolist() for values in after]
