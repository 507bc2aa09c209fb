from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from esclab.analysis.localisation import average_precision, energy_inside, event_mask, pointing_game
from esclab.errors import OptionError

TIME_S = np.arange(10) * 0.1
FREQUENCY_HZ = np.array([100.0, 200, 400, 800, 1600])
MEASURES = (pointing_game, energy_inside, average_precision)


def make_events(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["onset_s", "offset_s", "low_hz", "high_hz"])


@pytest.fixture
def mask() -> np.ndarray:
    """Return the mask of one event: frames 2 to 4, bands 1 and 2, which is 6 of 50 cells."""
    return event_mask(make_events((0.15, 0.45, 150, 500)), TIME_S, FREQUENCY_HZ)


def test_event_mask_marks_the_cells_whose_centres_are_inside(mask):
    assert np.argwhere(mask).tolist() == [[frame, band] for frame in (2, 3, 4) for band in (1, 2)]


def test_event_mask_joins_events():
    found = event_mask(make_events((0, 0.05, 90, 110), (0.88, 2, 1500, 9000)), TIME_S, FREQUENCY_HZ)
    assert np.argwhere(found).tolist() == [[0, 0], [9, 4]]


def test_event_between_two_centres_takes_the_nearest():
    found = event_mask(make_events((0.31, 0.36, 410, 690)), TIME_S, FREQUENCY_HZ)
    assert np.argwhere(found).tolist() == [[3, 2]]


@pytest.mark.parametrize("event", [(3, 4, 100, 200), (0, 1, 1700, 1800), (0, 1, 10, 20)])
def test_event_outside_of_the_map_marks_nothing(event):
    assert not event_mask(make_events(event), TIME_S, FREQUENCY_HZ).any()


def test_ideal_map_scores_1_and_its_opposite_0_or_little(mask):
    ideal = mask.astype(float)
    assert [measure(ideal, mask) for measure in MEASURES] == [1, 1, 1]
    assert pointing_game(1 - ideal, mask) == 0
    assert energy_inside(1 - ideal, mask) == 0
    assert average_precision(-ideal, mask) == pytest.approx(6 / 50)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_constant_map_scores_what_chance_scores(mask, value):
    for measure in MEASURES:
        assert measure(np.full(mask.shape, value), mask) == pytest.approx(6 / 50)


def test_random_maps_score_chance_on_average(mask):
    generator = np.random.default_rng(0)
    maps = generator.random((2000, *mask.shape))
    assert np.mean([pointing_game(one, mask) for one in maps]) == pytest.approx(0.12, abs=0.03)
    assert np.mean([energy_inside(one, mask) for one in maps]) == pytest.approx(0.12, abs=0.01)


def test_pointing_game_gives_the_share_of_tied_maxima_inside(mask):
    found = np.zeros(mask.shape)
    found[2, 1] = found[3, 2] = found[0, 0] = found[9, 4] = 7
    assert pointing_game(found, mask) == 0.5


def test_energy_inside_counts_evidence_alone(mask):
    found = np.zeros(mask.shape)
    found[2, 1], found[0, 0], found[9, 4] = 3, 1, -100
    assert energy_inside(found, mask) == pytest.approx(3 / 4)
    assert energy_inside(found * 1e300, mask) == pytest.approx(3 / 4)


def test_average_precision_of_a_ranking_by_hand():
    found, inside = np.array([[4.0, 3.0, 2.0, 1.0]]), np.array([[True, False, True, False]])
    assert average_precision(found, inside) == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_empty_mask_has_no_score():
    empty = np.zeros((4, 4), dtype=bool)
    assert all(np.isnan(measure(np.ones((4, 4)), empty)) for measure in MEASURES)


def test_map_that_does_not_fit_is_refused(mask):
    for measure in MEASURES:
        with pytest.raises(OptionError, match="does not fit"):
            measure(np.ones((2, 2)), mask)
        with pytest.raises(OptionError, match="finite"):
            measure(np.where(mask, np.nan, 0), mask)
