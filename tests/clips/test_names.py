"""What a dataset's name tells."""

from __future__ import annotations

import pytest

from esclab.clips import may_share_recordings, name_dataset


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("synth10:50", "synth10"),
        ("esc10@leaky-3", "esc10"),
        ("fsdd:digits", "fsdd"),
        ("folder:/my/birds@leaky", "folder:/my/birds"),
        ("csv:/my/birds.csv", "csv:/my/birds.csv"),
    ],
)
def test_dataset_has_one_name_in_every_size_and_split(spec, name):
    assert name_dataset(spec) == name


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("esc10@leaky", "esc50", True),
        ("synth10:50", "synth10", True),
        ("dcase2019-1a", "dcase2020-1a:a", True),
        ("esc10", "synth10", False),
        ("folder:/birds", "folder:/frogs", False),
        ("made", "made", True),
    ],
)
def test_recordings_are_shared_within_a_collection(first, second, shared):
    assert may_share_recordings(first, second) == shared
