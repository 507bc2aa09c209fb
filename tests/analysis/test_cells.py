from __future__ import annotations

import numpy as np
import pytest

from esclab.analysis.cells import locate_cells, spread_cells, weigh_cells


@pytest.mark.parametrize(
    ("length", "length_here", "first", "step"),
    [
        (5, 5, 0, 1),
        (251, 125, 0.5, 2),  # one pooling drops the last frame
        (251, 62, 1.5, 4),
        (251, 15, 7.5, 16),  # cell k of the fourth block covers frames 16 k to 16 k + 15
        (40, 2, 7.5, 16),  # the last 8 bands belong to no cell
        (40, 1, 15.5, 32),
        (251, 126, 0, 2),  # a padded convolution of stride 2 looks around every second frame
        (251, 63, 0, 4),
        (251, 32, 0, 8),
        (40, 3, 0, 16),
        (9, 6, 0.25, 1.5),  # neither: evenly spaced
    ],
)
def test_locate_cells_centres(length, length_here, first, step):
    np.testing.assert_allclose(locate_cells(length, length_here), first + step * np.arange(length_here))


def test_locate_cells_asks_for_padding_where_both_rules_fit():
    np.testing.assert_allclose(locate_cells(8, 2), [1.5, 5.5])
    np.testing.assert_allclose(locate_cells(8, 2, padded=True), [0, 4])
    np.testing.assert_allclose(locate_cells(8, 8, padded=True), np.arange(8))
    np.testing.assert_allclose(locate_cells(9, 4, padded=True), [0.5, 2.5, 4.5, 6.5])  # padding would make 5


def test_spread_cells_interpolates_between_centres_and_holds_beyond_them():
    spread = spread_cells(np.array([[[0.0], [4.0]]]), 5, 1)  # centres 0.5 and 2.5
    np.testing.assert_allclose(spread[0, :, 0], [0, 1, 3, 4, 4])
    assert spread.dtype == np.float32
    bands = spread_cells(np.array([[[1.0, 3.0]]]), 1, 4)  # centres 0.5 and 2.5
    np.testing.assert_allclose(bands[0, 0], [1, 1.5, 2.5, 3])


def test_spread_cells_does_not_stretch_the_bands_that_pooling_dropped():
    spread = spread_cells(np.array([[[0.0, 16.0]]]), 1, 40)[0, 0]
    np.testing.assert_allclose(spread[8:24], np.arange(8, 24) - 7.5)
    np.testing.assert_allclose(spread[:8], 0)
    np.testing.assert_allclose(spread[24:], 16)


def test_spread_cells_takes_both_axes_for_padded_where_one_tells():
    spread = spread_cells(np.arange(6.0).reshape(1, 3, 2), 5, 4)  # 5 -> 3 only with padding, so 4 -> 2 is too
    np.testing.assert_allclose(spread[0, :, 0], [0, 1, 2, 3, 4])
    np.testing.assert_allclose(spread[0, 0], [0, 0.5, 1, 1])


def test_spread_cells_gives_a_single_band_to_the_whole_height():
    spread = spread_cells(np.array([[[1.0], [3.0], [2.0]]]), 5, 80)  # 5 -> 3 only with padding
    np.testing.assert_allclose(spread[0, :, 0], [1, 2, 3, 2.5, 2])
    np.testing.assert_array_equal(spread, spread[:, :, :1].repeat(80, axis=2))
    assert locate_cells(80, 1, padded=True) == locate_cells(80, 1) == 31.5


def test_spread_cells_of_the_input_size_changes_nothing():
    maps = np.random.default_rng(0).random((2, 7, 5)).astype(np.float32)
    np.testing.assert_array_equal(spread_cells(maps, 7, 5), maps)


def test_spread_cells_of_one_band_gives_every_band_the_same():
    spread = spread_cells(np.array([[[1.0], [5.0]]]), 2, 3)
    np.testing.assert_allclose(spread[0], [[1, 1, 1], [5, 5, 5]])


@pytest.mark.parametrize(("length", "length_here"), [(251, 15), (251, 126), (9, 6), (4, 1)])
def test_weigh_cells_gives_each_position_shares_that_sum_to_one(length, length_here):
    weights = weigh_cells(length, length_here)
    assert weights.shape == (length, length_here)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1)
