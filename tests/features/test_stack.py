from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.features import build_feature, describe_feature
from esclab.features.stack import Stack, StackConfig, list_part_settings
from tests.features.sounds import make_noise


def test_stack_of_four_has_256_rows_with_their_names():
    feature = Stack()
    assert feature(make_noise(5000)[None]).shape == (1, 1, 10, 256)
    assert feature.rows == (("logmel", 0, 64), ("cqt", 64, 128), ("gammatone", 128, 192), ("mfcc", 192, 256))


def test_stack_rows_are_the_bands_of_its_parts():
    config = StackConfig(parts=("cqt", "spectrogram", "mfcc"), bands=24, floor_db=-60.0)
    feature, samples = Stack(config), make_noise(5000)[None]
    values = feature(samples)
    for name, first, last in feature.rows:
        part = build_feature(name, **list_part_settings(name, config))
        assert last - first == 24
        assert torch.equal(values[..., first:last], part(samples))


def test_stack_gives_each_part_its_settings_in_its_own_units():
    config = StackConfig(sample_rate=16_000, window_samples=512, hop_samples=160, bands=80)
    assert list_part_settings("logmel", config) == {
        "sample_rate": 16_000,
        "window_s": 0.032,
        "hop_s": 0.01,
        "bands": 80,
        "floor_db": -100.0,
    }
    assert list_part_settings("mfcc", config)["mel_bands"] == 80
    assert "window_samples" not in list_part_settings("cqt", config)


def test_stack_keeps_its_parts_through_json_which_knows_no_tuples():
    feature = build_feature("stack", parts=("mfcc", "logmel"), bands=20)
    description = json.loads(json.dumps(describe_feature(feature)))
    assert description["parts"] == ["mfcc", "logmel"]
    again = build_feature(**description)
    assert again.config == feature.config
    assert [name for name, _, _ in again.rows] == ["mfcc", "logmel"]


def test_stack_has_the_units_and_the_precision_of_its_parts():
    assert Stack().unit == "dB / cepstral dB"
    assert Stack().precision == "float16"
    assert build_feature("stack", parts=["mel", "cqt"]).precision == "float32"


def test_stack_axis_counts_rows():
    feature = build_feature("stack", parts=["logmel", "mfcc"], bands=10)
    assert feature.axis == "row"
    np.testing.assert_array_equal(feature.frequency_hz, np.arange(20))


@pytest.mark.parametrize("window_samples", [2048, 1023])
def test_stack_refuses_a_part_with_other_frames(window_samples):
    parts = ("logmel", "fbank") if window_samples == 2048 else ("logmel", "cqt")
    with pytest.raises(OptionError, match=f"feature stack, part {parts[1]}: has other frames than logmel"):
        build_feature("stack", parts=parts, window_samples=window_samples)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "give names of front ends"),
        (("logmel", "logmel"), "each once"),
        ("logmel", "give names of front ends"),
        (("logmel", "nonsense"), "part nonsense: is not known"),
        (("logmel", "stack"), "part stack: is not known"),
    ],
    ids=str,
)
def test_stack_refuses_parts_without_sense(parts, message):
    with pytest.raises(OptionError, match=message):
        build_feature("stack", parts=parts)


def test_stack_names_the_part_that_its_settings_do_not_fit():
    with pytest.raises(OptionError, match=r"feature cqt, bands: .* choose at most 51"):
        build_feature("stack", sample_rate=8000)
