"""1x1 convolutions with a stride: the same numbers, and no harm to memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from esclab.errors import OptionError
from esclab.models import MODELS, build_model
from esclab.models.pointwise import PointwiseConv2d

FEWEST_CHANNELS = 16  # below, PyTorch's own strided 1x1 convolution spoils memory in bfloat16
TRAIN = """
import torch
from esclab.models import build_model
torch.set_num_threads(1)
model = build_model("campplus", classes=10, bands=40, width=0.25).to(memory_format=torch.channels_last).train()
kept = []
for step in range(3):
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = model.compute_loss(torch.randn(16, 1, 249, 40), torch.eye(10).repeat(2, 1)[:16])
    loss.backward()
    kept.append([torch.randn(257) for _ in range(50)])
print("done")
"""


@pytest.mark.parametrize("stride", [1, 2, (1, 2)])
def test_it_gives_what_the_plain_convolution_gives(stride):
    plain, mine = nn.Conv2d(5, 7, 1, stride=stride, bias=False), PointwiseConv2d(5, 7, stride=stride)
    mine.load_state_dict(plain.state_dict())
    x, y = (torch.randn(2, 5, 9, 8, generator=torch.manual_seed(0)).requires_grad_() for _ in range(2))
    plain(x).square().sum().backward()
    mine(y).square().sum().backward()
    assert torch.equal(x, y)
    torch.testing.assert_close(mine(y), plain(x))
    torch.testing.assert_close(y.grad, x.grad)
    torch.testing.assert_close(mine.weight.grad, plain.weight.grad)


@pytest.mark.parametrize("name", list(MODELS))
def test_no_network_has_a_strided_1x1_convolution_that_spoils_memory(name):
    try:
        model = build_model(name, classes=10, bands=64, width=0.25)
    except OptionError:
        model = build_model(name, classes=10, bands=64)  # it has one width
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and max(module.stride) > 1:
            safe = isinstance(module, PointwiseConv2d) or min(module.weight.shape[:2]) >= FEWEST_CHANNELS
            assert safe, f"{path} should be a PointwiseConv2d"


def test_campplus_trains_in_bfloat16_without_a_crash():
    # In a process of its own: what it guards against ends the process.
    ended = subprocess.run([sys.executable, "-c", TRAIN], capture_output=True, text=True, timeout=300)
    assert ended.stdout == "done\n", ended.stderr
