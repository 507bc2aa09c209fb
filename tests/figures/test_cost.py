from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.cost import choose_ticks, plan_figure, spread_heights
from tests.figures.samples_cost import sample_cost


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([1.0, 5.0, 9.0], [1, 5, 9]),
        ([5.0, 5.0], [4, 6]),
        ([5.0, 5.0, 5.5], [19 / 6, 31 / 6, 43 / 6]),  # around their mean, 31 / 6
        ([0.0, 9.9, 9.9], [0, 8, 10]),  # the end holds the upper group back
        ([0.0, 0.0, 8.0], [0, 2, 8]),
    ],
)
def test_heights_are_spread_around_where_they_belong(wanted, expected):
    assert spread_heights(wanted, 2.0, (0.0, 10.0)) == pytest.approx(expected)


@pytest.mark.parametrize("count", [3, 14, 40])
def test_names_stand_apart_and_inside(count):
    plan = plan_figure(sample_cost(count), None, line_share=1 / (count + 1))
    heights = plan.models["label_y"].tolist()
    gap = (plan.y_range[1] - plan.y_range[0]) / (count + 1)
    assert all(upper - lower >= 0.999 * gap for upper, lower in pairwise(heights))
    assert min(heights) >= plan.y_range[0]
    assert max(heights) <= plan.y_range[1]
    assert plan.models["accuracy"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.9, 11, [1, 2, 5, 10]), (0.9, 110, [1, 3, 10, 30, 100]), (0.1, 2000, [0.1, 1, 10, 100, 1000])],
)
def test_ticks_are_round_and_few(low, high, expected):
    assert choose_ticks(low, high) == expected


def test_models_without_accuracy_are_left_out_and_counted():
    result = sample_cost()
    figure = draw("cost", result)
    drawn = [text.text for text in figure.layout.annotations]
    assert "vgg11" not in drawn
    assert len(drawn) == len(result.table) - 1
    assert "1 without accuracy" in figure.layout.title.subtitle.text.replace("<br>", " ")
    with pytest.raises(OptionError, match="no model has both an accuracy and a cost"):
        draw("cost", replace(result, table=result.table.assign(accuracy=np.nan)))


def test_points_have_the_units_of_their_axes_and_one_height_in_all_panels():
    result = sample_cost(3)
    best = result.table.iloc[:2].sort_values("accuracy", ascending=False).iloc[0]
    panels = [trace for trace in draw("cost", result).data if trace.mode == "markers"][:3]
    found = [(trace.x[0], trace.y[0]) for trace in panels]
    expected = [best["parameters"] / 1e6, best["flops"] / 1e9, best["ms"]]
    assert [x for x, _ in found] == pytest.approx(expected)
    assert [y for _, y in found] == pytest.approx([100 * best["accuracy"]] * 3)


def test_protocol_and_machine_are_in_the_title():
    result = replace(sample_cost(), label="esc10@leaky, LEAKY: random 5 folds over clips, recipe quick")
    assert "esc10@leaky, LEAKY" in draw("cost", result).layout.title.text
    title = draw("cost", result, hand="print").get_suptitle()
    assert "esc10@leaky, LEAKY" in title
    assert "2 threads" in title


@pytest.mark.parametrize("count", [3, 40])
def test_names_do_not_overlap_in_print(count):
    figure = draw("cost", sample_cost(count), hand="print")
    figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in figure.axes[-1].texts), key=lambda box: box.y0)
    assert len(boxes) == count - 1
    assert all(upper.y0 >= lower.y1 - 0.5 for lower, upper in pairwise(boxes))


@pytest.mark.parametrize("accuracy_range", [(0.9, 0.5), (0, 2)])
def test_accuracy_range_has_to_rise_within_zero_and_one(accuracy_range):
    with pytest.raises(OptionError, match="does not rise within 0 and 1"):
        draw("cost", sample_cost(), accuracy_range=accuracy_range)
