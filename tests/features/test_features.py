"""What every front end must keep to: one test a promise, over all of `FEATURES`."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.features import FEATURES, Feature, build_feature, describe_feature, in_hertz, suit_rate
from tests.features.sounds import make_noise, make_tone

# At SPSM's window and hop; the log-mel family gives them in s.
ROLLING = {"window_samples": 2048, "hop_samples": 512}
ALIGNED = {
    "logmel": {"window_s": 2048 / 44_100, "hop_s": 512 / 44_100},
    "mel": {"window_s": 2048 / 44_100, "hop_s": 512 / 44_100},
    "cqt": {"hop_samples": 512},
    "gammatone": ROLLING,
    "mfcc": ROLLING,
    "spectrogram": ROLLING,
    "stack": ROLLING,
}
HZ_AXES = [name for name in FEATURES if name not in ("mfcc", "stack")]
_built: dict[str, Feature] = {}


def build_once(name: str) -> Feature:
    if name not in _built:
        _built[name] = build_feature(name)
    return _built[name]


@pytest.fixture(params=FEATURES)
def feature(request: pytest.FixtureRequest) -> Feature:
    return build_once(request.param)


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


def test_feature_axes_rise_in_s_and_hz_or_count_from_0(feature):
    rate = feature.config.sample_rate
    time_s, places = feature.time_s(feature.frames(rate)), feature.frequency_hz
    assert np.all(np.diff(time_s) > 0)
    assert 0 <= time_s[0] < time_s[-1] <= 1.1
    assert np.all(np.diff(places) > 0)
    assert (feature.axis == "frequency") == (feature.name in HZ_AXES)
    if feature.axis == "frequency":
        assert 0 <= places[0] < places[-1] <= rate / 2
    else:
        assert places.tolist() == list(range(len(places)))


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
    torch.testing.assert_close(values, values[:, :, :1].expand_as(values), rtol=0, atol=1e-4)
    if feature.name in HZ_AXES:
        assert values.max() == values.min()


@pytest.mark.parametrize("name", HZ_AXES)
def test_feature_of_a_tone_is_highest_in_the_band_at_its_frequency(name):
    feature = build_once(name)
    rate, places_hz = feature.config.sample_rate, feature.frequency_hz
    inside = np.flatnonzero((places_hz > 0) & (places_hz < rate / 2))
    bands = inside[np.unique(np.linspace(0, len(inside) - 1, 80).round().astype(int))]
    tones = torch.stack([make_tone(places_hz[band], sample_rate=rate) for band in bands])
    middle = feature.frames(tones.shape[1]) // 2
    highest = feature(tones)[:, 0, middle].argmax(1).numpy()
    # Bands closer together than the window's resolution cannot be told apart.
    resolution_hz = rate / feature.window_samples
    gaps_hz = np.diff(places_hz)
    apart = np.minimum(np.r_[np.inf, gaps_hz], np.r_[gaps_hz, np.inf])[bands] >= resolution_hz * 0.999
    np.testing.assert_array_equal(highest[apart], bands[apart])
    assert np.abs(places_hz[highest] - places_hz[bands]).max() <= resolution_hz
    assert apart.mean() > 0.7


@pytest.mark.parametrize("time_s", [0.1, 0.206, 0.333])
def test_feature_of_an_impulse_departs_most_from_silence_in_the_frame_at_its_time(feature, time_s):
    rate = feature.config.sample_rate
    click = torch.zeros(2, rate // 2)
    click[0, round(time_s * rate)] = 1.0
    heard, silence = feature(click)[:, 0]
    nearest = np.abs(feature.time_s(len(heard)) - time_s).argmin()
    assert (heard - silence).abs().mean(1).argmax() == nearest


def test_feature_described_and_built_again_gives_the_same_values(feature):
    waveform = torch.randn(1, 9000, generator=torch.Generator().manual_seed(2))
    again = build_feature(**json.loads(json.dumps(describe_feature(feature))))
    assert again.config == feature.config
    assert torch.equal(again(waveform), feature(waveform))


def test_feature_leaves_its_input_untouched(feature):
    waveform = make_noise(3000)[None]
    before = waveform.clone()
    feature(waveform)
    assert torch.equal(waveform, before)


@pytest.mark.parametrize("name", ALIGNED)
def test_feature_frames_are_those_of_every_other_of_the_same_hop(name):
    feature = build_feature(name, sample_rate=44_100, **ALIGNED[name])
    for samples in (1, 511, 512, 513, 44_100):
        frames = samples // 512 + 1
        assert feature.frames(samples) == frames == feature(torch.zeros(1, samples)).shape[2]
        np.testing.assert_allclose(feature.time_s(frames), np.arange(frames) * 512 / 44_100)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 48_000])
@pytest.mark.filterwarnings("ignore:At least one mel filterbank:UserWarning")
def test_feature_suits_clips_of_another_rate(feature, rate):
    suited = build_feature(feature.name, **suit_rate(feature.name, rate))
    assert suited.config.sample_rate == rate
    assert suited.axis != "frequency" or suited.frequency_hz[-1] <= rate / 2
    own = feature.time_s(50)
    np.testing.assert_allclose(suited.time_s(50), own, atol=0.02 * own[-1])
    assert suited(make_noise(rate)[None]).isfinite().all()


def test_suit_rate_leaves_all_else_at_a_front_ends_own_rate(feature):
    rate = feature.config.sample_rate
    assert suit_rate(feature.name, rate) == {"sample_rate": rate}


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


def test_features_build_without_a_word_and_load_nnaudio_only_where_needed():
    code = (
        "import sys; from esclab.features import FEATURES, build_feature; build_feature('logmel');"
        "assert not any(name.split('.')[0] == 'nnAudio' for name in sys.modules);"
        "[build_feature(name) for name in FEATURES]"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_in_hertz_is_the_front_end_itself_where_its_bands_have_places():
    for name in FEATURES:
        feature = build_feature(name)
        shown = in_hertz(feature)
        assert shown.axis == "frequency"
        assert (shown is feature) == (feature.axis == "frequency")
        assert shown.config.sample_rate == feature.config.sample_rate
