from __future__ import annotations

import pytest

from esclab.clips import check_dataset, count_shared, load_dataset
from esclab.errors import DatasetError, OptionError


def test_fsdd_speakers_are_tested_on_digits_not_heard(no_datasets, make_fsdd):
    make_fsdd(no_datasets / "free-spoken-digit-dataset")
    dataset = load_dataset("fsdd")
    assert dataset.name == "fsdd:speakers"
    assert dataset.class_names == ("george", "lucas")
    assert dataset.table.set_index("clip")["fold"]["7_lucas_5"] == 4
    digits = dataset.table.groupby("fold")["clip"].apply(lambda clips: "".join(sorted({clip[0] for clip in clips})))
    assert digits.tolist() == ["01", "23", "45", "67", "89"]
    assert check_dataset(dataset).ok


def test_fsdd_digits_are_tested_on_speakers_not_heard(no_datasets, make_fsdd):
    make_fsdd(no_datasets / "fsdd")
    dataset = load_dataset("fsdd:digits")
    assert dataset.class_names == tuple("0123456789")
    speakers = dataset.table.groupby("fold")["clip"].apply(lambda clips: {clip.split("_")[1] for clip in clips})
    assert speakers.tolist() == [{"george"}, {"lucas"}]
    assert check_dataset(dataset).ok


def test_fsdd_digits_leak_when_a_speaker_is_on_both_sides(no_datasets, make_fsdd):
    make_fsdd(no_datasets / "fsdd")
    assert count_shared(load_dataset("fsdd:digits"))["shared"].tolist() == [0, 0]
    leaky = load_dataset("fsdd:digits@leaky")
    assert count_shared(leaky)["shared"].tolist() == [20, 20]
    assert any("source george is in 2 folds" in problem for problem in check_dataset(leaky).problems)


def test_fsdd_speakers_have_no_speaker_to_hold_out(no_datasets, make_fsdd):
    make_fsdd(no_datasets / "fsdd")
    assert load_dataset("fsdd:speakers").table["source"].is_unique
    with pytest.raises(OptionError, match="cannot leak, each of its sources is one clip"):
        load_dataset("fsdd:speakers@leaky")


def test_fsdd_split_is_by_take(no_datasets, make_fsdd):
    make_fsdd(no_datasets / "fsdd")
    splits = load_dataset("fsdd").table.set_index("clip")["split"]
    assert (splits["0_george_4"], splits["0_george_5"]) == ("test", "train")


def test_fsdd_table_and_file_names_give_the_same(no_datasets, make_fsdd):
    folder = make_fsdd(no_datasets / "fsdd")
    before = load_dataset("fsdd").table.drop(columns="path")
    names = sorted(file.name for file in (folder / "recordings").iterdir())
    rows = [",".join([name, name.split("_")[1], name[0], name[:-4].split("_")[2]]) for name in names]
    (folder / "recordings").rename(folder / "audio")
    (folder / "meta").mkdir()
    (folder / "meta" / "fsdd.csv").write_text("\n".join(["filename,speaker,digit,take", *rows]))
    dataset = load_dataset("fsdd")
    assert dataset.table.drop(columns="path").equals(before)
    assert check_dataset(dataset).ok


def test_fsdd_with_strange_names_is_refused(no_datasets, make_fsdd):
    folder = make_fsdd(no_datasets / "fsdd")
    (folder / "recordings" / "notes.wav").touch()
    with pytest.raises(DatasetError, match=r"1 names such as 'notes\.wav'"):
        load_dataset("fsdd")


def test_fsdd_option_that_is_unknown_is_refused(no_datasets):
    with pytest.raises(OptionError, match="fsdd:speakers or fsdd:digits"):
        load_dataset("fsdd:words")
