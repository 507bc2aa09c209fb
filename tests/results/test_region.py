from __future__ import annotations

import math

import pytest

from esclab.errors import OptionError
from esclab.results import WHOLE_CLIP, Region


def test_region_says_what_it_covers():
    assert str(WHOLE_CLIP) == "whole clip"
    assert str(Region(1, 1.3)) == "1-1.3 s"
    assert str(Region(low_hz=5406.71, high_hz=9463.85)) == "5407-9464 Hz"
    assert str(Region(low_hz=2000)) == "from 2000 Hz"
    assert str(Region(0.5, math.inf, 100, 400)) == "from 0.5 s, 100-400 Hz"


def test_fit_closes_open_ends_and_cuts_to_the_clip():
    assert WHOLE_CLIP.fit(5, 44_100) == Region(0, 5, 0, 22_050)
    assert Region(1, 9, 20_000, 90_000).fit(5, 44_100) == Region(1, 5, 20_000, 22_050)


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Region(2, 1), "time range: 2 to 1 s does not rise"),
        (Region(-1, 1), "time range: -1 to 1 s"),
        (Region(math.nan, 1), "time range: nan to 1 s"),
        (Region(low_hz=500, high_hz=500), "frequency range: 500 to 500 Hz"),
        (Region(6, 7), "time range: starts at 6 s, the clip ends at 5"),
        (Region(low_hz=30_000), "frequency range: starts at 30000 Hz, the clip ends at 22050"),
    ],
)
def test_fit_refuses_a_region_outside_the_clip(region, words):
    with pytest.raises(OptionError, match=words):
        region.fit(5, 44_100)
