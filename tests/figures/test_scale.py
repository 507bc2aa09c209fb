from __future__ import annotations

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.figures.scale import (
    choose_color_range,
    find_edges,
    fit_edges,
    locate_bands,
    place_frequency_ticks,
    widen_range,
)
from esclab.figures.text import number_text, plotly_text, shorten
from tests.figures.samples import mel_bands_hz


def test_edges_lie_midway_and_half_a_cell_outside() -> None:
    np.testing.assert_allclose(find_edges(np.array([1.0, 2.0, 4.0])), [0.5, 1.5, 3.0, 5.0])
    np.testing.assert_allclose(find_edges(np.array([3.0])), [2.5, 3.5])


def test_fitted_edges_fill_the_axis() -> None:
    np.testing.assert_allclose(fit_edges(np.array([1.0, 3.0]), 0.2, 5.0), [0.2, 2.0, 5.0])
    np.testing.assert_allclose(fit_edges(np.array([1.0]), 0.2, 5.0), [0.2, 5.0])


def test_bands_are_interpolated_and_cut_at_the_axis() -> None:
    bands_hz = np.array([100.0, 200.0, 600.0])
    hz = np.array([0.0, 50.0, 75.0, 100.0, 150.0, 300.0, 600.0, 700.0, 800.0, 9000.0])
    expected = [-0.5, -0.5, -0.25, 0, 0.5, 1.25, 2, 2.25, 2.5, 2.5]
    np.testing.assert_allclose(locate_bands(hz, bands_hz), expected)


def test_frequency_ticks_are_round_and_true() -> None:
    bands_hz = mel_bands_hz(128)
    positions, labels = place_frequency_ticks(bands_hz)
    assert labels == ["200", "500", "1k", "2k", "5k", "10k"]
    np.testing.assert_allclose(np.interp(positions, np.arange(128), bands_hz), [200, 500, 1000, 2000, 5000, 10000])
    assert np.diff(positions).min() >= 0.07 * 128


def test_frequency_ticks_show_every_decade_where_there_is_room() -> None:
    labels = place_frequency_ticks(np.geomspace(90, 21000, 96))[1]
    assert labels == ["100", "200", "500", "1k", "2k", "5k", "10k", "20k"]


@pytest.mark.parametrize(
    ("bands_hz", "expected"),
    [
        (np.linspace(0, 22050, 513), ["0", "5k", "10k", "15k", "20k"]),
        (np.linspace(1200, 1900, 30) ** 1.001, ["1.4k", "1.6k", "1.8k"]),
        (np.array([440.0]), ["440"]),
    ],
)
def test_frequency_ticks_suit_other_scales(bands_hz: np.ndarray, expected: list[str]) -> None:
    assert place_frequency_ticks(bands_hz)[1] == expected


def test_color_range_ignores_silence_and_opens_a_constant() -> None:
    assert choose_color_range(np.array([-np.inf, -80.0, -20.0, np.nan]), None) == (-80.0, -20.0)
    assert choose_color_range(np.array([3.0, 3.0]), None) == (2.5, 3.5)
    assert choose_color_range(np.array([-np.inf]), None) == (0.0, 1.0)
    assert choose_color_range(np.array([3.0]), (0, 9)) == (0.0, 9.0)


@pytest.mark.parametrize("bad", [(1, 1), (2, 1), (np.nan, 1)])
def test_color_range_must_rise(bad: tuple[float, float]) -> None:
    with pytest.raises(OptionError, match="does not rise"):
        choose_color_range(np.zeros(1), bad)


def test_text_is_one_short_line() -> None:
    assert shorten("a\n b\x00") == "a b\\x00"
    assert shorten("x" * 40) == "x" * 31 + "…"
    assert plotly_text("<&$%{y}") == "&lt;&amp;&#36;&#37;{y}"


@pytest.mark.parametrize(("value", "span", "text"), [(0.5, 0.4, "0.50"), (0.4957, 0.02, "0.496"), (0.5, 0, "0.50")])
def test_numbers_have_decimals_enough_for_the_span(value: float, span: float, text: str) -> None:
    assert number_text(value, span) == text


def test_widened_range_moves_by_whole_quarters() -> None:
    assert widen_range((-80.0, 0.0), np.array([-100.0, -3.0])) == (-80.0, 0.0)
    assert widen_range((-80.0, 0.0), np.array([0.5])) == widen_range((-80.0, 0.0), np.array([19.0])) == (-80.0, 20.0)
    assert widen_range((-80.0, 0.0), np.array([20.0, -np.inf])) == (-80.0, 20.0)
    assert widen_range((-80.0, 0.0), np.array([np.nan])) == (-80.0, 0.0)
