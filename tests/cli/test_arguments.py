from __future__ import annotations

import pytest

from esclab.cli.arguments import spread_values

REPEATABLE = {"--snr", "--kind", "--set", "--seed"}


@pytest.mark.parametrize(
    ("given", "spread"),
    [
        ("a b --snr 20 10 0", "a b --snr 20 --snr 10 --snr 0"),
        ("a --snr 20 -5 --kind pink hum", "a --snr 20 --snr -5 --kind pink --kind hum"),
        ("--seed 0 1 cnn10 ts-cnn10", "--seed 0 --seed 1 cnn10 ts-cnn10"),  # a word is no seed
        ("--seed 0 cnn10 1", "--seed 0 cnn10 1"),
        ("cnn10 --set a=1 b=2 c=1/2 -d esc10", "cnn10 --set a=1 --set b=2 --set c=1/2 -d esc10"),
        ("--set a=1 cnn10 b=2", "--set a=1 cnn10 b=2"),  # a word is no setting
        ("--out a b", "--out a b"),
        ("--kind pink -d esc10", "--kind pink -d esc10"),
        ("--snr 20 --snr 10", "--snr 20 --snr 10"),
    ],
)
def test_values_after_one_option_are_spread(given, spread):
    assert spread_values(given.split(), REPEATABLE) == spread.split()


def test_option_that_takes_one_value_is_left_alone():
    assert spread_values(["--snr", "20", "10"], set()) == ["--snr", "20", "10"]
