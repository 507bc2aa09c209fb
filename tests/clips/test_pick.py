from __future__ import annotations

import numpy as np
import pytest
import soundfile

from esclab.clips import load_dataset, read_clip
from esclab.clips.pick import find_row, pick_clip
from esclab.errors import OptionError


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("synth10:50")


def test_pick_clip_by_name_gives_its_samples_and_class(dataset):
    name = dataset.table["clip"].iloc[7]
    samples, label = pick_clip(dataset.name, name, sample_rate=22_050, duration_s=5.0)
    assert find_row(dataset, name) == 7
    np.testing.assert_array_equal(samples, read_clip(dataset, 7, sample_rate=22_050))
    assert name in label
    assert dataset.table["class_name"].iloc[7].replace("_", " ") in label


def test_pick_clip_reads_any_file_without_the_dataset(tmp_path):
    soundfile.write(tmp_path / "mine.wav", np.full(1000, 0.25, dtype="float32"), 8000)
    samples, label = pick_clip("esc50", str(tmp_path / "mine.wav"), sample_rate=8000, duration_s=5.0)
    assert label == "mine.wav"
    assert len(samples) == 8000 * 5
    assert abs(samples[500] - 0.25) < 1e-3
    assert not samples[1000:].any()


def test_pick_clip_that_does_not_exist_names_near_ones(dataset):
    name = dataset.table["clip"].iloc[3]
    with pytest.raises(OptionError, match=name):
        pick_clip(dataset.name, name + "x", sample_rate=8000, duration_s=5.0)
