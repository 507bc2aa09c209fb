from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from esclab.analysis import bootstrap_interval, paired_difference, summarize_accuracy
from esclab.errors import DatasetError, OptionError


def _hits(answer, right, **options):
    """Predictions on clips of class 0 of which those marked 1 are answered rightly."""
    return answer([0] * len(right), [1 - hit for hit in right], **options)


def test_mean_and_spread_are_over_folds_not_clips(answer):
    # Fold 1: 4 of 4 right; fold 2: 1 of 2. Pooled, 5 of 6 would be 0.833.
    result = summarize_accuracy([_hits(answer, [1, 1, 1, 1, 1, 0], folds=[1, 1, 1, 1, 2, 2])], label="here")
    row = result.table.iloc[0]
    assert row["mean"] == 0.75
    assert row["spread"] == pytest.approx(np.sqrt(2 * 0.25**2 / 1))
    assert (row["model"], row["folds"], result.chance, result.label) == ("model", 2, 0.5, "here")
    assert result.by_fold["accuracy"].tolist() == [1.0, 0.5]


def test_seeds_are_averaged_before_folds_are_spread(answer):
    folds = [1, 1, 2, 2]
    runs = [
        _hits(answer, [1, 1, 0, 0], folds=folds, seed=3),
        _hits(answer, [0, 0, 1, 1], folds=folds, seed=1),
    ]
    result = summarize_accuracy(runs)
    assert result.table["mean"].tolist() == [0.5]
    assert result.table["spread"].tolist() == [0.0]
    assert result.by_fold[["fold", "seed", "accuracy"]].to_numpy().tolist() == [
        [1, 3, 1],
        [2, 3, 0],
        [1, 1, 0],
        [2, 1, 1],
    ]


def test_one_fold_has_no_spread(answer):
    assert np.isnan(summarize_accuracy([_hits(answer, [1, 0])]).table["spread"][0])


def test_the_same_seed_gives_the_same_interval_in_any_order_of_clips(answer):
    made = _hits(answer, [1, 0, 1, 1, 0, 1] * 5, folds=[1, 2] * 15, sources=[n // 2 for n in range(30)])
    order = np.random.default_rng(0).permutation(30)
    fields = ("clips", "sources", "folds", "true", "probabilities")
    shuffled = replace(made, **{name: getattr(made, name)[order] for name in fields})
    columns = ["mean", "low", "high", "spread"]
    first = summarize_accuracy([made]).table[columns]
    assert first.equals(summarize_accuracy([shuffled]).table[columns])
    assert not first.equals(summarize_accuracy([made], seed=1).table[columns])


def test_interval_of_independent_clips_agrees_with_scipy():
    values = (np.arange(200) % 4 > 0).astype(float)
    ones = np.ones(200, dtype=int)
    low, high = bootstrap_interval(values, ones, np.arange(200).astype(str), resamples=4000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_interval_of_five_sources_of_like_clips_is_that_of_five_clips():
    # Three sources right, two wrong: the mean of a draw is binomial(5, 0.6) / 5.
    values = np.repeat([1.0, 1.0, 1.0, 0.0, 0.0], 20)
    sources = np.repeat(list("vwxyz"), 20)
    interval = bootstrap_interval(values, np.ones(100), sources, resamples=20_000)
    assert interval == (stats.binom.ppf(0.025, 5, 0.6) / 5, stats.binom.ppf(0.975, 5, 0.6) / 5)


def test_interval_over_sources_is_wider_by_the_root_of_clips_a_source():
    values = np.repeat(np.arange(60) % 3 > 0, 9).astype(float)
    clips, sources, fold = np.arange(540).astype(str), np.repeat(np.arange(60), 9).astype(str), np.ones(540)
    by_clip, by_source = (np.ptp(bootstrap_interval(values, fold, names)) for names in (clips, sources))
    assert by_source / by_clip == pytest.approx(3, rel=0.1)


def test_draws_in_blocks_follow_the_same_distribution(monkeypatch):
    values, names = (np.arange(100) % 2).astype(float), np.arange(100).astype(str)
    whole = bootstrap_interval(values, np.ones(100), names, resamples=4000)
    monkeypatch.setattr("esclab.analysis.intervals.BLOCK_DRAWS", 999)
    assert bootstrap_interval(values, np.ones(100), names, resamples=4000) == whole


def test_interval_of_a_fold_with_one_source_is_unknown():
    interval = bootstrap_interval(np.array([1.0, 0, 1]), np.array([1, 1, 2]), np.array(["a", "b", "c"]))
    assert np.isnan(interval).all()


def test_paired_difference_ignores_what_both_get_wrong(answer):
    # Clips are very hard or very easy for both; b errs on every tenth clip besides.
    a = _hits(answer, [n % 2 for n in range(100)], model="a")
    b = _hits(answer, [n % 2 and n % 10 != 1 for n in range(100)], model="b")
    difference = paired_difference(a, b)
    assert difference.mean == pytest.approx(0.1)
    assert difference.low == pytest.approx(0.05, abs=0.011)  # binomial(100, 0.1): 2.5 % at 5, 97.5 % at 16
    assert difference.high == pytest.approx(0.16, abs=0.011)
    assert difference.low > 0


def test_paired_difference_of_a_model_with_itself_is_zero(answer):
    made = _hits(answer, [1, 0, 1, 0])
    difference = paired_difference(made, made)
    assert (difference.mean, difference.low, difference.high) == (0, 0, 0)


def test_summary_refuses_other_clips(answer):
    a, b = _hits(answer, [1, 0], model="a"), _hits(answer, [1, 0, 1], model="b")
    with pytest.raises(DatasetError, match="clips"):
        summarize_accuracy([a, b])


def test_summary_refuses_a_model_and_seed_given_twice(answer):
    made = _hits(answer, [1, 0])
    with pytest.raises(OptionError, match="twice"):
        summarize_accuracy([made, made])


def test_summary_refuses_nothing():
    with pytest.raises(OptionError, match="none"):
        summarize_accuracy([])


def test_bootstrap_refuses_no_draws():
    with pytest.raises(OptionError, match="resamples=0"):
        bootstrap_interval(np.ones(2), np.ones(2), np.array(["a", "b"]), resamples=0)
