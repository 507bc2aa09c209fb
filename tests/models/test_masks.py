from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from esclab.errors import OptionError
from esclab.models.masks import BLOCKS, RATIOS, BlockMask, mask_grid, mask_loudest, mask_random


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blanked(keep: Tensor) -> Tensor:
    return 1 - keep.mean((1, 2, 3))


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("block", [4, 8])
def test_random_mask_blanks_each_block_with_its_probability(block, ratio):
    keep = mask_random(torch.full((200,), 40), (40, 32), block=block, ratio=ratio, generator=draw())
    blocks = keep.unfold(2, block, block).unfold(3, block, block)
    assert ((blocks.mean((4, 5)) == 0) | (blocks.mean((4, 5)) == 1)).all()
    count = 40 * 32 // block**2
    spread = math.sqrt(ratio * (1 - ratio) / count)  # of a binomial share: blocks know nothing of each other
    assert blanked(keep).mean() == pytest.approx(ratio, abs=4 * spread / math.sqrt(200))
    assert blanked(keep).std() == pytest.approx(spread, rel=0.25)


def test_grid_mask_blanks_one_square_of_each_period():
    # Blocks of 1 at a ratio of 1/4 stand at every second frame and band.
    keep = mask_grid(torch.tensor([6]), (6, 6), block=1, ratio=0.25, generator=draw())[0, 0]
    assert keep.sum() == 27
    rows, columns = (keep.eq(0).any(axis).nonzero().flatten() for axis in (1, 0))
    assert rows.diff().tolist() == columns.diff().tolist() == [2, 2]


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.7, 0.9])
def test_grid_mask_blanks_its_share_on_average(ratio):
    keep = mask_grid(torch.full((64,), 200), (200, 80), block=10, ratio=ratio, generator=draw())
    assert blanked(keep).mean() == pytest.approx(ratio, abs=0.02)


def test_high_energy_mask_blanks_the_loudest_blocks():
    features = torch.zeros(1, 1, 8, 8)
    features[0, 0, 4:, :4] = 5.0
    features[0, 0, 0, 4:] = 9.0  # one loud line of four: a mean of 9 / 4
    keep = mask_loudest(features, torch.tensor([8]), block=4, ratio=0.25)[0, 0]
    assert keep[4:, :4].eq(0).all()
    assert keep.sum() == 48
    half = mask_loudest(features, torch.tensor([8]), block=4, ratio=0.5)[0, 0]
    assert half[:4, 4:].eq(0).all()


def test_high_energy_mask_does_not_see_padding():
    features = torch.full((1, 1, 12, 4), 100.0)
    features[0, 0, :4], features[0, 0, 4:6] = 1.0, 2.0
    keep = mask_loudest(features, torch.tensor([6]), block=4, ratio=0.5)[0, 0]
    assert keep[:4].eq(1).all()
    assert keep[4:8].eq(0).all()


def test_learned_mask_has_gradients_for_ratio_and_block_size():
    torch.manual_seed(0)
    mask = BlockMask("learned", block=7.3, ratio=0.4, start="given").train()
    assert mask.mixture == pytest.approx({"ratio": 0.4, "block": 7.3}, abs=1e-4)
    kept = mask(torch.ones(16, 1, 60, 40))
    assert 0 <= kept.min() < kept.max() <= 1
    assert 1 - kept.mean().item() == pytest.approx(0.4, abs=0.05)
    (kept * torch.randn(kept.shape, generator=draw())).sum().backward()
    assert mask.ratio_logit.grad.abs() > 1e-3
    assert mask.block_logit.grad.abs() > 1e-3
    mask.zero_grad()
    mask(torch.ones(16, 1, 60, 40)).mean().backward()
    assert mask.ratio_logit.grad < 0  # a higher ratio leaves less


@pytest.mark.parametrize("push", [-1e4, 1e4])
def test_learned_mask_stays_within_its_bounds(push):
    mask = BlockMask("learned").train()
    with torch.no_grad():
        mask.ratio_logit += push
        mask.block_logit += push
    assert RATIOS[0] <= mask.mixture["ratio"] <= RATIOS[1]
    assert BLOCKS[0] <= mask.mixture["block"] <= BLOCKS[1]
    kept = mask(torch.ones(4, 1, 33, 17))
    assert kept.isfinite().all()
    assert 0 <= kept.min() <= kept.max() <= 1


def test_learned_mask_begins_where_the_seed_says():
    starts = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        starts.append(BlockMask("learned").mixture)
    assert starts[0] == starts[1] != starts[2]


def test_mask_between_two_sizes_blends_their_masks():
    mask = BlockMask("learned", block=4.25, ratio=0.5, start="given")
    with torch.no_grad():
        blend = mask._draw_learned(1, (20, 20), generator=draw())
        mask.block_logit.copy_(torch.logit(torch.tensor((4 + 1e-4 - 2) / 18)))
        four = mask._draw_learned(1, (20, 20), generator=draw())
        mask.block_logit.copy_(torch.logit(torch.tensor((5 + 1e-4 - 2) / 18)))
        five = mask._draw_learned(1, (20, 20), generator=draw())
    torch.testing.assert_close(blend, 0.75 * four + 0.25 * five, atol=2e-3, rtol=0)


@pytest.mark.parametrize("masking", ["learned", "random", "grid", "high-energy"])
def test_mask_is_left_out_in_evaluation_unless_asked_for(masking):
    features = torch.randn(3, 1, 40, 20, generator=draw())
    assert BlockMask(masking).eval()(features) is features
    assert not torch.equal(BlockMask(masking).train()(features), features)
    mask = BlockMask(masking, at_test=True).eval()
    first = mask(features)
    assert not torch.equal(first, features)
    assert torch.equal(mask(features), first)
    assert torch.equal(mask(features[1:2]), first[1:2])  # a clip's own draw, whatever the batch


def test_mask_at_test_does_not_see_padding():
    features = torch.randn(1, 1, 40, 20, generator=draw())
    mask = BlockMask("random", at_test=True).eval()
    padded = mask(torch.nn.functional.pad(features, (0, 0, 0, 10)), torch.tensor([40]))
    assert torch.equal(padded[:, :, :40], mask(features))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"masking": "blocks"}, "masking blocks: is not known; choose one of learned, random"),
        ({"masking": "random", "block": 1}, r"block 1: is out of range; give a number from 2 to 20"),
        ({"masking": "random", "block": 4.5}, r"block 4\.5: is no whole number"),
        ({"ratio": 1.0}, r"ratio 1\.0: is out of range"),
        ({"start": "zero"}, "mask_start zero: is not known"),
    ],
)
def test_mask_refuses_a_setting_without_sense(settings, message):
    with pytest.raises(OptionError, match=message):
        BlockMask(**settings)
