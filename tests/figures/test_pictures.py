"""What is special to one figure."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.accuracy import accuracy_data
from esclab.figures.attention import attention_data
from esclab.figures.confusion import confusion_data
from esclab.figures.learning import learning_data
from esclab.figures.theme import COLOURS, WHITE_TEXT_FROM, rate_colours_for_plotly, rate_colours_for_print
from esclab.results import ConfusionResult, LearningResult
from tests.figures.samples import (
    EVENTS,
    sample_accuracy,
    sample_attention,
    sample_calibration,
    sample_confusion,
    sample_learning,
    sample_map,
)

HANDS = pytest.mark.parametrize("hand", ["plotly", "print"])
SMALL = ConfusionResult(np.array([[3, 1, 0], [0, 0, 0], [0, 500, 1]]), ("a", "b", "c"))


def luminance(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_confusion_data_divides_by_the_row() -> None:
    data = confusion_data(SMALL)
    assert data["true"].tolist() == list("aaabbbccc")
    assert data["predicted"].tolist() == list("abcabcabc")
    np.testing.assert_allclose(data["rate"], [0.75, 0.25, 0, np.nan, np.nan, np.nan, 0, 500 / 501, 1 / 501])


def test_confusion_plotly_leaves_zero_cells_blank_and_writes_rates_with_counts() -> None:
    heatmap, text = draw("confusion", SMALL).data
    np.testing.assert_allclose(heatmap.z[0], [75, 25, np.nan])
    assert np.isnan(heatmap.z[1]).all()
    assert list(text.text) == ["75 %<br>(3)", "25 %<br>(1)", "100 %<br>(500)", "&lt;1 %<br>(1)"]
    assert heatmap.customdata[0][1].tolist() == ["a", "b", "1 of 4"]
    assert (heatmap.zmin, heatmap.zmax) == (0, 100)


def test_confusion_print_writes_the_same_cells() -> None:
    figure = draw("confusion", SMALL, hand="print")
    texts = {text.get_position(): text.get_text() for text in figure.axes[0].texts if text.get_text()}
    assert texts == {
        (0.5, 0.5): "75 %\n(3)",
        (1.5, 0.5): "25 %\n(1)",
        (1.5, 2.5): "100 %\n(500)",
        (2.5, 2.5): "<1 %\n(1)",
    }
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_confusion_counts_have_their_own_scale() -> None:
    heatmap, text = draw("confusion", SMALL, normalise=False).data
    assert (heatmap.zmin, heatmap.zmax) == (0, 500)
    assert list(text.text) == ["3", "1", "500", "1"]


@HANDS
def test_confusion_with_many_classes_grows_and_drops_its_text(hand: Any) -> None:
    few, many = draw("confusion", sample_confusion(10), hand=hand), draw("confusion", sample_confusion(50), hand=hand)
    if hand == "plotly":
        assert len(many.data) == 1
        assert many.layout.height > few.layout.height
        assert len(many.layout.yaxis.ticktext) == 50
    else:
        assert not many.axes[0].texts
        assert many.get_size_inches()[1] > few.get_size_inches()[1]
        assert len(many.axes[0].get_yticklabels()) == 50
        many.draw_without_rendering()
        pitch_pt = many.axes[0].get_window_extent().height / many.dpi * 72 / 50
        assert pitch_pt >= 6.5


def test_confusion_text_has_contrast_on_every_rate() -> None:
    shares = np.linspace(0, 1, 201)
    light = luminance(rate_colours_for_print()(shares)[:, :3])
    contrast = np.where(shares >= WHITE_TEXT_FROM, 1.05 / (light + 0.05), (light + 0.05) / 0.05)
    assert contrast.min() >= 4.5
    assert (np.diff(light) <= 1e-9).all()


def test_rate_colours_agree_between_the_hands() -> None:
    scale = rate_colours_for_plotly()
    paper = rate_colours_for_print()(np.array([position for position, _ in scale]))[:, :3]
    screen = np.array([[float(x) for x in colour[4:-1].split(",")] for _, colour in scale]) / 255
    np.testing.assert_allclose(screen, paper, atol=0.04)


def test_confusion_refuses_counts_that_do_not_fit() -> None:
    with pytest.raises(OptionError, match=r"shape \(3, 3\) does not fit 2 class names"):
        draw("confusion", dataclasses.replace(SMALL, class_names=("a", "b")))


def test_learning_data_leaves_out_what_was_not_measured() -> None:
    data = learning_data(sample_learning())
    rows = data.groupby(["run", "part"]).size().to_dict()
    assert rows == {
        ("cnn10, seed 0", "train"): 40,
        ("cnn10, seed 0", "test fold"): 20,
        ("ts-cnn10, seed 0", "train"): 40,
        ("ts-cnn10, seed 0", "test fold"): 20,
        ("ts-cnn10, no augmentation", "train"): 40,
    }


def test_learning_plotly_dashes_training_and_names_each_run_once() -> None:
    figure = draw("learning", sample_learning())
    named = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.name for trace in named] == ["test fold", "train", *sample_learning().histories]
    curves = [trace for trace in figure.data if trace.showlegend is False]
    assert {trace.line.dash for trace in curves if len(trace.x) == 40} == {"dash"}
    assert {trace.line.dash for trace in curves if len(trace.x) == 20} == {"solid"}
    accuracy = next(trace for trace in curves if trace.yaxis == "y2")
    history = sample_learning().histories["cnn10, seed 0"]
    np.testing.assert_allclose(accuracy.y, history["train_accuracy"] * 100)


@HANDS
def test_learning_shows_a_run_of_one_epoch_and_names_with_an_underscore(hand: Any) -> None:
    history = sample_learning().histories["cnn10, seed 0"].head(1).drop(columns=["valid_loss", "valid_accuracy"])
    figure = draw("learning", LearningResult({"_quick": history}), hand=hand)
    if hand == "print":
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["test fold", "train", "_quick"]


@HANDS
def test_learning_without_a_run_is_refused(hand: Any) -> None:
    with pytest.raises(OptionError, match="holds no run"):
        draw("learning", LearningResult({}), hand=hand)


@HANDS
def test_spectrogram_draws_events_within_the_map(hand: Any) -> None:
    figure = draw("spectrogram", sample_map(), events=EVENTS, hand=hand)
    if hand == "plotly":
        outline = figure.data[-1]
        assert list(outline.x[:5]) == [0.8, 1.7, 1.7, 0.8, 0.8]
        assert max(x for x in outline.x if x is not None) == pytest.approx(5.0)
        assert min(y for y in outline.y if y is not None) == -0.5
        assert len(figure.data) == 3
    else:
        last = figure.axes[0].patches[-1]
        assert last.get_x() + last.get_width() == pytest.approx(5.0)
        assert last.get_y() == -0.5


def test_spectrogram_boxes_need_their_columns() -> None:
    with pytest.raises(OptionError, match="column 'low_hz' is missing"):
        draw("spectrogram", sample_map(), events=EVENTS.drop(columns="low_hz"))


@HANDS
def test_spectrogram_takes_the_colour_range_it_is_given(hand: Any) -> None:
    figure = draw("spectrogram", sample_map(), color_range=(-120, 0), hand=hand)
    if hand == "plotly":
        assert (figure.data[0].zmin, figure.data[0].zmax) == (-120, 0)
    else:
        assert figure.axes[0].collections[0].get_clim() == (-120, 0)


@HANDS
def test_spectrogram_of_silence_is_drawn(hand: Any) -> None:
    silence = dataclasses.replace(sample_map(), values=np.full((250, 64), -np.inf))
    figure = draw("spectrogram", silence, hand=hand)
    if hand == "print":
        figure.draw_without_rendering()
    else:
        assert np.isnan(figure.data[0].z).all()


def test_spectrogram_refuses_a_map_that_does_not_fit_its_axes() -> None:
    with pytest.raises(OptionError, match=r"shape \(64, 250\) does not fit 250 frames and 64 bands"):
        draw("spectrogram", dataclasses.replace(sample_map(), values=sample_map().values.T))


def test_attention_data_holds_every_value_of_the_picture() -> None:
    data = attention_data(sample_attention())
    rows = data.groupby(["layer", "kind"]).size().to_dict()
    assert rows[("input", "spectrogram")] == 250 * 64
    assert [rows[(f"block{i}", "temporal")] for i in (1, 2, 3, 4)] == [250, 125, 62, 31]
    assert ("block3", "spectral") not in rows
    mixture = data[(data["layer"] == "block4") & (data["kind"] == "mixture")]
    assert dict(zip(mixture["branch"], mixture["value"], strict=True)) == {"alpha": 0.88, "beta": 0.09, "gamma": 0.03}


def test_attention_plotly_numbers_are_the_lowest_and_highest_weight() -> None:
    result = sample_attention()
    figure = draw("attention", result)
    weights = result.layers[0].temporal
    axis = figure.get_subplot(1, 1).yaxis
    assert list(axis.tickvals) == [weights.min(), weights.max()]
    assert list(axis.ticktext) == [f"{weights.min():.3f}", f"{weights.max():.3f}"]
    trace = next(t for t in figure.data if t.type == "scatter" and t.name == "block1")
    np.testing.assert_array_equal(trace.y[:-1], weights)
    assert (trace.x[0], trace.x[-1]) == pytest.approx((0.0, 5.0))


def test_attention_strip_of_a_constant_spans_a_hundredth() -> None:
    layer = dataclasses.replace(sample_attention().layers[0], temporal=np.full(250, 0.5))
    figure = draw("attention", dataclasses.replace(sample_attention(), layers=(layer,)), hand="print")
    strip = figure.axes[2]
    assert [label.get_text() for label in strip.get_yticklabels()] == ["0.495", "0.505"]


def test_attention_bands_lie_beside_the_same_frequencies_of_the_map() -> None:
    result = sample_attention()
    figure = draw("attention", result)
    trace = next(t for t in figure.data if t.name == "block4" and t.line.color == COLOURS[1])
    np.testing.assert_allclose((trace.y[1:-2] + trace.y[2:-1]) / 2, 8 * np.arange(1, 7) + 3.5, atol=0.2)


@HANDS
@pytest.mark.parametrize(
    ("kept", "axes"),
    [
        ({"spectral": None, "mixture": {}}, 2 + 4),
        ({"temporal": None, "mixture": {}}, 2 + 3),
        ({"temporal": None, "spectral": None}, 2 + 2 * 4),
        ({}, 2 + 2 * 4 + 3),
    ],
)
def test_attention_shows_what_the_layers_have(kept: dict[str, Any], axes: int, hand: Any) -> None:
    result = sample_attention()
    layers = tuple(dataclasses.replace(layer, **kept) for layer in result.layers)
    figure = draw("attention", dataclasses.replace(result, layers=layers), hand=hand)
    if hand == "print":
        assert len(figure.axes) == axes
    else:
        drawn = sum(trace.type == "scatter" for trace in figure.data)
        assert drawn == sum(w is not None for layer in layers for w in (layer.temporal, layer.spectral))


@HANDS
def test_attention_of_a_plain_network_is_refused(hand: Any) -> None:
    plain = dataclasses.replace(sample_attention(), layers=(), model="cnn10")
    with pytest.raises(OptionError, match="cnn10: it records no attention; choose a model with attention gates"):
        draw("attention", plain, hand=hand)


@pytest.mark.parametrize(("weights", "message"), [(np.ones(3), "do not fit"), (np.full(250, np.nan), "not finite")])
def test_attention_refuses_weights_that_cannot_be_drawn(weights: np.ndarray, message: str) -> None:
    layer = dataclasses.replace(sample_attention().layers[0], temporal=weights)
    with pytest.raises(OptionError, match=message):
        draw("attention", dataclasses.replace(sample_attention(), layers=(layer,)))


def test_accuracy_data_holds_means_folds_and_chance() -> None:
    data = accuracy_data(sample_accuracy())
    assert data["kind"].value_counts().to_dict() == {"fold": 40, "mean": 5, "chance": 1}
    assert data.loc[data["kind"] == "chance", "accuracy"].tolist() == [0.1]


def test_accuracy_plotly_draws_intervals_in_percent_and_chance() -> None:
    result = sample_accuracy()
    folds, means = draw("accuracy", result).data
    np.testing.assert_allclose(means.x, result.table["mean"] * 100)
    np.testing.assert_allclose(means.error_x.arrayminus[:4], 2.1)
    assert len(folds.x) == 40
    assert draw("accuracy", result).layout.shapes[0].x0 == 10


@HANDS
def test_accuracy_axis_is_whole_unless_a_part_is_asked_for(hand: Any) -> None:
    whole, part = (draw("accuracy", sample_accuracy(), hand=hand, **o) for o in ({}, {"accuracy_range": (0.5, 1)}))
    if hand == "plotly":
        assert [list(figure.layout.xaxis.range) for figure in (whole, part)] == [[0, 100], [50, 100]]
        assert "off the axis" in part.layout.title.subtitle.text
    else:
        assert [figure.axes[0].get_xlim() for figure in (whole, part)] == [(0, 100), (50, 100)]
        assert "off the axis" in part.axes[0].get_title(loc="left")


def test_accuracy_range_must_rise_within_one() -> None:
    with pytest.raises(OptionError, match="does not rise within 0 and 1"):
        draw("accuracy", sample_accuracy(), accuracy_range=(50, 100))


def test_accuracy_without_a_model_is_refused() -> None:
    empty = dataclasses.replace(sample_accuracy(), table=sample_accuracy().table.head(0))
    with pytest.raises(OptionError, match="holds no model"):
        draw("accuracy", empty)


def test_accuracy_works_without_folds() -> None:
    alone = dataclasses.replace(sample_accuracy(), by_fold=sample_accuracy().by_fold.head(0))
    assert len(draw("accuracy", alone).data[0].x) == 0
    assert (accuracy_data(alone)["kind"] == "fold").sum() == 0


def test_calibration_plotly_writes_the_counts_and_the_error() -> None:
    figure = draw("calibration", sample_calibration())
    assert list(figure.data[3].text) == ["0", "3", "9", "17", "24", "31", "30", "42", "77", "167"]
    assert figure.layout.title.subtitle.text == "400 clips, expected calibration error 8.3 %"
    np.testing.assert_allclose(figure.data[2].x[1:], sample_calibration().bins["confidence"][1:] * 100)


def test_calibration_without_a_bin_is_refused() -> None:
    with pytest.raises(OptionError, match="holds no bin"):
        draw("calibration", dataclasses.replace(sample_calibration(), bins=pd.DataFrame()))
