from __future__ import annotations

import shutil

import pytest

from esclab.clips import check_dataset, load_dataset
from esclab.clips.esc import CATEGORIES, COLUMNS, name_categories
from esclab.errors import DatasetError, OptionError


def edit(folder, before, after):
    path = folder / "meta" / "esc50.csv"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_esc_table_follows_the_official_one(no_datasets, make_esc):
    folder = make_esc(no_datasets / "ESC-50")
    whole, small = load_dataset("esc50"), load_dataset("esc10")
    assert (len(whole), len(small)) == (15, 10)
    assert whole.class_names == ("dog", "rooster", "cat")
    assert small.class_names == ("dog", "rooster")
    row = small.table.iloc[3].to_dict()
    assert row.pop("onset_s") != row.pop("offset_s")  # NaN
    assert row == {
        "clip": "2-201-A-1", "path": str(folder / "audio" / "2-201-A-1.wav"), "class_name": "rooster", "class_index": 1,
        "fold": 2, "source": "201", "split": "",
    }  # fmt: skip
    assert check_dataset(whole).ok
    assert (small.protocol, small.duration_s, small.sample_rate) == ("official 5 folds", 5.0, 44100)


def test_esc_classes_have_the_official_parent_categories(no_datasets, make_esc):
    folder = make_esc(no_datasets / "ESC-50")
    assert load_dataset("esc10").categories == {"dog": "Animals", "rooster": "Animals"}
    text = (folder / "meta" / "esc50.csv").read_text()
    (folder / "meta" / "esc50.csv").write_text(text.replace(",5,cat,", ",49,hand_saw,").replace(",1,roo", ",50,roo"))
    found = load_dataset("esc50").categories
    assert found == {"dog": "Animals", "hand_saw": "Exterior/urban noises"}  # ESC-50 has no class 50


def test_category_changes_every_ten_targets():
    names = name_categories({str(target): target for target in range(50)})
    assert [names[str(target)] for target in (9, 10, 19, 20, 29, 30, 39, 40)] == [
        "Animals", "Natural soundscapes & water sounds", "Natural soundscapes & water sounds",
        "Human, non-speech sounds", "Human, non-speech sounds", "Interior/domestic sounds", "Interior/domestic sounds",
        "Exterior/urban noises",
    ]  # fmt: skip
    assert all(list(names.values()).count(name) == 10 for name in CATEGORIES)


def test_made_classes_have_the_categories_of_esc10(esc10):
    assert dict(load_dataset("synth10:50").categories) == dict(esc10.categories)
    assert len(esc10.categories) == 10


def test_dataset_without_categories_has_none(no_datasets, make_folder):
    assert load_dataset(f"folder:{make_folder(no_datasets / 'birds')}").categories == {}


def test_esc10_is_found_in_a_folder_of_its_own_first(no_datasets, make_esc):
    make_esc(no_datasets / "ESC-50-master")
    assert "ESC-50-master" in load_dataset("esc10").table["path"][0]
    make_esc(no_datasets / "ESC-10")
    assert "ESC-10" in load_dataset("esc10").table["path"][0]
    assert "ESC-50-master" in load_dataset("esc50").table["path"][0]


def test_esc_accepts_another_audio_format_of_the_same_name(no_datasets, make_esc, write_tone):
    folder = make_esc(no_datasets / "ESC-10")
    (folder / "audio" / "1-100-A-0.wav").unlink()
    write_tone(folder / "audio" / "1-100-A-0.ogg")
    dataset = load_dataset("esc10")
    assert dataset.table["path"][0].endswith("1-100-A-0.ogg")
    assert dataset.table["clip"][0] == "1-100-A-0"


def test_esc_table_may_have_a_byte_order_mark_and_other_column_orders(no_datasets, make_esc):
    folder = make_esc(no_datasets / "ESC-50")
    before = load_dataset("esc50").table
    path = folder / "meta" / "esc50.csv"
    lines = [",".join(reversed(line.split(","))) for line in path.read_text().splitlines()]
    path.write_text("\ufeff" + "\r\n".join([*lines, "", ""]), encoding="utf-8")
    assert load_dataset("esc50").table.equals(before)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("1-100-A-0.wav,1,0,", "1-100-A-0.wav,0,0,", r"row 2, column fold: '0' is not a whole number from 1 up"),
        ("1-100-A-0.wav,1,0,", "1-100-A-0.wav,1.5,0,", "row 2, column fold: '1.5'"),
        ("2-201-A-1.wav,2,1,", "2-201-A-1.wav,2,x,", "row 7, column target: 'x'"),
        ("2-201-A-1.wav,2,1,rooster", "2-201-A-1.wav,2,1,hen", "class_index 1 goes with rooster, hen"),
        ("True", "yes", "row 2, column esc10: 'yes' is neither"),
        ("src_file", "source", "has no column src_file"),
        ("2-200-A-0.wav", "1-100-A-0.wav", "clip 1-100-A-0 is listed more than once"),
        (",200,A", ",100,A", "source 100 is in 2 folds: 1-100-A-0 in fold 1, 2-200-A-0 in fold 2"),
        ("1-100-A-0.wav", "../meta/esc50.csv", "row 2, column filename: '../meta/esc50.csv' does not stay inside"),
        ("1-100-A-0.wav", "/etc/hostname", "row 2, column filename: '/etc/hostname' does not stay inside"),
        ("1-100-A-0.wav", "C:\\\\a.wav", "does not stay inside"),
        ("1-100-A-0.wav", "", "row 2, column filename: '' does not stay inside"),
    ],
)
def test_esc_table_with_a_fault_names_the_place(no_datasets, make_esc, before, after, message):
    edit(make_esc(no_datasets / "ESC-50"), before, after)
    with pytest.raises(DatasetError, match=rf"esc50\.csv: .*{message}"):
        load_dataset("esc50")


def test_esc_link_that_leads_out_is_refused(no_datasets, make_esc, tmp_path, write_tone):
    folder = make_esc(no_datasets / "ESC-50")
    file = folder / "audio" / "1-100-A-0.wav"
    file.unlink()
    file.symlink_to(write_tone(tmp_path / "outside.wav"))
    with pytest.raises(DatasetError, match=r"row 2, column filename: .* leads out"):
        load_dataset("esc50")


def test_esc_folder_may_itself_be_a_link(no_datasets, make_esc, tmp_path):
    folder = make_esc(no_datasets / "ESC-50")
    shutil.move(folder / "audio", tmp_path / "elsewhere")
    (folder / "audio").symlink_to(tmp_path / "elsewhere")
    assert check_dataset(load_dataset("esc50")).ok


@pytest.mark.parametrize("text", ["", "\n\n", ",".join(COLUMNS) + "\n", "a\n1,2,3\n1,2,3,4\n"])
def test_esc_table_that_is_empty_or_ragged_is_refused(no_datasets, make_esc, text):
    (make_esc(no_datasets / "ESC-50") / "meta" / "esc50.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"esc50\.csv: (is no CSV|has a header|has no column)"):
        load_dataset("esc50")


def test_esc_table_in_another_encoding_is_refused(no_datasets, make_esc):
    (make_esc(no_datasets / "ESC-50") / "meta" / "esc50.csv").write_bytes(b"filename,fold\n\xff\xfe\xe4,1\n")
    with pytest.raises(DatasetError, match="is no CSV table"):
        load_dataset("esc50")


def test_esc_takes_no_option(no_datasets):
    with pytest.raises(OptionError, match="esc10 takes no option"):
        load_dataset("esc10:5")


def test_real_esc10_has_no_source_in_two_folds(esc10):
    sources = esc10.table.groupby("source")["fold"].nunique()
    assert (len(esc10), len(sources), sources.max()) == (400, 304, 1)
    assert esc10.table.groupby(["fold", "class_name"]).size().eq(8).all()
    assert esc10.class_names[:3] == ("dog", "rooster", "rain")
