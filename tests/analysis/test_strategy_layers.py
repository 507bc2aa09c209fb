"""Layers of networks that see a part of the bands, brought to the right place on the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from esclab.analysis.activation import map_activation, record_activations
from esclab.analysis.attention import attend_clip
from esclab.analysis.cells import spread_cells
from esclab.features import build_feature
from esclab.figures import draw
from esclab.models import build_model

SAMPLES = np.random.default_rng(0).standard_normal(44_100).astype(np.float32)


def make(name: str, bands: int = 40, **settings):
    torch.manual_seed(0)
    return build_model(name, classes=3, bands=bands, width=0.25, **settings).eval()


def test_ranges_are_all_bands_unless_the_model_says_otherwise():
    assert make("cnn10").layer_bands("block1") == ((0, 40),)
    assert make("cnn10+spsmf").layer_bands("parts.1.block1") == ((8, 24),)


def test_maps_are_spread_over_their_ranges_and_are_nothing_elsewhere():
    maps = np.array([[[1.0, 3.0]]])
    spread = spread_cells(maps, 1, 8, ranges=((0, 2), (4, 6)))
    assert spread.tolist() == [[[1, 3, 0, 0, 1, 3, 0, 0]]]
    assert spread_cells(maps, 1, 2).tolist() == maps.tolist()


def test_activation_of_a_part_lies_on_its_bands():
    feature, model = build_feature("logmel"), make("cnn10+spsmf")
    features = feature(torch.from_numpy(SAMPLES)[None])[0, 0].numpy()
    found = map_activation(model, feature, features, layer="parts.1.block1")
    assert found.values.shape == (25, 8)
    centres = feature.frequency_hz[8:24]
    np.testing.assert_allclose(found.frequency_hz, (centres[::2] + centres[1::2]) / 2)


def test_activation_of_early_fusion_is_told_for_every_representation():
    model, features = make("spsm-1b+early", 64, parts=2), torch.randn(1, 1, 64, 64)
    found = record_activations(model, features, layer="base.block2")
    assert found.shape == (1, 16, 32)
    assert torch.equal(found[:, :, :16], found[:, :, 16:])


def test_attention_of_a_part_keeps_its_frames_and_leaves_its_bands_out():
    result = attend_clip(make("ts-cnn10+spsmf"), build_feature("logmel"), SAMPLES, name="ts-cnn10+spsmf")
    layers = {layer.name: layer for layer in result.layers}
    assert layers["parts.0.block1"].temporal.shape == (51,)
    assert layers["parts.0.block1"].spectral is None
    assert layers["parts.4.block1"].spectral.shape == (40,)


@pytest.mark.parametrize("hand", ["plotly", "print"])
def test_attention_of_early_fusion_repeats_over_the_representations(hand):
    feature = build_feature("stack", parts=("logmel", "mfcc"), bands=32)
    result = attend_clip(make("ts-cnn10+early", 64, parts=2), feature, SAMPLES, name="ts-cnn10+early")
    layer = result.layers[1]
    assert (layer.name, layer.spectral.shape, layer.frequency_hz.shape) == ("base.block2", (32,), (32,))
    assert layer.spectral[:16].tolist() == layer.spectral[16:].tolist()
    assert draw("attention", result, hand=hand) is not None
