"""What is special to the figures on noise."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.activation_share import activation_share_data
from esclab.figures.grid import grid_data, place_region
from esclab.figures.robustness import robustness_data
from esclab.figures.sensitivity import sensitivity_data
from esclab.figures.theme import COLOURS, ONE_COLUMN_IN, TWO_COLUMNS_IN
from esclab.figures.wrap import wrap_lines
from esclab.results import GridResult, GridRow, Region, SensitivityResult, TimeFrequencyMap
from tests.figures.samples_noise import (
    MODELS,
    sample_activation_share,
    sample_grid,
    sample_robustness,
    sample_sensitivity,
)
from tests.figures.test_contract import assert_nothing_is_cut

HANDS = pytest.mark.parametrize("hand", ["plotly", "print"])
FIVE = ("cnn10", "ts-cnn10", "a model whose name goes on and on", "spsm-cnn10", "fpam-cnn10")
# Four frames from 0 to 4 s; bands whose borders are 50, 150, 300 and 500 Hz.
FOUR = TimeFrequencyMap(
    np.arange(12.0).reshape(4, 3), np.array([0.5, 1.5, 2.5, 3.5]), np.array([100.0, 200.0, 400.0]), "four"
)
# Two frames a cell, over the same time and bands of 50 to 300 and 300 to 500 Hz.
TWO = TimeFrequencyMap(np.full((2, 2), 7.0), np.array([1.0, 3.0]), np.array([150.0, 400.0]), "two", "activation")
SMALL_GRID = GridResult(
    (GridRow("log-mel", (FOUR, dataclasses.replace(FOUR, values=FOUR.values - 20))), GridRow("block1", (TWO, TWO))),
    ("clean", "burst"),
    (None, Region(1, 2, 150, 300)),
    "a clip",
)
# A cell is 2 s by one band or by two; the score drops by 40 and 10 points, and rises by 20; accuracy stays.
SMALL_GRID_OF_BURSTS = SensitivityResult(
    FOUR,
    np.array([0.0, 2.0, 4.0]),
    np.array([0.0, 150.0, 22050.0]),
    np.array([[0.4, 0.8], [0.7, 1.0]]),
    np.full((2, 2), 0.9),
    0.8,
    0.9,
    10,
    "cnn10",
    "gaussian",
    -5.0,
)


@pytest.mark.parametrize(
    ("region", "box"),
    [
        (Region(1, 2, 150, 300), (1, 2, 0.5, 1.5)),
        (Region(), (0, 4, -0.5, 2.5)),
        (Region(onset_s=3, low_hz=400), (3, 4, 2, 2.5)),
        (Region(offset_s=0.25, high_hz=75), (0, 0.25, -0.5, -0.25)),
        (Region(4, 9), None),
        (Region(low_hz=600), None),
    ],
)
def test_grid_region_lies_where_it_should(region: Region, box: tuple[float, ...] | None) -> None:
    found = place_region(region, FOUR)
    assert (found is None) == (box is None)
    if box is not None:
        assert found == pytest.approx(box)


def test_grid_plotly_outlines_the_region_in_every_map_of_its_column() -> None:
    outlines = [trace for trace in draw("grid", SMALL_GRID).data if trace.type == "scatter"]
    assert [(trace.xaxis, trace.line.color) for trace in outlines] == [
        ("x2", "black"),
        ("x2", "white"),
        ("x4", "black"),
        ("x4", "white"),
    ]
    assert [list(trace.x) for trace in outlines] == [[1, 2, 2, 1, 1]] * 4
    assert list(outlines[0].y) == [0.5, 0.5, 1.5, 1.5, 0.5]
    # On the coarser axis, 150 Hz is the centre of band 0 and 300 Hz lies 0.6 of the way to band 1.
    np.testing.assert_allclose(outlines[2].y, [0, 0, 0.6, 0.6, 0])


def test_grid_print_outlines_the_same_boxes() -> None:
    axes = draw("grid", SMALL_GRID, hand="print").axes[:4]
    assert [len(one.patches) for one in axes] == [0, 2, 0, 2]
    box = axes[3].patches[-1]
    assert (*box.get_xy(), box.get_width(), box.get_height()) == pytest.approx((1, 0, 1, 0.6))


@HANDS
def test_grid_rows_of_one_unit_share_a_colour_scale(hand: Any) -> None:
    rows = (*SMALL_GRID.rows, GridRow("block2", (dataclasses.replace(TWO, values=np.full((2, 2), 3.0)), TWO)))
    figure = draw("grid", dataclasses.replace(SMALL_GRID, rows=rows), hand=hand)
    if hand == "plotly":
        found = [(trace.zmin, trace.zmax) for trace in figure.data if trace.type == "heatmap"]
        bars = [
            trace.colorbar.title.text for trace in figure.data if trace.type == "heatmap" and trace.showscale is None
        ]
    else:
        found = [axes.collections[0].get_clim() for axes in figure.axes[:6]]
        bars = [axes.get_ylabel() for axes in figure.axes[6:]]
    assert found == [(-20, 11)] * 2 + [(3, 7)] * 4
    assert bars == ["Level (dB)", "Activation"]


@HANDS
def test_grid_takes_the_colour_range_of_a_unit(hand: Any) -> None:
    figure = draw("grid", SMALL_GRID, color_range={"dB": (-80, 0), "activation": None}, hand=hand)
    if hand == "plotly":
        found = [(trace.zmin, trace.zmax) for trace in figure.data if trace.type == "heatmap"]
    else:
        found = [axes.collections[0].get_clim() for axes in figure.axes[:4]]
    assert found == [(-80, 0)] * 2 + [(6.5, 7.5)] * 2


def test_grid_rows_apart_have_a_bar_each_with_the_same_scale() -> None:
    log_mel, block1 = SMALL_GRID.rows
    apart = dataclasses.replace(SMALL_GRID, rows=(log_mel, block1, log_mel))
    bars = [t for t in draw("grid", apart).data if t.type == "heatmap" and t.showscale is None]
    assert [(bar.colorbar.title.text, bar.zmin) for bar in bars] == [
        ("Level (dB)", -20),
        ("Activation", 6.5),
        ("Level (dB)", -20),
    ]
    centres = [bar.colorbar.y for bar in bars]
    assert centres == pytest.approx(
        [1 - bar.colorbar.len / 2 - i * (1 - bars[0].colorbar.len) / 2 for i, bar in enumerate(bars)]
    )


@HANDS
def test_grid_writes_rows_and_columns(hand: Any) -> None:
    figure = draw("grid", sample_grid(), hand=hand)
    if hand == "plotly":
        texts = {note.text for note in figure.layout.annotations}
        assert {"clean", "noise in bands 25-30", "<b>log-mel</b>", "<b>CNN10 block-1 mean<br>feature map</b>"} <= texts
    else:
        assert figure.get_size_inches()[0] == TWO_COLUMNS_IN
        assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["clean", "noise in frames 50-64"]
        assert figure.axes[4].texts[0].get_text() == "CNN10 block-1 mean\nfeature map"


def test_grid_data_holds_every_cell() -> None:
    data = grid_data(SMALL_GRID)
    assert list(data) == ["row", "column", "region", "unit", "time_s", "frequency_hz", "value"]
    assert data.groupby(["row", "column"]).size().to_dict() == {
        ("block1", "burst"): 4,
        ("block1", "clean"): 4,
        ("log-mel", "burst"): 12,
        ("log-mel", "clean"): 12,
    }
    assert data.groupby("column")["region"].unique().map(list).to_dict() == {
        "burst": ["1-2 s, 150-300 Hz"],
        "clean": [""],
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": ()}, "holds no map"),
        ({"columns": ("clean",)}, "1 columns do not fit 2 regions"),
        ({"rows": (GridRow("mixed", (FOUR, TWO)),)}, "differ in bands or unit"),
        ({"regions": (None, Region(2, 1))}, "2 to 1 s does not rise"),
    ],
)
def test_grid_refuses_what_does_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw("grid", dataclasses.replace(SMALL_GRID, **changes))


def test_grid_color_range_must_name_a_unit_of_the_grid() -> None:
    with pytest.raises(OptionError, match="no map is in 'Pa'; choose among 'dB', 'activation'"):
        draw("grid", SMALL_GRID, color_range={"Pa": (0, 1)})


def test_robustness_plotly_draws_percent_from_clean_to_loud() -> None:
    result = sample_robustness(kinds=("gaussian",))
    first, second = draw("robustness", result).data
    rows = result.table[result.table["model"] == "cnn10"]
    # Clean stands 1.2 steps of 5 dB above 20 dB, and the two models 0.13 of a step apart.
    np.testing.assert_allclose(np.array([first.x[0], *first.x[2:]]), np.array([26, 20, 15, 10, 5, 0]) + 0.325)
    assert (first.x[1], first.y[1]) == (None, None)
    np.testing.assert_allclose(np.array([first.y[0], *first.y[2:]]), rows["mean"] * 100)
    np.testing.assert_allclose(np.array([first.error_y.array[0], *first.error_y.array[2:]]), [2, 3, 3, 3, 3, 3])
    assert (second.x[0], first.line.dash, second.line.dash) == (pytest.approx(25.675), "solid", "dash")
    assert first.marker.symbol != second.marker.symbol


@HANDS
def test_robustness_axis_falls_and_names_the_clean_clips(hand: Any) -> None:
    figure = draw("robustness", sample_robustness(), hand=hand)
    if hand == "plotly":
        axis = figure.layout.xaxis
        ticks, labels, limits = axis.tickvals, list(axis.ticktext), axis.range
    else:
        axes = figure.axes[0]
        ticks, labels = axes.get_xticks(), [label.get_text() for label in axes.get_xticklabels()]
        limits = axes.get_xlim()
    assert list(ticks) == [26, 20, 15, 10, 5, 0]
    assert labels == ["clean", "20", "15", "10", "5", "0"]
    assert tuple(limits) == (29, -3)


@HANDS
def test_robustness_has_one_panel_a_kind_and_region(hand: Any) -> None:
    result = sample_robustness(regions=("whole clip", "1-1.3 s"))
    figure = draw("robustness", result, hand=hand)
    if hand == "plotly":
        titles = [note.text.replace("<br>", ", ") for note in figure.layout.annotations]
    else:
        titles = [axes.get_title(loc="left").replace("\n", ", ") for axes in figure.axes]
    kinds = ("gaussian", "pink", "babble")
    assert titles == [f"{kind}, {region}" for region in ("whole clip", "1-1.3 s") for kind in kinds]


@HANDS
def test_robustness_names_the_region_when_it_is_not_the_whole_clip(hand: Any) -> None:
    figure = draw("robustness", sample_robustness(kinds=("pink",), regions=("1-1.3 s",)), hand=hand)
    title = figure.layout.annotations[0].text if hand == "plotly" else figure.axes[0].get_title(loc="left")
    assert title.replace("<br>", "\n") == "pink\n1-1.3 s"


@pytest.mark.parametrize(("kinds", "width_in"), [(("pink",), ONE_COLUMN_IN), (("pink", "hum"), TWO_COLUMNS_IN)])
def test_robustness_print_takes_one_column_for_one_kind(kinds: tuple[str, ...], width_in: float) -> None:
    figure = draw("robustness", sample_robustness(FIVE, kinds), hand="print")
    assert figure.get_size_inches()[0] == width_in
    assert [line.get_color() for line in figure.legends[0].get_lines()] == list(COLOURS[:5])
    assert len({line.get_marker() for line in figure.legends[0].get_lines()}) == 5
    assert len({repr(line._dash_pattern) for line in figure.legends[0].get_lines()}) == 5


def test_robustness_five_panels_stand_in_rows_of_three_and_two() -> None:
    figure = draw("robustness", sample_robustness(kinds=("pink", "hum", "rain", "babble", "white")), hand="print")
    assert [axes.get_visible() for axes in figure.axes] == [True] * 5 + [False]
    assert [bool(axes.get_xlabel()) for axes in figure.axes[:5]] == [False, False, True, True, True]


@HANDS
def test_robustness_works_without_clean_clips_intervals_or_a_second_level(hand: Any) -> None:
    result = sample_robustness(MODELS[:1], ("pink",))
    table = result.table[result.table["snr_db"] == 10].assign(low=np.nan, high=np.nan)
    figure = draw("robustness", dataclasses.replace(result, table=table), hand=hand)
    if hand == "plotly":
        assert (list(figure.layout.xaxis.tickvals), list(figure.data[0].x)) == ([10], [10])
        assert "[" not in figure.data[0].customdata[0]
        assert not figure.layout.shapes
    else:
        assert list(figure.axes[0].get_xticks()) == [10]
        figure.draw_without_rendering()


def test_robustness_data_is_the_table_in_rates() -> None:
    data = robustness_data(sample_robustness())
    assert list(data) == ["model", "kind", "region", "snr_db", "accuracy", "low", "high"]
    assert len(data) == 2 * (1 + 3 * 5)
    assert data["accuracy"].max() <= 1


def test_robustness_refuses_what_it_cannot_draw() -> None:
    result = sample_robustness()
    clean = result.table[result.table["kind"] == "clean"]
    with pytest.raises(OptionError, match="holds no noisy condition"):
        draw("robustness", dataclasses.replace(result, table=clean))
    with pytest.raises(OptionError, match="column 'low' is missing"):
        draw("robustness", dataclasses.replace(result, table=result.table.drop(columns="low")))
    with pytest.raises(OptionError, match="does not rise within 0 and 1"):
        draw("robustness", result, accuracy_range=(50, 100))


def test_sensitivity_plotly_draws_drops_in_points_at_true_borders() -> None:
    level, cells = draw("sensitivity", SMALL_GRID_OF_BURSTS).data
    assert (level.zmin, level.zmax) == (0, 11)
    np.testing.assert_allclose(cells.z, [[40, 10], [0, -20]])
    np.testing.assert_allclose(cells.x, [0, 2, 4])
    np.testing.assert_allclose(cells.y, [-0.5, 0.5, 2.5])
    assert (cells.zmin, cells.zmax) == pytest.approx((-40, 40))
    assert [list(row) for row in cells.text] == [["40", "10"], ["0", "−20"]]
    assert cells.customdata[0][1] == "2.00-4.00 s, 0-150 Hz<br>score 70.0 %, accuracy 90.0 %"


def test_sensitivity_print_draws_the_same_cells() -> None:
    below = draw("sensitivity", SMALL_GRID_OF_BURSTS, hand="print").axes[1]
    texts = {text.get_position(): (text.get_text(), text.get_color()) for text in below.texts}
    assert texts == {
        (1, 0): ("40", "white"),
        (1, 1.5): ("0", "black"),
        (3, 0): ("10", "black"),
        (3, 1.5): ("−20", "black"),
    }
    assert below.collections[0].get_clim() == pytest.approx((-40, 40))


@HANDS
def test_sensitivity_of_accuracy_on_a_shared_scale(hand: Any) -> None:
    figure = draw("sensitivity", SMALL_GRID_OF_BURSTS, value="accuracy", largest_drop=0.5, hand=hand)
    if hand == "plotly":
        values, limits = figure.data[1].z, (figure.data[1].zmin, figure.data[1].zmax)
        title, key = figure.data[1].colorbar.title.text, figure.layout.title.subtitle.text
    else:
        values, limits = figure.axes[1].collections[0].get_array(), figure.axes[1].collections[0].get_clim()
        title, key = figure.axes[3].get_ylabel(), figure.get_suptitle().replace("\n", " ")
    np.testing.assert_allclose(values, np.zeros((2, 2)), atol=1e-9)
    assert limits == (-50, 50)
    assert title == "Drop of accuracy (points)"
    assert "gaussian noise, −5 dB SNR; accuracy without noise 90 %" in key


def test_sensitivity_of_a_fine_grid_marks_only_where_noise_helps() -> None:
    cells = draw("sensitivity", sample_sensitivity(25, 16)).data[1]
    helped = np.asarray(cells.z) <= -0.5
    assert 0 < helped.sum() < helped.size
    np.testing.assert_array_equal(np.array(cells.text) == "-", helped)
    assert set(np.array(cells.text)[~helped]) == {""}


def test_sensitivity_of_small_drops_writes_a_decimal() -> None:
    small = dataclasses.replace(SMALL_GRID_OF_BURSTS, score=np.array([[0.796, 0.8], [np.nan, 0.803]]))
    cells = draw("sensitivity", small).data[1]
    assert [list(row) for row in cells.text] == [["0.4", ""], ["0.0", "−0.3"]]
    assert cells.zmax == 1


def test_sensitivity_data_holds_the_cells_and_the_spectrogram() -> None:
    data = sensitivity_data(SMALL_GRID_OF_BURSTS)
    assert data["quantity"].value_counts().to_dict() == {"spectrogram": 12, "score": 4, "accuracy": 4}
    score = data[data["quantity"] == "score"]
    assert score[["onset_s", "offset_s", "low_hz", "high_hz"]].to_numpy().tolist() == [
        [0, 2, 0, 150],
        [0, 2, 150, 22050],
        [2, 4, 0, 150],
        [2, 4, 150, 22050],
    ]
    np.testing.assert_allclose(score["drop"], [0.4, 0, 0.1, -0.2], atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"score": np.zeros((2, 3))}, {}, r"shape \(2, 3\) do not fit 2 slots and 2 ranges"),
        ({"slot_edges_s": np.array([0.0, 5.0, 6.0])}, {}, "slot_edges_s: they do not rise within the spectrogram"),
        ({"band_edges_hz": np.array([0.0, 600.0, 900.0])}, {}, "band_edges_hz: they do not rise"),
        ({}, {"value": "loss"}, "'loss' is not known; choose 'score' or 'accuracy'"),
        ({}, {"largest_drop": 50}, "50 is not a share above 0"),
    ],
)
def test_sensitivity_refuses_what_does_not_fit(changes: Any, options: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw("sensitivity", dataclasses.replace(SMALL_GRID_OF_BURSTS, **changes), **options)


def test_activation_share_plotly_draws_percent_with_interval_clean_and_even() -> None:
    even, first, second, clean, noisy = draw("activation_share", sample_activation_share()).data[:5]
    np.testing.assert_allclose(even.x, [6, 6, 6, 6])
    assert list(even.y) == [-0.5, 0.5, 0.5, 1.5]
    np.testing.assert_allclose([first.x, second.x], [[8.7, 10], [7.6, 8.9]])
    np.testing.assert_allclose(noisy.x, [9.3, 8.2])
    np.testing.assert_allclose(clean.x, [6.4, 6.8])
    assert list(noisy.marker.color) == list(COLOURS[:2])
    assert clean.marker.color == "white"


@HANDS
def test_activation_share_writes_difference_and_p_value_for_each_region(hand: Any) -> None:
    figure = draw("activation_share", sample_activation_share(), hand=hand)
    if hand == "plotly":
        texts = [tuple(note.text.split("<br>")) for note in figure.layout.annotations]
        regions = ["<b>1-1.3 s</b>", "<b>1400-2100 Hz</b>"]
        p = "p &lt; 0.001"
    else:
        assert figure.get_size_inches()[0] == ONE_COLUMN_IN
        texts = [tuple(text.get_text() for text in axes.texts) for axes in figure.axes]
        regions, p = ["1-1.3 s", "1400-2100 Hz"], "p < 0.001"
    start = "cnn10 less ts-cnn10: +1.1 [+0.7, +1.5] points, "
    assert texts == [(regions[0], start + p), (regions[1], start + "p = 0.062")]


@HANDS
def test_activation_share_writes_three_pairs_and_counts_the_others(hand: Any) -> None:
    figure = draw("activation_share", sample_activation_share(FIVE), hand=hand)
    text = figure.layout.annotations[0].text if hand == "plotly" else figure.axes[0].texts[1].get_text()
    assert text.count(" less ") == 3
    assert text.endswith("and 7 more pairs in the data")


@HANDS
def test_activation_share_of_one_model_without_an_interval(hand: Any) -> None:
    result = sample_activation_share(MODELS[:1])
    table = result.table.assign(low=np.nan, high=np.nan)
    alone = dataclasses.replace(result, table=table, pairs=pd.DataFrame())
    figure = draw("activation_share", alone, hand=hand)
    if hand == "plotly":
        assert figure.layout.annotations[0].text == "<b>1-1.3 s</b>"
        # The largest share is 14.1 %.
        assert figure.layout.xaxis.range == pytest.approx((0, 104 * 0.141))
        assert "p after Holm" not in figure.layout.title.subtitle.text
    else:
        figure.draw_without_rendering()
        assert figure.axes[0].get_xlim() == pytest.approx((0, 104 * 0.141))
    assert set(activation_share_data(alone)["kind"]) == {"noisy", "clean", "even"}


def test_activation_share_data_has_a_row_a_mark_and_pair() -> None:
    data = activation_share_data(sample_activation_share())
    assert list(data) == ["region", "kind", "model", "other", "share", "low", "high", "p_value", "p_holm"]
    assert data["kind"].value_counts().to_dict() == {"noisy": 4, "clean": 4, "even": 4, "difference": 2}
    pair = data[data["kind"] == "difference"].iloc[1]
    assert (pair["region"], pair["model"], pair["other"]) == ("1400-2100 Hz", "cnn10", "ts-cnn10")
    assert (pair["share"], pair["p_holm"]) == (pytest.approx(0.011), 0.0624)


def test_activation_share_refuses_what_it_cannot_draw() -> None:
    result = sample_activation_share()
    with pytest.raises(OptionError, match="holds no model"):
        draw("activation_share", dataclasses.replace(result, table=result.table.head(0)))
    with pytest.raises(OptionError, match="column 'even' is missing"):
        draw("activation_share", dataclasses.replace(result, table=result.table.drop(columns="even")))
    with pytest.raises(OptionError, match="does not rise within 0 and 1"):
        draw("activation_share", result, share_range=(0, 50))


@HANDS
def test_activation_share_takes_a_part_of_the_axis(hand: Any) -> None:
    figure = draw("activation_share", sample_activation_share(), share_range=(0.05, 0.2), hand=hand)
    limits = figure.layout.xaxis.range if hand == "plotly" else figure.axes[0].get_xlim()
    assert tuple(limits) == (5, 20)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("activation_share", sample_activation_share(FIVE)),
        ("grid", dataclasses.replace(sample_grid(), columns=("noise " * 20,) * 4, label="a clip " * 30)),
        ("robustness", sample_robustness(FIVE, ("pink",))),
        ("robustness", sample_robustness(FIVE, regions=("whole clip", "1-1.3 s, 2000-4000 Hz"))),
        ("sensitivity", dataclasses.replace(sample_sensitivity(), model=FIVE[2], kind="environmental")),
    ],
)
def test_noise_figures_with_long_names_are_cut_nowhere(name: str, result: Any) -> None:
    assert_nothing_is_cut(draw(name, result, hand="print"))


def test_wrap_breaks_between_words_and_ends_with_an_ellipsis() -> None:
    assert wrap_lines("one two three four", 8) == ["one two", "three…"]
    assert wrap_lines("one", 8) == ["one"]
    assert wrap_lines("", 8) == []
