from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.analysis import score_devices
from esclab.clips.dataset import ClipDataset
from esclab.errors import DatasetError

# Device a: 4 of 4 right. Device s4: 1 of 4 right, of class 0 one of three and of class 1 none of one.
TRUE = [0, 0, 1, 1, 0, 0, 0, 1]
PREDICTED = [0, 0, 1, 1, 0, 1, 1, 0]


@pytest.fixture
def tested(answer):
    return answer(TRUE, PREDICTED, confidence=0.75, sources=[0, 1, 2, 3, 0, 1, 2, 3])


@pytest.fixture
def dataset(tested):
    """Eight clips of the test fold, and three that train: two of device a, one of b."""
    clips = [*tested.clips, "x", "y", "z"]
    devices = dict(zip(clips, [*"aaaa", *["s4"] * 4, "a", "a", "b"], strict=True))
    table = pd.DataFrame({"clip": clips, "fold": [1] * 8 + [2, 2, 3]})
    return ClipDataset("mobile", table, ("a", "b"), 1.0, 16_000, "by hand", devices=devices, test_folds=(1,))


def test_scores_of_each_device_are_those_worked_out_by_hand(tested, dataset):
    table = score_devices(tested, dataset).set_index("device")
    assert table.index.tolist() == ["a", "s4", "all"]
    assert table["clips"].tolist() == [4, 4, 8]
    assert table["accuracy"].tolist() == [1.0, 0.25, 0.625]
    np.testing.assert_allclose(table["macro_accuracy"], [1, (1 / 3 + 0) / 2, (3 / 5 + 2 / 3) / 2])
    right, wrong = -np.log(0.75), -np.log(0.25)
    np.testing.assert_allclose(table["log_loss"], [right, (right + 3 * wrong) / 4, (5 * right + 3 * wrong) / 8])


def test_device_that_did_not_train_is_told(tested, dataset):
    assert score_devices(tested, dataset)["training_clips"].tolist() == [2, 0, 3]


def test_test_part_does_not_train_when_another_fold_validates(tested, dataset):
    validated = replace(tested, clips=tested.clips[:2], sources=tested.sources[:2], folds=np.array([2, 2]))
    validated = replace(validated, true=tested.true[:2], probabilities=tested.probabilities[:2])
    assert score_devices(validated, dataset)["training_clips"].tolist() == [0, 1]  # the clip of fold 3, device b


def test_interval_of_answers_that_are_all_right_is_a_point(tested, dataset):
    table = score_devices(tested, dataset).set_index("device")
    assert table.loc["a", ["low", "high"]].tolist() == [1.0, 1.0]
    assert table.loc["s4", "low"] < 0.25 < table.loc["s4", "high"]


def test_dataset_without_devices_is_refused(tested, dataset):
    with pytest.raises(DatasetError, match="mobile: does not tell which device"):
        score_devices(tested, replace(dataset, devices={}))


def test_predictions_of_other_clips_are_refused(tested, dataset):
    devices = {clip: device for clip, device in dataset.devices.items() if clip != "clip0003"}
    with pytest.raises(DatasetError, match=r"1 clips that mobile does not have, e\.g\. clip0003"):
        score_devices(tested, replace(dataset, devices=devices))
