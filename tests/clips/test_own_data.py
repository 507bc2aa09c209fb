from __future__ import annotations

import numpy as np
import pytest
import soundfile

from esclab.clips import check_dataset, load_dataset, read_clip
from esclab.errors import DatasetError, OptionError


def test_folder_names_are_classes(tmp_path, make_folder):
    root = make_folder(tmp_path / "birds: mine")
    (root / "owl" / "notes.txt").touch()
    (root / ".hidden").mkdir()
    (root / ".hidden" / "a.wav").touch()
    (root / "loose.wav").touch()
    dataset = load_dataset(f"folder:{root}")
    assert dataset.class_names == ("gull", "owl")
    assert dataset.table["clip"][0] == "gull/far/0.flac"
    assert dataset.table["class_index"].tolist() == [0] * 5 + [1] * 5
    assert dataset.folds == (1, 2, 3, 4, 5)
    assert dataset.protocol == "grouped 5-fold by source, made by esclab"
    assert (dataset.duration_s, dataset.sample_rate) == (0.5, 16000)
    assert check_dataset(dataset).ok
    assert load_dataset(dataset.name).table.equals(dataset.table)


def test_folder_copies_in_another_format_share_a_source(tmp_path, make_folder, write_tone):
    root = make_folder(tmp_path / "birds")
    write_tone(root / "owl" / "0.flac", 300.0)
    table = load_dataset(f"folder:{root}").table.set_index("clip")
    assert table["source"]["owl/0.flac"] == table["source"]["owl/0.wav"] == "owl/0"
    assert table["fold"]["owl/0.flac"] == table["fold"]["owl/0.wav"]


def test_folder_pads_to_ten_seconds_at_most(tmp_path, make_folder, write_tone):
    root = make_folder(tmp_path / "birds")
    write_tone(root / "owl" / "long.wav", duration_s=11.0)
    dataset = load_dataset(f"folder:{root}")
    assert dataset.duration_s == 10.0
    assert read_clip(dataset, 9, sample_rate=8000).shape == (80000,)


def test_folder_with_a_bad_file_loads_and_the_check_names_it(tmp_path, make_folder):
    root = make_folder(tmp_path / "birds")
    (root / "owl" / "0.wav").write_bytes(b"")
    report = check_dataset(load_dataset(f"folder:{root}"))
    assert len(report.problems) == 1
    assert "owl/0.wav: is no recording: it looks like an empty file" in report.problems[0]


def test_folder_that_cannot_be_a_dataset_says_why(tmp_path, write_tone):
    for build, message in (
        (lambda root: None, "is no folder"),
        (lambda root: root.mkdir(), "has no recordings"),
        (lambda root: [write_tone(root / "owl" / f"{n}.wav") for n in (0, 1)], "has one class only, 'owl'"),
        (lambda root: write_tone(root / "gull" / "0.wav"), "class 'gull' has one source only"),
    ):
        build(tmp_path / "birds")
        with pytest.raises(DatasetError, match=message):
            load_dataset(f"folder:{tmp_path / 'birds'}")
    with pytest.raises(OptionError, match="folder:/path"):
        load_dataset("folder")


@pytest.fixture
def write_csv(tmp_path, make_folder):
    make_folder(tmp_path)

    def write(*lines, encoding="utf-8"):
        path = tmp_path / "clips.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return f"csv:{path}"

    return write


def rows(pattern="owl/{n}.wav,owl|gull/far/{n}.flac,gull"):
    return [line.format(n=n) for n in range(5) for line in pattern.split("|")]


@pytest.mark.parametrize("header", ["path,class", "filename,label", "path,class_name"])
def test_csv_gives_classes_and_folds_by_file(write_csv, header):
    dataset = load_dataset(write_csv(header, *rows(), encoding="utf-8-sig"))
    assert dataset.class_names == ("gull", "owl")
    assert dataset.folds == (1, 2, 3, 4, 5)
    assert dataset.protocol == "grouped 5-fold by source, made by esclab"
    assert dataset.table["source"][1] == "gull/far/0"
    assert check_dataset(dataset).ok


def test_csv_folds_sources_and_parts_are_taken_over(write_csv, tmp_path):
    lines = ["0.1,owl,owl/0.wav,2,s1", ",owl,owl/1.wav,1,s2", "0,gull,gull/far/0.flac,2,s3"]
    lines += ["0.25,gull,gull/far/1.flac,1,s4"]
    dataset = load_dataset(write_csv("onset_s,class,path,fold,source", *lines))
    assert dataset.table["fold"].tolist() == [2, 1, 2, 1]
    assert dataset.table["source"].tolist() == ["s1", "s2", "s3", "s4"]
    names = ["owl/0.wav@0.1-end", "owl/1.wav", "gull/far/0.flac@0-end", "gull/far/1.flac@0.25-end"]
    assert dataset.table["clip"].tolist() == names
    assert dataset.protocol == "folds of the table"
    samples, _ = soundfile.read(tmp_path / "owl" / "0.wav", dtype="float32")
    np.testing.assert_array_equal(read_clip(dataset, 0, sample_rate=8000, duration_s=0.1), samples[800:1600])
    assert check_dataset(dataset).ok


def test_csv_clips_of_one_file_share_its_fold(write_csv):
    parts = rows("owl/{n}.wav,owl,0,0.1|owl/{n}.wav,owl,0.1,0.2|gull/far/{n}.flac,gull,,")
    table = load_dataset(write_csv("path,class,onset_s,offset_s", *parts)).table
    assert table.groupby("path")["fold"].nunique().eq(1).all()
    assert table["clip"].is_unique


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["file,class", *rows()], "has no column path or filename"),
        (["path,kind", *rows()], "has no column class or class_name or label"),
        (["path,class", *rows(), "owl/0.wav,"], "row 12, column class: '' is empty"),
        (["path,class", *rows(), "/etc/a.wav,owl"], "row 12, column path: '/etc/a.wav' does not stay inside"),
        (["path,class", *rows(), "owl/../../a.wav,owl"], "row 12, column path: .* does not stay inside"),
        (["path,class", *rows(), "owl/0.wav,owl"], r"clip owl/0\.wav is listed more than once"),
        (["path,class,fold", *rows("owl/{n}.wav,owl,1|a.wav,gull,-1")], r"row 3, column fold: '-1'.*4 more rows"),
        (["path,class,onset_s", *rows("owl/{n}.wav,owl,soon")], "row 2, column onset_s: 'soon' is not a number"),
        (["path,class,onset_s", *rows("owl/{n}.wav,owl,-1")], "row 2, column onset_s: '-1'"),
        (["path,class,onset_s,offset_s", *rows("owl/{n}.wav,owl,2,1")], "row 2, column offset_s: '1' is not after"),
        (["path,class,fold,source", "owl/0.wav,owl,1,s", "owl/1.wav,owl,2,s"], "source s is in 2 folds"),
        (["path,class,fold", *rows("owl/{n}.wav,owl,{n}1")], "has one class only, 'owl'; add clips of another class"),
        (["path,class,source", *rows("owl/{n}.wav,owl,")], "row 2, column source: '' is empty"),
        (["path,class,fold", *rows("no/{n}.wav,owl,1|no/b{n}.wav,gull,1")], "not one of its files can be read"),
    ],
)  # fmt: skip
def test_csv_with_a_fault_names_the_place(write_csv, lines, message):
    with pytest.raises(DatasetError, match=rf"clips\.csv: .*{message}"):
        load_dataset(write_csv(*lines))


def test_csv_that_is_missing_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="cannot be opened"):
        load_dataset(f"csv:{tmp_path / 'none.csv'}")
    with pytest.raises(OptionError, match="csv:/path"):
        load_dataset("csv:")
