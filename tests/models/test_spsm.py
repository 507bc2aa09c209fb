from __future__ import annotations

import pytest
import torch

from esclab.analysis.size import measure_size
from esclab.errors import OptionError
from esclab.models import build_model


def test_spsm_1a_has_the_printed_size():
    assert measure_size(build_model("spsm-1a", classes=10, bands=40)).mib == pytest.approx(18.90, abs=0.005)


def test_spsm_1b_is_within_4_percent_of_the_printed_size():
    size = measure_size(build_model("spsm-1b", classes=3, bands=64))
    assert size.kib == pytest.approx(468, rel=0.04)
    assert size.kib == pytest.approx(473, abs=0.5)


@pytest.mark.parametrize("name", ["spsm-1a", "spsm-1b"])
def test_spsm_pools_frames_by_32_and_bands_by_8(name):
    model = build_model(name, classes=3, bands=40, width=0.25).eval()
    shapes = {}
    for layer in model.cam_layers:
        keep = lambda _, __, out, layer=layer: shapes.update({layer: tuple(out.shape[2:])})  # noqa: E731
        model.get_submodule(layer).register_forward_hook(keep)
    with torch.no_grad():
        model(torch.randn(1, 1, 862, 40))
    assert shapes == {"block1": (862, 40), "block2": (215, 20), "block3": (53, 10), "block4": (26, 5)}


def test_spsm_1b_begins_with_7x7_convolutions_of_32():
    model = build_model("spsm-1b", classes=3, bands=64)
    kernels = [tuple(m.weight.shape) for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert kernels == [(32, 1, 7, 7), (32, 32, 7, 7), (64, 32, 3, 3), (64, 64, 3, 3)]
    assert model.fc1.out_features == 200


def test_spsm_takes_the_mean_over_bands_and_the_maximum_over_frames():
    model = build_model("spsm-1a", classes=2, bands=40, width=0.25)
    maps = torch.tensor([[[[1.0, 3.0], [0.0, 8.0], [2.0, 2.0]]]])
    assert model.pool_maps(maps).tolist() == [[4.0]]


def test_spsm_drops_between_the_fully_connected_layers():
    model = build_model("spsm-1a", classes=2, bands=40, width=0.25).train()
    torch.manual_seed(0)
    pooled = torch.rand(1, 128)
    hidden = model.activation(model.fc1(pooled))
    projected = model.project(pooled)
    kept = projected != 0
    assert 0 < kept.sum() < (hidden != 0).sum()
    torch.testing.assert_close(projected[kept], 2 * hidden[kept])


def test_spsm_stands_a_clip_shorter_than_its_pools():
    model = build_model("spsm-1a", classes=2, bands=5, width=0.25).eval()
    with torch.no_grad():
        assert model(torch.randn(2, 1, 7, 5)).isfinite().all()


def test_spsm_refuses_a_width_that_is_not_offered():
    with pytest.raises(OptionError, match=r"width 0\.3: is not offered; choose 1/4, 1/2 or 1"):
        build_model("spsm-1b", classes=2, bands=40, width=0.3)
