from __future__ import annotations

import numpy as np
import pytest
import soundfile

from esclab.clips import check_spec, load_dataset, read_clip
from esclab.clips.pick import find_row, measure_part, pick_clip
from esclab.errors import ClipError, DatasetError, OptionError


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


@pytest.mark.parametrize(
    ("start_s", "duration_s", "whole", "summary"),
    [
        (0.0, 5.0, False, "mine.wav: its first 5.0 s of 7.0 s"),
        (2.5, 5.0, False, "mine.wav: 2.5 to 7.0 s of 7.0 s"),
        (1.0, 2.0, False, "mine.wav: 1.0 to 3.0 s of 7.0 s"),
        (0.0, 7.0, True, "mine.wav: its first 7.0 s of 7.0 s"),
        (0.0, 9.0, True, "mine.wav: its first 7.0 s of 7.0 s"),
    ],
)
def test_part_of_a_recording_is_told(tmp_path, start_s, duration_s, whole, summary):
    ramp = np.repeat(np.arange(7) / 10, 8000).astype("float32")  # 0.1 louder each second
    soundfile.write(tmp_path / "mine.wav", ramp, 8000)
    place = str(tmp_path / "mine.wav")
    part = measure_part("esc50", place, duration_s=duration_s, start_s=start_s)
    assert (part.is_whole, part.summary) == (whole, summary)
    samples, _ = pick_clip("esc50", place, sample_rate=8000, duration_s=duration_s, start_s=start_s)
    assert len(samples) == duration_s * 8000
    assert samples[4000 - 1] == pytest.approx(int(start_s + 0.49) / 10, abs=1e-3)


def test_part_of_a_datasets_clip_begins_in_it(dataset):
    name = dataset.table["clip"].iloc[7]
    whole, _ = pick_clip(dataset.name, name, sample_rate=dataset.sample_rate, duration_s=5.0)
    later, _ = pick_clip(dataset.name, name, sample_rate=dataset.sample_rate, duration_s=1.0, start_s=3.0)
    np.testing.assert_array_equal(later, whole[3 * dataset.sample_rate :][: dataset.sample_rate])


@pytest.mark.parametrize("start_s", [-0.1, 5.0, float("nan"), float("inf")])
def test_start_outside_a_clip_is_refused(dataset, start_s):
    name = dataset.table["clip"].iloc[7]
    for pick in (measure_part, lambda *words, **options: pick_clip(*words, sample_rate=8000, **options)):
        with pytest.raises(OptionError, match=r"lasts 5\.0 s"):
            pick(dataset.name, name, duration_s=1.0, start_s=start_s)


def test_file_that_is_no_sound_is_told_by_its_header(tmp_path):
    (tmp_path / "page.wav").write_text("<html>")
    with pytest.raises(ClipError, match=r"page\.wav"):
        measure_part("esc50", str(tmp_path / "page.wav"), duration_s=1.0)


def test_spec_is_checked_without_loading(tmp_path, monkeypatch):
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path / "home"))
    for spec in ("synth10", "synth10:80@leaky", "esc50", f"folder:{tmp_path}"):
        check_spec(spec)
    assert not (tmp_path / "home").exists()
    with pytest.raises(OptionError, match="did you mean esc10"):
        check_spec("esc1O")
    for spec in (f"folder:{tmp_path / 'nowhere'}", f"csv:{tmp_path / 'nowhere.csv'}"):
        with pytest.raises(DatasetError, match="nowhere"):
            check_spec(spec)
