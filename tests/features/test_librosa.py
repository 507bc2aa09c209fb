"""Front ends against librosa's, in one file: librosa compiles for half a minute in each process that first calls it."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal
import torch

from esclab.features.cqt import Cqt
from esclab.features.logmel import LogMel
from esclab.features.mel import Mel
from esclab.features.mfcc import Mfcc
from tests.features.sounds import make_noise, make_tone

RATE, HOP = 44_100, 512


def mel_with_librosa(samples: torch.Tensor, *, window: int, hop: int, bands: int) -> np.ndarray:
    """Return librosa's power re a full-scale square, (frame, band)."""
    power = librosa.feature.melspectrogram(
        y=samples.numpy(), sr=RATE, n_fft=window, hop_length=hop, n_mels=bands, htk=True, norm=None, pad_mode="constant"
    )
    return power.T / scipy.signal.get_window("hann", window).sum() ** 2


def test_mel_is_librosas_to_a_millionth():
    samples = make_noise(22_050) + 0.5 * make_tone(3000.0)
    expected = mel_with_librosa(samples, window=1764, hop=882, bands=40)
    np.testing.assert_allclose(Mel()(samples[None])[0, 0].numpy(), expected, rtol=1e-3, atol=1e-6)


def test_logmel_is_librosas_to_a_hundredth_of_a_decibel():
    samples = make_noise(22_050) + 0.5 * make_tone(1000.0)
    expected = 10 * np.log10(mel_with_librosa(samples, window=1764, hop=882, bands=40))
    np.testing.assert_allclose(LogMel()(samples[None])[0, 0].numpy(), expected, atol=0.01)


def test_mfcc_is_librosas_to_a_twentieth_of_a_decibel():
    samples = make_noise(22_050, spread=0.01) + 0.5 * make_tone(1000.0)
    power = mel_with_librosa(samples, window=2048, hop=HOP, bands=64).T
    expected = librosa.feature.mfcc(S=librosa.power_to_db(power, amin=1e-10, top_db=None), n_mfcc=40).T
    np.testing.assert_allclose(Mfcc()(samples[None])[0, 0].numpy(), expected, atol=0.05)


def transform_with_librosa(samples: np.ndarray) -> np.ndarray:
    """Return librosa's levels in dB re a full-scale sine, (frame, band); its filters are 3 % longer."""
    values = librosa.cqt(samples, sr=RATE, hop_length=HOP, fmin=220.0, n_bins=64, pad_mode="constant")
    lengths = librosa.filters.wavelet_lengths(freqs=Cqt().frequency_hz, sr=RATE)[0]
    return 20 * np.log10(np.maximum(2 * np.abs(values.T) / np.sqrt(lengths), 1e-5))


@pytest.mark.parametrize("band", [0, 17, 40, 63])
def test_cqt_of_a_tone_is_librosas_to_half_a_decibel_where_it_is_heard(band):
    tone = make_tone(Cqt().frequency_hz[band])
    levels, expected = Cqt()(tone[None])[0, 0, 20].numpy(), transform_with_librosa(tone.numpy())[20]
    assert levels[band] == pytest.approx(expected[band], abs=0.1)
    heard = expected > -20
    assert heard.sum() in (2, 3)  # the band and its neighbours
    np.testing.assert_allclose(levels[heard], expected[heard], atol=0.7)


def test_cqt_of_noise_is_librosas():
    noise = make_noise(3 * RATE)
    levels, expected = Cqt()(noise[None])[0, 0].numpy(), transform_with_librosa(noise.numpy())
    assert levels.shape == expected.shape
    mean, expected_mean = (10 * np.log10((10 ** (x / 10)).mean(0)) for x in (levels, expected))
    np.testing.assert_allclose(mean, expected_mean, atol=0.5)
    assert np.corrcoef(levels.ravel(), expected.ravel())[0, 1] > 0.98
