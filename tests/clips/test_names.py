"""What a dataset's name tells."""

from __future__ import annotations

import pytest

from esclab.clips import name_dataset


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
