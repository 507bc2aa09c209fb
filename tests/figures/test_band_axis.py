"""Maps whose bands are no frequencies: cepstral coefficients, and rows of several front ends."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from esclab.errors import OptionError
from esclab.figures import FIGURES, draw
from esclab.figures.attention import attention_data
from esclab.figures.grid import place_region
from esclab.figures.scale import locate_range, pick_scale_values, place_band_ticks, title_bands, write_band
from esclab.figures.spectrogram import spectrogram_data
from esclab.results import GalleryResult, GridResult, GridRow, Region, TimeFrequencyMap
from tests.figures.samples import sample_attention, sample_map
from tests.figures.samples_noise import sample_sensitivity

HANDS = pytest.mark.parametrize("hand", ["plotly", "print"])
AXES = pytest.mark.parametrize(("axis", "title"), [("coefficient", "Coefficient"), ("row", "Row")])
EVENT = pd.DataFrame({"onset_s": [1.0], "offset_s": [2.0], "low_hz": [500.0], "high_hz": [900.0]})


def number_bands(tfmap: TimeFrequencyMap, axis: str = "coefficient") -> TimeFrequencyMap:
    return dataclasses.replace(tfmap, frequency_hz=np.arange(len(tfmap.frequency_hz), dtype=float), axis=axis)


def band_axes(figure: Any) -> list[tuple[str, list[str]]]:
    """Return title and tick labels of each titled band axis."""
    if hasattr(figure, "data"):
        found = figure.select_yaxes(lambda axis: axis.title.text is not None)
        return [(axis.title.text, list(axis.ticktext)) for axis in found]
    titled = [axes for axes in figure.axes if axes.get_ylabel() and axes.get_ylabel() != "Level (dB)"]
    return [(axes.get_ylabel(), [label.get_text() for label in axes.get_yticklabels()]) for axes in titled]


@AXES
@HANDS
def test_spectrogram_titles_and_numbers_its_bands(axis: str, title: str, hand: Any) -> None:
    figure = draw("spectrogram", number_bands(sample_map(), axis), hand=hand)
    assert band_axes(figure) == [(title, ["0", "20", "40", "60"])]
    if hand == "plotly":
        assert f"{axis} %{{customdata:.0f}}<br>" in figure.data[0].hovertemplate
        assert "Hz" not in figure.data[0].hovertemplate


@HANDS
def test_events_span_the_whole_height_of_a_map_without_frequencies(hand: Any) -> None:
    figure = draw("spectrogram", number_bands(sample_map()), events=EVENT, hand=hand)
    if hand == "plotly":
        box = [y for y in figure.data[1].y if y is not None]
        assert (min(box), max(box)) == (-0.5, 63.5)
    else:
        patch = figure.axes[0].patches[0]
        assert (patch.get_y(), patch.get_height()) == (-0.5, 64)


def test_regions_span_the_whole_height_of_a_map_without_frequencies() -> None:
    region = Region(1.0, 2.0, 500.0, 900.0)
    assert place_region(region, number_bands(sample_map())) == (1.0, 2.0, -0.5, 63.5)
    _, _, bottom, top = place_region(region, sample_map())
    assert -0.5 < bottom < top < 63.5
    bottoms, tops = locate_range(number_bands(sample_map()), np.array([0.0, 100.0]), np.array([9.0, np.inf]))
    assert (bottoms.tolist(), tops.tolist()) == ([-0.5, -0.5], [63.5, 63.5])


def test_ticks_without_frequencies_are_whole_numbers() -> None:
    few = TimeFrequencyMap(np.zeros((1, 3)), np.zeros(1), np.arange(3.0), axis="coefficient")
    assert place_band_ticks(few)[1] == ["0", "1", "2"]
    assert place_band_ticks(few)[0].tolist() == [0, 1, 2]
    pooled = dataclasses.replace(few, frequency_hz=np.array([0.5, 2.5, 4.5]))
    assert all("." not in label for label in place_band_ticks(pooled)[1])


def test_words_for_bands() -> None:
    assert title_bands(sample_map()) == "Frequency (Hz)"
    assert write_band(sample_map(), "440") == "440 Hz"
    assert write_band(number_bands(sample_map()), "3") == "coefficient 3"


@pytest.mark.parametrize(
    ("axis", "column"), [("frequency", "frequency_hz"), ("coefficient", "coefficient"), ("row", "band_row")]
)
def test_table_names_bands_after_what_they_are(axis: str, column: str) -> None:
    tfmap = dataclasses.replace(sample_map(), axis=axis)
    assert list(spectrogram_data(tfmap)) == ["time_s", column, "value"]
    grid = GridResult((GridRow("one", (tfmap,)),), ("clean",), (None,))
    assert column in FIGURES["grid"].data(grid)
    assert column in FIGURES["gallery"].data(GalleryResult((tfmap,)))
    attention = sample_attention()
    attention = dataclasses.replace(attention, spectrogram=dataclasses.replace(attention.spectrogram, axis=axis))
    data = attention_data(attention)
    assert data.loc[data["kind"] == "spectral", column].notna().all()


def test_colours_span_what_is_alike() -> None:
    values = np.tile([-500.0, 1.0, 2.0], (4, 1))
    counted = TimeFrequencyMap(values, np.arange(4.0), np.arange(3.0), axis="coefficient")
    assert set(pick_scale_values(counted).ravel()) == {1, 2}
    assert pick_scale_values(dataclasses.replace(counted, axis="frequency")).min() == -500
    assert pick_scale_values(dataclasses.replace(counted, frequency_hz=np.array([1.0, 2, 3]))).min() == -500
    rows = np.append(np.linspace(0, 1, 999), -500.0)[None]
    stacked = TimeFrequencyMap(rows, np.zeros(1), np.arange(1000.0), axis="row")
    assert 0 < pick_scale_values(stacked).min() < 0.05
    silent = dataclasses.replace(stacked, values=np.full((1, 1000), -np.inf))
    assert draw("spectrogram", silent).data[0].zmin == 0


def test_unknown_axis_is_refused() -> None:
    with pytest.raises(OptionError, match=r"TimeFrequencyMap.axis: 'pitch' is not known; choose one of frequency"):
        draw("spectrogram", dataclasses.replace(sample_map(), axis="pitch"))


@HANDS
def test_attention_titles_the_bands_of_its_map(hand: Any) -> None:
    attention = sample_attention()
    figure = draw(
        "attention", dataclasses.replace(attention, spectrogram=number_bands(attention.spectrogram)), hand=hand
    )
    assert "Coefficient" in [title for title, _ in band_axes(figure)]
    if hand == "plotly":
        assert not any("Hz" in (trace.hovertemplate or "") for trace in figure.data)


def test_sensitivity_refuses_a_map_without_frequencies() -> None:
    result = sample_sensitivity()
    with pytest.raises(OptionError, match="no frequencies"):
        draw("sensitivity", dataclasses.replace(result, spectrogram=number_bands(result.spectrogram)))


@HANDS
def test_gallery_on_scales_of_their_own_shows_one_clip_through_several_front_ends(hand: Any) -> None:
    first = sample_map()
    second = dataclasses.replace(
        number_bands(first), values=first.values * 3, label="MFCC of the clip", unit="cepstral dB"
    )
    figure = draw("gallery", GalleryResult((first, second)), own_scales=True, hand=hand)
    assert [title for title, _ in band_axes(figure)] == ["Frequency (Hz)", "Coefficient"]
    titles = (
        [note.text for note in figure.layout.annotations]
        if hand == "plotly"
        else [axes.get_title(loc="left") for axes in figure.axes]
    )
    counted = second.values[:, 1:]  # coefficient 0 would hide the others
    low, high = counted.min(), counted.max()
    expected = ["MFCC of the clip", f"{low:.3g} to {high:.3g} cepstral dB".replace("-", "−")]
    assert titles[1].replace("<br>", "\n").split("\n") == expected
    if hand == "plotly":
        assert (figure.data[1].zmin, figure.data[1].zmax) == (low, high)
        assert figure.data[0].zmin == first.values.min()


def test_gallery_on_one_scale_refuses_maps_with_other_bands() -> None:
    first = sample_map()
    with pytest.raises(OptionError, match=r"differ in bands or unit.*own_scales"):
        draw("gallery", GalleryResult((first, number_bands(first))))
    with pytest.raises(OptionError, match="exclude each other"):
        draw("gallery", GalleryResult((first,)), own_scales=True, color_range=(-80, 0))
