from __future__ import annotations

import pytest
import torch
from torch import nn

from esclab.analysis import measure_size


def test_buffers_do_not_count_and_frozen_weights_do():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model[0].weight.requires_grad = False
    assert measure_size(model).parameters == 3 * 4 + 4 + 2 * 4


def test_shared_weights_count_once():
    first, second = nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False)
    second.weight = first.weight
    assert measure_size(nn.Sequential(first, second)).parameters == 25


def test_precision_of_the_weights_does_not_matter():
    model = nn.Linear(256, 1024, bias=False)
    assert measure_size(model.to(torch.float16)).mib == 1.0
    assert measure_size(model).kib == 1024.0


def test_size_of_spsm_network_is_the_printed_one():
    """The network of SPSM's Table 1, task 1A; its Table 2 prints 18.9 MB."""
    layers: list[nn.Module] = []
    for before, after in ((1, 64), (64, 128), (128, 256), (256, 512)):
        for inputs in (before, after):
            layers += [nn.Conv2d(inputs, after, 3, bias=False), nn.BatchNorm2d(after)]
    size = measure_size(nn.Sequential(*layers, nn.Linear(512, 512), nn.Linear(512, 10)))
    assert size.parameters == 4_953_930
    assert size.mib == pytest.approx(18.90, abs=0.005)
