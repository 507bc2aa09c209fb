from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from esclab.training.balance import count_drawn, draw_balanced
from esclab.training.loop import train
from esclab.training.start import create_run

CLASSES = np.array([0, 0, 0, 0, 0, 1, 1, 4])


def draw(seed: int) -> list[int]:
    return draw_balanced(CLASSES, torch.Generator().manual_seed(seed)).tolist()


def test_every_class_is_drawn_as_often_as_the_largest():
    drawn = draw(0)
    assert np.unique(CLASSES[drawn], return_counts=True)[1].tolist() == [5, 5, 5]
    assert len(drawn) == count_drawn(CLASSES, oversample=True) == 15
    assert count_drawn(CLASSES, oversample=False) == 8


def test_every_clip_is_drawn_and_none_much_more_than_its_like():
    counts = np.bincount(draw(0), minlength=8).tolist()
    assert counts[:5] == [1] * 5
    assert sorted(counts[5:7]) == [2, 3]
    assert counts[7] == 5


def test_order_is_random_and_repeats_with_its_seed():
    assert draw(0) == draw(0)
    assert draw(0) != draw(1)
    assert CLASSES[draw(0)].tolist() != sorted(CLASSES[draw(0)])


@pytest.mark.parametrize(("oversample", "steps"), [(False, 3), (True, 5)])
def test_epoch_of_a_training_has_the_balanced_number_of_steps(tmp_path, clips, tiny, oversample, steps):
    table = clips.table
    small = (table["fold"] != 1) & (table["class_index"] >= 5) & (table["fold"] != 2)
    uneven = replace(clips, table=table[~small].reset_index(drop=True))  # 5 classes train on 4 clips, 5 on 1
    recipe = replace(tiny, epochs=1, oversample=oversample)
    run = create_run("cnn10", uneven, recipe, folder=tmp_path / "run", device="cpu")
    assert run.config.recipe.iterations == steps
    assert [report.iteration for report in train(run, dataset=uneven)] == [steps]
