from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import soundfile

from esclab.clips import CheckReport, ClipDataset, check_dataset
from esclab.clips.table import build_table


@pytest.fixture
def dataset(tmp_path, write_tone) -> ClipDataset:
    clips = [f"{name}{fold}" for fold in (1, 2) for name in "ab"]
    paths = [write_tone(tmp_path / f"{clip}.wav", 300.0 + 50 * i) for i, clip in enumerate(clips)]
    table, names = build_table(
        "made", {"clip": clips, "path": paths, "class_name": list("abab"), "fold": [1, 1, 2, 2], "source": clips}
    )
    return ClipDataset("made", table, names, 0.25, 8000, "made")


def check(dataset: ClipDataset, **columns: list[object]) -> tuple[str, ...]:
    return check_dataset(replace(dataset, table=dataset.table.assign(**columns))).problems


def test_check_of_a_sound_dataset_counts(dataset):
    report = check_dataset(dataset)
    assert report == CheckReport(clips=4, sources=4, folds=2, classes=2, seconds=1.0, problems=())
    assert report.ok
    assert report.summary == "4 clips from 4 sources, 2 classes, 2 folds, 0.0 min: no problems"


def test_check_names_all_bad_files_at_once(dataset, tmp_path):
    (tmp_path / "a1.wav").write_bytes(b"")
    (tmp_path / "b1.wav").write_text("<html>404</html>")
    (tmp_path / "a2.wav").unlink()
    report = check_dataset(dataset)
    assert [problem.split(":")[0] for problem in report.problems] == ["clip a1", "clip b1", "clip a2"]
    assert "empty file" in report.problems[0]
    assert "HTML" in report.problems[1]
    assert "No such file" in report.problems[2]
    assert report.seconds == 0.25
    assert "3 problems\n- clip a1" in report.summary


def test_check_finds_a_source_in_two_folds(dataset):
    assert check(dataset, source=["x", "y", "x", "z"]) == ("source x is in 2 folds: a1 in fold 1, a2 in fold 2",)


def test_check_finds_identical_audio_in_two_folds_even_in_another_format(dataset, tmp_path):
    copy = tmp_path / "copy.flac"
    soundfile.write(copy, *soundfile.read(dataset.table["path"][0], dtype="int16"))
    paths = [*dataset.table["path"][:2], str(copy), dataset.table["path"][3]]
    assert check(dataset, path=paths) == ("identical audio in 2 folds: a1 in fold 1, a2 in fold 2",)


def test_check_lets_identical_audio_in_one_fold_pass(dataset):
    path = dataset.table["path"]
    assert check(dataset, path=[path[0], path[0], path[2], path[3]], onset_s=[0.0, float("nan")] * 2) == ()


def test_check_finds_duplicate_names_and_parts(dataset):
    path = dataset.table["path"]
    problems = check(dataset, clip=["a1", "b1", "a2", "a1"], path=[path[0], path[0], path[2], path[3]])
    assert problems == ("2 clips are called a1", "clips a1, b1 are the same part of a file")


def test_check_finds_labels_and_folds_out_of_range(dataset):
    assert check(dataset, class_index=[0, 2, 1, 1])[:2] == (
        "clip b1: class_index 2 is not in 0..1",
        "clip a2: class_index 1 is 'b', not 'a'",
    )
    assert check(dataset, fold=[0, 0, 2, 2]) == ("clip a1: fold 0 is below 1", "clip b1: fold 0 is below 1")


def test_check_finds_a_class_missing_from_a_fold(dataset):
    assert check(dataset, fold=[1, 1, 1, 2]) == ("fold 2 has no clip of a",)
    assert check(dataset, fold=[1, 1, 1, 1]) == ("there is one fold only, so nothing is left to train on",)


def test_check_finds_events_outside_their_clips(dataset):
    events = pd.DataFrame(
        {"clip": ["a1", "c", "a1", "b1"], "onset_s": [0.0, 0.0, 0.2, -1.0], "offset_s": [0.1, 0.1, 0.1, 0.1],
         "low_hz": [100.0, 100.0, 100.0, 300.0], "high_hz": 200.0}
    )  # fmt: skip
    assert check_dataset(replace(dataset, events=events)).problems == (
        "events 1 belong to no clip",
        "events 2 end before they start",
        "events 3 start before their clip",
        "events 3 have no frequencies between low and high",
    )


def test_check_summary_lists_twenty_problems():
    report = CheckReport(1, 1, 1, 1, 60.0, tuple(f"p{i}" for i in range(25)))
    assert report.summary.endswith("- p19\n- and 5 more")
    assert "1.0 min: 25 problems" in report.summary
    assert CheckReport(1, 1, 1, 1, 60.0, ("p",)).summary.endswith("1.0 min: 1 problem\n- p")


def test_check_of_the_real_esc10_is_clean(esc10):
    report = check_dataset(esc10)
    assert (report.clips, report.sources, report.folds, report.classes) == (400, 304, 5, 10)
    assert report.problems == ()
    assert 1990 < report.seconds < 2010
