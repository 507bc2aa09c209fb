from __future__ import annotations

import pytest
import torch

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.features.logmel import LogMel
from esclab.features.mel import Mel
from tests.features.sounds import make_noise, make_tone


def test_mel_is_the_log_mel_before_its_logarithm():
    samples = make_noise(9000)[None]
    torch.testing.assert_close(10 * torch.log10(Mel()(samples)), LogMel()(samples))


def test_mel_of_a_full_scale_sine_is_three_eighths():
    # 1/4 in its bin and 1/16 in each of the two beside it.
    tone = make_tone(build_feature("mel").frequency_hz[35])
    assert Mel()(tone[None])[0, 0, 12, 35].item() == pytest.approx(0.375, rel=0.05)


def test_mel_of_silence_is_0():
    assert Mel()(torch.zeros(1, 4000)).abs().max() == 0


def test_mel_names_itself_in_its_errors():
    with pytest.raises(OptionError, match="feature mel, bands"):
        build_feature("mel", bands=0)
