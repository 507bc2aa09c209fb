from __future__ import annotations

from dataclasses import fields

import pytest

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import MODELS, build_model
from esclab.papers import RECIPES, find_recipe, ts_cnn
from esclab.training.recipe import Recipe


def test_ts_cnn_recipe_holds_the_values_of_section_3_3():
    recipe = ts_cnn.RECIPE
    feature = build_feature(**recipe.feature).config
    assert (feature.sample_rate, feature.window_s, feature.hop_s, feature.bands) == (44_100, 0.040, 0.020, 40)
    assert (recipe.optimiser, recipe.learning_rate, recipe.schedule) == ("adam", 0.01, "exponential")
    assert (recipe.decay, recipe.decay_every) == (0.98, 5)
    assert (recipe.batch_size, recipe.iterations) == (64, 2000)
    assert recipe.model == {"width": 1.0}


def test_ts_cnn_recipe_names_what_the_paper_leaves_open():
    # Mixup and SpecAugment are in the paper, their strengths are not.
    in_paper = {"name", "feature", "model", "iterations", "batch_size", "optimiser", "learning_rate", "schedule"}
    in_paper |= {"decay", "decay_every", "not_in_paper", "source"}
    neutral = Recipe("neutral", weight_decay=0.0, standardise=False)
    added = {
        field.name
        for field in fields(Recipe)
        if field.name not in in_paper and getattr(ts_cnn.RECIPE, field.name) != getattr(neutral, field.name)
    }
    assert added == set(ts_cnn.RECIPE.not_in_paper)
    assert ts_cnn.RECIPE.weight_decay == 0.0


@pytest.mark.parametrize("name", ts_cnn.MODELS)
def test_every_model_of_table_1_can_be_built_with_the_recipe(name):
    recipe = ts_cnn.RECIPE
    model = build_model(name, classes=10, bands=recipe.feature["bands"], **recipe.model)
    assert model.classifier.out_features == 10
    assert MODELS[name].summary


def test_printed_accuracy_has_three_rates_for_every_model():
    assert set(ts_cnn.PRINTED_ACCURACY) == set(ts_cnn.MODELS)
    for rates in ts_cnn.PRINTED_ACCURACY.values():
        assert len(rates) == 3
        assert all(80 < rate < 100 for rate in rates)
    assert max(ts_cnn.PRINTED_ACCURACY, key=lambda name: ts_cnn.PRINTED_ACCURACY[name][0]) == "ts-cnn10"


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_found_by_its_name_and_says_where_it_is_from(name):
    assert find_recipe(name).name == name
    assert find_recipe(name).source


def test_unknown_recipe_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(OptionError, match=r"quick, ts-cnn"):
        find_recipe("quack")
