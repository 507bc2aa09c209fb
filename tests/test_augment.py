from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest
from torch import Generator, Tensor

from esclab.augment import mask_blocks, mix_up, roll_time


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def make_batch(clips: int = 6, frames: int = 12, bands: int = 7) -> Tensor:
    """Return features whose cells all differ and are positive, shape (clip, 1, frame, band)."""
    return torch.arange(1.0, clips * frames * bands + 1).reshape(clips, 1, frames, bands)


def draw_weights(alpha: float, count: int) -> np.ndarray:
    """Draw `count` weights, read off the targets; among 10 clips one is nearly always mixed with another."""
    generator, features, labels = seeded(7), torch.zeros(10, 1, 1, 1), torch.eye(10, dtype=torch.float64)
    draws = [mix_up(features, labels, alpha=alpha, generator=generator)[1] for _ in range(count)]
    return np.array([targets.diagonal().min().item() for targets in draws])


@pytest.mark.parametrize("seed", range(5))
def test_mix_up_mixes_features_and_targets_alike(seed):
    features, labels = make_batch(), torch.eye(6)
    mixed, targets = mix_up(features, labels, alpha=0.7, generator=seeded(seed))
    # Every clip has its own class, so row r of the targets says how much of which clips is in clip r.
    torch.testing.assert_close(mixed, torch.einsum("rc,c...->r...", targets, features))
    torch.testing.assert_close(targets.sum(1), torch.ones(6))
    weight = targets.diagonal().min()
    partners = targets - weight * labels
    assert (partners > 0).sum(1).tolist() == [1] * 6  # one weight for the whole batch, one partner a clip
    assert (partners > 0).sum(0).tolist() == [1] * 6


def test_mix_up_mixes_clips_of_a_known_weight_by_hand():
    for seed in range(20):
        mixed, targets = mix_up(
            torch.tensor([10.0, 20.0])[:, None, None, None], torch.eye(2), alpha=1.0, generator=seeded(seed)
        )
        weight = targets[0, 0].item()
        assert mixed.flatten().tolist() == pytest.approx([20 - 10 * weight, 10 + 10 * weight])


def test_mix_up_with_alpha_0_changes_nothing_and_draws_nothing():
    features, targets, generator = make_batch(), torch.eye(6), seeded()
    before = generator.get_state()
    mixed, mixed_targets = mix_up(features, targets, alpha=0.0, generator=generator)
    assert torch.equal(mixed, features)
    assert torch.equal(mixed_targets, targets)
    assert torch.equal(generator.get_state(), before)


def test_mix_up_leaves_its_input_untouched():
    features, targets = make_batch(), torch.eye(6)
    mix_up(features, targets, alpha=1.0, generator=seeded())
    assert torch.equal(features, make_batch())
    assert torch.equal(targets, torch.eye(6))


@pytest.mark.parametrize(
    "change",
    [
        lambda x, generator: mix_up(x, torch.eye(6), alpha=0.2, generator=generator)[0],
        lambda x, generator: mask_blocks(x, frames=5, bands=3, value=torch.zeros(7), generator=generator),
        lambda x, generator: roll_time(x, generator=generator),
    ],
    ids=["mixup", "masks", "roll"],
)
def test_augmentation_repeats_with_its_generator_and_only_then(change):
    assert torch.equal(change(make_batch(), seeded(3)), change(make_batch(), seeded(3)))
    assert not all(torch.equal(change(make_batch(), seeded(3)), change(make_batch(), seeded(n))) for n in range(4, 9))


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 1.5, 4.0, 30.0])
def test_mix_up_draws_its_weight_from_the_beta_distribution(alpha):
    weights = draw_weights(alpha, 2000)
    variance = 1 / (4 * (2 * alpha + 1))
    assert weights.mean() == pytest.approx(0.5, abs=4 * np.sqrt(variance / 2000))
    assert weights.var() == pytest.approx(variance, rel=0.1)
    assert kstest(weights, beta(alpha, alpha).cdf).pvalue > 0.001


def masked_cells(masked: Tensor, features: Tensor) -> np.ndarray:
    """Return bool (clip, frame, band), true where a mask lies; all other cells must be as they were."""
    hidden = masked < 0
    assert torch.equal(masked[~hidden], features[~hidden])
    return hidden[:, 0].numpy()


def widths_of(stretches: np.ndarray) -> list[int]:
    """Return how many cells of each row are true, having checked that they lie side by side."""
    edges = np.diff(np.pad(stretches.astype(int), ((0, 0), (1, 1))), axis=1)
    assert ((edges == 1).sum(1) <= 1).all()
    return stretches.sum(1).tolist()


def test_mask_blocks_puts_each_bands_value_in_masked_cells_and_leaves_the_rest():
    features, value = make_batch(), -torch.arange(1.0, 8.0)
    masked = mask_blocks(features, frames=6, bands=4, value=value, generator=seeded())
    hidden = masked_cells(masked, features)
    assert hidden.any()
    assert not hidden.all()
    assert torch.equal(masked[:, 0][hidden], value.expand(6, 12, 7)[hidden])
    assert torch.equal(features, make_batch())


def test_mask_blocks_draws_widths_from_0_to_the_limit_and_places_all_over():
    features = make_batch(clips=600)
    masked = mask_blocks(features, frames=4, bands=3, value=-torch.ones(7), generator=seeded())
    hidden = masked_cells(masked, features)
    frames, bands = hidden.all(2), hidden.all(1)
    np.testing.assert_array_equal(hidden, frames[:, :, None] | bands[:, None, :])
    assert set(widths_of(frames)) == {0, 1, 2, 3, 4}
    assert set(widths_of(bands)) == {0, 1, 2, 3}
    assert np.bincount(widths_of(frames)).min() > 80  # 120 expected of each
    assert frames.any(0).all()
    assert bands.any(0).all()


@pytest.mark.parametrize(("frames", "bands"), [(5, 0), (0, 5)])
def test_mask_blocks_of_one_kind_leaves_the_other_axis(frames, bands):
    features = make_batch(clips=50)
    hidden = masked_cells(
        mask_blocks(features, frames=frames, bands=bands, value=-torch.ones(7), generator=seeded()), features
    )
    assert hidden.any()
    over_frames, over_bands = hidden.any(2), hidden.any(1)
    whole = over_frames[:, :, None] & np.ones(7, bool) if frames else over_bands[:, None, :] & np.ones((12, 1), bool)
    np.testing.assert_array_equal(hidden, whole)


def test_mask_blocks_puts_several_masks_in_a_clip():
    features = make_batch(clips=100, frames=40)
    masked = mask_blocks(features, frames=3, bands=0, count=4, value=-torch.ones(7), generator=seeded())
    counts = masked_cells(masked, features).all(2).sum(1)
    assert 3 < counts.max() <= 12


def test_mask_blocks_wider_than_the_clip_stays_within_it():
    features = make_batch(clips=200)
    masked = mask_blocks(features, frames=100, bands=0, value=-torch.ones(7), generator=seeded())
    assert set(widths_of(masked_cells(masked, features).all(2))) == set(range(13))


@pytest.mark.parametrize("options", [{"frames": 4, "bands": 4, "count": 0}, {"frames": 0, "bands": 0}])
def test_mask_blocks_of_no_size_or_number_changes_nothing(options):
    features = make_batch()
    assert torch.equal(mask_blocks(features, value=-torch.ones(7), generator=seeded(), **options), features)


def test_roll_time_shifts_every_clip_in_a_circle():
    features = make_batch(clips=200)
    rolled = roll_time(features, generator=seeded())
    assert torch.equal(features, make_batch(clips=200))
    shifts = []
    for clip, before in zip(rolled[:, 0].numpy(), features[:, 0].numpy(), strict=True):
        fitting = [n for n in range(12) if np.array_equal(np.roll(before, n, axis=0), clip)]
        assert len(fitting) == 1
        shifts += fitting
    assert set(shifts) == set(range(12))


def test_roll_time_of_one_frame_changes_nothing():
    features = make_batch(frames=1)
    assert torch.equal(roll_time(features, generator=seeded()), features)
