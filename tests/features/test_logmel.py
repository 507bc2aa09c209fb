from __future__ import annotations

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.features import build_feature, describe_feature
from esclab.features.logmel import LogMel, LogMelConfig
from esclab.features.mel import hz_to_mel, mel_to_hz


def test_logmel_of_5_s_has_251_frames_and_40_bands():
    assert LogMel()(torch.zeros(1, 5 * 44_100)).shape == (1, 1, 251, 40)
    assert LogMel().frames(5 * 44_100) == 251


def test_logmel_frames_are_20_ms_apart():
    np.testing.assert_allclose(LogMel().time_s(251), np.linspace(0, 5, 251), atol=1e-12)


def test_logmel_bands_are_evenly_spaced_in_mel():
    mel = 2595 * np.log10(1 + LogMel().frequency_hz / 700)
    top = 2595 * np.log10(1 + 22_050 / 700)
    np.testing.assert_allclose(mel, np.arange(1, 41) * top / 41)


def test_mel_scale_puts_1_khz_at_1000_mel_and_inverts():
    assert hz_to_mel(1000.0) == pytest.approx(999.99, abs=0.01)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(np.array([0.0, 440.0, 20_000.0]))), [0, 440, 20_000], atol=1e-9)


@pytest.mark.parametrize("window_s", [0.02, 0.04, 0.08])
def test_logmel_level_of_a_full_scale_sine_does_not_depend_on_the_window(window_s):
    # A sine of amplitude 1 has 1/4 in its bin; the Hann window's two neighbours add 1/16 each: 10 lg 0.375 = -4.26 dB.
    feature = build_feature("logmel", window_s=window_s)
    time_s = np.arange(22_050) / 44_100
    tone = torch.from_numpy(np.sin(2 * np.pi * feature.frequency_hz[35] * time_s)).float()
    assert feature(tone[None])[0, 0, 12, 35].item() == pytest.approx(10 * np.log10(0.375), abs=0.2)


def test_logmel_rises_by_20_db_for_ten_times_the_amplitude():
    noise = torch.randn(1, 8820, generator=torch.Generator().manual_seed(0)) * 0.01
    torch.testing.assert_close(LogMel()(10 * noise), LogMel()(noise) + 20, atol=1e-3, rtol=0)


@pytest.mark.parametrize("floor_db", [-60.0, -100.0, -300.0])
def test_logmel_of_silence_is_the_floor(floor_db):
    torch.testing.assert_close(
        build_feature("logmel", floor_db=floor_db)(torch.zeros(1, 2000)),
        torch.full((1, 1, 3, 40), floor_db),
        atol=1e-3,
        rtol=0,
    )


def test_logmel_of_a_quiet_clip_does_not_depend_on_a_loud_neighbour():
    quiet = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0)) * 1e-4
    assert torch.equal(LogMel()(torch.cat([quiet, torch.ones(1, 4000)]))[0], LogMel()(quiet)[0])


def test_logmel_hears_nothing_outside_of_its_range():
    time_s = np.arange(8820) / 44_100
    tone = torch.from_numpy(np.sin(2 * np.pi * 10_000 * time_s)).float()
    inside = build_feature("logmel", low_hz=8000.0)(tone[None])[0, 0, 5]
    below = build_feature("logmel", high_hz=4000.0)(tone[None])[0, 0, 5]
    assert inside.max() > -10
    assert below.max() < -60


@pytest.mark.parametrize("window_samples", [550, 551])
@pytest.mark.parametrize("samples", [1, 219, 220, 221, 2200])
def test_logmel_counts_its_frames_for_even_and_odd_windows(window_samples, samples):
    feature = build_feature("logmel", sample_rate=22_000, window_s=window_samples / 22_000, hop_s=0.01)
    assert feature.frames(samples) == feature(torch.zeros(1, samples)).shape[2]


@pytest.mark.parametrize(
    "settings",
    [
        {"sample_rate": 0},
        {"sample_rate": -44_100},
        {"sample_rate": 44_100.5},
        {"window_s": 0.0},
        {"window_s": float("nan")},
        {"window_s": float("inf")},
        {"window_s": 1e-6},
        {"hop_s": 0.0},
        {"hop_s": -0.02},
        {"hop_s": 1e-6},
        {"bands": 0},
        {"bands": 40.5},
        {"bands": "40"},
        {"low_hz": -1.0},
        {"low_hz": 22_050.0},
        {"low_hz": 5000.0, "high_hz": 5000.0},
        {"high_hz": 22_051.0},
        {"high_hz": -5.0},
        {"high_hz": float("nan")},
        {"floor_db": float("nan")},
        {"floor_db": float("-inf")},
        {"floor_db": -500.0},
        {"floor_db": 10.0},
    ],
    ids=str,
)
def test_logmel_refuses_settings_without_sense(settings):
    with pytest.raises(OptionError, match="feature logmel"):
        build_feature("logmel", **settings)


def test_logmel_accepts_half_the_sample_rate_as_its_upper_end():
    assert build_feature("logmel", high_hz=22_050.0).frequency_hz == pytest.approx(LogMel().frequency_hz)


def test_logmel_config_defaults_are_the_papers():
    config = LogMelConfig()
    assert (config.sample_rate, config.window_s, config.hop_s, config.bands) == (44_100, 0.04, 0.02, 40)


def test_logmel_is_stored_under_the_same_name_as_ever():
    # The store and run folders find features by these words; another field, name or default would hide them.
    assert describe_feature(LogMel()) == {
        "name": "logmel",
        "sample_rate": 44_100,
        "window_s": 0.04,
        "hop_s": 0.02,
        "bands": 40,
        "low_hz": 0.0,
        "high_hz": 0.0,
        "floor_db": -100.0,
    }
