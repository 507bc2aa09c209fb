from __future__ import annotations

import pytest

from esclab.clips import check_dataset, load_dataset
from esclab.errors import DatasetError


def test_urbansound8k_table_follows_the_official_one(no_datasets, make_urbansound8k):
    folder = make_urbansound8k(no_datasets / "UrbanSound8K")
    dataset = load_dataset("urbansound8k")
    assert dataset.class_names == ("car_horn", "dog_bark")
    assert dataset.folds == tuple(range(1, 11))
    assert dataset.table["path"][4] == str(folder / "audio" / "fold3" / "3003-3-0-0.wav")
    assert dataset.table["source"][4] == "3003"
    assert dataset.table["class_index"].tolist() == [1, 0] * 10
    assert check_dataset(dataset).ok


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("1003-3-0-0.wav", "../../../a.wav", "row 2, column slice_file_name: .*does not stay inside"),
        (",1,3,dog", ",one,3,dog", "row 2, column fold: 'one'"),
        ("classID", "number", "has no column classID"),
    ],
)
def test_urbansound8k_table_with_a_fault_names_the_place(no_datasets, make_urbansound8k, before, after, message):
    path = make_urbansound8k(no_datasets / "UrbanSound8K") / "metadata" / "UrbanSound8K.csv"
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(DatasetError, match=message):
        load_dataset("urbansound8k")
