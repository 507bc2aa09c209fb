from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch
from nnAudio.features.gammatone import Gammatonegram

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.features.gammatone import Gammatone
from tests.features.sounds import make_noise, make_tone

RATE = 44_100


@pytest.fixture(scope="module")
def feature() -> Gammatone:
    return Gammatone()


def filter_levels(samples: np.ndarray, frequency_hz: float) -> float:
    """Return the mean level behind scipy's gammatone filter, in dB re a full-scale sine, without its first 0.2 s."""
    numerator, denominator = scipy.signal.gammatone(frequency_hz, "iir", fs=RATE)
    heard = scipy.signal.lfilter(numerator, denominator, samples.astype(float))[RATE // 5 :]
    return 10 * np.log10(np.mean(heard**2) / 0.5)


def test_gammatone_bands_lie_evenly_on_the_scale_of_equivalent_rectangular_bandwidths(feature):
    rates = np.log(feature.frequency_hz + 24.7 * 9.26449)
    np.testing.assert_allclose(np.diff(rates), np.diff(rates)[0])
    assert feature.frequency_hz[0] == pytest.approx(20)
    assert len(feature.frequency_hz) == 64


def test_gammatone_of_a_full_scale_sine_is_0_db_in_its_band(feature):
    # Below 1 kHz a band is narrower than the window's spectrum, and some of the sine falls beside it.
    tones = torch.stack([make_tone(hz) for hz in feature.frequency_hz])
    levels = feature(tones)[:, 0, 20].diagonal().numpy()
    np.testing.assert_allclose(levels[feature.frequency_hz > 1000], 0, atol=0.2)
    np.testing.assert_allclose(levels, 0, atol=2)


@pytest.mark.parametrize("tone_hz", [700.0, 3000.0])
def test_gammatone_skirts_are_those_of_scipys_filters(feature, tone_hz):
    tone = make_tone(tone_hz, duration_s=1.0)
    levels = feature(tone[None])[0, 0, 43].numpy()
    nearest = np.abs(feature.frequency_hz - tone_hz).argmin()
    for band in range(nearest - 4, nearest + 5):
        assert levels[band] == pytest.approx(filter_levels(tone.numpy(), feature.frequency_hz[band]), abs=1.0)


def test_gammatone_of_noise_has_the_power_behind_scipys_filters(feature):
    noise = make_noise(4 * RATE)
    power = (10 ** (feature(noise[None])[0, 0] / 10)).mean(0).numpy()
    for band in range(8, 64, 5):
        expected = filter_levels(noise.numpy(), feature.frequency_hz[band])
        assert 10 * np.log10(power[band]) == pytest.approx(expected, abs=0.7)


def test_gammatone_of_noise_has_the_power_of_its_responses_down_to_the_lowest_band(feature):
    # scipy's recursive filters are unstable down there; the magnitude of a gammatone is known in closed form.
    power = (10 ** (feature(make_noise(8 * RATE)[None])[0, 0] / 10)).mean(0).numpy()
    places_hz = np.linspace(0, RATE / 2, 200_001)
    widths_hz = 1.019 * (24.7 + feature.frequency_hz / 9.26449)
    for centre_hz, width_hz, found in zip(feature.frequency_hz, widths_hz, power, strict=True):
        passed = (1 + ((places_hz - centre_hz) / width_hz) ** 2) ** -4.0
        expected = 0.1**2 * passed.mean() / 0.5
        assert 10 * np.log10(found / expected) == pytest.approx(0, abs=0.7)


def test_gammatone_filters_are_the_square_of_nnaudios(feature):
    theirs = Gammatonegram(sr=RATE, n_bins=64, fmin=20.0, verbose=False).gammatone_basis * 2048
    torch.testing.assert_close(feature.weights[:, 1:-1] * 1.5, theirs[:, 1:-1] ** 2)


@pytest.mark.parametrize("floor_db", [-60.0, -100.0])
def test_gammatone_of_silence_is_the_floor(floor_db):
    values = build_feature("gammatone", floor_db=floor_db)(torch.zeros(1, 2000))
    torch.testing.assert_close(values, torch.full_like(values, floor_db), atol=1e-3, rtol=0)


def test_gammatone_refuses_a_range_above_half_the_rate():
    with pytest.raises(OptionError, match="feature gammatone: low_hz 20 and high_hz 9000 must lie in 0"):
        build_feature("gammatone", sample_rate=8000, high_hz=9000.0)
