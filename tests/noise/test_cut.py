from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr

from esclab.errors import OptionError
from esclab.noise import attenuate_region, cut_region
from esclab.noise.cut import _band_gain
from esclab.results import Region

RATE = 16_000


def make_tone(frequency_hz: float, seconds: float = 2.0) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time_s + 0.4)).astype(np.float32)


def make_noise(seed: int, seconds: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def level_db(samples: np.ndarray, before: np.ndarray) -> float:
    return 10 * math.log10(np.sum(samples.astype(float) ** 2) / np.sum(before.astype(float) ** 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cut_of_the_whole_clip_is_the_clip(dtype):
    samples = make_noise(0).astype(dtype)
    cut = cut_region(samples, RATE, Region())
    assert cut.dtype == dtype
    np.testing.assert_array_equal(cut, samples)
    assert not np.shares_memory(cut, samples)


@pytest.mark.parametrize(
    "region", [Region(0.5, 1.0), Region(0, math.inf, 500, 2000), Region(0.3, 1.2, 900, 1000), Region(1.0, 2.0, 0, 300)]
)
def test_cut_is_linear(region):
    one, two = make_noise(1), make_noise(2)
    together = cut_region(3.0 * one - 0.5 * two, RATE, region)
    apart = 3.0 * cut_region(one, RATE, region) - 0.5 * cut_region(two, RATE, region)
    np.testing.assert_allclose(together, apart, atol=1e-12)


@pytest.mark.parametrize("band", [(0.0, math.inf), (400.0, 3000.0)])
@pytest.mark.parametrize("times", [(0.5, 1.0), (0.0, 0.3), (1.7, math.inf), (0.30001, 0.41)])
def test_cut_is_exactly_zero_outside_its_time_range(times, band):
    cut = cut_region(make_noise(3), RATE, Region(*times, *band))
    time_s = np.arange(len(cut)) / RATE
    outside = (time_s < times[0]) | (time_s > times[1])
    assert np.all(cut[outside] == 0)
    assert np.all(cut[~outside][200:-200] != 0)


def test_cut_without_a_band_fades_within_10_ms():
    cut = cut_region(np.ones(2 * RATE), RATE, Region(0.5, 1.0))
    np.testing.assert_allclose(cut[int(0.511 * RATE) : int(0.989 * RATE)], 1.0)
    assert cut[RATE // 2] < 1e-3
    assert np.abs(np.diff(cut)).max() < 0.03  # 160 samples rise by 1, the steepest by four times the mean


def test_cut_with_a_band_passes_a_tone_whole_after_80_ms():
    tone = make_tone(1000)
    cut = cut_region(tone, RATE, Region(0.5, 1.5, 900, 1100))
    middle = slice(int(0.58 * RATE), int(1.42 * RATE))
    np.testing.assert_allclose(cut[middle], tone[middle], atol=1e-6)


def test_cut_of_a_band_alone_keeps_phase_and_level_to_near_the_clip_ends():
    tone = make_tone(1000)
    kept = cut_region(tone, RATE, Region(low_hz=500, high_hz=3000))
    middle = slice(RATE // 100, -RATE // 100)
    np.testing.assert_allclose(kept[middle], tone[middle], atol=0.02)
    assert np.abs(kept[:10]).max() > 0.1


def test_cut_has_the_documented_edges():
    middle = slice(RATE // 2, 3 * RATE // 2)
    for frequency_hz, gain_db, tolerance_db in ((1000, -0.054, 0.01), (995, -6.02, 0.05), (990, -44.1, 0.3)):
        tone = make_tone(frequency_hz).astype(np.float64)
        cut = cut_region(tone, RATE, Region(low_hz=1000, high_hz=2000))
        assert level_db(cut[middle], tone[middle]) == pytest.approx(gain_db, abs=tolerance_db)


@pytest.mark.parametrize("band", [(1000, 3000), (0, 3000), (500, RATE / 2), (20, 60), (RATE / 2 - 10, RATE / 2)])
def test_gain_of_a_band_is_its_edges_formula_at_every_bin(band):
    low_hz, high_hz = band
    frequency_hz = np.arange(50_001) * (RATE / 100_000)
    expected = np.ones(len(frequency_hz))
    if low_hz > 0:
        expected *= ndtr((frequency_hz - low_hz + 5.0) / 2.0)
    if high_hz < RATE / 2:
        expected *= ndtr((high_hz + 5.0 - frequency_hz) / 2.0)
    np.testing.assert_array_equal(_band_gain(100_000, RATE, low_hz, high_hz), expected)


def test_cut_of_a_band_that_touches_the_ends_of_the_axis_keeps_its_end():
    constant, fastest = np.ones(2 * RATE), np.cos(np.pi * np.arange(2 * RATE))
    middle = slice(3 * RATE // 4, 5 * RATE // 4)
    np.testing.assert_allclose(cut_region(constant, RATE, Region(high_hz=100))[middle], 1.0, atol=1e-9)
    kept = cut_region(fastest, RATE, Region(low_hz=7900, high_hz=8000))
    np.testing.assert_allclose(kept[middle], fastest[middle], atol=1e-6)
    assert np.abs(cut_region(constant, RATE, Region(low_hz=100))[middle]).max() < 1e-9


def test_cut_of_a_short_clip_has_its_length():
    for count in (1, 2, 100):
        assert cut_region(np.ones(count, np.float32), RATE, Region(high_hz=1000)).shape == (count,)


def test_erase_takes_a_tone_inside_and_leaves_one_outside():
    inside, outside = make_tone(1000), make_tone(3000)
    erased = attenuate_region(inside + outside, RATE, Region(0.5, 1.5, 800, 1200))
    middle = slice(int(0.6 * RATE), int(1.4 * RATE))
    np.testing.assert_allclose(erased[middle], outside[middle], atol=1e-5)
    before = slice(0, RATE // 2)
    np.testing.assert_array_equal(erased[before], (inside + outside)[before])
    np.testing.assert_allclose(attenuate_region(outside, RATE, Region(0.5, 1.5, 800, 1200)), outside, atol=1e-3)


def test_erase_lowers_the_energy_inside_by_40_db_and_keeps_the_rest():
    noise = make_noise(5).astype(np.float32)
    erased = attenuate_region(noise, RATE, Region(low_hz=1000, high_hz=3000))
    frequency_hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    before, after = np.fft.rfft(noise * np.hanning(len(noise))), np.fft.rfft(erased * np.hanning(len(noise)))
    inside = (frequency_hz >= 1000) & (frequency_hz <= 3000)
    assert level_db(np.abs(after[inside]), np.abs(before[inside])) < -40
    outside = (frequency_hz < 980) | (frequency_hz > 3020)
    np.testing.assert_allclose(after[outside], before[outside], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("gain_db", [-6.0, -20.0, 0.0])
def test_attenuation_lowers_a_tone_by_the_gain(gain_db):
    tone = make_tone(1000)
    middle = slice(int(0.6 * RATE), int(1.4 * RATE))
    weaker = attenuate_region(tone, RATE, Region(0.5, 1.5, 800, 1200), gain_db=gain_db)
    assert weaker.dtype == np.float32
    assert level_db(weaker[middle], tone[middle]) == pytest.approx(gain_db, abs=1e-3)


@pytest.mark.parametrize("gain_db", [3.0, math.nan])
def test_attenuation_refuses_a_gain_that_is_none(gain_db):
    with pytest.raises(OptionError, match="gain_db"):
        attenuate_region(make_tone(1000), RATE, Region(), gain_db=gain_db)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.ones((2, 100), np.float32), r"shape \(2, 100\)"),
        (np.ones(0, np.float32), "is empty"),
        (np.ones(100, np.int16), "holds int16"),
        (np.array([0.0, np.nan, 1.0]), "NaN"),
        (np.array([0.0, np.inf, 1.0]), "NaN or Inf"),
    ],
)
def test_cut_refuses_what_is_no_waveform(samples, message):
    with pytest.raises(OptionError, match=message):
        cut_region(samples, RATE, Region())


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (Region(onset_s=3.0), "clip ends at 2"),
        (Region(low_hz=9000), "ends at 8000"),
        (Region(1.0, 0.5), "does not rise"),
        (Region(1.0, 1.0003), "holds 4 samples"),
    ],
)
def test_cut_refuses_a_region_outside(region, message):
    with pytest.raises(OptionError, match=message):
        cut_region(make_tone(1000), RATE, region)


@pytest.mark.parametrize("sample_rate", [0, 44_100.5, math.nan])
def test_cut_refuses_an_odd_sample_rate(sample_rate):
    with pytest.raises(OptionError, match="sample_rate"):
        cut_region(make_tone(1000), sample_rate, Region())
