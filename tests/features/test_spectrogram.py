from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.signal
import torch

from esclab.errors import OptionError
from esclab.features import build_feature, describe_feature
from esclab.features.spectrogram import Spectrogram, weigh_cells
from tests.features.sounds import make_noise, make_tone

PICTURE = {"picture_frames": 224, "bands": 224, "duration_s": 1.0}


@pytest.mark.parametrize("sound", ["noise", "tone"])
def test_spectrogram_is_scipys_to_a_hundredth_of_a_decibel(sound):
    samples = make_noise(22_050) if sound == "noise" else make_tone(1000.0)
    samples = samples + make_noise(22_050, spread=1e-3, seed=1)
    window = scipy.signal.get_window("hann", 2048)
    transform = scipy.signal.ShortTimeFFT(window, 512, 44_100, scale_to="magnitude")
    spectrum = transform.stft(samples.numpy().astype(float), p0=0, p1=44, padding="zeros")
    expected = 20 * np.log10(np.maximum(2 * np.abs(spectrum.T), 1e-5))
    values = Spectrogram()(samples[None])[0, 0].numpy()
    heard = expected > -80  # below, single precision shows
    np.testing.assert_allclose(values[heard], expected[heard], atol=0.01)
    np.testing.assert_allclose(values, expected, atol=0.2)


@pytest.mark.parametrize("window_samples", [512, 2048])
def test_spectrogram_of_a_full_scale_sine_is_0_db_at_its_frequency(window_samples):
    feature = build_feature("spectrogram", window_samples=window_samples)
    tone = make_tone(feature.frequency_hz[80])
    assert feature(tone[None])[0, 0, 20, 80].item() == pytest.approx(0, abs=0.01)


def test_spectrogram_bins_are_a_rate_divided_by_the_window_apart():
    np.testing.assert_allclose(Spectrogram().frequency_hz, np.fft.rfftfreq(2048, 1 / 44_100))


def test_spectrogram_keeps_the_range_asked_for():
    feature = build_feature("spectrogram", low_hz=1000.0, high_hz=4000.0)
    assert 1000 <= feature.frequency_hz[0] < 1000 + 44_100 / 2048
    assert 4000 - 44_100 / 2048 < feature.frequency_hz[-1] <= 4000
    samples = make_noise(5000)[None]
    whole = Spectrogram()
    kept = (whole.frequency_hz >= 1000) & (whole.frequency_hz <= 4000)
    assert torch.equal(feature(samples), whole(samples)[..., torch.from_numpy(kept)])


def test_spectrogram_keeps_a_bin_on_the_border_of_its_range():
    feature = build_feature("spectrogram", sample_rate=8000, window_samples=400, low_hz=100.0, high_hz=300.0)
    np.testing.assert_allclose(feature.frequency_hz, np.arange(100, 301, 20))


@pytest.mark.parametrize("size", [224, 256])
def test_spectrogram_as_a_picture_has_its_size_and_spans_the_clip_and_the_range(size):
    settings = {**PICTURE, "picture_frames": size, "bands": size, "sample_rate": 8000, "window_samples": 512}
    feature = build_feature("spectrogram", **settings, hop_samples=64)
    assert feature(make_noise(8000)[None]).shape == (1, 1, size, size)
    assert feature.frames(8000) == size
    np.testing.assert_allclose(feature.time_s(size)[[0, -1]], [0, 1])
    np.testing.assert_allclose(feature.frequency_hz[[0, -1]], [0, 4000])


def test_spectrogram_as_a_picture_shows_a_click_and_a_tone_at_their_places():
    feature = build_feature("spectrogram", **PICTURE)
    sound = 0.1 * make_tone(5000.0, duration_s=1.0)
    sound[26_460] = 1.0
    picture = feature(sound[None])[0, 0].numpy()
    high = feature.frequency_hz > 10_000
    assert feature.time_s(224)[picture[:, high].mean(1).argmax()] == pytest.approx(0.6, abs=0.01)
    assert feature.frequency_hz[picture[20].argmax()] == pytest.approx(5000, abs=100)


def test_spectrogram_as_a_picture_of_silence_is_the_floor():
    values = build_feature("spectrogram", **PICTURE)(torch.zeros(1, 44_100))
    torch.testing.assert_close(values, torch.full_like(values, -100.0))


def test_spectrogram_as_a_picture_keeps_its_settings_through_json():
    feature = build_feature("spectrogram", **PICTURE)
    again = build_feature(**json.loads(json.dumps(describe_feature(feature))))
    samples = make_noise(44_100)[None]
    assert torch.equal(again(samples), feature(samples))


@pytest.mark.parametrize(("count", "wanted"), [(5, 3), (5, 9), (7, 7), (100, 13), (4, 1), (1, 4)])
def test_cells_lie_evenly_and_leave_nothing_out(count, wanted):
    weights = weigh_cells(count, wanted).double().numpy()
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    assert (weights.sum(0) > 0).all()
    if 1 < wanted <= count:
        # A straight line stays one, but for the outer cells, which look inwards only.
        line = weights @ np.arange(count)
        np.testing.assert_allclose(line[1:-1], np.linspace(0, count - 1, wanted)[1:-1], atol=0.05)


def test_cells_of_a_small_picture_by_hand():
    np.testing.assert_allclose(weigh_cells(5, 3)[1], [0, 0.25, 0.5, 0.25, 0])
    np.testing.assert_allclose(weigh_cells(3, 5)[1], [0.5, 0.5, 0])


def test_spectrogram_as_a_picture_refuses_a_clip_of_another_length():
    feature = build_feature("spectrogram", **PICTURE)
    with pytest.raises(OptionError, match=r"duration_s: is 1, but a clip has 0.5 s .* set it to 0.5"):
        feature(torch.zeros(1, 22_050))


@pytest.mark.parametrize(
    "settings",
    [{"bands": -1}, {"picture_frames": 2.5}, {"low_hz": 100.0, "high_hz": 101.0}, {"duration_s": 0.0}],
    ids=str,
)
def test_spectrogram_refuses_settings_without_sense(settings):
    with pytest.raises(OptionError, match="feature spectrogram"):
        build_feature("spectrogram", **settings)
