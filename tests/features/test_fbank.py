from __future__ import annotations

import numpy as np
import pytest
import torch
from torchaudio.compliance import kaldi

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.features.fbank import Fbank
from tests.features.sounds import make_noise, make_tone

RATE, WINDOW, HOP, FLOOR = 16_000, 400, 160, np.log(2.0**-23)


def compute_by_hand(samples: np.ndarray) -> np.ndarray:
    """Return Kaldi's filter bank by its definition, in double precision, (frame, band)."""
    starts = np.arange(0, len(samples) - WINDOW + 1, HOP)
    windows = samples.astype(float)[starts[:, None] + np.arange(WINDOW)]
    windows = windows - windows.mean(1, keepdims=True)
    before = np.concatenate([windows[:, :1], windows[:, :-1]], axis=1)
    povey = np.hanning(WINDOW) ** 0.85
    power = np.abs(np.fft.rfft((windows - 0.97 * before) * povey, 512)) ** 2
    places = 1127 * np.log1p(np.fft.rfftfreq(512, 1 / RATE) / 700)
    corners = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(8000 / 700), 82)
    step = corners[1] - corners[0]
    weights = np.clip(1 - np.abs(places - corners[1:-1, None]) / step, 0, None)
    weights[:, -1] = 0  # Kaldi leaves the bin at half the rate out
    return np.log(np.maximum(power @ weights.T, 2.0**-23))


@pytest.mark.parametrize("sound", ["noise", "tone"])
def test_fbank_is_what_its_definition_gives(sound):
    tone = 0.5 * make_tone(1000.0, sample_rate=RATE) + make_noise(8000, spread=1e-3)
    samples = make_noise(8000) if sound == "noise" else tone
    values = Fbank()(samples[None])[0, 0].numpy()
    np.testing.assert_allclose(values, compute_by_hand(samples.numpy()), atol=0.01)


def test_fbank_is_torchaudios_copy_of_kaldi_bit_for_bit():
    samples = make_noise(16_000)[None]
    expected = kaldi.fbank(samples, num_mel_bins=80, sample_frequency=RATE, dither=0.0)
    assert torch.equal(Fbank()(samples)[0, 0], expected)


def test_fbank_of_1_s_has_98_frames_10_ms_apart_the_first_around_12_and_a_half_ms():
    feature = Fbank()
    assert feature(torch.zeros(1, RATE)).shape == (1, 1, 98, 80)
    np.testing.assert_allclose(feature.time_s(98), 0.0125 + 0.01 * np.arange(98))


def test_fbank_of_a_full_scale_sine_is_as_documented():
    assert Fbank()(make_tone(1000.0, sample_rate=RATE)[None])[0, 0].max().item() == pytest.approx(7.65, abs=0.05)


def test_fbank_of_silence_is_kaldis_floor():
    values = Fbank()(torch.zeros(1, 4000))
    torch.testing.assert_close(values, torch.full_like(values, FLOOR))


def test_fbank_fills_a_clip_shorter_than_its_window_with_silence():
    short = make_noise(250)[None]
    assert torch.equal(Fbank()(short), Fbank()(torch.nn.functional.pad(short, (0, 150))))


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("samples", [1, 5000, 12_345])
def test_fbank_counts_its_frames_at_every_rate(rate, samples):
    feature = build_feature("fbank", sample_rate=rate, bands=20)
    assert feature(torch.zeros(1, samples)).shape[2] == feature.frames(samples)


def test_fbank_bands_lie_where_kaldi_has_them():
    _, centres_hz = kaldi.get_mel_banks(80, 512, RATE, 20.0, 0.0, 100.0, -500.0, 1.0)
    np.testing.assert_allclose(Fbank().frequency_hz, centres_hz[:, 0].numpy(), rtol=1e-5)


@pytest.mark.parametrize("settings", [{"bands": 3}, {"window_s": 1e-4}, {"low_hz": 9000.0}, {"hop_s": 0.0}], ids=str)
def test_fbank_refuses_settings_without_sense(settings):
    with pytest.raises(OptionError, match="feature fbank"):
        build_feature("fbank", **settings)


def test_fbank_at_a_level_is_the_same_for_a_soft_and_a_loud_clip():
    noise = make_noise(8000)
    front_end = build_feature("fbank", level_db=-20.0)
    soft, loud = front_end(0.001 * noise[None]), front_end(0.5 * noise[None])
    torch.testing.assert_close(soft, loud, atol=1e-3, rtol=0)
    at_minus_20_db = 0.1 * noise / noise.square().mean().sqrt()
    torch.testing.assert_close(loud, Fbank()(at_minus_20_db[None]), atol=1e-3, rtol=0)


def test_fbank_at_a_level_does_not_count_padding_and_leaves_silence():
    noise, front_end = make_noise(8000), build_feature("fbank", level_db=-20.0)
    padded = torch.cat([noise, torch.zeros(8000)])
    torch.testing.assert_close(front_end(padded[None])[:, :, :48], front_end(noise[None]))
    assert front_end(torch.zeros(1, 800)).unique().tolist() == pytest.approx([FLOOR])
    with pytest.raises(OptionError, match=r"level_db: is 3; choose a level of at most 0 dB"):
        build_feature("fbank", level_db=3.0)
