from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esclab.errors import OptionError
from esclab.noise import NOISES, NoiseEntry, common_gain, cut_region, draw_noise, inject_noise, measure_snr
from esclab.results import Region

RATE = 16_000
CLIP = (0.1 * np.random.default_rng(7).standard_normal(2 * RATE)).astype(np.float32)
REGIONS = [
    Region(),
    Region(0.5, 0.8),
    Region(low_hz=1000, high_hz=3000),
    Region(1.2, 1.5, 2000, 4000),
    Region(1.5, math.inf, 0, 500),
]
BANDS = [(0, 400), (40, 7000), (1000, 1020), (2000, 2500), (3000, math.inf), (7900, 8000), (4, 60)]


def draw_among_strong_tones(count: int, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """Draw white noise under tones 80 dB stronger, just outside of a band from 1 to 2 kHz, and an offset."""
    time_s = np.arange(count) / sample_rate
    tones = np.sin(2 * np.pi * 945 * time_s + 1) + np.cos(2 * np.pi * 2055 * time_s)
    return generator.standard_normal(count) + 1e4 * tones + 1e5


def measure_spill(noise: np.ndarray, sample_rate: int, region: Region) -> tuple[float, float]:
    """Return the highest density outside re the mean inside, and the energy outside re all, in dB."""
    fitted = region.fit(len(noise) / sample_rate, sample_rate)
    transition_hz = max(50.0, 4.0 / (fitted.offset_s - fitted.onset_s))
    power = np.abs(np.fft.rfft(noise.astype(float), 2 * len(noise))) ** 2
    frequency_hz = np.fft.rfftfreq(2 * len(noise), 1 / sample_rate)
    inside = (frequency_hz >= fitted.low_hz) & (frequency_hz <= fitted.high_hz)
    low_hz, high_hz = fitted.low_hz - transition_hz, fitted.high_hz + transition_hz
    outside = power[(frequency_hz < low_hz) | (frequency_hz > high_hz)]
    return 10 * math.log10(outside.max() / power[inside].mean()), 10 * math.log10(outside.sum() / power.sum())


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("region", REGIONS, ids=str)
@pytest.mark.parametrize("reference", ["clip", "region"])
def test_snr_is_the_one_asked_for(kind, region, reference):
    noisy = inject_noise(CLIP, RATE, kind=kind, region=region, reference=reference, snr_db=3.5, seed=2)
    signal = CLIP if reference == "clip" else cut_region(CLIP, RATE, region)
    added = noisy.astype(float) - CLIP
    by_hand = 10 * math.log10(np.sum(signal.astype(float) ** 2) / np.sum(added**2))
    assert by_hand == pytest.approx(3.5, abs=1e-3)
    assert measure_snr(CLIP, noisy, RATE, region=region, reference=reference) == pytest.approx(by_hand, abs=1e-3)


@pytest.mark.parametrize("snr_db", [-80.0, -20.0, 0.0, 60.0, 100.0])
def test_snr_holds_far_from_zero(snr_db):
    noisy = inject_noise(CLIP, RATE, snr_db=snr_db, region=Region(0.5, 0.8, 1000, 2000))
    assert measure_snr(CLIP, noisy, RATE) == pytest.approx(snr_db, abs=0.05)


def test_references_differ_by_the_energy_of_the_region():
    region = Region(0.5, 1.0)
    by_clip, by_region = (draw_noise(CLIP, RATE, region=region, reference=name) for name in ("clip", "region"))
    ratio = np.sum(CLIP.astype(float) ** 2) / np.sum(cut_region(CLIP, RATE, region).astype(float) ** 2)
    np.testing.assert_allclose(by_clip, by_region * math.sqrt(ratio), rtol=1e-5)


def test_snr_of_equal_clips_is_infinite():
    assert measure_snr(CLIP, CLIP, RATE) == math.inf


def test_injection_adds_the_drawn_noise_and_changes_no_input():
    before = CLIP.copy()
    noisy = inject_noise(CLIP, RATE, kind="pink", region=Region(0.5, 0.9), seed=4)
    noise = draw_noise(CLIP, RATE, kind="pink", region=Region(0.5, 0.9), seed=4)
    assert noisy.dtype == noise.dtype == np.float32
    np.testing.assert_array_equal(noisy, CLIP + noise)
    np.testing.assert_array_equal(CLIP, before)
    assert inject_noise(CLIP.astype(np.float64), RATE).dtype == np.float64


def test_nothing_clips():
    noisy = inject_noise(CLIP, RATE, snr_db=-40)
    assert np.abs(noisy).max() > 10


@pytest.mark.parametrize("kind", NOISES)
def test_same_seed_gives_the_same_noise_at_any_snr(kind):
    region = Region(0.5, 1.0, 500, 4000)
    loud, soft, again, other = (
        draw_noise(CLIP, RATE, kind=kind, region=region, snr_db=snr_db, seed=seed)
        for snr_db, seed in ((0, 1), (20, 1), (0, 1), (0, 2))
    )
    np.testing.assert_array_equal(loud, again)
    np.testing.assert_allclose(loud, 10 * soft, rtol=1e-5)
    assert abs(np.corrcoef(loud, other)[0, 1]) < 0.9


def test_same_noise_appears_at_every_place():
    early = draw_noise(CLIP, RATE, region=Region(0.1, 0.4, 500, 1000))
    late = draw_noise(CLIP, RATE, region=Region(1.6, 1.9, 500, 1000))
    np.testing.assert_array_equal(early[1600:6400], late[25600:30400])


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("region", [Region(0.3, 0.43), Region(0, 0.3, 1000, 2000), Region(1.7, 9, 1000, 2000)], ids=str)
def test_noise_is_exactly_zero_outside_the_time_range_and_has_no_click(kind, region):
    noise = draw_noise(CLIP, RATE, kind=kind, region=region)
    first, last = round(region.onset_s * RATE), round(min(region.offset_s, 2) * RATE)
    assert not noise[:first].any()
    assert not noise[last:].any()
    assert noise[first:last].any()
    if kind != "impulses":  # a click is what they are
        assert np.abs(noise[[first, last - 1]]).max() < 2e-3 * np.abs(noise).max()


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("duration_s", [0.1, 0.13, 0.3, 1.0, 5.0])
def test_noise_stays_in_its_band(kind, duration_s):
    clip = np.ones(round(max(1.0, duration_s) * RATE), np.float32)
    for number, (low_hz, high_hz) in enumerate(BANDS):
        onset_s = (len(clip) / RATE - duration_s) * (number % 3) / 2
        region = Region(onset_s, onset_s + duration_s, low_hz, high_hz)
        if kind == "hum" and high_hz - low_hz < 50 and duration_s == 5.0:
            region = Region(onset_s, onset_s + duration_s, low_hz - 10, high_hz - 10)  # where it has a partial
        density_db, energy_db = measure_spill(draw_noise(clip, RATE, kind=kind, region=region), RATE, region)
        assert density_db < -40, str(region)
        assert energy_db < -40, str(region)


@given(
    duration_s=st.floats(0.1, 2.0),
    place=st.floats(0.0, 1.0),
    low_hz=st.floats(0.0, 7900.0),
    width_hz=st.floats(20.0, 8000.0),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_gaussian_noise_stays_in_any_band_at_any_place(duration_s, place, low_hz, width_hz, seed):
    onset_s = place * (2.0 - duration_s)
    region = Region(onset_s, onset_s + duration_s, low_hz, low_hz + width_hz)
    if low_hz < 60 and low_hz + width_hz > 7900:
        return  # nothing lies outside
    noise = draw_noise(CLIP, RATE, region=region, seed=seed)
    assert max(measure_spill(noise, RATE, region)) < -40


@pytest.mark.parametrize("duration_s", [0.1, 0.5, 2.0])
def test_strong_sound_outside_the_band_stays_out(duration_s):
    entry = NoiseEntry("tones", "", draw_among_strong_tones)
    region = Region(0, duration_s, 1000, 2000)
    noise = draw_noise(CLIP, RATE, kind=entry, region=region)
    assert max(measure_spill(noise, RATE, region)) < -40
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency_hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    inside = (frequency_hz > 1050) & (frequency_hz < 1950)
    assert power[inside].sum() > 0.8 * power.sum()


def test_noise_at_44100_hz_stays_in_its_band():
    clip = np.ones(44_100, np.float32)
    for region in (Region(0.4, 0.5, 1000, 2000), Region(low_hz=12_000, high_hz=12_020), Region(0, 0.3, 0, 100)):
        assert max(measure_spill(draw_noise(clip, 44_100, region=region), 44_100, region)) < -40


def test_silent_clip_has_no_snr():
    with pytest.raises(OptionError, match="reference clip: the clip is silent"):
        inject_noise(np.zeros(RATE, np.float32), RATE)


@pytest.mark.parametrize("band", [(0.0, math.inf), (1000.0, 2000.0)])
def test_silent_region_has_no_snr_of_its_own(band):
    clip = CLIP.copy()
    clip[: RATE + RATE // 2] = 0
    with pytest.raises(OptionError, match="silent in the region"):
        inject_noise(clip, RATE, region=Region(0.2, 0.8, *band), reference="region")
    assert inject_noise(clip, RATE, region=Region(0.2, 0.8, *band)).any()


@pytest.mark.parametrize("snr_db", [math.nan, math.inf, -math.inf])
def test_snr_must_be_finite(snr_db):
    with pytest.raises(OptionError, match="snr_db"):
        inject_noise(CLIP, RATE, snr_db=snr_db)


@pytest.mark.parametrize("snr_db", [180.0, 2000.0, -2000.0, 1e5, -1e5])
def test_snr_that_single_precision_cannot_hold_is_told(snr_db):
    with pytest.raises(OptionError, match="snr_db"):
        inject_noise(CLIP, RATE, snr_db=snr_db)


def test_noise_without_energy_in_the_region_is_told():
    with pytest.raises(OptionError, match=r"mains hum: has no energy in .*1022-1028 Hz"):
        inject_noise(CLIP, RATE, kind="hum", region=Region(low_hz=1022, high_hz=1028))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "gausian"}, "did you mean gaussian"),
        ({"reference": "regon"}, "choose region"),
        ({"reference": "x"}, "choose clip or region"),
        ({"seed": -1}, "seed"),
        ({"region": Region(onset_s=2.5)}, "clip ends at 2"),
        ({"region": Region(low_hz=8000)}, "ends at 8000"),
    ],
)
def test_bad_option_is_told(options, message):
    with pytest.raises(OptionError, match=message):
        inject_noise(CLIP, RATE, **options)


@pytest.mark.parametrize(
    "waveform", [np.ones((1, 100), np.float32), np.ones(0, np.float32), np.full(100, np.nan, np.float32)]
)
def test_bad_waveform_is_told(waveform):
    with pytest.raises(OptionError, match="waveform"):
        inject_noise(waveform, RATE)


def test_clips_of_two_lengths_have_no_snr():
    with pytest.raises(OptionError, match="100 samples"):
        measure_snr(CLIP, CLIP[:100], RATE)


def test_common_gain_brings_the_highest_peak_to_full_scale():
    waveforms = [np.array([0.5, -2.6], np.float32), np.array([1.3], np.float32)]
    gain = common_gain(*waveforms)
    assert gain == pytest.approx(1 / 2.6)
    assert max(np.abs(waveform * np.float32(gain)).max() for waveform in waveforms) <= 1.0
    assert common_gain(CLIP) == 1.0
    assert common_gain() == 1.0
