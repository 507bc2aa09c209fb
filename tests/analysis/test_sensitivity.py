from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from esclab.analysis.sensitivity import divide_bands, measure_class_sensitivity, measure_sensitivity
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models.base import SoundClassifier

RATE = 44_100


class QuietFirstHalf(SoundClassifier):
    """Says class 1 when the low bands of the clip's first half are loud, class 0 when they are not."""

    def __init__(self, bands: int) -> None:
        super().__init__(bands)
        self.classifier = nn.Identity()

    def represent(self, features: Tensor) -> Tensor:
        level = features[:, 0, : features.shape[2] // 2, : features.shape[3] // 2].mean((1, 2))
        return torch.stack([torch.zeros_like(level), (level + 60) / 2], dim=1)


@pytest.fixture(scope="module")
def soft_clip():
    return (1e-5 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


def test_only_a_burst_where_the_model_looks_changes_its_answer(soft_clip):
    result = measure_sensitivity(
        QuietFirstHalf(40).eval(), build_feature(), [soft_clip], targets=[0], slots=2, ranges=2, snr_db=-80.0
    )
    assert result.clean_score > 0.99
    assert result.clean_accuracy == 1
    assert result.score[0, 0] < 0.01
    np.testing.assert_array_equal(result.accuracy, [[0, 1], [1, 1]])
    assert result.slot_edges_s.tolist() == [0, 0.5, 1]


def test_scores_are_means_over_clips(soft_clip):
    options = {"slots": 2, "ranges": 1, "snr_db": -20.0}
    model, feature = QuietFirstHalf(40).eval(), build_feature()
    clips = [soft_clip, soft_clip[::-1].copy()]
    both = measure_sensitivity(model, feature, clips, targets=[0, 1], seeds=[5, 6], **options)
    alone = [
        measure_sensitivity(model, feature, [clip], targets=[target], seeds=[seed], **options)
        for clip, target, seed in zip(clips, [0, 1], [5, 6], strict=True)
    ]
    np.testing.assert_allclose(both.score, (alone[0].score + alone[1].score) / 2)
    assert both.clips == 2
    assert both.clean_score == pytest.approx((alone[0].clean_score + alone[1].clean_score) / 2)


def test_ranges_hold_equally_many_bands():
    feature = build_feature()
    borders = divide_bands(feature.frequency_hz, 8, highest_hz=22_050)
    assert (borders[0], borders[-1]) == (0, 22_050)
    assert np.histogram(feature.frequency_hz, borders)[0].tolist() == [5] * 8


def test_grid_finer_than_the_bands_is_refused(soft_clip):
    with pytest.raises(OptionError, match="grid of 2 x 41: does not fit a clip of 51 frames and 40 bands"):
        measure_sensitivity(QuietFirstHalf(40), build_feature(), [soft_clip], targets=[0], slots=2, ranges=41)


def test_class_sensitivity_takes_the_held_out_clips_of_the_class(tiny_runs):
    name = tiny_runs[0].config.class_names[3]
    seen = []
    result = measure_class_sensitivity(
        tiny_runs[0], name, slots=2, ranges=2, progress=lambda done, count: seen.append((done, count))
    )
    held_out = tiny_runs[0].read_predictions()
    rows = held_out.true == 3
    assert result.clips == rows.sum() == len(seen)
    assert result.clean_score == pytest.approx(held_out.probabilities[rows, 3].mean(), abs=2e-3)
    with pytest.raises(OptionError, match="class whale: is not known"):
        measure_class_sensitivity(tiny_runs[0], "whale")
