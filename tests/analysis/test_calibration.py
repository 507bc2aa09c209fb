from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.analysis import measure_calibration
from esclab.errors import OptionError


def test_ece_of_two_bins_is_that_worked_out_by_hand(answer):
    # With three classes a confidence can lie below 0.5: 0.4 (right), 0.4 (wrong); 0.9 and 0.7 (right).
    made = answer([0, 0, 1, 2], [0, 1, 1, 2], classes=3, confidence=[0.4, 0.4, 0.9, 0.7])
    result = measure_calibration(made, bins=2)
    assert result.bins["count"].tolist() == [2, 2]
    np.testing.assert_allclose(result.bins["confidence"], [0.4, 0.8])
    np.testing.assert_allclose(result.bins["accuracy"], [0.5, 1.0])
    assert result.ece == pytest.approx(0.5 * 0.1 + 0.5 * 0.2)


@pytest.mark.parametrize("bins", [1, 7, 10, 15])
def test_ece_is_the_mean_gap_of_the_clips_grouped_by_confidence(answer, bins):
    rng = np.random.default_rng(bins)
    made = answer(rng.integers(5, size=300), np.zeros(300, dtype=int), classes=5)
    probabilities = rng.dirichlet(np.full(5, 0.3), 300) * 0.999 + 0.0002
    made = replace(made, probabilities=probabilities)
    clips = pd.DataFrame({"confidence": probabilities.max(1), "hit": probabilities.argmax(1) == made.true})
    groups = clips.groupby(pd.cut(clips["confidence"], np.linspace(0, 1, bins + 1), right=False), observed=True)
    expected = ((groups["confidence"].mean() - groups["hit"].mean()).abs() * groups.size()).sum() / len(clips)
    assert measure_calibration(made, bins=bins).ece == pytest.approx(expected, abs=1e-9)


def test_empty_bins_hold_nan_and_add_nothing(answer):
    result = measure_calibration(answer([0, 1], [0, 1], confidence=0.95))
    assert result.bins["count"].tolist() == [0] * 9 + [2]
    assert result.bins[["confidence", "accuracy"]][:9].isna().all(axis=None)
    assert result.ece == pytest.approx(0.05)


def test_full_confidence_lies_in_the_last_bin(answer):
    # Together, 0.9 (wrong) and 1 (right) have accuracy 0.5 at confidence 0.95.
    result = measure_calibration(answer([0, 0], [1, 0], confidence=[0.9, 1.0]))
    assert result.bins["count"].iloc[-1] == 2
    assert result.ece == pytest.approx(0.45)


def test_a_confidence_on_an_edge_lies_above_it_in_float32_too(answer):
    made = answer([0], [0], confidence=0.7)
    narrow = replace(made, probabilities=made.probabilities.astype(np.float32))
    for one in (made, narrow):
        assert measure_calibration(one).bins["count"].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]


def test_calibration_needs_a_bin(answer):
    with pytest.raises(OptionError, match="at least one bin"):
        measure_calibration(answer([0], [0]), bins=0)
