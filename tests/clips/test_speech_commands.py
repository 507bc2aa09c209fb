from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from torchaudio.datasets import SPEECHCOMMANDS

from esclab.clips import check_dataset, load_dataset
from esclab.clips.durations import measure_durations
from esclab.clips.home import has_marker
from esclab.clips.speech_commands import MARKERS
from esclab.clips.unpack import unpack_archive
from esclab.errors import DatasetError, OptionError


def test_speech_commands_are_split_by_the_official_lists(no_datasets, make_speech_commands):
    make_speech_commands(no_datasets / "speech_commands_v0.02")
    dataset = load_dataset("speech-commands")
    assert dataset.class_names == ("no", "yes")
    assert dataset.folds == (1,)
    folds = dataset.table.groupby("fold")["source"].unique().map(sorted)
    assert folds.to_dict() == {1: ["d4"], 2: ["c3"], 3: ["a1", "b2"]}
    train, test = dataset.split_fold(1)
    assert (len(train), len(test)) == (6, 2)
    assert dataset.table["split"].iloc[test].tolist() == ["test", "test"]
    train, validation = dataset.split_validation(1, 2)
    assert set(dataset.table["source"].iloc[validation]) == {"c3"}
    assert set(dataset.table["source"].iloc[train]) == {"a1", "b2"}
    assert check_dataset(dataset).ok


@pytest.mark.parametrize(("fold", "subset"), [(1, "testing"), (2, "validation"), (3, "training")])
def test_speech_commands_folds_are_torchaudios_subsets(no_datasets, make_speech_commands, fold, subset):
    folder = make_speech_commands(no_datasets / "SpeechCommands" / "speech_commands_v0.02")
    theirs = SPEECHCOMMANDS(no_datasets, subset=subset, download=False)
    found = [theirs.get_metadata(number) for number in range(len(theirs))]
    table = load_dataset("speech-commands").table.query("fold == @fold")
    names = [str(Path(path).relative_to(folder.parent)) for path in table["path"]]
    ours = zip(names, table["class_name"], table["source"], strict=True)
    assert sorted(ours) == sorted((path, word, speaker) for path, _, word, speaker, _ in found)
    assert len(found) == 2 * (1 if fold < 3 else 2)


def test_speech_commands_leave_background_noise_out(no_datasets, make_speech_commands):
    folder = make_speech_commands(no_datasets / "SpeechCommands" / "speech_commands_v0.02")
    assert (folder / "_background_noise_" / "white.wav").exists()
    assert set(load_dataset("speech-commands").table["class_name"]) == {"yes", "no"}


def test_speech_commands_list_with_a_missing_recording_is_refused(no_datasets, make_speech_commands):
    folder = make_speech_commands(no_datasets / "speech_commands_v0.02")
    (folder / "yes" / "d4_nohash_0.wav").unlink()
    with pytest.raises(DatasetError, match=r"testing_list\.txt: yes/d4_nohash_0\.wav is not there"):
        load_dataset("speech-commands")


def test_speech_commands_have_no_options(no_datasets):
    with pytest.raises(OptionError, match="speech-commands"):
        load_dataset("speech-commands:12")


def test_speech_commands_archive_is_unpacked_with_its_root(tmp_path, make_speech_commands):
    folder = make_speech_commands(tmp_path / "made")
    with tarfile.open(tmp_path / "made.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname=".")  # as in the official archive
    (tmp_path / "out").mkdir()
    unpack_archive(tmp_path / "made.tar.gz", tmp_path / "out")
    assert has_marker(tmp_path / "out", MARKERS)


def test_durations_are_those_before_padding(no_datasets, make_speech_commands):
    make_speech_commands(no_datasets / "speech_commands_v0.02")
    dataset = load_dataset("speech-commands")
    short = dataset.table["class_name"] == "yes"
    assert measure_durations(dataset).tolist() == pytest.approx([0.5 if is_short else 1.0 for is_short in short])
