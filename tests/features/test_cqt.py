from __future__ import annotations

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.features.cqt import Cqt, CqtConfig, count_bands
from tests.features.sounds import make_noise, make_tone

RATE, HOP = 44_100, 512


@pytest.fixture(scope="module")
def feature() -> Cqt:
    return Cqt()


def transform_by_hand(samples: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """Return each frame's level in dB by the definition: a windowed sum of as many periods at each frequency."""
    periods = 1 / (2 ** (1 / 12) - 1)
    levels = np.empty((len(samples) // HOP + 1, len(frequencies_hz)))
    padded = np.pad(samples.astype(float), RATE // 10)
    for band, frequency_hz in enumerate(frequencies_hz):
        length = int(np.ceil(periods * RATE / frequency_hz))
        places = np.arange(length) - (length + 1) // 2
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
        wave = window * np.exp(-2j * np.pi * frequency_hz * places / RATE) / window.sum()
        for frame in range(len(levels)):
            levels[frame, band] = 2 * np.abs(wave @ padded[RATE // 10 + frame * HOP + places])
    return 20 * np.log10(np.maximum(levels, 1e-5))


def test_cqt_is_what_its_definition_gives_to_a_hundredth_of_a_decibel(feature):
    samples = (make_noise(8000, spread=0.01) + make_tone(440.0)[:8000]).numpy()
    expected = transform_by_hand(samples, feature.frequency_hz)
    np.testing.assert_allclose(feature(torch.from_numpy(samples)[None])[0, 0].numpy(), expected, atol=0.01)


def test_cqt_bands_are_semitones_from_220_hz():
    np.testing.assert_allclose(Cqt().frequency_hz[[0, 12, 24, 63]], [220, 440, 880, 220 * 2 ** (63 / 12)])


def test_cqt_of_a_full_scale_sine_is_0_db_in_every_band(feature):
    tones = torch.stack([make_tone(hz) for hz in feature.frequency_hz])
    levels = feature(tones)[:, 0, 20].diagonal()
    torch.testing.assert_close(levels, torch.zeros(64), atol=0.01, rtol=0)


@pytest.mark.parametrize("floor_db", [-60.0, -100.0])
def test_cqt_of_silence_is_the_floor(floor_db):
    values = build_feature("cqt", floor_db=floor_db)(torch.zeros(1, 2000))
    torch.testing.assert_close(values, torch.full_like(values, floor_db), atol=1e-3, rtol=0)


def test_cqt_refuses_bands_above_half_the_rate_and_says_how_many_fit():
    with pytest.raises(OptionError, match=r"feature cqt, bands: 64 reach to 8372 Hz.* at most 51"):
        build_feature("cqt", sample_rate=8000)
    assert count_bands(CqtConfig(sample_rate=8000)) == 51  # 220 * 2 ** (50 / 12) is 3951 Hz
    assert build_feature("cqt", sample_rate=8000, bands=51).frequency_hz[-1] < 4000


@pytest.mark.parametrize("settings", [{"bands": 0}, {"low_hz": 0.0}, {"hop_samples": 0}, {"floor_db": 3.0}], ids=str)
def test_cqt_refuses_settings_without_sense(settings):
    with pytest.raises(OptionError, match="feature cqt"):
        build_feature("cqt", **settings)
