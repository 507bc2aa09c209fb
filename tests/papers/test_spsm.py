from __future__ import annotations

from dataclasses import fields

import pytest

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import find_model
from esclab.papers import find_recipe, spsm
from esclab.training.recipe import QUICK, Recipe


def test_spsm_recipe_holds_the_values_of_section_4_2():
    recipe = spsm.RECIPE
    feature = build_feature(**recipe.feature)
    assert (feature.window_samples, feature.hop_samples) == (2048, 512)
    assert (feature.config.sample_rate, feature.config.bands) == (44_100, 40)
    assert (recipe.optimiser, recipe.learning_rate, recipe.schedule) == ("adam", 0.001, "exponential")
    assert (recipe.decay, recipe.decay_every) == (0.91, 200)
    assert (recipe.batch_size, recipe.iterations) == (64, 12_000)


def test_spsm_recipe_names_what_the_paper_leaves_open():
    in_paper = {"name", "feature", "iterations", "batch_size", "optimiser", "learning_rate", "schedule", "decay"}
    in_paper |= {"decay_every", "not_in_paper", "source"}
    neutral = Recipe("neutral", weight_decay=0.0, standardise=False)
    added = {
        field.name
        for field in fields(Recipe)
        if field.name not in in_paper and getattr(spsm.RECIPE, field.name) != getattr(neutral, field.name)
    }
    assert added == set(spsm.RECIPE.not_in_paper)


@pytest.mark.parametrize(
    ("name", "bands"), [("logmel", 40), ("cqt", 64), ("gammatone", 64), ("mfcc", 40), ("stack", 256)]
)
def test_spsm_representations_are_front_ends_with_the_same_frames(name, bands):
    feature = build_feature(**spsm.REPRESENTATIONS[name])
    assert len(feature.frequency_hz) == bands
    assert feature.frames(10 * 44_100) == 862


@pytest.mark.parametrize("name", ["cqt", "gammatone", "mfcc", "stack"])
def test_spsm_recipes_are_found_with_another_representation(name):
    for base in ("spsm", "spsm-quick"):
        recipe = find_recipe(f"{base}-{name}")
        assert recipe.name == f"{base}-{name}"
        assert build_feature(**recipe.feature).config == build_feature(**spsm.REPRESENTATIONS[name]).config
        assert recipe.iterations == find_recipe(base).iterations


def test_spsm_quick_is_quick_and_says_that_it_is_reduced():
    recipe = find_recipe("spsm-quick")
    assert recipe.source.startswith("reduced")
    assert (recipe.iterations, recipe.batch_size, recipe.model) == (QUICK.iterations, QUICK.batch_size, {"width": 0.25})


def test_unknown_representation_of_a_recipe_is_refused():
    with pytest.raises(OptionError, match=r"recipe spsm-quick-cqx: is not known; choose one of quick, .*spsm-quick"):
        find_recipe("spsm-quick-cqx")


def test_spsm_models_exist():
    assert all(find_model(name).summary for name in (*spsm.MODELS, *spsm.FUSED))


def test_printed_sizes_add_up():
    sizes = {name: row[2] for name, row in spsm.PRINTED_TABLE_2.items()}
    names = ("logmel", "cqt", "gammatone", "mfcc")
    for ending in ("", "+spsmf", "+spsmt"):
        assert sizes[f"SPSMR{ending}"] == pytest.approx(sum(sizes[name + ending] for name in names), abs=0.2)
    assert sizes["SPSMR+spsmf+spsmt"] == pytest.approx(sizes["SPSMR+spsmf"] + sizes["SPSMR+spsmt"])
    for name in (*names, "SPSMR"):
        assert spsm.PRINTED_TABLE_3[name] == spsm.PRINTED_TABLE_2[name]


def test_printed_tables_have_the_papers_best_rows():
    assert max(spsm.PRINTED_TABLE_2, key=lambda name: spsm.PRINTED_TABLE_2[name][0]) == "SPSMR+spsmf+spsmt"
    assert max(spsm.PRINTED_TABLE_3, key=lambda name: spsm.PRINTED_TABLE_3[name][0]) == "SPSMR"
    assert spsm.PRINTED_TABLE_4["early+spsmt"][:2] == (92.1, 0.312)
