"""What is special to the figures of explanations, embeddings and series."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.attribution import attribution_data, sample_importance_colours, share_importance, title_map
from esclab.figures.confusion_series import confusion_series_data
from esclab.figures.embedding import embedding_data, find_limits, write_quality
from esclab.figures.faithfulness import faithfulness_data
from esclab.figures.methods import sort_methods, style_methods, title_method
from esclab.figures.reliability import reliability_data
from esclab.figures.trust import scale_column, trust_data, wrap_title
from esclab.results import (
    AttributionMap,
    AttributionResult,
    ConfusionResult,
    ConfusionSeriesResult,
    ReliabilityResult,
    TimeFrequencyMap,
)
from tests.figures.samples_explain import (
    METHODS,
    sample_attribution,
    sample_confusion_series,
    sample_embedding,
    sample_faithfulness,
    sample_reliability,
    sample_trust,
)
from tests.figures.test_contract import assert_nothing_is_cut

HANDS = pytest.mark.parametrize("hand", ["plotly", "print"])


def build_map(values: list[list[float]]) -> AttributionMap:
    return AttributionMap(np.array(values), "gradcam", "block4", "cnn10", "dog", 0.874)


def meshes(figure: Any) -> list[Any]:
    from matplotlib.collections import QuadMesh

    return [mesh for axes in figure.axes for mesh in axes.findobj(QuadMesh)]


def test_share_importance_leaves_out_what_speaks_against_the_class() -> None:
    np.testing.assert_array_equal(share_importance(build_map([[-8, 1], [2, 4]])), [[0, 0.25], [0.5, 1]])
    np.testing.assert_array_equal(share_importance(build_map([[-8, -1], [0, -4]])), np.zeros((2, 2)))


def test_title_map_names_the_model_only_when_asked_and_keeps_the_probability() -> None:
    attribution = build_map([[1]])
    assert title_map(attribution, 40, model=True) == ("Grad-CAM, block4", "cnn10: dog 87 %")
    assert title_map(attribution, 40, model=False) == ("Grad-CAM, block4", "dog 87 %")
    long = replace(attribution, class_name="x" * 90, model="y" * 90)
    _, second = title_map(long, 30, model=True)
    assert len(second) == 30
    assert second.endswith("… 87 %")


def test_importance_colours_darken_over_white_and_over_grey() -> None:
    rgba = np.array([colour for _, colour in sample_importance_colours()])
    assert rgba[0, 3] == 0
    for ground in (1.0, 0.66):
        mixed = rgba[:, 3:] * rgba[:, :3] + (1 - rgba[:, 3:]) * ground
        light = mixed @ np.array([0.2126, 0.7152, 0.0722])
        if ground == 1.0:
            assert (np.diff(light) < 0).all()
        assert light[-1] < 0.2 < 0.6 < light[0]


def test_attribution_data_holds_the_spectrogram_and_every_map() -> None:
    result = sample_attribution()
    data = attribution_data(result)
    cells = result.spectrogram.values.size
    assert data.groupby("map").size().to_dict() == dict.fromkeys(range(4), cells)
    assert data.loc[data["map"] == 0, "kind"].unique() == ["spectrogram"]
    third = data[data["map"] == 3]
    assert third[["method", "layer", "model", "class_name", "probability"]].iloc[0].tolist() == [
        "gradcam",
        "block4",
        "cnn10",
        "crackling_fire",
        0.021,
    ]
    np.testing.assert_array_equal(third["value"], result.maps[2].values.ravel())
    np.testing.assert_array_equal(third["share"], 0)
    assert data.loc[data["map"] == 1, "share"].max() == 1


def test_attribution_plotly_shares_the_scales_and_scales_each_map_to_its_maximum() -> None:
    figure = draw("attribution", sample_attribution(), color_range=(-90, -20))
    heatmaps = [trace for trace in figure.data if trace.type == "heatmap"]
    maps = [trace for trace in heatmaps if trace.coloraxis == "coloraxis2"]
    assert [np.nanmax(trace.z) for trace in maps] == pytest.approx([100, 100, 0])
    layout = figure.layout
    assert (layout.coloraxis2.cmin, layout.coloraxis2.cmax) == (0, 100)
    assert (layout.coloraxis.cmin, layout.coloraxis3.cmin, layout.coloraxis3.cmax) == (-90, -90, -20)
    assert not layout.coloraxis2.showscale
    assert "maximum" in layout.coloraxis4.colorbar.title.text
    assert (layout.coloraxis4.cmin, layout.coloraxis4.cmax) == (0, 100)
    assert [place for place, _ in layout.coloraxis4.colorscale] == [place for place, _ in layout.coloraxis2.colorscale]
    assert layout.coloraxis4.colorscale[0][1] == "rgb(255,255,255)"  # nothing, as it looks on white
    notes = [note.text for note in layout.annotations]
    assert "no evidence for the class" in notes
    assert "<b>Grad-CAM, block4</b><br>cnn10: crackling fire 2 %" in notes


def test_attribution_print_shares_the_scales() -> None:
    figure = draw("attribution", sample_attribution(), hand="print", color_range=(-90, -20))
    limits = [mesh.get_clim() for mesh in meshes(figure)[:7]]
    assert limits == [(-90, -20)] + [(-90, -20), (0, 100)] * 3


def test_attribution_prints_ticks_that_do_not_touch() -> None:
    bands_hz = 700 * (10 ** (np.linspace(100, 3800, 40) / 2595) - 1)  # mels, as a front end's
    picture = TimeFrequencyMap(np.zeros((20, 40)), np.arange(20.0), bands_hz, "x")
    maps = tuple(AttributionMap(np.ones((20, 40)), "gradcam", "block4", "cnn10", "dog", 0.5) for _ in range(7))
    figure = draw("attribution", AttributionResult(picture, maps), hand="print")
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels() if label.get_text()]
    assert len(boxes) >= 2
    assert all(above.y0 - below.y1 > 0.3 * below.height for below, above in pairwise(boxes))


@HANDS
def test_attribution_without_overlay_draws_the_spectrogram_once(hand: Any) -> None:
    figure = draw("attribution", replace(sample_attribution(), events=None), overlay=False, columns=2, hand=hand)
    if hand == "plotly":
        assert [trace.type for trace in figure.data] == ["heatmap"] * 4 + ["scatter"]
        assert "coloraxis3" not in figure.to_plotly_json()["layout"]
    else:
        assert len([axes for axes in figure.axes if axes.get_title(loc="left")]) == 4
        assert_nothing_is_cut(figure)


def test_attribution_says_that_a_map_is_the_same_everywhere() -> None:
    result = sample_attribution()
    flat = replace(result.maps[0], values=np.ones_like(result.maps[0].values))
    figure = draw("attribution", replace(result, maps=(flat,)))
    assert "the same everywhere" in [note.text for note in figure.layout.annotations]
    assert figure.layout.title.text == "dog (synthetic-0007.wav) · ts-cnn10"


@HANDS
@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ((), "holds no map"),
        ((build_map([[1.0, 2.0]]),), r"shape \(1, 2\) does not fit the spectrogram's \(250, 64\)"),
        ((replace(build_map([]), values=np.full((250, 64), np.nan)),), "not finite"),
    ],
)
def test_attribution_refuses_maps_that_do_not_fit(maps: Any, message: str, hand: Any) -> None:
    with pytest.raises(OptionError, match=message):
        draw("attribution", replace(sample_attribution(), maps=maps), hand=hand)


def test_method_styles_are_all_different_and_references_stand_back() -> None:
    assert sort_methods(["random", "b", "spectrogram", "a", "b"]) == ["b", "a", "random", "spectrogram"]
    styles = style_methods(METHODS)
    assert len(set(styles.values())) == len(METHODS)
    looks = {(style.dash, style.print_marker) for style in styles.values()}
    assert len(looks) == len(METHODS)
    assert {styles[method].print_marker for method in ("random", "spectrogram")} == {""}


@HANDS
def test_faithfulness_has_a_row_a_model_and_bands_for_a_few_methods(hand: Any) -> None:
    few, many = (sample_faithfulness(methods) for methods in (METHODS[:3], METHODS))
    if hand == "plotly":
        bands = [[t for t in draw("faithfulness", result).data if t.fill == "toself"] for result in (few, many)]
        assert [len(found) for found in bands] == [3 * 4, 0]
        names = [t.name for t in draw("faithfulness", many).data if t.showlegend]
        assert names == [title_method(method) for method in sort_methods(METHODS)]
    else:
        bands = [draw("faithfulness", result, hand="print").axes for result in (few, many)]
        assert [[len(axes.collections) for axes in found] for found in bands] == [[3] * 4, [0] * 4]
        assert [axes.get_title(loc="left") for axes in bands[0]] == [
            f"{model} · {words}"
            for model in ("ts-cnn10", "cnn10")
            for words in ("Deletion: lower is better", "Insertion: higher is better")
        ]


def test_faithfulness_highlight_pales_the_others_but_not_the_references() -> None:
    figure = draw("faithfulness", sample_faithfulness(METHODS), methods=("layercam",))
    colours = {t.name: t.line.color for t in figure.data if t.showlegend}
    pale = {name for name, colour in colours.items() if colour == "#c4c4c4"}
    assert pale == {title_method(method) for method in set(METHODS) - {"layercam", "random", "spectrogram"}}
    assert len([t for t in figure.data if t.fill == "toself"]) == 4


def test_faithfulness_lines_are_in_percent_by_rising_share() -> None:
    result = sample_faithfulness(METHODS[:1], models=1)
    shuffled = replace(result, table=result.table.sample(frac=1, random_state=0))
    line = next(t for t in draw("faithfulness", shuffled).data if t.showlegend)
    rows = result.table[result.table["curve"] == "deletion"]
    np.testing.assert_allclose(line.x, np.linspace(0, 100, 21))
    np.testing.assert_allclose(line.y, rows["mean"] * 100)
    assert list(faithfulness_data(result)) == ["model", "method", "curve", "share", "mean", "low", "high"]


@HANDS
def test_faithfulness_draws_one_curve_without_intervals(hand: Any) -> None:
    table = sample_faithfulness(METHODS[:2], models=1).table
    table = table[table["curve"] == "insertion"].assign(low=np.nan, high=np.nan)
    figure = draw("faithfulness", replace(sample_faithfulness(), table=table), hand=hand)
    if hand == "print":
        assert [axes.get_xlabel() for axes in figure.axes] == ["Cells restored, most important first (%)"]
    else:
        assert "interval" not in figure.layout.title.subtitle.text


@HANDS
def test_faithfulness_refuses_what_it_cannot_draw(hand: Any) -> None:
    result = sample_faithfulness()
    with pytest.raises(OptionError, match="column 'share' is missing"):
        draw("faithfulness", replace(result, table=result.table.drop(columns="share")), hand=hand)
    with pytest.raises(OptionError, match="holds no row"):
        draw("faithfulness", replace(result, table=result.table.head(0)), hand=hand)
    with pytest.raises(OptionError, match="'removal' is not in the result; choose among deletion, insertion"):
        draw("faithfulness", replace(result, table=result.table.assign(curve="removal")), hand=hand)
    with pytest.raises(OptionError, match="methods: 'rise' is not in the result"):
        draw("faithfulness", result, methods=["rise"], hand=hand)


def rows_of(figure: Any, hand: str) -> list[str]:
    if hand == "plotly":
        return list(figure.layout.yaxis.ticktext)
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


@HANDS
def test_trust_orders_by_the_first_measure_with_the_references_apart(hand: Any) -> None:
    result = sample_trust()
    means = result.table[result.table["measure"] == "deletion"].groupby("method")["mean"].mean().sort_values()
    best = [method for method in means.index if method not in ("random", "spectrogram")]
    assert rows_of(draw("trust", result, hand=hand), hand) == [*best, "random", "spectrogram"]
    ordered = rows_of(draw("trust", result, order=["rise", "gradcam"], hand=hand), hand)
    assert ordered[:2] == ["rise", "gradcam"]
    assert ordered[2:] == [m for m in [*best, "random", "spectrogram"] if m not in ("rise", "gradcam")]


def test_trust_plotly_dots_and_arrows_follow_the_tables() -> None:
    result = sample_trust()
    figure = draw("trust", result)
    arrows = [note.text for note in figure.layout.annotations]
    assert arrows == ["← better", "better →", "better →", "better →", "better →", "best: 0", "← better"]
    first = figure.data[0]
    rows = result.table.query("model == 'ts-cnn10' and measure == 'deletion'").set_index("method")
    np.testing.assert_allclose(first.x, rows.loc[rows_of(figure, "plotly"), "mean"])
    np.testing.assert_allclose(first.error_x.array, (rows["high"] - rows["mean"])[rows_of(figure, "plotly")])
    places = np.asarray(figure.layout.yaxis.tickvals)
    assert np.diff(places).tolist() == pytest.approx([1.0] * 8 + [1.6, 1.0])


def test_trust_data_has_titles_and_directions() -> None:
    data = trust_data(sample_trust())
    assert list(data) == ["model", "method", "measure", "title", "better", "mean", "low", "high", "clips"]
    assert len(data) == 2 * 11 * 7
    assert data.loc[data["measure"] == "iou", "better"].unique().tolist() == ["higher"]


def test_scale_column_has_round_ticks_inside_even_for_one_value_or_none() -> None:
    result = sample_trust()
    for values in ([0.181, 0.39], [3.0, 3.0], [0.0, 0.0], [np.nan, np.nan], [-2000.0, 51.0]):
        table = result.table.head(2).assign(measure="iou", mean=values, low=np.nan, high=np.nan)
        (low, high), ticks = scale_column(replace(result, table=table), "iou")
        assert len(ticks) == 2
        assert low < min(ticks) <= max(ticks) < high
        assert np.isnan(values).all() or low < min(values) <= max(values) < high


def test_wrap_title_keeps_all_words_of_a_title_that_fits() -> None:
    title = "Similarity to an untrained network (rank correlation)"
    assert " ".join(wrap_title(title, 13)) == title
    assert len(wrap_title(title * 5, 10)) == 6


@HANDS
def test_trust_draws_missing_intervals_and_long_names(hand: Any) -> None:
    result = sample_trust(tuple(f"{m}_with_a_very_long_name" for m in METHODS[:3]), ("a" * 60, "b" * 60))
    table = result.table.assign(low=np.nan, high=np.nan)
    figure = draw("trust", replace(result, table=table), hand=hand)
    if hand == "print":
        assert_nothing_is_cut(figure)
    else:
        assert figure.layout.showlegend


@HANDS
def test_trust_refuses_what_it_cannot_draw(hand: Any) -> None:
    result = sample_trust()
    for change, message in (
        ({"measures": result.measures.head(2)}, "'pointing' is not in the result"),
        (
            {"measures": result.measures.assign(better="more")},
            "'more' is not in the result; choose among higher, lower",
        ),
        ({"table": pd.concat([result.table, result.table.tail(1)])}, "has two rows"),
        ({"table": result.table.drop(columns="mean")}, "column 'mean' is missing"),
    ):
        with pytest.raises(OptionError, match=message):
            draw("trust", replace(result, **change), hand=hand)
    with pytest.raises(OptionError, match="order: 'gradcaam' is not in the result"):
        draw("trust", result, order=["gradcaam"], hand=hand)


def test_embedding_plotly_has_a_frame_and_a_step_an_epoch_with_the_same_traces() -> None:
    figure = draw("embedding", sample_embedding())
    assert [frame.name for frame in figure.frames] == ["1", "5", "10", "40"]
    assert [step.label for step in figure.layout.sliders[0].steps] == ["1", "5", "10", "40"]
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["Play", "Pause"]
    names = [trace.name for trace in figure.data]
    assert all([trace.name for trace in frame.data] == names for frame in figure.frames)
    assert figure.frames[0].layout.title.subtitle.text == "Epoch 1, 50 % right, silhouette −0.06, purity 47 %"
    assert figure.layout.title.subtitle.text.startswith("Epoch 40, ")
    x_limits, _ = find_limits(sample_embedding())
    assert figure.layout.xaxis.range == pytest.approx(x_limits)
    rings = next(trace for trace in figure.data if trace.name == "wrong answer")
    table = sample_embedding().table
    assert len(rings.x) == (~table["correct"] & (table["epoch"] == 40)).sum()


def test_embedding_of_one_epoch_has_no_slider() -> None:
    figure = draw("embedding", sample_embedding((40,)))
    assert not figure.frames
    assert not figure.layout.sliders
    assert figure.layout.title.subtitle.text.startswith("9")


@HANDS
@pytest.mark.parametrize(
    ("color_by", "names"),
    [
        ("fold", ["fold 1", "fold 2", "fold 3", "fold 4", "fold 5", "wrong answer"]),
        ("correct", ["right answer", "wrong answer"]),
    ],
)
def test_embedding_colours_by_choice(color_by: str, names: list[str], hand: Any) -> None:
    figure = draw("embedding", sample_embedding((1, 40)), color_by=color_by, hand=hand)
    if hand == "plotly":
        assert [trace.name for trace in figure.data] == names
    else:
        assert [text.get_text() for text in figure.legends[0].get_texts()] == names


@pytest.mark.parametrize(("epochs", "classes"), [((1, 5, 10, 40), 10), ((40,), 50), ((1, 2, 3, 4, 5), 50), ((3,), 2)])
def test_embedding_print_shares_its_axes_and_is_cut_nowhere(epochs: tuple[int, ...], classes: int) -> None:
    result = sample_embedding(epochs, classes, 6)
    figure = draw("embedding", result, hand="print")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == len(epochs)
    assert {axes.get_xlim() for axes in panels} == {find_limits(result)[0]}
    assert all(len(axes.get_xticks()) == 0 for axes in panels)
    assert len(figure.legends[0].get_texts()) == classes + 1
    assert_nothing_is_cut(figure)


def test_embedding_data_and_quality_in_words() -> None:
    result = sample_embedding()
    data = embedding_data(result)
    assert list(data)[-3:] == ["silhouette", "purity", "accuracy"]
    assert len(data) == len(result.table)
    unknown = replace(result, quality=pd.DataFrame({"epoch": [1], "silhouette": [-0.5], "purity": [np.nan]}))
    assert write_quality(unknown, 1) == ["silhouette −0.50"]
    assert write_quality(unknown, 5) == []


def test_embedding_limits_span_the_same_in_both_directions() -> None:
    (left, right), (bottom, top) = find_limits(sample_embedding())
    assert right - left == pytest.approx(top - bottom)
    single = sample_embedding((1,), 1, 1)
    (left, right), _ = find_limits(single)
    assert left < single.table["x"].iloc[0] < right


@HANDS
def test_embedding_refuses_what_it_cannot_draw(hand: Any) -> None:
    result = sample_embedding()
    with pytest.raises(OptionError, match="'colour' is no choice; choose among class_name, fold, correct"):
        draw("embedding", result, color_by="colour", hand=hand)
    with pytest.raises(OptionError, match="not finite"):
        draw("embedding", replace(result, table=result.table.assign(x=np.nan)), hand=hand)
    with pytest.raises(OptionError, match="'chainsaw' is not in the result"):
        draw("embedding", replace(result, class_names=result.class_names[:-1]), hand=hand)


@HANDS
@pytest.mark.parametrize("classes", [10, 50])
def test_confusion_series_shares_one_scale_and_numbers_many_classes(classes: int, hand: Any) -> None:
    figure = draw("confusion_series", sample_confusion_series(classes=classes), hand=hand)
    labels = ["1", "10", "20", "30", "40", "50"]
    if hand == "plotly":
        assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
        assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 100)
        found = list(figure.layout.yaxis.ticktext)
    else:
        assert {mesh.get_clim() for mesh in meshes(figure)[:4]} == {(0, 100)}
        found = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert_nothing_is_cut(figure)
    names = [name.replace("_", " ") for name in sample_confusion_series().matrices[0].class_names]
    assert found == (labels if classes == 50 else names)


def test_confusion_series_titles_and_data_are_rates_of_the_row() -> None:
    matrices = (
        ConfusionResult(np.array([[3, 1], [0, 0]]), ("a", "b")),
        ConfusionResult(np.eye(2, dtype=int), ("a", "b")),
    )
    result = ConfusionSeriesResult((1, 7), matrices)
    titles = [note.text for note in draw("confusion_series", result).layout.annotations]
    assert titles == ["Epoch 1: 75.0 % right", "Epoch 7: 100.0 % right"]
    data = confusion_series_data(result)
    assert data["epoch"].tolist() == [1] * 4 + [7] * 4
    np.testing.assert_allclose(data["rate"], [0.75, 0.25, np.nan, np.nan, 1, 0, 0, 1])
    np.testing.assert_allclose(draw("confusion_series", result).data[0].z, [[75, 25], [np.nan, np.nan]])


@HANDS
def test_confusion_series_refuses_what_does_not_belong_together(hand: Any) -> None:
    result = sample_confusion_series()
    other = replace(result.matrices[1], class_names=tuple("abcdefghij"))
    for change, message in (
        ({"matrices": (), "epochs": ()}, "holds no matrix"),
        ({"epochs": (1, 2)}, "2 epochs do not fit 4 matrices"),
        ({"matrices": (result.matrices[0], other, *result.matrices[2:])}, "epoch 5 has other classes"),
        ({"matrices": tuple(replace(m, counts=m.counts[:3]) for m in result.matrices)}, "do not fit 10 class names"),
    ):
        with pytest.raises(OptionError, match=message):
            draw("confusion_series", replace(result, **change), hand=hand)


def test_reliability_shares_its_axes_and_names_each_error() -> None:
    figure = draw("reliability", sample_reliability())
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["<b>clean</b><br>ECE 8.3 %", "<b>10 dB</b><br>ECE 16.3 %", "<b>0 dB</b><br>ECE 28.3 %"]
    assert [t.name for t in figure.data if t.showlegend] == [
        "accuracy in the bin",
        "perfect calibration",
        "mean confidence of the bin",
    ]
    paper = draw("reliability", sample_reliability(), hand="print")
    assert {axes.get_ylim() for axes in paper.axes[:3]} == {(0, 101)}
    assert len({axes.get_ylim() for axes in paper.axes[3:]}) == 1


def test_reliability_data_has_a_row_a_curve_and_bin() -> None:
    data = reliability_data(sample_reliability())
    assert data.groupby("curve", sort=False).size().to_dict() == {"clean": 10, "10 dB": 10, "0 dB": 10}
    assert list(data) == ["curve", "low", "high", "confidence", "accuracy", "count", "ece"]


@HANDS
def test_reliability_refuses_no_curve_too_many_and_an_empty_one(hand: Any) -> None:
    curves = sample_reliability().curves
    with pytest.raises(OptionError, match="holds 0 curves; give one to 4"):
        draw("reliability", ReliabilityResult(()), hand=hand)
    with pytest.raises(OptionError, match="holds 6 curves"):
        draw("reliability", ReliabilityResult(curves * 2), hand=hand)
    with pytest.raises(OptionError, match="'clean': it holds no bin"):
        draw("reliability", ReliabilityResult((replace(curves[0], bins=curves[0].bins.head(0)),)), hand=hand)
