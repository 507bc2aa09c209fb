from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from torch import Tensor

from esclab.analysis.prediction import average_windows, predict_files
from esclab.errors import ClipError, OptionError
from esclab.models.base import SoundClassifier

RATE_HZ = 8000


class LevelFeature:
    """Mean square of the waveform: one frame of one band."""

    config = SimpleNamespace(sample_rate=RATE_HZ)

    def __call__(self, waveform: Tensor) -> Tensor:
        return waveform.square().mean(1)[:, None, None, None]


class LevelModel(SoundClassifier):
    """Class "loud" with probability p, where p is four times the mean square."""

    def __init__(self) -> None:
        super().__init__(bands=1)

    def embed(self, features: Tensor) -> Tensor:
        return (4 * features.flatten(1)).clamp(1e-6, 1 - 1e-6)

    def classifier(self, embedding: Tensor) -> Tensor:
        return torch.cat([embedding, 1 - embedding], dim=1).log()


@pytest.fixture
def run() -> SimpleNamespace:
    """Return a run on clips of 1 s that hears nothing but loudness."""
    return SimpleNamespace(
        build_feature=LevelFeature,
        load_model=LevelModel,
        count_own_frames=lambda length_s: None,
        config=SimpleNamespace(duration_s=1.0, class_names=("loud", "quiet")),
    )


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """Return 2.25 s of sound: a square wave of amplitude 0.5 for 1 s, then silence."""
    samples = np.zeros(int(2.25 * RATE_HZ))
    samples[:RATE_HZ] = np.resize([0.5, -0.5], RATE_HZ)
    soundfile.write(tmp_path / "square.wav", samples, RATE_HZ, subtype="FLOAT")
    return tmp_path / "square.wav"


def test_each_window_is_scored_by_what_is_in_it(run, square):
    table = predict_files(run, [square], hop_s=0.5)
    assert list(table.columns) == ["file", "onset_s", "offset_s", "predicted", "loud", "quiet"]
    assert table["onset_s"].tolist() == [0.0, 0.5, 1.0, 1.5]
    assert table["offset_s"].tolist() == [1.0, 1.5, 2.0, 2.25]  # the last one is padded with silence
    np.testing.assert_allclose(table["loud"], [1.0, 0.5, 0.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["loud"] + table["quiet"], 1.0)
    assert table["predicted"].tolist()[0] == "loud"
    assert table["predicted"].tolist()[2:] == ["quiet", "quiet"]


def test_windows_overlap_by_half_unless_told(run, square):
    pd.testing.assert_frame_equal(predict_files(run, [square]), predict_files(run, [square], hop_s=0.5))


def test_windows_may_leave_gaps(run, square):
    table = predict_files(run, [square], hop_s=2.0)
    assert table["onset_s"].tolist() == [0.0, 2.0]
    assert table["offset_s"].tolist() == [1.0, 2.25]


def test_recording_shorter_than_a_window_is_one_window(run, tmp_path):
    soundfile.write(tmp_path / "short.wav", np.resize([0.5, -0.5], RATE_HZ // 4), RATE_HZ, subtype="FLOAT")
    table = predict_files(run, [tmp_path / "short.wav"])
    assert table["offset_s"].tolist() == [0.25]
    np.testing.assert_allclose(table["loud"], [0.25], atol=1e-5)  # a quarter of the window sounds


def test_files_are_scored_once_in_the_order_given(run, square, tmp_path):
    other = tmp_path / "another.wav"
    other.write_bytes(square.read_bytes())
    table = predict_files(run, [square, str(other), str(square)], hop_s=2.0)
    assert table["file"].tolist() == [str(square)] * 2 + [str(other)] * 2


def test_no_files_give_a_table_without_rows(run):
    table = predict_files(run, [])
    assert list(table.columns) == ["file", "onset_s", "offset_s", "predicted", "loud", "quiet"]
    assert len(table) == 0


def test_unreadable_file_is_refused_by_name(run, tmp_path):
    (tmp_path / "page.wav").write_text("<html>")
    with pytest.raises(ClipError, match=r"page\.wav"):
        predict_files(run, [tmp_path / "page.wav"])


@pytest.mark.parametrize("hop_s", [-0.5, float("nan"), float("inf")])
def test_step_that_is_no_length_is_refused(run, square, hop_s):
    with pytest.raises(OptionError):
        predict_files(run, [square], hop_s=hop_s)


def test_average_is_over_the_windows_of_each_file():
    table = pd.DataFrame(
        {
            "file": ["b", "a", "b"],
            "onset_s": [0.0, 0.0, 1.0],
            "offset_s": [1.0, 1.0, 2.0],
            "predicted": ["dog", "rain", "dog"],
            "dog": [0.6, 0.25, 0.2],
            "rain": [0.4, 0.75, 0.8],
        }
    )
    means = average_windows(table)
    assert means["file"].tolist() == ["b", "a"]
    assert means["windows"].tolist() == [2, 1]
    assert means["dog"].tolist() == pytest.approx([0.4, 0.25])
    assert means["predicted"].tolist() == ["rain", "rain"]  # dog won more windows of b, rain has the larger mean


def test_average_of_nothing_is_nothing():
    table = pd.DataFrame({"file": [], "onset_s": [], "offset_s": [], "predicted": [], "dog": [], "rain": []})
    assert len(average_windows(table)) == 0


def test_unreadable_files_are_left_out_where_somebody_takes_their_errors(run, square, tmp_path):
    (tmp_path / "page.wav").write_text("<html>")
    errors = []
    table = predict_files(run, [tmp_path / "page.wav", square], hop_s=2.0, on_error=errors.append)
    assert table["file"].tolist() == [str(square)] * 2
    assert [error.where for error in errors] == [str(tmp_path / "page.wav")]


def test_classes_called_as_columns_have_columns_of_their_own(run, square):
    run.config.class_names = ("predicted", "p_predicted")
    table = predict_files(run, [square], hop_s=1.0)
    assert list(table.columns) == ["file", "onset_s", "offset_s", "predicted", "p_predicted", "p_p_predicted"]
    assert table["predicted"].tolist() == ["predicted", "p_predicted", "p_predicted"]
    np.testing.assert_allclose(table["p_predicted"], [1, 0, 0], atol=1e-5)
    means = average_windows(table)
    assert means["predicted"].tolist() == ["p_predicted"]
    np.testing.assert_allclose(means["p_p_predicted"], [2 / 3], atol=1e-5)
