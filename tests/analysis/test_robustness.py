from __future__ import annotations

import numpy as np
import pytest

from esclab.analysis.noise_ledger import NOISE_KEY, describe_noise
from esclab.analysis.robustness import (
    NoiseCondition,
    cross_conditions,
    measure_robustness,
    predict_noisy,
    seed_clip,
    summarize_robustness,
    transform_noisy,
)
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.noise import inject_noise
from esclab.results import Predictions, Region
from esclab.training.ledger import append_result, read_ledger

FAINT, LOUD = NoiseCondition("gaussian", 100.0), NoiseCondition("gaussian", -60.0)


@pytest.fixture(scope="module")
def answers(tiny_runs):
    return predict_noisy(tiny_runs, [FAINT, LOUD])


def test_conditions_cross_kinds_levels_and_regions():
    made = cross_conditions(["pink", "hum"], [20, 0], [Region(0, 1), Region(1, 2)])
    assert len(made) == 8
    assert made[0] == NoiseCondition("pink", 20.0, Region(0, 1))
    assert {str(one) for one in made} >= {"hum 0 dB, 1-2 s"}
    assert str(NoiseCondition()) == "clean"


def test_noise_too_faint_to_matter_leaves_the_clean_answers(tiny_runs, answers):
    for run, clean, noisy in zip(tiny_runs, answers[NoiseCondition()], answers[FAINT], strict=True):
        assert noisy.model == run.config.model
        np.testing.assert_array_equal(noisy.clips, clean.clips)
        # The stored features that training read have half precision.
        np.testing.assert_allclose(noisy.probabilities, clean.probabilities, atol=2e-3)


def test_loud_noise_makes_all_clips_of_a_run_alike(answers):
    for clean, noisy in zip(answers[NoiseCondition()], answers[LOUD], strict=True):
        assert len(set(noisy.predicted)) == 1
        assert not np.allclose(noisy.probabilities, clean.probabilities, atol=1e-3)


def test_one_draw_at_another_level_equals_injected_noise():
    feature = build_feature()
    samples = np.random.default_rng(0).standard_normal(22_050).astype(np.float32) * 0.1
    conditions = cross_conditions(["pink"], [20, 5], [Region(0.1, 0.3, 500, 4000)])
    made = transform_noisy(samples, feature, conditions, seed=3)
    for values, condition in zip(made, conditions, strict=True):
        noisy = inject_noise(samples, 44_100, kind="pink", snr_db=condition.snr_db, region=condition.region, seed=3)
        expected = transform_noisy(noisy, feature, [NoiseCondition()])[0]
        np.testing.assert_allclose(values, expected, atol=0.02)


def test_seed_of_a_clip_depends_on_both():
    assert seed_clip(0, "a") == seed_clip(0, "a")
    assert len({seed_clip(seed, clip) for seed in (0, 1) for clip in ("a", "b")}) == 4


def test_progress_counts_each_clip_once(tiny_runs):
    seen = []
    measure_robustness(tiny_runs[:2], [LOUD], progress=lambda done, count: seen.append((done, count)))
    assert seen == [(number, 10) for number in range(1, 11)]


def test_drop_and_interval_by_hand(answer):
    right, wrong = [0, 1, 0, 1], [0, 1, 1, 0]
    clean, noisy = answer([0, 1, 0, 1], right, model="a"), answer([0, 1, 0, 1], wrong, model="a")
    result = summarize_robustness({NoiseCondition(): [clean], NoiseCondition("pink", 5.0): [noisy]})
    row = result.table.set_index("kind").loc["pink"]
    assert (row["mean"], row["drop"], row["snr_db"]) == (0.5, 0.5, 5.0)
    assert result.table.set_index("kind").loc["clean", "drop"] == 0
    assert 0 <= row["drop_low"] < 0.5 < row["drop_high"] <= 1
    assert result.pairs.empty


def test_pairs_are_corrected_over_all_conditions(answer):
    true = [0, 1] * 20

    def both(share_b: int) -> list[Predictions]:
        flipped = [1 - x if n < share_b else x for n, x in enumerate(true)]
        return [answer(true, true, model="a"), answer(true, flipped, model="b")]

    found = {NoiseCondition(): both(0), NoiseCondition("pink", 5.0): both(8), NoiseCondition("pink", 0.0): both(12)}
    result = summarize_robustness(found)
    assert result.pairs["snr_db"].tolist() == [np.inf, 5.0, 0.0]
    ordered = np.sort(result.pairs["p_value"])
    np.testing.assert_allclose(
        np.sort(result.pairs["p_holm"]), np.maximum.accumulate(np.minimum(1, ordered * [3, 2, 1]))
    )
    assert result.pairs["difference"].tolist() == pytest.approx([0, 8 / 40, 12 / 40])


def test_runs_of_two_datasets_are_refused(tiny_runs):
    from dataclasses import replace

    other = replace(tiny_runs[0], config=replace(tiny_runs[0].config, dataset="esc10"))
    with pytest.raises(OptionError, match="runs: are of synth10:50 and esc10; give finished runs of one dataset"):
        predict_noisy([tiny_runs[0], other], [LOUD])


def test_unknown_noise_names_the_clip(tiny_runs):
    with pytest.raises(OptionError, match=r"clip 1-dog-01-a, noise 'pinkish': .*did you mean pink"):
        predict_noisy(tiny_runs[:1], [NoiseCondition("pinkish", 0.0)])


def test_ledger_keeps_one_row_a_run_and_noise(tiny_runs, answers, tmp_path):
    rows = describe_noise(tiny_runs, answers, noise_seed=0)
    assert len(rows) == len(tiny_runs) * 2
    path = tmp_path / "noise.csv"
    assert [append_result(path, row, key=NOISE_KEY) for row in rows + rows] == [True] * len(rows) + [False] * len(rows)
    table = read_ledger(path, tuple(rows[0]))
    first = table[(table["model"] == "cnn10") & (table["fold"] == 1) & (table["snr_db"] == -60)]
    assert first["accuracy"].tolist() == [round(float(answers[LOUD][0].correct.mean()), 6)]


@pytest.mark.parametrize("snr_db", [np.nan, np.inf, -100.5, 400.0])
def test_noise_that_single_precision_cannot_hold_is_refused(snr_db):
    with pytest.raises(OptionError, match="is not within -100 to 100 dB; give a number such as 10"):
        NoiseCondition("gaussian", snr_db)
    assert NoiseCondition("gaussian", -100.0).snr_db == -100
