from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.clips import ClipDataset, check_dataset, count_shared, find_entry, get_dataset, leaky_split, load_dataset
from esclab.clips.dataset import COLUMNS
from esclab.clips.leaky import describe_shared, split_spec
from esclab.errors import OptionError

PROTOCOL = "LEAKY: random 5 folds over clips, sources on both sides"


@pytest.fixture
def dataset() -> ClipDataset:
    """Two classes, 5 folds, 4 recordings a class and fold, each cut into three clips."""
    rows = [
        (f"{name}{fold}{source}{part}", "x.wav", name, "ab".index(name), fold, f"{name}{fold}{source}", "", 0.0, 1.0)
        for name in "ab"
        for fold in range(1, 6)
        for source in range(4)
        for part in range(3)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return ClipDataset("made", table, ("a", "b"), 1.0, 8000, "official 5 folds", categories={"a": "letters"})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("esc10", ("esc10", None)),
        ("esc10@leaky", ("esc10", 0)),
        ("fsdd:digits@leaky-3", ("fsdd:digits", 3)),
        ("folder:/a@leaky/b", ("folder:/a@leaky/b", None)),
        ("@leaky", ("@leaky", None)),
        ("esc10@leaky-", ("esc10@leaky-", None)),
    ],
)
def test_split_spec_reads_name_and_seed(spec, expected):
    assert split_spec(spec) == expected


def test_leaky_split_says_so_in_name_and_protocol(dataset):
    leaky = leaky_split(dataset)
    assert (leaky.name, leaky.protocol) == ("made@leaky", PROTOCOL)
    other = leaky_split(dataset, 3)
    assert (other.name, other.protocol) == ("made@leaky-3", f"{PROTOCOL}, seed 3")


def test_leaky_split_changes_folds_and_nothing_else(dataset):
    before = dataset.table.copy()
    leaky = leaky_split(dataset)
    pd.testing.assert_frame_equal(dataset.table, before)
    pd.testing.assert_frame_equal(leaky.table.drop(columns="fold"), before.drop(columns="fold"))
    assert (leaky.table["fold"] != before["fold"]).mean() > 0.5
    assert leaky.categories == dataset.categories
    assert leaky.folds == (1, 2, 3, 4, 5)


def test_leaky_split_keeps_the_size_of_every_class_in_every_fold(dataset):
    uneven = replace(dataset, table=dataset.table.iloc[:-7].copy())
    before, after = (pd.crosstab(one.table["fold"], one.table["class_name"]) for one in (uneven, leaky_split(uneven)))
    pd.testing.assert_frame_equal(before, after)


def test_leaky_split_follows_its_seed(dataset):
    first, second, third = leaky_split(dataset, 1), leaky_split(dataset, 1), leaky_split(dataset, 2)
    assert first.table.equals(second.table)
    assert not first.table["fold"].equals(third.table["fold"])


def test_leaky_split_deals_official_splits_along(dataset):
    split = np.where(dataset.table["fold"] == 1, "test", "train")
    leaky = leaky_split(replace(dataset, table=dataset.table.assign(split=split), test_folds=(1,)))
    assert leaky.folds == (1,)
    assert ((leaky.table["split"] == "test") == (leaky.table["fold"] == 1)).all()


def test_leaky_split_of_a_leaky_split_is_refused(dataset):
    with pytest.raises(OptionError, match="is a leaky split already"):
        leaky_split(leaky_split(dataset))


def test_leaky_split_refuses_a_seed_below_zero(dataset):
    with pytest.raises(OptionError, match="seed -1: is below 0"):
        leaky_split(dataset, -1)


def test_leaky_split_refuses_recordings_of_one_clip_each(dataset):
    table = dataset.table.assign(source=dataset.table["clip"])
    with pytest.raises(OptionError, match=r"made@leaky: cannot leak, .* one clip; use made itself"):
        leaky_split(replace(dataset, table=table))


def test_shared_clips_are_those_with_a_sibling_in_training(dataset):
    assert count_shared(dataset)["shared"].tolist() == [0] * 5
    table = dataset.table.copy()
    table.loc[0, "fold"] = 2  # one clip of recording a10 leaves its two siblings in fold 1
    counts = count_shared(replace(dataset, table=table)).set_index("fold")
    assert counts["clips"].tolist() == [23, 25, 24, 24, 24]
    assert counts["shared"].tolist() == [2, 1, 0, 0, 0]
    words = describe_shared(replace(dataset, table=table))
    assert words == "3 of 120 test clips (2 %) have a sibling from their source in training"


def test_leaky_split_puts_most_recordings_on_both_sides(dataset):
    assert count_shared(leaky_split(dataset))["shared"].sum() > 100  # of 120: all three fall together once in 25


def test_leaky_dataset_is_loaded_by_its_name(tmp_path, write_tone):
    lines = ["path,class,fold,source"]
    for number in range(24):
        fold, class_name, part = 1 + number % 2, "ab"[number // 12], number % 12 // 2
        write_tone(tmp_path / f"{number}.wav", 200.0 + 10 * number)
        lines.append(f"{number}.wav,{class_name},{fold},{class_name}{fold}{part // 3}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    spec = f"csv:{tmp_path / 'table.csv'}"
    own, leaky = load_dataset(spec), load_dataset(f"{spec}@leaky")
    assert leaky.name == f"{own.name}@leaky"
    assert leaky.protocol.startswith("LEAKY: random 2 folds over clips")
    assert leaky.digest == own.digest  # so that both share their features
    assert leaky.table["clip"].tolist() == own.table["clip"].tolist()
    assert load_dataset(leaky.name).table.equals(leaky.table)
    get_dataset(f"{spec}@leaky")
    assert check_dataset(own).ok
    assert any("folds: " in problem for problem in check_dataset(leaky).problems)


def test_entry_is_found_behind_option_and_split():
    assert find_entry("fsdd:digits@leaky").name == find_entry("fsdd").name == "fsdd"
    assert find_entry("nothing@leaky") is None


def test_unknown_split_is_told():
    with pytest.raises(OptionError, match=r"dataset 'esc10@leeky': has no such split; write esc10@leaky\."):
        load_dataset("esc10@leeky")


def test_esc10_leaks_when_its_folds_are_random(esc10):
    assert count_shared(esc10)["shared"].sum() == 0
    leaky = leaky_split(esc10)
    assert leaky.name == "esc10@leaky"
    assert (leaky.table["fold"].value_counts() == 80).all()
    assert count_shared(leaky)["shared"].sum() > 100
