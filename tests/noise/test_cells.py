from __future__ import annotations

import math

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.noise import PUBLISHED_FEATURE_NOISE, inject_feature_noise

FEATURES = np.random.default_rng(0).normal(-40, 10, (3, 1, 251, 40)).astype(np.float32)


def changed_cells(noisy: np.ndarray) -> np.ndarray:
    return noisy != FEATURES


@pytest.mark.parametrize(
    ("name", "frames", "bands"), [("time", slice(50, 63), slice(None)), ("frequency", slice(None), slice(25, 30))]
)
def test_published_noise_changes_its_cells_only(name, frames, bands):
    noisy = inject_feature_noise(FEATURES, **PUBLISHED_FEATURE_NOISE[name])
    expected = np.zeros(FEATURES.shape, dtype=bool)
    expected[..., frames, bands] = True
    np.testing.assert_array_equal(changed_cells(noisy), expected)
    assert noisy.dtype == np.float32


def test_noise_has_its_spread_and_no_offset():
    noise = (inject_feature_noise(FEATURES, frames=None, spread=3.0) - FEATURES).ravel()
    assert noise.std() == pytest.approx(3.0, rel=0.02)
    assert abs(noise.mean()) < 5 * 3.0 / math.sqrt(noise.size)


def test_clips_get_different_noise_and_the_input_stays():
    before = FEATURES.copy()
    noise = inject_feature_noise(FEATURES) - FEATURES
    assert not np.array_equal(noise[0], noise[1])
    np.testing.assert_array_equal(FEATURES, before)


def test_noise_follows_its_seed():
    np.testing.assert_array_equal(inject_feature_noise(FEATURES, seed=5), inject_feature_noise(FEATURES, seed=5))
    assert not np.array_equal(inject_feature_noise(FEATURES, seed=5), inject_feature_noise(FEATURES, seed=6))


def test_both_ranges_make_a_rectangle():
    changed = changed_cells(inject_feature_noise(FEATURES, frames=(0, 10), bands=(35, 40)))
    assert changed.sum() == 3 * 10 * 5
    assert changed[..., :10, 35:].all()


def test_no_spread_changes_nothing():
    np.testing.assert_array_equal(inject_feature_noise(FEATURES, spread=0.0), FEATURES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": (50, 300)}, "frames 50 to 300"),
        ({"frames": (-1, 5)}, "frames -1 to 5"),
        ({"bands": (5, 5)}, "bands 5 to 5"),
        ({"spread": -1.0}, "spread"),
        ({"spread": math.nan}, "spread"),
    ],
)
def test_bad_cells_are_told(options, message):
    with pytest.raises(OptionError, match=message):
        inject_feature_noise(FEATURES, **options)


@pytest.mark.parametrize("features", [np.ones(5, np.float32), np.ones((5, 5), np.int64)])
def test_what_is_no_feature_is_told(features):
    with pytest.raises(OptionError, match="features"):
        inject_feature_noise(features)
