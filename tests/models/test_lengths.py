from __future__ import annotations

import pytest
import torch

from esclab.models.lengths import LengthConv2d, LengthGroupNorm, average_frames, blank_padding, fit_lengths

LENGTHS = torch.tensor([9, 5])


def make_maps(channels: int = 8) -> torch.Tensor:
    return torch.randn(2, channels, 9, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("kernel", "stride"), [(7, 1), (7, 2), (3, 2), (1, 1)])
def test_convolution_of_a_padded_clip_is_that_of_the_clip(kernel, stride):
    torch.manual_seed(0)
    conv, maps = LengthConv2d(8, 4, kernel, stride=stride), make_maps()
    padded = conv(blank_padding(maps, LENGTHS), LENGTHS)
    alone = conv(maps[1:, :, :5])
    torch.testing.assert_close(padded[1:, :, : alone.shape[2]], alone)
    assert padded[1, :, alone.shape[2] :].eq(0).all()


def test_group_norm_of_a_padded_clip_is_that_of_the_clip():
    norm, maps = LengthGroupNorm(8), 30 + make_maps()
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    padded = norm(maps, LENGTHS)
    torch.testing.assert_close(padded[1:, :, :5], norm(maps[1:, :, :5]), atol=2e-5, rtol=0)
    torch.testing.assert_close(padded[:1], norm(maps[:1]), atol=2e-5, rtol=0)
    assert padded[1, :, 5:].eq(0).all()


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_group_norm_keeps_the_layout_of_its_maps(layout):
    norm, maps = LengthGroupNorm(8), make_maps().contiguous(memory_format=layout)
    answer = norm(maps)
    assert answer.is_contiguous(memory_format=layout)
    torch.testing.assert_close(answer, torch.nn.functional.group_norm(maps, 8, norm.weight, norm.bias))


def test_mean_over_frames_is_that_of_the_clip():
    maps = make_maps()
    torch.testing.assert_close(average_frames(maps, LENGTHS)[1], maps[1, :, :5].mean(1))
    assert torch.equal(average_frames(maps, None), maps.mean(2))


def test_lengths_of_unpadded_clips_are_not_looked_at():
    assert fit_lengths(None, make_maps()) is None
    assert fit_lengths(torch.tensor([9, 12]), make_maps()) is None
    assert fit_lengths(torch.tensor([12, 0]), make_maps()).tolist() == [9, 1]
