from __future__ import annotations

import pytest
import torch
from torch import nn

from esclab.analysis import measure_cost
from esclab.errors import OptionError


class FirstOutput(nn.Module):
    """A recurrent or attention layer, without the state that it also returns."""

    def __init__(self, layer: nn.Module, *, inputs: int = 1) -> None:
        super().__init__()
        self.layer, self.inputs = layer, inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(*[x] * self.inputs)[0]


def test_linear_layer_costs_two_operations_a_weight_and_clip():
    cost = measure_cost(nn.Linear(4, 3), torch.zeros(5, 4), repeats=2)
    assert cost.parameters == 4 * 3 + 3
    assert cost.flops_per_clip == 2 * 4 * 3
    assert cost.clips == 5


def test_convolution_costs_two_operations_a_weight_and_position():
    cost = measure_cost(nn.Conv2d(2, 3, kernel_size=(3, 5)), torch.zeros(4, 2, 10, 9), repeats=2)
    assert cost.parameters == 2 * 3 * 3 * 5 + 3
    assert cost.flops_per_clip == 2 * (2 * 3 * 3 * 5) * (8 * 5)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FirstOutput(nn.LSTM(4, 8, batch_first=True)), 10 * 2 * 4 * 8 * (4 + 8)),
        (FirstOutput(nn.GRU(4, 8, batch_first=True)), 10 * 2 * 3 * 8 * (4 + 8)),
        (
            FirstOutput(nn.MultiheadAttention(4, 2, batch_first=True), inputs=3),
            10 * 2 * 4 * 16 + 2 * 2 * 100 * 4,
        ),
        (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 10 * 2 * (4 * 16 + 2 * 32) + 2 * 2 * 100 * 4),
    ],
    ids=["lstm", "gru", "attention", "transformer"],
)
def test_fused_layers_are_counted_too(model, expected):
    assert measure_cost(model, torch.zeros(2, 10, 4), repeats=1).flops_per_clip == expected


def test_fused_kernels_are_switched_on_again():
    before = torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled
    measure_cost(nn.Linear(2, 2), torch.zeros(1, 2), repeats=1)
    assert (torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled) == before
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_shared_weight_counts_once():
    layer = nn.Linear(3, 3, bias=False)
    cost = measure_cost(nn.Sequential(layer, layer), torch.zeros(1, 3), repeats=1)
    assert cost.parameters == 9
    assert cost.flops_per_clip == 2 * 2 * 9


def test_cost_reports_time_and_where_it_was_measured():
    cost = measure_cost(nn.Linear(2, 2), torch.zeros(3, 2), repeats=4)
    assert cost.milliseconds_per_clip > 0
    assert cost.milliseconds_spread >= 0
    assert cost.threads == torch.get_num_threads()
    assert cost.device == "cpu"


def test_model_is_measured_in_evaluation_mode_and_left_as_it_was():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    model.train()
    model[1].eval()
    modes = []
    model.register_forward_hook(lambda module, *_: modes.append((module.training, torch.is_grad_enabled())))
    measure_cost(model, torch.ones(4, 2), repeats=2)
    assert set(modes) == {(False, False)}
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert model[1].num_batches_tracked == 0


def test_model_is_left_as_it_was_when_it_fails():
    model = nn.Linear(2, 2)
    with pytest.raises(RuntimeError):
        measure_cost(model, torch.ones(4, 3))
    assert model.training
    assert torch.backends.mkldnn.enabled


@pytest.mark.parametrize(("example", "repeats"), [(torch.zeros(0, 2), 1), (torch.zeros(1, 2), 0)])
def test_cost_refuses_nothing_to_measure(example, repeats):
    with pytest.raises(OptionError):
        measure_cost(nn.Linear(2, 2), example, repeats=repeats)
