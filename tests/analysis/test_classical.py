from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from esclab.analysis import CLASSIFIERS, classify_statistics, measure_statistics
from esclab.analysis.classical import describe_folds, soften
from esclab.analysis.mfcc_statistics import measure_crossings
from esclab.clips.dataset import ClipDataset
from esclab.errors import DatasetError, OptionError
from esclab.training.ledger import COLUMNS, append_result, read_ledger

RATE = 16_000


def make_dataset(classes, folds, *, names=("low", "high")) -> ClipDataset:
    clips = [f"clip{n}" for n in range(len(classes))]
    table = pd.DataFrame({"clip": clips, "class_index": classes, "fold": folds, "source": clips})
    return ClipDataset("tiny", table, names, 1.0, RATE, "made by hand")


@pytest.fixture(autouse=True)
def small_forest(monkeypatch):
    """Let 25 trees grow where 500 would take their time."""
    monkeypatch.setitem(CLASSIFIERS["random-forest"].settings, "n_estimators", 25)


@pytest.fixture
def dataset():
    return make_dataset(np.arange(36) % 2, np.repeat([1, 2, 3], 12))


@pytest.fixture
def statistics(dataset):
    """Twenty-six numbers a clip, of which the last ten tell the classes apart."""
    values = np.random.default_rng(0).normal(size=(36, 26))
    values[:, 16:] += 5 * dataset.table["class_index"].to_numpy()[:, None]
    return values


@pytest.mark.parametrize("method", CLASSIFIERS)
def test_classifier_tells_apart_classes_that_differ(dataset, statistics, method):
    predictions = classify_statistics(dataset, method, statistics=statistics, seed=3)
    assert predictions.correct.all()
    assert (predictions.model, predictions.seed) == (method, 3)
    assert predictions.folds.tolist() == dataset.table["fold"].tolist()
    assert predictions.clips.tolist() == dataset.table["clip"].tolist()
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("method", CLASSIFIERS)
def test_a_clip_does_not_change_the_answers_to_its_own_fold(dataset, statistics, method):
    before = classify_statistics(dataset, method, statistics=statistics).probabilities
    statistics[0] += 1e6
    after = classify_statistics(dataset, method, statistics=statistics).probabilities
    np.testing.assert_array_equal(after[1:12], before[1:12])


@pytest.mark.parametrize("method", ["knn", "svm"])
def test_scale_of_a_number_does_not_matter(dataset, statistics, method):
    before = classify_statistics(dataset, method, statistics=statistics).probabilities
    after = classify_statistics(dataset, method, statistics=1000 * statistics - 5).probabilities
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_forest_follows_its_seed(dataset, statistics):
    statistics[:, 16:] = 0.0
    one, same, other = (
        classify_statistics(dataset, "random-forest", statistics=statistics, seed=seed).probabilities
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_neighbours_vote_in_fifths():
    """Five training clips around the test clip, three of class 1; the sixth is far away."""
    dataset = make_dataset([0, 0, 1, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1, 2])
    dataset = replace(dataset, test_folds=(2,))
    numbers = np.array([[1.0], [-1.0], [0.9], [-0.9], [0.8], [50.0], [0.0]])
    predictions = classify_statistics(dataset, "knn", statistics=numbers)
    assert predictions.clips.tolist() == ["clip6"]
    np.testing.assert_allclose(predictions.probabilities, [[0.4, 0.6]])


def test_folds_that_only_validate_are_not_predicted(dataset, statistics):
    predictions = classify_statistics(replace(dataset, test_folds=(2,)), "knn", statistics=statistics)
    assert predictions.folds.tolist() == [2] * 12


def test_decision_values_become_probabilities_in_their_order():
    np.testing.assert_allclose(soften(np.log([[1.0, 2.0, 5.0]])), [[1 / 8, 2 / 8, 5 / 8]])
    np.testing.assert_allclose(soften(np.array([0.0, np.log(3.0)])), [[0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_allclose(soften(np.array([[1e4, 0.0]])), [[1.0, 0.0]])


def test_unknown_method_is_refused_before_anything_is_measured(dataset):
    with pytest.raises(OptionError, match="'lda': is unknown; choose one of knn, svm, random-forest"):
        classify_statistics(dataset, "lda")


@pytest.mark.parametrize(
    ("change", "cause"),
    [(lambda rows: rows[:5], "do not fit 36 clips"), (lambda rows: rows * np.nan, "not a finite number")],
)
def test_statistics_that_cannot_be_are_refused(dataset, statistics, change, cause):
    with pytest.raises(DatasetError, match=cause):
        classify_statistics(dataset, "knn", statistics=change(statistics))


def test_a_tone_crosses_zero_twice_a_period():
    tone = np.sin(2 * np.pi * 400 * (np.arange(RATE) + 0.5) / RATE)
    rates = measure_crossings(tone, 641, 320)
    assert rates.shape == ((RATE - 641) // 320 + 1,)
    np.testing.assert_allclose(rates, 2 * 400 / RATE)  # 32 in 640 steps


@pytest.mark.parametrize(
    ("samples", "rates"),
    [
        ([1, -1, 1, 1, 1, -1], [1.0, 0.0]),  # frames 1 -1 1 and 1 1 1; the last sample fills none
        ([0.0] * 6, [0.0, 0.0]),
        ([0, 0, 0, -1, 0, 0], [0.0, 1.0]),
    ],
)
def test_crossings_are_counted_frame_by_frame(samples, rates):
    measured = measure_crossings(np.array(samples, dtype=float), 3, 2)
    np.testing.assert_allclose(measured, rates)


def test_signal_shorter_than_a_frame_is_one_frame():
    np.testing.assert_allclose(measure_crossings(np.array([1.0, -1.0, -1.0]), 100, 50), [0.5])


@pytest.fixture
def sounds(tmp_path) -> ClipDataset:
    """Noise, the same noise at half its level, and a tone: 1 s each."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    tone = 0.5 * np.sin(2 * np.pi * 400 * (np.arange(RATE) + 0.5) / RATE)
    paths = [str(tmp_path / f"{name}.wav") for name in ("loud", "soft", "tone")]
    for path, samples in zip(paths, (noise, noise / 2, tone), strict=True):
        soundfile.write(path, samples, RATE, subtype="FLOAT")
    dataset = make_dataset([0, 0, 1], [1, 2, 3])
    table = dataset.table.assign(path=paths, onset_s=np.nan, offset_s=np.nan, class_name="x", split="")
    return replace(dataset, table=table)


def test_statistics_of_a_clip_are_26_numbers_that_do_not_hear_its_level(sounds):
    seen = []
    rows = measure_statistics(sounds, progress=lambda done, count: seen.append((done, count)))
    assert rows.shape == (3, 26)
    np.testing.assert_allclose(rows[1], rows[0], atol=2e-3)
    assert np.abs(rows[2] - rows[0]).max() > 1
    assert seen[-1] == (3, 3)


def test_statistics_are_means_then_deviations(sounds):
    rows = measure_statistics(sounds)
    rates = rows[:, [12, 25]]
    # A frame of 40 ms has 639 steps, and the tone changes its sign every 20: 31 times in each.
    np.testing.assert_allclose(rates[2], [31 / 639, 0], atol=1e-12)
    assert rates[0, 0] == pytest.approx(0.5, abs=0.01)  # noise: each sample has either sign
    assert (rows[:, 13:] >= 0).all()


def test_ledger_takes_a_row_a_fold(dataset, statistics, tmp_path):
    predictions = classify_statistics(dataset, "svm", statistics=statistics)
    rows = describe_folds(predictions, dataset, seconds=6.0)
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [append_result(tmp_path / "runs.csv", row) for row in rows] == [True, True, True]
    table = read_ledger(tmp_path / "runs.csv")
    assert set(table["recipe"]) == {"mfcc-statistics"}
    assert (table["fold"].tolist(), table["clips"].tolist()) == ([1, 2, 3], [12, 12, 12])
    assert table["seconds"].tolist() == [2.0, 2.0, 2.0]
    by_fold = pd.Series(predictions.correct).groupby(predictions.folds).mean()
    np.testing.assert_allclose(table["accuracy"], by_fold, atol=1e-6)


def test_digest_tells_the_methods_apart(dataset, statistics):
    digests = set()
    for method in CLASSIFIERS:
        predictions = classify_statistics(dataset, method, statistics=statistics)
        digests |= {row["recipe_digest"] for row in describe_folds(predictions, dataset, seconds=0.0)}
    assert len(digests) == 3
