"""The attention figure of layers that weigh each cell."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.figures import draw
from esclab.figures.attention import attention_data
from esclab.results import AttentionLayer, AttentionResult
from tests.figures.samples import sample_attention


def make_layer(name: str = "level3", *, low: float = 0.2, high: float = 0.8, stride: int = 8) -> AttentionLayer:
    spectrogram = sample_attention().spectrogram
    time_s, frequency_hz = spectrogram.time_s[::stride], spectrogram.frequency_hz[::stride]
    spatial = np.linspace(low, high, len(time_s) * len(frequency_hz)).reshape(len(time_s), len(frequency_hz))
    return AttentionLayer(name, time_s, frequency_hz, None, None, spatial=spatial, channel=np.array([0.25, 0.75]))


def make_result(*layers: AttentionLayer) -> AttentionResult:
    return dataclasses.replace(sample_attention(), layers=layers)


def test_spatial_weights_are_a_picture_above_the_spectrogram_on_its_axes() -> None:
    layer = make_layer()
    figure = draw("attention", make_result(layer))
    pictures = [trace for trace in figure.data if trace.type == "heatmap"]
    picture = next(trace for trace in pictures if trace.name == "level3")
    np.testing.assert_array_equal(np.asarray(picture.z), layer.spatial.T)
    assert len(picture.x) == len(layer.time_s) + 1
    assert len(picture.y) == len(layer.frequency_hz) + 1
    edges = make_result().spectrogram.time_s
    # The first cell lies around frame 0, half as far as to the next one; the last ends with the spectrogram.
    assert picture.x[1] == pytest.approx((layer.time_s[0] + layer.time_s[1]) / 2)
    assert picture.x[-1] == pytest.approx(edges[-1] + (edges[1] - edges[0]) / 2)
    assert len({figure.layout[axis].matches for axis in figure.layout if axis.startswith("xaxis")} - {None}) == 1
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["Frequency (Hz)"] * 2


@pytest.mark.parametrize("hand", ["plotly", "print"])
def test_each_picture_has_its_own_scale_in_words(hand: Any) -> None:
    figure = draw("attention", make_result(make_layer(), make_layer("level4", low=0.5, high=0.501)), hand=hand)
    if hand == "plotly":
        words = [note.text for note in figure.layout.annotations]
        ranges = [(trace.zmin, trace.zmax) for trace in figure.data if trace.name in ("level3", "level4")]
    else:
        words = [axes.get_title("left") for axes in figure.axes]
        ranges = [axes.collections[0].get_clim() for axes in figure.axes if axes.get_title("left")]
    assert any("level3" in word and "weight of each cell, 0.20 to 0.80" in word for word in words)
    assert any("level4" in word and "0.500 to 0.501" in word for word in words)
    assert ranges[0] == pytest.approx((0.2, 0.8))
    assert ranges[1] == pytest.approx((0.4955, 0.5055))


@pytest.mark.parametrize("hand", ["plotly", "print"])
def test_pictures_stand_beside_strips_of_other_layers(hand: Any) -> None:
    result = make_result(*sample_attention().layers, make_layer())
    figure, plain = draw("attention", result, hand=hand), draw("attention", sample_attention(), hand=hand)
    if hand == "plotly":
        assert len(figure.data) == len(plain.data) + 1
        assert figure.layout.height > plain.layout.height
    else:
        assert len(figure.axes) == len(plain.axes) + 1


def test_attention_data_holds_every_cell_and_channel() -> None:
    layer = make_layer()
    data = attention_data(make_result(layer))
    cells = data[data["kind"] == "spatial"]
    assert len(cells) == layer.spatial.size
    row = cells[(cells["time_s"] == layer.time_s[2]) & (cells["frequency_hz"] == layer.frequency_hz[1])]
    assert row["value"].item() == layer.spatial[2, 1]
    channels = data[data["kind"] == "channel"]
    assert channels[["branch", "value"]].to_numpy().tolist() == [["0", 0.25], ["1", 0.75]]


@pytest.mark.parametrize(
    ("spatial", "message"),
    [
        (np.ones((2, 3)), r"spatial weights of shape \(2, 3\) do not fit its axes of shape"),
        (np.full_like(make_layer().spatial, np.nan), "some spatial weights are not finite"),
    ],
)
def test_spatial_weights_that_cannot_be_drawn_are_refused(spatial: np.ndarray, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw("attention", make_result(dataclasses.replace(make_layer(), spatial=spatial)))
