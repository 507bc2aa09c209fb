from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from esclab.analysis import compare_models, paired_difference
from esclab.errors import DatasetError, OptionError


def _hits(answer, right, **options):
    return answer([0] * len(right), [1 - hit for hit in right], **options)


def _pair(answer, only_a, only_b, both):
    a = _hits(answer, [1] * only_a + [0] * only_b + [1] * both, model="a")
    b = _hits(answer, [0] * only_a + [1] * only_b + [1] * both, model="b")
    return [a, b]


def test_mcnemar_of_few_discordant_clips_is_the_exact_binomial(answer):
    row = compare_models(_pair(answer, 10, 2, 8)).iloc[0]
    assert (row["model_a"], row["model_b"], row["only_a"], row["only_b"]) == ("a", "b", 10, 2)
    assert row["p_value"] == pytest.approx(2 * (1 + 12 + 66) / 2**12)  # 0.03857
    assert row["p_holm"] == row["p_value"]
    assert row["difference"] == pytest.approx(8 / 20)


@pytest.mark.parametrize(("only_a", "only_b"), [(15, 10), (40, 20)])
def test_mcnemar_of_many_discordant_clips_is_the_corrected_chi_square(answer, only_a, only_b):
    row = compare_models(_pair(answer, only_a, only_b, 5)).iloc[0]
    statistic = (only_a - only_b - 1) ** 2 / (only_a + only_b)
    assert row["p_value"] == pytest.approx(stats.chi2.sf(statistic, 1))


@pytest.mark.parametrize("discordant", [0, 7, 30])
def test_mcnemar_of_equal_counts_is_one(answer, discordant):
    assert compare_models(_pair(answer, discordant, discordant, 5))["p_value"].tolist() == [1.0]


def test_holm_multiplies_rising_p_values_by_falling_ranks(answer):
    # Discordant a-b 10 to 0, b-c 6 to 0, a-c 16 to 0.
    a = _hits(answer, [1] * 20, model="a")
    b = _hits(answer, [0] * 10 + [1] * 10, model="b")
    c = _hits(answer, [0] * 16 + [1] * 4, model="c")
    table = compare_models([a, b, c])
    assert table[["model_a", "model_b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    np.testing.assert_allclose(table["p_value"], [2 / 2**10, 2 / 2**16, 2 / 2**6])
    np.testing.assert_allclose(table["p_holm"], [2 * 2 / 2**10, 3 * 2 / 2**16, 2 / 2**6])


def test_interval_of_the_difference_is_the_paired_one(answer):
    pair = _pair(answer, 10, 2, 8)
    row, expected = compare_models(pair, seed=4).iloc[0], paired_difference(*pair, seed=4)
    assert (row["difference"], row["low"], row["high"]) == (expected.mean, expected.low, expected.high)


def test_seeds_answer_once_by_their_mean_probability(answer):
    # Seed 0 of a is right with 0.9, seed 1 wrong with 0.6: together they are right. b is wrong throughout.
    a = [
        _hits(answer, [1, 1], confidence=0.9, model="a", seed=0),
        _hits(answer, [0, 0], confidence=0.6, model="a", seed=1),
    ]
    b = [_hits(answer, [0, 0], model="b", seed=seed) for seed in (0, 1)]
    row = compare_models([*a, *b]).iloc[0]
    assert (row["only_a"], row["only_b"]) == (2, 0)
    assert row["difference"] == 0.5  # of the average seed


def test_both_models_vote_with_the_same_number_of_seeds(answer):
    a = [
        _hits(answer, [0, 0], confidence=0.6, model="a", seed=0),
        _hits(answer, [1, 1], confidence=0.9, model="a", seed=1),
    ]
    row = compare_models([a[1], a[0], _hits(answer, [1, 1], model="b")]).iloc[0]
    assert (row["only_a"], row["only_b"]) == (0, 2)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"clips": np.array(["x", "y"])}, "clips"),
        ({"true": np.array([1, 1])}, "true classes"),
        ({"folds": np.array([2, 2])}, "folds"),
        ({"sources": np.array(["x", "y"])}, "sources"),
        ({"class_names": ("p", "q")}, "class names"),
    ],
)
def test_comparison_refuses_what_is_not_the_same(answer, change, named):
    a = _hits(answer, [1, 0], model="a")
    with pytest.raises(DatasetError, match=f"do not have the {named}"):
        compare_models([a, replace(a, model="b", **change)])


def test_comparison_needs_two_models(answer):
    with pytest.raises(OptionError, match="two or more"):
        compare_models([_hits(answer, [1, 0], seed=0), _hits(answer, [1, 0], seed=1)])
