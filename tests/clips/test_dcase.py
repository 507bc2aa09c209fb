from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests

from esclab.clips import check_dataset, get_dataset, load_dataset
from esclab.clips.dcase import TASKS
from esclab.clips.dcase_parts import PARTS, Parts, install_parts
from esclab.errors import DatasetError, OptionError

FOLDERS = {name: parts.folder for name, parts in PARTS.items()}


def read_part(folder: Path, part: str) -> list[str]:
    lines = (folder / "evaluation_setup" / f"fold1_{part}.csv").read_text().splitlines()[1:]
    return [Path(line.split("\t")[0]).stem for line in lines]


@pytest.mark.parametrize("name", ["dcase2019-1a", "dcase2020-1a"])
def test_split_of_fold_1_is_the_official_one(no_datasets, make_dcase, name):
    devices = ("a", "c", "s4") if name == "dcase2020-1a" else ("a",)
    folder = make_dcase(no_datasets / FOLDERS[name], devices=devices)
    dataset = load_dataset(name)
    train, test = dataset.split_fold(1)
    clips = dataset.table["clip"].to_numpy()
    assert clips[train].tolist() == read_part(folder, "train")
    assert clips[test].tolist() == read_part(folder, "evaluate")
    assert dataset.table["split"].to_numpy()[test].tolist() == ["test"] * len(test)
    assert dataset.table["split"].to_numpy()[train].tolist() == ["train"] * len(train)


def test_dcase_table_follows_the_official_one(no_datasets, make_dcase):
    folder = make_dcase(no_datasets / FOLDERS["dcase2019-1a"])
    dataset = load_dataset("dcase2019-1a")
    row = dataset.table.iloc[3].to_dict()  # the first location that tests
    assert row.pop("onset_s") != row.pop("offset_s")  # NaN
    assert row == {
        "clip": "airport-lyon-3-120-a", "path": str(folder / "audio" / "airport-lyon-3-120-a.wav"),
        "class_name": "airport", "class_index": 0, "fold": 1, "source": "lyon-3", "split": "test",
    }  # fmt: skip
    assert dataset.class_names == ("airport", "bus", "park")
    assert (dataset.duration_s, dataset.sample_rate) == (10.0, 48_000)
    assert dataset.devices == {}


def test_clips_of_neither_part_are_left_out_and_counted(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2020-1a"], devices=("a", "s4"))
    dataset = load_dataset("dcase2020-1a")
    # Of 12 locations with 2 devices, 3 are in neither part, and s4 is left out of the 6 that train.
    assert len(dataset) == 24 - 6 - 6
    assert dataset.protocol == "official split, fold 1 tests; 12 clips of neither part left out"


def test_training_part_is_parted_by_location_to_validate(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2020-1a"], devices=("a", "b"))
    dataset = load_dataset("dcase2020-1a")
    assert (dataset.folds, dataset.all_folds) == ((1,), (1, 2, 3))
    train, validation = dataset.split_validation(1, 2)
    official, test = dataset.split_fold(1)
    assert sorted([*train, *validation]) == official.tolist()
    assert not set(dataset.table["source"].iloc[train]) & set(dataset.table["source"].iloc[validation])
    assert len(train) == len(validation) == len(test) == 6
    assert check_dataset(dataset).ok


def test_other_folds_do_not_test(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2019-1a"])
    dataset = load_dataset("dcase2019-1a")
    with pytest.raises(OptionError, match="fold 2: dcase2019-1a tests on other folds only; choose one of 1"):
        dataset.split_fold(2)
    with pytest.raises(OptionError, match="has no such fold; choose one of 1, 2, 3"):
        dataset.split_validation(1, 9)
    with pytest.raises(OptionError, match="1 is the test fold"):
        dataset.split_validation(1, 1)


def test_parts_of_2018_have_no_header(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2018-1a"], header=False)
    make_dcase(no_datasets / FOLDERS["dcase2019-1a"])
    old, new = (load_dataset(name).table.drop(columns="path") for name in ("dcase2018-1a", "dcase2019-1a"))
    assert old.equals(new)


def test_test_part_may_come_without_labels(no_datasets, make_dcase):
    folder = make_dcase(no_datasets / FOLDERS["dcase2019-1a"])
    before = load_dataset("dcase2019-1a").table
    (folder / "evaluation_setup" / "fold1_evaluate.csv").unlink()
    assert load_dataset("dcase2019-1a").table.equals(before)


def test_three_class_task_has_its_own_labels(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2020-1b"], labels=("indoor", "transportation", "outdoor"))
    dataset = load_dataset("dcase2020-1b")
    assert dataset.class_names == ("indoor", "outdoor", "transportation")
    by_scene = dataset.table.groupby(dataset.table["clip"].str.split("-").str[0])["class_index"].unique()
    assert {scene: list(indices) for scene, indices in by_scene.items()} == {"airport": [0], "bus": [2], "park": [1]}


def test_official_classes_are_ten_or_three():
    assert [len(task.class_names) for task in TASKS.values()] == [10, 10, 10, 3]
    assert all(list(task.class_names) == sorted(task.class_names) for task in TASKS.values())


def test_device_of_each_clip_is_told(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2020-1a"], devices=("a", "b", "s4"))
    dataset = load_dataset("dcase2020-1a")
    assert set(dataset.devices) == set(dataset.table["clip"])
    assert all(clip.rsplit("-")[-1] == device for clip, device in dataset.devices.items())
    assert set(dataset.devices.values()) == {"a", "b", "s4"}


def test_one_device_keeps_its_clips_in_the_folds_of_all(no_datasets, make_dcase):
    make_dcase(no_datasets / FOLDERS["dcase2020-1a"], devices=("a", "b", "s4"))
    whole = load_dataset("dcase2020-1a").table
    part = load_dataset("dcase2020-1a:b")
    assert part.name == "dcase2020-1a:b"
    assert set(part.devices.values()) == {"b"}
    assert part.table.equals(whole[whole["clip"].str.endswith("-b")].reset_index(drop=True))
    assert part.protocol == "official split, fold 1 tests; 3 clips of neither part left out"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dcase2020-1a:s4", "not in the training part; use one of a, b"),
        ("dcase2020-1a:d", "no such device; use one of a, b, c, s1, s2, s3, s4, s5, s6, or dcase2020-1a alone"),
        ("dcase2019-1a:a", "dcase2019-1a takes no option"),
    ],
)
def test_device_that_cannot_be_is_refused(no_datasets, make_dcase, spec, message):
    for name in ("dcase2019-1a", "dcase2020-1a"):
        make_dcase(no_datasets / FOLDERS[name], devices=("a", "b", "s4") if name == "dcase2020-1a" else ("a",))
    with pytest.raises(OptionError, match=message):
        load_dataset(spec)


TRAIN, TEST = "evaluation_setup/fold1_train.csv", "evaluation_setup/fold1_evaluate.csv"


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("meta.csv", "identifier", "place", r"meta\.csv: has no column identifier"),
        ("meta.csv", "\tairport\t", "\tharbour\t", "row 2, column scene_label: 'harbour' is none of airport, bus"),
        ("meta.csv", "\ta\n", "\tz\n", "row 2, column source_label: 'z' is none of a"),
        ("meta.csv", "\tlyon-3\t", "\tlyon-0\t", "source lyon-0 is in 2 folds"),
        ("meta.csv", "bus-lyon-1-40-a", "airport-lyon-0-0-a", r"fold1_train\.csv: row 3, .* is not in meta\.csv"),
        (TRAIN, "airport-lyon-0-0-a", "airport-lyon-0-1-a", r"fold1_train\.csv: row 2, .* is not in meta\.csv"),
        (TRAIN, "\tbus", "\tpark", "row 3, column scene_label: 'park' is not the label that meta.csv has"),
        (TRAIN, "airport-lyon-0-0-a", "airport-lyon-3-120-a", "lyon-3-120-a.wav is in the training and in the test"),
        (TEST, "audio/airport-lyon-3", "../airport-lyon-3", r"fold1_evaluate\.csv: row 2"),
    ],
)
def test_dcase_table_with_a_fault_names_the_place(no_datasets, make_dcase, file, before, after, message):
    path = make_dcase(no_datasets / FOLDERS["dcase2019-1a"]) / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(DatasetError, match=message):
        load_dataset("dcase2019-1a")


@pytest.mark.parametrize("content", [b"", b"filename\tscene_label\n", b"\xff\xfe\xff"])
def test_part_that_lists_nothing_is_refused(no_datasets, make_dcase, content):
    (make_dcase(no_datasets / FOLDERS["dcase2019-1a"]) / TRAIN).write_bytes(content)
    with pytest.raises(DatasetError, match=r"fold1_train\.csv: (lists no clips|cannot be read)"):
        load_dataset("dcase2019-1a")


def test_missing_part_is_told_by_name(no_datasets, make_dcase):
    (make_dcase(no_datasets / FOLDERS["dcase2019-1a"]) / TRAIN).unlink()
    with pytest.raises(DatasetError, match=r"evaluation_setup: has no fold1_train\.csv; unpack .*\.meta\.zip"):
        load_dataset("dcase2019-1a")


def test_name_that_leads_out_of_the_folder_is_refused(no_datasets, make_dcase):
    folder = make_dcase(no_datasets / FOLDERS["dcase2019-1a"])
    for file in ("meta.csv", TRAIN):
        (folder / file).write_text((folder / file).read_text().replace("audio/airport-lyon-0", "../airport-lyon-0"))
    with pytest.raises(DatasetError, match=r"row 2, column filename: .* does not stay inside"):
        load_dataset("dcase2019-1a")


def pack(folder: Path, home: Path) -> Parts:
    """Write a dataset's folder as the official archives: the tables, and the recordings in two parts."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    recordings = [path for path in files if path.suffix == ".wav"]
    pieces = {"meta": [path for path in files if path.suffix == ".csv"]}
    pieces |= {"audio.1": recordings[::2], "audio.2": recordings[1::2]}
    hashes = []
    for name, members in pieces.items():
        archive = home / f"{folder.name}.{name}.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for member in members:
                file.write(member, member.relative_to(folder.parent))
        hashes.append(hashlib.md5(archive.read_bytes()).hexdigest())
    return Parts(folder.name, 2589280, hashes[0], tuple(hashes[1:]))


def test_archives_that_lie_in_the_home_are_put_together(no_datasets, make_dcase, tmp_path):
    parts = pack(make_dcase(tmp_path / FOLDERS["dcase2019-1a"]), no_datasets)
    assert install_parts(parts) == no_datasets / parts.folder
    assert check_dataset(load_dataset("dcase2019-1a")).ok
    assert not [path for path in no_datasets.iterdir() if path.suffix == ".part"]


def test_archives_that_lack_recordings_are_refused(no_datasets, make_dcase, tmp_path):
    folder = make_dcase(tmp_path / FOLDERS["dcase2019-1a"])
    (folder / "audio" / "bus-lyon-4-160-a.wav").unlink()
    parts = pack(folder, no_datasets)
    with pytest.raises(DatasetError, match=r"lack 1 recordings, e\.g\. audio/bus-lyon-4-160-a\.wav"):
        install_parts(parts)
    assert not (no_datasets / parts.folder).exists()


def test_archive_with_another_hash_is_refused(no_datasets, make_dcase, tmp_path):
    parts = pack(make_dcase(tmp_path / FOLDERS["dcase2019-1a"]), no_datasets)
    (no_datasets / f"{parts.folder}.audio.2.zip").write_bytes(b"half")
    with pytest.raises(DatasetError, match=rf"audio\.2\.zip: its md5 is not {parts.audio[1]}"):
        install_parts(parts)


@pytest.mark.parametrize("name", FOLDERS)
def test_get_without_a_network_says_what_to_put_where(no_datasets, monkeypatch, name):
    def refuse(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", refuse)
    file, last = f"{FOLDERS[name]}.meta.zip", len(PARTS[name].audio)
    with pytest.raises(DatasetError, match=rf"zenodo\.org/records/\d+/files/{file}: cannot be fetched") as caught:
        get_dataset(name)
    assert f"fetch {file} and .audio.1.zip to .audio.{last}.zip elsewhere" in caught.value.next_step
    assert caught.value.next_step.endswith(f"put them into {no_datasets}")


def test_archives_are_named_and_known_by_hash():
    assert [len(PARTS[name].audio) for name in TASKS] == [13, 21, 16, 21]
    hashes = [md5 for parts in PARTS.values() for md5 in parts.hashes.values()]
    assert len(set(hashes)) == len(hashes) == 75
    assert all(len(md5) == 32 and set(md5) <= set("0123456789abcdef") for md5 in hashes)
    names = list(PARTS["dcase2018-1a"].hashes)
    assert names[0] == "TUT-urban-acoustic-scenes-2018-development.meta.zip"
    assert names[-1] == "TUT-urban-acoustic-scenes-2018-development.audio.13.zip"


def test_dataset_without_test_folds_tests_on_all():
    dataset = load_dataset("synth10:50")
    assert dataset.folds == dataset.all_folds == (1, 2, 3, 4, 5)
    assert np.array_equal(dataset.split_validation(1, 2)[1], dataset.split_fold(2)[1])
