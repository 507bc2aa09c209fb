from __future__ import annotations

import numpy as np
import pytest
import torch

from esclab.analysis.attention import attend_clip, transform_clip
from esclab.features import Feature, build_feature
from esclab.models import build_model
from esclab.models.base import SoundClassifier
from esclab.models.recording import record_attention

RATE = 8000
HOP = 160


@pytest.fixture(scope="module")
def feature() -> Feature:
    return build_feature("logmel", sample_rate=RATE)


def make_model(name: str, bands: int = 40) -> SoundClassifier:
    torch.manual_seed(0)
    return build_model(name, classes=3, bands=bands, width=0.25).eval()


def make_clip(frames: int) -> np.ndarray:
    """Return noise of as many samples as give `frames` frames."""
    return np.random.default_rng(frames).normal(0, 0.1, (frames - 1) * HOP).astype(np.float32)


def mean_of_pairs(axis: np.ndarray) -> np.ndarray:
    """Return what one pooling by 2 makes of an axis; an odd last position is dropped."""
    return np.array([(axis[n] + axis[n + 1]) / 2 for n in range(0, len(axis) - 1, 2)])


def test_transform_clip_gives_the_features_with_their_axes(feature):
    samples = make_clip(30)
    picture = transform_clip(samples, feature, label="owl")
    np.testing.assert_array_equal(picture.values, feature(torch.from_numpy(samples)[None])[0, 0].numpy())
    np.testing.assert_array_equal(picture.time_s, np.arange(30) * 0.02)
    np.testing.assert_array_equal(picture.frequency_hz, feature.frequency_hz)
    assert (picture.label, picture.unit) == ("owl", "dB")


# Odd lengths lose a frame at a pooling: 23 -> 11 -> 5, so that a group of 2 ** k is not always length / length.
@pytest.mark.parametrize("frames", [16, 17, 23, 31, 47, 64, 95, 101, 251])
@pytest.mark.parametrize("name", ["ts-cnn10", "t-cnn10", "s-cnn10", "st-cnn10-concat"])
def test_attend_clip_axes_are_means_over_what_was_pooled(feature, name, frames):
    result = attend_clip(make_model(name), feature, make_clip(frames))
    time_s, frequency_hz = np.arange(frames) * 0.02, feature.frequency_hz
    assert [layer.name for layer in result.layers] == ["block1", "block2", "block3", "block4"]
    for layer in result.layers:
        np.testing.assert_allclose(layer.time_s, time_s, atol=1e-9)
        np.testing.assert_allclose(layer.frequency_hz, frequency_hz)
        assert layer.temporal is None or layer.temporal.shape == time_s.shape
        assert layer.spectral is None or layer.spectral.shape == frequency_hz.shape
        time_s, frequency_hz = mean_of_pairs(time_s), mean_of_pairs(frequency_hz)


@pytest.mark.parametrize("bands", [16, 23, 47])
@pytest.mark.parametrize("name", ["ts-cnn10", "s-cnn10"])
def test_attend_clip_bands_fit_any_number_of_bands(name, bands):
    result = attend_clip(make_model(name, bands), build_feature("logmel", sample_rate=RATE, bands=bands), make_clip(95))
    assert [len(layer.frequency_hz) for layer in result.layers] == [bands >> k for k in range(4)]
    assert [len(layer.spectral) for layer in result.layers] == [bands >> k for k in range(4)]
    assert [len(layer.time_s) for layer in result.layers] == [95, 47, 23, 11]


def test_attend_clip_gives_the_gates_that_the_network_used(feature):
    model, samples = make_model("ts-cnn10"), make_clip(50)
    result = attend_clip(model, feature, samples, label="owl", name="ts-cnn10, fold 1")
    with torch.no_grad(), record_attention(model) as maps:
        model(feature(torch.from_numpy(samples)[None]))
    for layer in result.layers:
        np.testing.assert_array_equal(layer.temporal, maps[layer.name].temporal[0].numpy())
        np.testing.assert_array_equal(layer.spectral, maps[layer.name].spectral[0].numpy())
        assert layer.mixture == pytest.approx({"alpha": 1 / 3, "beta": 1 / 3, "gamma": 1 / 3})
    assert (result.model, result.spectrogram.label) == ("ts-cnn10, fold 1", "owl")


def test_attend_clip_has_only_the_layers_and_gates_that_are_there(feature):
    (layer,) = attend_clip(make_model("ts-cnn10-3"), feature, make_clip(64)).layers
    assert layer.name == "block3"
    np.testing.assert_allclose(layer.time_s, (np.arange(16) * 4 + 1.5) * 0.02)
    temporal = attend_clip(make_model("t-cnn10"), feature, make_clip(64)).layers[0]
    spectral = attend_clip(make_model("s-cnn10"), feature, make_clip(64)).layers[0]
    assert (temporal.spectral, spectral.temporal) == (None, None)
    assert (temporal.mixture, spectral.mixture) == ({}, {})


def test_attend_clip_of_a_network_without_attention_has_no_layers(feature):
    result = attend_clip(make_model("cnn10"), feature, make_clip(40))
    assert result.layers == ()
    assert result.spectrogram.values.shape == (40, 40)


def test_attend_clip_leaves_network_and_samples_as_they_were(feature):
    model, samples = make_model("ts-cnn10"), make_clip(40)
    before, weights = samples.copy(), {key: value.clone() for key, value in model.state_dict().items()}
    attend_clip(model, feature, samples)
    np.testing.assert_array_equal(samples, before)
    assert all(torch.equal(weights[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


# Padded convolutions of stride 2 round up, 201 -> 101 -> 51, and leave cell n around the input's frame n * 2 ** k.
@pytest.mark.parametrize("frames", [201, 41, 101])
def test_attend_clip_places_the_cells_of_padded_convolutions(frames):
    wide = build_feature("logmel", sample_rate=RATE, bands=64)
    torch.manual_seed(0)
    model = build_model("fpam", classes=3, bands=64, width=0.25).eval()
    result = attend_clip(model, wide, make_clip(frames))
    assert [layer.name for layer in result.layers] == ["level3", "level4", "level5"]
    for layer, stride in zip(result.layers, (4, 8, 16), strict=True):
        np.testing.assert_allclose(layer.time_s, np.arange(0, frames + stride - 1, stride)[: len(layer.time_s)] * 0.02)
        assert len(layer.time_s) == -(-frames // stride)
        np.testing.assert_allclose(layer.frequency_hz, wide.frequency_hz[::stride])
        assert layer.spatial.shape == (len(layer.time_s), 64 // stride)
        assert (layer.temporal, layer.spectral, layer.channel) == (None, None, None)


def test_attend_clip_of_a_burst_has_its_heaviest_cell_where_the_burst_is():
    # A gate that only looks at the loudest channel, on maps that hold the input: the burst's place must come back.
    wide = build_feature("logmel", sample_rate=RATE, bands=64)
    model = build_model("fpam", classes=3, bands=64, width=0.25).eval()
    gate = model.level3.attention
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.zero_()
                middle = module.kernel_size[0] // 2
                if name.endswith(("conv2", "conv1", "downsample.0", "align")) and "attention" not in name:
                    module.weight[:, :, middle, middle] = 1.0 / module.in_channels
        gate.join.weight[0, 0, 1, 1] = 1e-3
        for parameter in (gate.join.bias, gate.conv1.bias, gate.conv3.bias):
            parameter.zero_()
    samples = 1e-3 * make_clip(201)
    start = round(2.4 * RATE)
    samples[start : start + 400] += np.sin(2 * np.pi * 1000 * np.arange(400) / RATE).astype(np.float32)
    model.standardise_by(torch.full((64,), -100.0), torch.ones(64))
    layer = attend_clip(model, wide, samples).layers[0]
    frame, band = np.unravel_index(layer.spatial.argmax(), layer.spatial.shape)
    assert layer.time_s[frame] == pytest.approx(2.4 + 0.025, abs=0.05)
    assert layer.frequency_hz[band] == pytest.approx(1000, rel=0.2)
