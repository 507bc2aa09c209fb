from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from esclab.errors import OptionError
from esclab.noise import NOISES, NoiseEntry, draw_noise, find_noise

RATE = 16_000


def draw(kind: str, *, count: int = 4 * RATE, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return NOISES[kind].draw(count, rate, np.random.default_rng(seed))


def test_kinds_are_the_documented_ones():
    assert set(NOISES) == {"gaussian", "pink", "brown", "hum", "impulses", "bus-like", "tram-like"}
    assert all("synthetic" in NOISES[kind].label for kind in ("bus-like", "tram-like"))
    assert all(entry.synthetic and entry.summary for entry in NOISES.values())


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize(("count", "rate"), [(1, RATE), (100, 44_100), (30_001, 22_050), (5000, 1000)])
def test_kind_gives_so_many_finite_samples_at_any_rate(kind, count, rate):
    samples = draw(kind, count=count, rate=rate)
    assert samples.shape == (count,)
    assert np.isfinite(samples).all()
    assert samples.any()


@pytest.mark.parametrize("kind", NOISES)
def test_kind_follows_the_generator(kind):
    np.testing.assert_array_equal(draw(kind, seed=3), draw(kind, seed=3))
    assert not np.array_equal(draw(kind, seed=3), draw(kind, seed=4))


@pytest.mark.parametrize("kind", NOISES)
def test_kind_has_energy_in_every_band_of_100_hz(kind):
    samples = draw(kind)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequency_hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    shares = [power[(frequency_hz >= low) & (frequency_hz < low + 100)].sum() for low in range(0, 8000, 100)]
    assert min(shares) > 1e-9 * sum(shares)


@pytest.mark.parametrize(
    ("kind", "slope_db"), [("gaussian", 0.0), ("pink", -3.01), ("brown", -6.02), ("impulses", 0.0)]
)
def test_kind_has_its_slope(kind, slope_db):
    frequency_hz, power = welch(draw(kind, count=30 * RATE), RATE, nperseg=4096)
    kept = (frequency_hz > 60) & (frequency_hz < 7000)
    octaves, decibels = np.log2(frequency_hz[kept]), 10 * np.log10(power[kept])
    # Even weight for every octave, not for every Hz.
    slope, _ = np.polyfit(octaves, decibels, 1, w=np.sqrt(1 / frequency_hz[kept]))
    assert slope == pytest.approx(slope_db, abs=0.3)


def test_hum_has_all_multiples_of_50_hz_and_nothing_else():
    magnitude = np.abs(np.fft.rfft(draw("hum"))) * 2 / (4 * RATE)
    partials = np.zeros(len(magnitude), dtype=bool)
    partials[200 : 4 * 8000 : 200] = True  # bins of 0.25 Hz
    assert magnitude[~partials].max() < 1e-9
    numbers = np.arange(1, 160)
    np.testing.assert_allclose(magnitude[partials], np.where(numbers % 2, 1.0, 0.5) / numbers, rtol=1e-6)


def test_impulses_are_single_samples_100_a_second():
    clicks = np.count_nonzero(draw("impulses", count=20 * RATE))
    assert abs(clicks - 2000) < 4 * np.sqrt(2000) + 20  # Poisson, less those that share a sample


def test_bus_fires_between_25_and_80_hz():
    frequency_hz, power = welch(draw("bus-like"), RATE, nperseg=8192)
    assert 25 < frequency_hz[power.argmax()] < 80


def test_tram_squeals_above_its_floor():
    frequency_hz, power = welch(draw("tram-like"), RATE, nperseg=8192)
    squeal = (frequency_hz > 2000) & (frequency_hz < 3500)
    assert power[squeal].max() > 100 * np.median(power[squeal])


@pytest.mark.parametrize(("kind", "near"), [("gausian", "gaussian"), ("Bus-like", "bus-like"), ("tau-bus2", "tau-bus")])
def test_unknown_kind_names_the_nearest(kind, near):
    with pytest.raises(OptionError, match=f"did you mean .*{near}"):
        find_noise(kind)


@pytest.mark.parametrize("kind", ["", "rain/heavy.wav", "no-file-here.wav"])
def test_kind_that_is_neither_name_nor_file_says_what_there_is(kind):
    with pytest.raises(OptionError, match=r"choose one of gaussian.*DATASET/CLIP"):
        find_noise(kind)


def test_entry_of_ones_own_is_a_kind():
    entry = NoiseEntry("buzz", "every tenth sample", lambda count, rate, generator: (np.arange(count) % 10 == 0) * 1.0)
    assert find_noise(entry) is entry
    noise = draw_noise(np.ones(1000, np.float32), RATE, kind=entry, snr_db=0)
    np.testing.assert_allclose(noise, np.where(np.arange(1000) % 10 == 0, np.sqrt(10), 0), rtol=1e-6)
