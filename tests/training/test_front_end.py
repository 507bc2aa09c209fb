from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.training.crossval import run_folder
from esclab.training.front_end import change_feature
from esclab.training.recipe import QUICK, change_recipe

SLOW = replace(QUICK, name="slow", feature={"name": "logmel", "sample_rate": 44_100, "hop_s": 0.01, "bands": 20})


def test_another_front_end_keeps_rate_and_hop_and_has_its_own_bands():
    recipe = change_feature(SLOW, "cqt")
    assert recipe.name == "slow-cqt"
    feature = build_feature(**recipe.feature)
    assert (feature.config.hop_samples, feature.config.bands) == (441, 64)
    assert recipe == replace(SLOW, name="slow-cqt", feature=recipe.feature)


def test_another_front_end_suits_another_rate():
    low = replace(SLOW, feature={"name": "logmel", "sample_rate": 8000})
    feature = build_feature(**change_feature(low, "cqt").feature)
    assert feature.config.sample_rate == 8000
    assert feature.frequency_hz[-1] <= 4000


def test_lengths_in_samples_become_seconds():
    first = change_feature(SLOW, "mfcc")
    back = change_feature(replace(first, name="slow"), "logmel")
    assert back.feature["hop_s"] == pytest.approx(0.01)


def test_the_same_front_end_changes_nothing():
    assert change_feature(SLOW, "logmel") is SLOW
    assert change_feature(QUICK, "logmel") is QUICK


def test_changed_recipe_stays_marked():
    assert change_feature(replace(QUICK, name="quick*"), "mfcc").name == "quick-mfcc*"


def test_front_end_is_changed_by_name_and_then_its_settings():
    assert change_recipe(SLOW, "cnn10", {"feature.name": "cqt"}) == change_feature(SLOW, "cqt")
    changed = change_recipe(SLOW, "cnn10", {"feature.bands": "32", "feature.name": "cqt"})
    assert changed.name == "slow-cqt*"
    assert (changed.feature["name"], changed.feature["bands"]) == ("cqt", 32)


def test_settings_of_several_words_are_separated_by_commas():
    changed = change_recipe(SLOW, "cnn10", {"feature.name": "stack", "feature.parts": "logmel,mfcc"})
    assert changed.feature["parts"] == ("logmel", "mfcc")
    assert len(build_feature(**changed.feature).frequency_hz) == 128


def test_setting_of_a_strategy_is_changed_by_its_full_name():
    assert change_recipe(SLOW, "cnn10+spsmf", {"spsmf.variant": "code", "whole": "no"}).model == {
        "width": 0.25, "spsmf.variant": "code", "whole": False
    }  # fmt: skip


def test_unknown_front_end_is_refused():
    with pytest.raises(OptionError, match="feature cqx: is not known; choose one of logmel"):
        change_recipe(QUICK, "cnn10", {"feature.name": "cqx"})


def test_runs_of_two_front_ends_have_folders_of_their_own():
    dataset = SimpleNamespace(name="synth10:50")
    folders = [
        run_folder("runs", "cnn10+spsmt", dataset=dataset, recipe=recipe, fold=1).as_posix()
        for recipe in (QUICK, change_feature(QUICK, "cqt"))
    ]
    beginnings = [folder.removesuffix("/cnn10+spsmt/fold1-seed0") for folder in folders]
    assert beginnings == ["runs/synth10-50/quick", "runs/synth10-50/quick-cqt"]
