from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.score_change import choose_classes
from tests.figures.samples_noise import sample_score_change


def test_markers_stand_at_the_scores_in_per_cent():
    figure = draw("score_change", sample_score_change())
    before, after = (trace for trace in figure.data[:3] if trace.name in ("before", "after"))
    assert list(before.x) == pytest.approx([70, 20, 10])
    assert list(after.x) == pytest.approx([15, 25, 60])
    assert before.marker.symbol != after.marker.symbol  # told apart without colour
    assert "(true)" in before.y[0]


def test_print_hand_draws_a_panel_a_model():
    figure = draw("score_change", sample_score_change(3), hand="print")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["model0", "model1", "model2"]
    assert figure.axes[0].yaxis_inverted()


def test_only_the_highest_classes_are_shown():
    result = sample_score_change(1)
    # The highest of before and after: 0.7, 0.25, 0.6.
    assert choose_classes(result, 2) == result.table["class_name"].iloc[[0, 2]].tolist()


def test_missing_column_is_named():
    result = replace(sample_score_change(), table=pd.DataFrame({"model": ["a"], "class_name": ["b"], "before": [0.1]}))
    with pytest.raises(OptionError, match="column 'after' is missing"):
        draw("score_change", result)
    with pytest.raises(OptionError, match="most: 0 is below 1"):
        draw("score_change", sample_score_change(), most=0)
