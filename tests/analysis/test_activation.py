from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from esclab.analysis.activation import (
    cells_inside,
    locate_layer,
    map_activation,
    measure_activation_share,
    record_activations,
    region_of_cells,
    share_inside,
)
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models.base import SoundClassifier
from esclab.results import Region


class Pooled(SoundClassifier):
    """Two channels, the input and its double, averaged over 2 x 2 cells."""

    cam_layers = ("pool",)

    def __init__(self, bands: int) -> None:
        super().__init__(bands)
        self.pool = nn.AvgPool2d(2)
        self.classifier = nn.Linear(2, 2)

    def represent(self, features: Tensor) -> Tensor:
        return self.pool(torch.cat([features, 2 * features], dim=1)).mean((2, 3))


def test_activation_is_the_mean_over_channels_of_the_layer():
    features = torch.arange(16.0).reshape(1, 1, 4, 4)
    found = record_activations(Pooled(4).eval(), features, layer="pool")
    # The mean of x and 2x is 1.5x; the first cell is the mean of 0, 1, 4 and 5.
    torch.testing.assert_close(found[0], 1.5 * torch.tensor([[2.5, 4.5], [10.5, 12.5]]))


def test_recording_leaves_no_hook_behind():
    model = Pooled(4).eval()
    record_activations(model, torch.zeros(3, 1, 4, 4), layer="pool")
    assert not model.pool._forward_hooks


def test_unknown_layer_is_named():
    with pytest.raises(OptionError, match="layer conv9: is not known; choose one of pool"):
        record_activations(Pooled(4), torch.zeros(1, 1, 4, 4), layer="conv9")


def test_map_lies_on_the_centres_of_the_pooled_cells():
    feature = build_feature(bands=4)
    found = map_activation(Pooled(4).eval(), feature, np.zeros((6, 4), dtype=np.float32), layer="pool", label="here")
    np.testing.assert_allclose(found.time_s, [0.01, 0.05, 0.09])
    np.testing.assert_allclose(found.frequency_hz, feature.frequency_hz.reshape(2, 2).mean(axis=1))
    assert found.label == "here"


def test_cells_of_block_1_of_five_seconds():
    time_s, frequency_hz = locate_layer(build_feature(), (251, 40), (125, 20))
    assert (len(time_s), len(frequency_hz)) == (125, 20)
    assert time_s[0] == pytest.approx(0.01)
    assert time_s[-1] == pytest.approx(4.97)


def test_region_of_cells_covers_them_and_no_other():
    feature = build_feature()
    region = region_of_cells(feature, frames=(50, 64), bands=(25, 30))
    inside = cells_inside(region, feature.time_s(251), feature.frequency_hz)
    assert np.flatnonzero(inside.any(axis=1)).tolist() == list(range(50, 65))
    assert np.flatnonzero(inside.any(axis=0)).tolist() == list(range(25, 31))
    assert region.onset_s == pytest.approx(0.99)
    assert region.offset_s == pytest.approx(1.29)


def test_region_of_the_first_and_last_cells_reaches_the_ends():
    region = region_of_cells(build_feature(), frames=(0, 3), bands=(38, 39))
    assert region.onset_s == 0
    assert region.high_hz == np.inf


def test_share_by_hand():
    values, inside = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[False, True], [False, True]])
    assert share_inside(values, inside) == pytest.approx(0.6)
    assert share_inside(7 * values, inside) == pytest.approx(0.6)  # gates that scale the whole map change nothing
    assert np.isnan(share_inside(np.zeros((2, 2)), inside))


def test_share_of_a_region_that_is_everything_is_one(tiny_runs):
    result = measure_activation_share(tiny_runs, [Region()])
    assert result.table["mean"].tolist() == pytest.approx([1, 1])
    assert result.table["even"].tolist() == [1, 1]
    assert result.pairs["difference"].tolist() == pytest.approx([0])
    assert result.pairs["p_value"].tolist() == [1]


def test_shares_are_paired_over_clips(tiny_runs):
    region = Region(0.2, 0.4)
    result = measure_activation_share(tiny_runs, [region], snr_db=-10.0)
    assert result.table["clips"].tolist() == [20, 20]
    table = result.by_clip.pivot_table(index=["fold", "clip"], columns="model", values="noisy")
    assert result.pairs["difference"].item() == pytest.approx((table["cnn10"] - table["ts-cnn10"]).mean(), abs=1e-9)
    assert (result.table["mean"] > result.table["clean"]).all()  # so loud a burst draws activation to its place
    assert result.table["low"].le(result.table["mean"]).all()
    assert result.table["even"].tolist() == pytest.approx([0.2, 0.2], abs=0.02)
