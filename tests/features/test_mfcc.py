from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.features.mfcc import Mfcc, MfccConfig
from tests.features.sounds import make_noise, make_tone


def make_sound() -> torch.Tensor:
    return make_noise(22_050, spread=0.01) + 0.5 * make_tone(1000.0)


def test_mfcc_is_scipys_cosine_transform_of_the_log_mel():
    logmel = build_feature("logmel", window_s=2048 / 44_100, hop_s=512 / 44_100, bands=64)
    levels = logmel(make_sound()[None])[0, 0].numpy().astype(float)
    expected = scipy.fft.dct(levels, type=2, norm="ortho", axis=1)[:, :40]
    np.testing.assert_allclose(Mfcc()(make_sound()[None])[0, 0].numpy(), expected, atol=2e-3)


def test_mfcc_of_silence_is_the_floor_in_coefficient_0_alone():
    values = Mfcc()(torch.zeros(1, 4000))[0, 0]
    torch.testing.assert_close(values[:, 0], torch.full((8,), -100.0 * 8), atol=1e-2, rtol=0)  # 8 is the root of 64
    assert values[:, 1:].abs().max() < 1e-2


def test_mfcc_but_the_0th_do_not_depend_on_the_level():
    loud, soft = Mfcc()(torch.stack([make_sound(), make_sound() / 4]))[:, 0]
    torch.testing.assert_close(loud[:, 1:], soft[:, 1:], atol=1e-2, rtol=0)
    torch.testing.assert_close(loud[:, 0] - soft[:, 0], torch.full((44,), 20 * np.log10(4) * 8), atol=1e-2, rtol=0)


def test_mfcc_axis_counts_coefficients():
    assert Mfcc().axis == "coefficient"
    assert Mfcc(MfccConfig(bands=13)).frequency_hz.tolist() == list(range(13))


def test_mfcc_refuses_more_coefficients_than_mel_bands():
    with pytest.raises(OptionError, match="feature mfcc, bands: 80 coefficients cannot be had from 64 mel bands"):
        build_feature("mfcc", bands=80)
