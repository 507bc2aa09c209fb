from __future__ import annotations

import pytest
import torch

from esclab.models.dropout import ByteDropout


@pytest.mark.parametrize(("probability", "share"), [(0.2, 51 / 256), (0.5, 0.5)])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_dropout_zeroes_its_share_and_keeps_the_mean(probability, share, memory_format):
    torch.manual_seed(0)
    x = torch.ones(64, 8, 50, 10).contiguous(memory_format=memory_format)
    y = ByteDropout(probability)(x)
    zeros = (y == 0).double()
    assert y.stride() == x.stride()
    # 256,000 cells: five deviations of the share are below 0.005, of a column's share over 32,000 cells below 0.014.
    assert zeros.mean() == pytest.approx(share, abs=0.005)
    assert y.double().mean() == pytest.approx(1.0, abs=0.01)
    assert y.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)])
    assert (zeros.mean((0, 2, 3)) - share).abs().max() < 0.014


def test_dropout_treats_every_byte_of_a_word_alike():
    torch.manual_seed(0)
    zeros = ByteDropout(0.5)(torch.ones(200_000, 8)) == 0
    assert (zeros.double().mean(0) - 0.5).abs().max() < 0.006
    assert torch.corrcoef(zeros.T.double()).fill_diagonal_(0).abs().max() < 0.012


def test_dropout_does_nothing_in_evaluation_or_at_probability_zero():
    x = torch.randn(3, 5)
    assert torch.equal(ByteDropout(0.5).eval()(x), x)
    assert torch.equal(ByteDropout(0.0)(x), x)


def test_dropout_passes_gradients_where_cells_were_kept():
    torch.manual_seed(0)
    x = torch.ones(4, 6, requires_grad=True)
    y = ByteDropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_dropout_repeats_with_the_seed():
    x = torch.ones(100)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(ByteDropout(0.2)(x))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
