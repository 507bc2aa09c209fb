from __future__ import annotations

import torch

from esclab.training.seeds import seed_epoch


def draw(seed: int, epoch: int) -> tuple[list[float], list[float]]:
    with seed_epoch(seed, epoch) as generator:
        return torch.rand(4, generator=generator).tolist(), torch.rand(4).tolist()


def test_same_seed_and_epoch_draw_the_same():
    assert draw(1, 2) == draw(1, 2)


def test_other_seed_or_epoch_draws_something_else():
    drawn = [draw(seed, epoch) for seed, epoch in ((1, 2), (2, 1), (1, 3), (0, 0), (12, 0), (0, 12))]
    for number in (0, 1):  # the generator's and the global numbers
        assert len({tuple(pair[number]) for pair in drawn}) == len(drawn)


def test_seeding_is_undone_after_an_error():
    before = torch.get_rng_state()
    try:
        with seed_epoch(1, 1):
            torch.rand(3)
            raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.get_rng_state(), before)
