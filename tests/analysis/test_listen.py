from __future__ import annotations

import numpy as np
import pytest

from esclab.analysis.listen import apply_mask, mask_axes, split_sound
from esclab.errors import ClipError, OptionError
from esclab.results import TimeFrequencyMap

RATE = 8000
TIME_S = np.arange(51) * 0.02
FREQUENCY_HZ = np.linspace(100, 3900, 20)


def make_noise(count: int = RATE) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)


def make_map(values: np.ndarray | float) -> TimeFrequencyMap:
    values = np.broadcast_to(values, (len(TIME_S), len(FREQUENCY_HZ))).astype(float)
    return TimeFrequencyMap(values, TIME_S, FREQUENCY_HZ, unit="")


def make_tone(frequency_hz: float) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * frequency_hz * np.arange(RATE) / RATE)


def power_at(samples: np.ndarray, frequency_hz: int) -> float:
    """Return the power at a frequency of a signal of 1 s, whose bins are 1 Hz wide."""
    return float(np.abs(np.fft.rfft(samples))[frequency_hz] ** 2)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100])
@pytest.mark.parametrize("count", [1, 300, 2047, 2049, 10_000])
def test_mask_of_ones_gives_the_clip_to_its_first_and_last_sample(rate, count):
    samples = make_noise(count)
    time_s, frequency_hz = mask_axes(count, rate)
    ones = np.ones((len(time_s), len(frequency_hz)))
    np.testing.assert_allclose(apply_mask(samples, ones, sample_rate=rate), samples, atol=1e-6)


def test_mask_axes_cover_the_clip_and_scale_the_window_with_the_rate():
    for rate, window in ((44_100, 2048), (48_000, 2048), (22_050, 1024), (8000, 256 * 2)):
        time_s, frequency_hz = mask_axes(5 * rate, rate)
        assert len(frequency_hz) == window // 2 + 1
        assert (frequency_hz[0], frequency_hz[-1]) == (0, rate / 2)
        np.testing.assert_allclose(np.diff(time_s), window / 4 / rate)
        assert time_s[0] <= 0
        assert time_s[-1] >= 5


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["random", "ramp", "sparse", "constant"])
def test_kept_sound_holds_its_share_and_both_add_up_to_the_clip(kind, share):
    generator = np.random.default_rng(1)
    values = {
        "random": generator.random((51, 20)),
        "ramp": np.arange(51.0)[:, None],
        "sparse": np.maximum(generator.random((51, 20)) - 0.9, 0),
        "constant": 3.0,
    }[kind]
    samples = make_noise()
    split = split_sound(samples, RATE, make_map(values), share=share)
    np.testing.assert_allclose(split.kept + split.removed, samples, atol=1e-6)
    assert split.share_kept == pytest.approx(share, rel=0.02)
    assert np.sum(split.kept.astype(float) ** 2) / np.sum(samples.astype(float) ** 2) == pytest.approx(
        split.share_kept, rel=1e-4
    )
    assert split.mask.shape == (len(split.time_s), len(split.frequency_hz))
    assert split.mask.min() >= 0
    assert split.mask.max() <= 1


def test_whole_share_gives_the_clip_and_removes_nothing():
    samples = make_noise()
    split = split_sound(samples, RATE, make_map(np.random.default_rng(1).random((51, 20))), share=1)
    np.testing.assert_allclose(split.kept, samples, atol=1e-6)
    assert np.abs(split.removed).max() < 1e-6
    assert split.share_kept == pytest.approx(1)


def test_map_of_one_band_keeps_the_tone_in_it_and_removes_the_other():
    low_hz, high_hz = FREQUENCY_HZ[5], FREQUENCY_HZ[15]
    samples = make_tone(low_hz) + make_tone(high_hz)
    for band, mine, other in ((5, round(low_hz), round(high_hz)), (15, round(high_hz), round(low_hz))):
        split = split_sound(samples, RATE, make_map(np.eye(20)[band]), share=0.49)
        assert power_at(split.kept, mine) > 1000 * power_at(split.kept, other)
        assert power_at(split.removed, other) > 100 * power_at(split.removed, mine)


def test_map_of_one_moment_keeps_that_moment():
    samples = make_noise()
    split = split_sound(samples, RATE, make_map(np.exp(-(((TIME_S - 0.5) / 0.05) ** 2))[:, None]), share=0.1)
    inside = np.abs(np.arange(RATE) / RATE - 0.5) < 0.15
    assert np.sum(split.kept[inside] ** 2) > 0.98 * np.sum(split.kept**2)


def test_map_beyond_its_outer_frames_and_bands_is_held():
    values = np.zeros((51, 20))
    values[-1], values[:, -1] = 1, 2
    short = TimeFrequencyMap(values, TIME_S / 2, FREQUENCY_HZ / 2)  # reaches to 0.5 s and 1950 Hz
    split = split_sound(make_noise(), RATE, short, share=0.3)
    above = split.frequency_hz > 2100
    assert (split.mask[:, above] > 0.5).all()
    assert split.mask[:, split.frequency_hz < 1700].max() < 0.1


def test_map_without_differences_keeps_a_fainter_clip():
    samples = make_noise()
    split = split_sound(samples, RATE, make_map(0.0), share=0.25)
    assert np.ptp(split.mask) < 1e-9
    np.testing.assert_allclose(split.kept, samples / 2, atol=0.01 * np.abs(samples).max())


def test_only_the_order_of_a_map_counts():
    values = np.random.default_rng(2).integers(0, 3, (51, 20)).astype(float)
    coarse = TimeFrequencyMap(values, TIME_S, FREQUENCY_HZ)
    scaled = TimeFrequencyMap(1e6 * values - 5, TIME_S, FREQUENCY_HZ)
    first, second = (split_sound(make_noise(), RATE, found, share=0.4) for found in (coarse, scaled))
    assert np.mean(np.abs(first.mask - second.mask) > 0.01) < 0.01


@pytest.mark.parametrize("share", [0, -0.1, 1.1, np.nan])
def test_share_that_is_none_is_refused(share):
    with pytest.raises(OptionError, match="share"):
        split_sound(make_noise(), RATE, make_map(1.0), share=share)


@pytest.mark.parametrize("samples", [np.zeros(100), np.array([0.0, np.nan]), np.ones((2, 100))])
def test_clip_without_sound_is_refused(samples):
    with pytest.raises(ClipError):
        split_sound(samples, RATE, make_map(1.0))


def test_map_or_mask_that_does_not_fit_is_refused():
    with pytest.raises(OptionError, match="51 frames and 20 bands"):
        split_sound(make_noise(), RATE, TimeFrequencyMap(np.ones((50, 20)), TIME_S, FREQUENCY_HZ))
    with pytest.raises(OptionError, match="finite"):
        split_sound(make_noise(), RATE, make_map(np.nan))
    with pytest.raises(OptionError, match="mask_axes"):
        apply_mask(make_noise(), np.ones((3, 3)), sample_rate=RATE)
