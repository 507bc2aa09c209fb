from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from esclab.analysis import score_predictions, score_table
from esclab.errors import DatasetError


@pytest.fixture
def imbalanced(answer):
    """Six clips of a (five right), three of b (one right, two called a), one of c (called b)."""
    return answer([0] * 6 + [1] * 3 + [2], [0] * 5 + [1] + [1, 0, 0] + [1], classes=3)


def test_uar_of_imbalanced_classes_is_the_mean_of_their_recalls(imbalanced):
    scores = score_predictions(imbalanced)
    assert scores.accuracy == 0.6
    assert scores.uar == pytest.approx((5 / 6 + 1 / 3 + 0) / 3, abs=1e-15)


def test_scores_per_class_are_those_worked_out_by_hand(imbalanced):
    table = score_predictions(imbalanced).per_class.set_index("class_name")
    assert table["support"].tolist() == [6, 3, 1]
    np.testing.assert_allclose(table["precision"], [5 / 7, 1 / 3, np.nan])
    np.testing.assert_allclose(table["recall"], [5 / 6, 1 / 3, 0])
    np.testing.assert_allclose(table["f1"], [10 / 13, 1 / 3, 0])


def test_confusion_has_true_classes_as_rows(imbalanced):
    confusion = score_predictions(imbalanced).confusion
    assert confusion.counts.tolist() == [[5, 1, 0], [2, 1, 0], [0, 1, 0]]
    assert confusion.class_names == ("a", "b", "c")
    assert confusion.label == "model"


def test_uar_leaves_out_a_class_without_clips_even_when_it_was_predicted(answer):
    scores = score_predictions(answer([0, 0, 1, 1], [0, 2, 1, 1], classes=3))
    assert scores.uar == 0.75  # counting class c as 0 would give 0.5
    assert np.isnan(scores.per_class["recall"][2])


def test_log_loss_of_a_wrong_certainty_is_finite(answer):
    scores = score_predictions(answer([0, 1], [0, 0], confidence=[0.5, 1.0]))
    assert scores.log_loss == pytest.approx((np.log(2) + 52 * np.log(2)) / 2)  # 2.2e-16 is 2 to the power -52


def test_log_loss_of_float32_probabilities_equals_sklearn(answer):
    rng = np.random.default_rng(0)
    made = answer(rng.integers(4, size=50), np.zeros(50, dtype=int), classes=4)
    made = replace(made, probabilities=rng.dirichlet(np.ones(4), 50).astype(np.float32))
    exact = made.probabilities.astype(float) / made.probabilities.sum(axis=1, keepdims=True, dtype=float)
    assert score_predictions(made).log_loss == pytest.approx(
        metrics.log_loss(made.true, exact, labels=range(4)), abs=1e-6
    )


def test_scores_take_read_only_arrays(imbalanced):
    for array in (imbalanced.true, imbalanced.probabilities):
        array.flags.writeable = False
    assert score_predictions(imbalanced).accuracy == 0.6


@settings(max_examples=30, deadline=None, database=None)
@given(data=st.data(), count=st.integers(2, 40))
def test_scores_do_not_depend_on_the_order_of_clips(answer, data, count):
    label = st.integers(0, 3)
    true, predicted = (data.draw(st.lists(label, min_size=count, max_size=count)) for _ in range(2))
    order = np.array(data.draw(st.permutations(range(count))))
    made = answer(true, predicted, classes=4)
    fields = ("clips", "sources", "folds", "true", "probabilities")
    shuffled = replace(made, **{name: getattr(made, name)[order] for name in fields})
    first, second = score_predictions(made), score_predictions(shuffled)
    assert first.accuracy == second.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    assert first.uar == second.uar
    assert first.uar == pytest.approx(
        np.mean([np.mean(np.array(predicted)[np.array(true) == c] == c) for c in set(true)])
    )


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"probabilities": np.array([[2.0, -1.0], [3.0, 1.0]])}, "no probabilities"),
        ({"probabilities": np.array([[np.nan, 1.0], [0.5, 0.5]])}, "not a number"),
        ({"probabilities": np.ones((2, 3)) / 3}, "for 2 classes"),
        ({"true": np.array([0, 2])}, "without a name"),
        ({"clips": np.array(["same", "same"])}, "twice"),
        ({"folds": np.array([1])}, "different lengths"),
    ],
)
def test_unsound_predictions_are_refused(answer, change, cause):
    with pytest.raises(DatasetError, match=cause):
        score_predictions(replace(answer([0, 1], [0, 1]), **change))


def test_macro_accuracy_is_the_mean_of_the_recalls(imbalanced):
    assert score_predictions(imbalanced).macro_accuracy == pytest.approx((5 / 6 + 1 / 3 + 0) / 3, abs=1e-15)


def test_score_table_has_a_row_a_model_over_its_seeds(answer):
    true = [0, 0, 0, 1]
    right = answer(true, true, model="one", confidence=0.5)  # a tie goes to class a, so that clip 4 is wrong
    answers = [
        answer(true, [0, 0, 0, 0], model="one", confidence=0.75),
        answer(true, [0, 0, 1, 1], model="one", confidence=0.75, seed=1),
        replace(right, model="two"),
    ]
    table = score_table(answers, sizes_mib={"two": 18.897})
    assert table["Model"].tolist() == ["one", "two"]
    assert table["Accuracy (%)"].tolist() == ["75.0", "75.0"]
    # Recalls 1 and 0, and with seed 1, 2/3 and 1: means 1/2 and 5/6, whose mean is 2/3.
    assert table["Macro accuracy (%)"].tolist() == ["66.7", "50.0"]
    # Three of four clips have 0.75, one 0.25: (3 x 0.2877 + 1.3863) / 4 = 0.562; ln 2 for the other model.
    assert table["Log loss"].tolist() == ["0.562", "0.693"]
    assert table["Size (MiB)"].tolist() == ["–", "18.90"]


def test_score_table_without_sizes_has_no_column_of_them(imbalanced):
    assert score_table([imbalanced]).columns.tolist() == ["Model", "Accuracy (%)", "Macro accuracy (%)", "Log loss"]
