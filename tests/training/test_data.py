"""What a training sees: never the clips that it is scored on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from esclab.errors import OptionError
from esclab.training.data import TrainingData, load_training_data, predict_features, score_held_out
from esclab.training.loop import train

CPU = torch.device("cpu")


def rows_in(clips, *folds: int) -> np.ndarray:
    return np.flatnonzero(clips.table["fold"].isin(folds))


def weights_after(run, clips) -> str:
    for _ in train(run, dataset=clips):
        pass
    return run.summary["weights_sha256"]


@pytest.mark.parametrize(
    ("settings", "unseen"), [({"fold": 2}, (2,)), ({"fold": 2, "validation_fold": 3}, (2, 3))], ids=["test", "validate"]
)
def test_held_out_clips_do_not_change_the_weights(begin, clips, change_features, settings, unseen):
    plain = weights_after(begin(**settings), clips)
    change_features(rows_in(clips, *unseen), -7.0)
    assert weights_after(begin(**settings), clips) == plain
    change_features(rows_in(clips, 4)[:1], -7.0)
    assert weights_after(begin(**settings), clips) != plain


def test_network_is_standardised_by_the_training_clips(begin, clips, change_features):
    run = begin(fold=2)
    change_features(rows_in(clips, 2), -7.0)
    data = load_training_data(run, clips, device=CPU, progress=None)
    weights_after(run, clips)
    seen = data.features[torch.from_numpy(rows_in(clips, 1, 3, 4, 5))].double().numpy()
    model = run.load_model()
    np.testing.assert_allclose(model.input_mean, seen.mean(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(model.input_std, seen.std(axis=(0, 1, 2), ddof=1), rtol=1e-4)


def test_network_is_not_standardised_unless_asked_for(begin, tiny, clips):
    run = begin(recipe=replace(tiny, standardise=False))
    weights_after(run, clips)
    assert run.load_model().input_mean.tolist() == [0.0] * 40
    assert run.load_model().input_std.tolist() == [1.0] * 40


def test_test_fold_is_held_out_and_all_others_train(begin, clips):
    data = load_training_data(begin(fold=2), clips, device=CPU, progress=None)
    assert data.held_out.tolist() == rows_in(clips, 2).tolist()
    assert data.train.tolist() == rows_in(clips, 1, 3, 4, 5).tolist()
    assert data.targets.argmax(1).tolist() == clips.table["class_index"].tolist()
    assert torch.equal(data.held_out_features, data.features[torch.from_numpy(rows_in(clips, 2))])


def test_validation_fold_is_held_out_in_place_of_the_test_fold(begin, clips):
    data = load_training_data(begin(fold=2, validation_fold=4), clips, device=CPU, progress=None)
    assert data.held_out.tolist() == rows_in(clips, 4).tolist()
    assert data.train.tolist() == rows_in(clips, 1, 3, 5).tolist()


@pytest.mark.parametrize(("validation_fold", "count"), [(0, 40), (3, 30)])
def test_batch_larger_than_the_training_set_is_refused_before_a_folder_is_made(
    begin, tiny, tmp_path, validation_fold, count
):
    with pytest.raises(OptionError, match=f"batch_size 41: is more than the {count} training clips"):
        begin(recipe=replace(tiny, batch_size=41), validation_fold=validation_fold)
    assert list(tmp_path.iterdir()) == []


def test_score_held_out_is_the_mean_log_loss_and_accuracy():
    targets = torch.eye(2)[[0, 1, 0, 1]]
    data = TrainingData(torch.zeros(4, 1, 1, 1), targets, train=np.array([0, 1]), held_out=np.array([2, 3]))
    loss, accuracy = score_held_out(np.array([[0.5, 0.5], [0.75, 0.25]]), data)
    assert loss == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert accuracy == 0.5  # equal halves count for the first class, which is the true one


def test_probability_of_zero_for_the_true_class_gives_a_finite_loss():
    data = TrainingData(torch.zeros(1, 1, 1, 1), torch.eye(2)[[0]], train=np.array([], int), held_out=np.array([0]))
    assert score_held_out(np.array([[0.0, 1.0]]), data) == (pytest.approx(-np.log(1e-15)), 0.0)


def test_predict_features_agrees_with_the_network_and_leaves_its_mode(finished):
    network = finished.run.load_model().train()
    features = torch.randn(33, 1, 51, 40, generator=torch.Generator().manual_seed(0))  # more than one batch
    probabilities, embeddings = predict_features(network, features)
    assert network.training
    assert (probabilities.shape, embeddings.shape) == ((33, 10), (33, 128))
    with torch.no_grad():
        expected = network.eval()(features).double().softmax(1).numpy()
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
