from __future__ import annotations

import json
from dataclasses import replace

import pytest

from esclab.errors import OptionError
from esclab.training.recipe import QUICK, Recipe, change_recipe


@pytest.mark.parametrize(
    ("iteration", "rate"), [(0, 0.01), (4, 0.01), (5, 0.0098), (9, 0.0098), (10, 0.009604), (1999, 0.01 * 0.98**399)]
)
def test_exponential_rate_falls_by_its_factor_every_five_iterations(iteration, rate):
    recipe = Recipe("paper", schedule="exponential", learning_rate=0.01, decay=0.98, decay_every=5)
    assert recipe.learning_rate_at(iteration) == pytest.approx(rate, rel=1e-12)


def test_one_cycle_rate_rises_to_its_maximum_at_30_percent_and_ends_near_zero():
    recipe = Recipe("cycle", schedule="one-cycle", learning_rate=0.003, iterations=100)
    rates = [recipe.learning_rate_at(iteration) for iteration in range(100)]
    assert max(rates) == rates[30] == pytest.approx(0.003)
    assert rates[0] == pytest.approx(0.003 / 25)
    assert rates[15] == pytest.approx((0.003 / 25 + 0.003) / 2)  # half-way along the cosine
    assert rates[99] == pytest.approx(3e-8)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)


@pytest.mark.parametrize("iterations", [1, 2, 3, 4])
def test_one_cycle_rate_of_a_very_short_training_is_positive_and_at_most_its_maximum(iterations):
    recipe = Recipe("short", schedule="one-cycle", learning_rate=0.003, iterations=iterations)
    assert all(0 < recipe.learning_rate_at(iteration) <= 0.003 for iteration in range(iterations))


def test_warm_up_cosine_rate_rises_along_a_line_and_falls_to_zero():
    recipe = Recipe("warm", schedule="warm-up-cosine", learning_rate=0.1, iterations=104, warm_up=0.04)
    rates = [recipe.learning_rate_at(iteration) for iteration in range(104)]
    assert rates[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert rates[54] == pytest.approx(0.05)  # half-way along the cosine
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 1e-4


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_warm_up_cosine_rate_of_a_very_short_training_is_positive(iterations):
    recipe = Recipe("short", schedule="warm-up-cosine", learning_rate=0.1, iterations=iterations, warm_up=0.9)
    assert all(0 < recipe.learning_rate_at(iteration) <= 0.1 for iteration in range(iterations))


def test_recipe_refuses_a_warm_up_without_a_fall_and_variable_lengths_with_mixup():
    with pytest.raises(OptionError, match=r"warm_up: is 1\.0; give a share below 1"):
        Recipe("warm", warm_up=1.0)
    for settings in ({"mixup_alpha": 0.2}, {"roll": True}):
        with pytest.raises(OptionError, match="variable_length: excludes mixup and roll"):
            Recipe("mixed", variable_length=True, **settings)


def test_constant_rate_stays():
    recipe = Recipe("constant", schedule="constant", learning_rate=0.5)
    assert {recipe.learning_rate_at(iteration) for iteration in (0, 7, 399)} == {0.5}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("iterations", "100", 100),
        ("learning_rate", "1e-2", 0.01),
        ("learning_rate", "1/8", 0.125),
        ("roll", "false", False),
        ("roll", "No", False),
        ("oversample", "true", True),
        ("optimiser", "sgd", "sgd"),
        ("schedule", "constant", "constant"),
    ],
)
def test_change_recipe_sets_a_field(name, text, value):
    changed = change_recipe(QUICK, "cnn10", {name: text})
    assert getattr(changed, name) == value
    assert type(getattr(changed, name)) is type(value)
    assert changed.name == "quick*"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("width", "1/2", 0.5), ("variant", "code", "code"), ("blocks", "1,3", (1, 3)), ("blocks", "2", (2,))],
)
def test_change_recipe_sets_a_setting_of_the_model(name, text, value):
    changed = change_recipe(QUICK, "ts-cnn10", {name: text})
    assert changed.model[name] == value
    assert QUICK.model == {"width": 0.25}


def test_change_recipe_sets_a_setting_of_the_front_end():
    changed = change_recipe(QUICK, "cnn10", {"feature.bands": "64", "feature.hop_s": "0.01"})
    assert changed.feature == {"name": "logmel", "bands": 64, "hop_s": 0.01}


def test_change_recipe_keeps_the_name_where_nothing_changes():
    assert change_recipe(QUICK, "cnn10", {}) is not None
    assert change_recipe(QUICK, "cnn10", {"width": "1/4", "iterations": "400"}) == QUICK


def test_change_recipe_marks_the_name_once():
    once = change_recipe(QUICK, "cnn10", {"roll": "false"})
    assert change_recipe(once, "cnn10", {"masks": "2"}).name == "quick*"


def test_unknown_setting_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(OptionError) as caught:
        change_recipe(QUICK, "cnn10", {"widht": "1"})
    for known in ("iterations", "width", "feature.NAME"):
        assert known in str(caught.value)


@pytest.mark.parametrize("name", ["name", "source", "not_in_paper", "arrangement"])
def test_setting_that_a_person_may_not_change_is_refused(name):
    with pytest.raises(OptionError, match=name):
        change_recipe(QUICK, "ts-cnn10", {name: "parallel"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iterations", "many"),
        ("iterations", "0"),
        ("iterations", "1.5"),
        ("batch_size", "-1"),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("width", "1/0"),
        ("roll", "maybe"),
        ("optimiser", "adamax"),
        ("schedule", "cosine"),
        ("mixup_alpha", "nan"),
        ("mixup_alpha", "inf"),
        ("mixup_alpha", "-0.2"),
        ("masks", "-1"),
        ("mask_bands", "-3"),
        ("weight_decay", "-1"),
        ("momentum", "-1"),
        ("duration_s", "-5"),
        ("label_smoothing", "2"),
    ],
)
def test_bad_value_is_refused_by_name(name, text):
    with pytest.raises(OptionError, match=name):
        change_recipe(QUICK, "cnn10", {name: text})


def test_unknown_model_is_refused():
    with pytest.raises(OptionError, match="ts-cnn10"):
        change_recipe(QUICK, "ts-cnn100", {})


def test_recipe_survives_json():
    recipe = replace(QUICK, not_in_paper=("masks", "roll"), source="a page", feature={"name": "logmel", "bands": 64})
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert recipe.to_dict()["feature"]["bands"] == 64


def test_recipe_of_a_later_version_is_read_without_its_new_fields():
    assert Recipe.from_dict({**QUICK.to_dict(), "invented_later": 1}) == QUICK


def test_recipe_in_epochs_becomes_iterations_and_stays_so():
    recipe = Recipe("x", epochs=60, decay_every_epochs=20, decay=0.1, schedule="exponential", learning_rate=0.01)
    counted = recipe.count_iterations(10)
    assert (counted.iterations, counted.decay_every) == (600, 200)
    assert counted.count_iterations(10) == counted
    assert [counted.learning_rate_at(i) for i in (0, 199, 200, 400)] == pytest.approx([0.01, 0.01, 0.001, 0.0001])
    assert QUICK.count_iterations(10) == QUICK
