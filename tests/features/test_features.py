"""What every front end must keep to: one test a promise, over all of `FEATURES`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.features import FEATURES, Feature, build_feature, describe_feature


@pytest.fixture(scope="module", params=FEATURES)
def feature(request: pytest.FixtureRequest) -> Feature:
    return build_feature(request.param)


def make_tone(frequency_hz: float, *, duration_s: float, sample_rate: int) -> torch.Tensor:
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return torch.from_numpy(np.sin(2 * np.pi * frequency_hz * time_s)).float()


def test_feature_of_a_batch_equals_its_clips_one_by_one(feature):
    waveforms = (
        torch.randn(5, 9000, generator=torch.Generator().manual_seed(1)) * torch.tensor([[1e-4, 1, 9, 0, 0.1]]).T
    )
    batch = feature(waveforms)
    for row in range(5):
        assert torch.equal(batch[row], feature(waveforms[row : row + 1])[0])


@pytest.mark.parametrize("samples", [1, 2, 881, 882, 883, 5000])
def test_feature_axes_fit_its_shape(feature, samples):
    values = feature(torch.zeros(2, samples))
    frames, bands = feature.frames(samples), len(feature.frequency_hz)
    assert values.shape == (2, 1, frames, bands)
    assert values.dtype == torch.float32
    assert feature.time_s(frames).shape == (frames,)


def test_feature_axes_rise_in_s_and_hz(feature):
    rate = feature.config.sample_rate
    time_s, frequency_hz = feature.time_s(feature.frames(rate)), feature.frequency_hz
    assert np.all(np.diff(time_s) > 0)
    assert 0 <= time_s[0] < time_s[-1] <= 1.1
    assert np.all(np.diff(frequency_hz) > 0)
    assert 0 <= frequency_hz[0] < frequency_hz[-1] <= rate / 2


@pytest.mark.parametrize(
    "samples",
    [
        torch.zeros(4000),
        torch.ones(4000),
        -torch.ones(4000),
        torch.ones(1),
        torch.zeros(1),
        torch.full((4000,), 1e4),
        torch.full((4000,), 1e-30),
    ],
    ids=["silence", "dc", "negative dc", "one sample", "one silent sample", "far over full scale", "denormal"],
)
def test_feature_of_odd_sounds_is_finite(feature, samples):
    assert feature(samples[None]).isfinite().all()


def test_feature_of_silence_is_the_same_everywhere(feature):
    values = feature(torch.zeros(1, 5000))
    assert values.max() == values.min()


def test_feature_of_a_tone_is_highest_in_the_band_at_its_frequency(feature):
    rate = feature.config.sample_rate
    tones = torch.stack([make_tone(hz, duration_s=0.5, sample_rate=rate) for hz in feature.frequency_hz])
    middle = feature.frames(tones.shape[1]) // 2
    assert feature(tones)[:, 0, middle].argmax(1).tolist() == list(range(len(feature.frequency_hz)))


@pytest.mark.parametrize("time_s", [0.1, 0.206, 0.333])
def test_feature_of_an_impulse_is_highest_in_the_frame_at_its_time(feature, time_s):
    rate = feature.config.sample_rate
    click = torch.zeros(1, rate // 2)
    click[0, round(time_s * rate)] = 1.0
    values = feature(click)[0, 0]
    nearest = np.abs(feature.time_s(len(values)) - time_s).argmin()
    assert values.mean(1).argmax() == nearest


def test_feature_described_and_built_again_gives_the_same_values(feature):
    waveform = torch.randn(1, 9000, generator=torch.Generator().manual_seed(2))
    again = build_feature(**json.loads(json.dumps(describe_feature(feature))))
    assert again.config == feature.config
    assert torch.equal(again(waveform), feature(waveform))


def test_feature_keeps_changed_settings_in_its_description():
    feature = build_feature("logmel", bands=64, sample_rate=16_000)
    description = describe_feature(feature)
    assert (description["name"], description["bands"], description["sample_rate"]) == ("logmel", 64, 16_000)
    assert build_feature(**description).config == feature.config


def test_build_feature_refuses_an_unknown_name_and_lists_the_known():
    with pytest.raises(OptionError, match=r"feature logmell: is not known; choose one of .*logmel"):
        build_feature("logmell")


def test_build_feature_refuses_an_unknown_setting_and_lists_the_known():
    with pytest.raises(OptionError, match=r"has no setting mels; choose one of sample_rate, .*bands"):
        build_feature("logmel", mels=64)
