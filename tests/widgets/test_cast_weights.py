"""Weights cast once: the same answer, and float32 where a network leaves autocast."""

from __future__ import annotations

import torch
from torch import nn

from esclab.widgets.cast_weights import cast_weights


class Mixed(nn.Module):
    """One convolution under autocast, one outside it, and one that is called in both ways."""

    def __init__(self):
        super().__init__()
        self.inside, self.outside, self.both = (nn.Conv2d(3, 3, 1) for _ in range(3))

    def forward(self, x):
        x = self.both(self.inside(x))
        with torch.autocast("cpu", enabled=False):
            return self.both(self.outside(x.float()))


def test_only_what_autocast_casts_at_every_call_is_cast_and_the_answer_stays():
    torch.manual_seed(0)
    network, example = Mixed().eval().requires_grad_(False), torch.randn(1, 3, 8, 8)
    quick = cast_weights(network, example)
    assert quick.inside.weight.dtype == quick.inside.bias.dtype == torch.bfloat16
    assert {part.weight.dtype for part in (quick.outside, quick.both, *network.children())} == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(quick(example), network(example))
