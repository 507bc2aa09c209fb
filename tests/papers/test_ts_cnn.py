from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import MODELS, build_model
from esclab.papers import RECIPES, find_recipe, ts_cnn
from esclab.training.recipe import Recipe
from esclab.training.shipped import find_run


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


@pytest.fixture(scope="module")
def figure_4_runs():
    return [find_run("cnn10-synth10"), find_run("ts-cnn10-synth10")]


@pytest.fixture(scope="module")
def five_seconds():
    return (0.05 * np.random.default_rng(1).standard_normal(5 * 44_100)).astype(np.float32)


def test_figure_4_has_a_row_a_network_and_a_column_a_noise(figure_4_runs, five_seconds):
    grid = ts_cnn.figure_4(figure_4_runs, five_seconds, label="hiss")
    assert [row.label for row in grid.rows] == ["log-mel", "cnn10 block1", "ts-cnn10 block1"]
    assert grid.columns == ("clean", "frames 50-64", "bands 25-30", "whole clip, 10 dB")
    assert [len(row.maps) for row in grid.rows] == [4, 4, 4]
    assert [row.maps[0].values.shape for row in grid.rows] == [(251, 40), (125, 20), (125, 20)]
    assert grid.regions[0] is grid.regions[3] is None


def test_figure_4_puts_noise_where_the_paper_does(figure_4_runs, five_seconds):
    clean, frames, bands, whole = (one.values for one in ts_cnn.figure_4(figure_4_runs[:1], five_seconds).rows[0].maps)
    raised = frames - clean
    # A tenth of the clip's energy in 0.3 of its 5 s: 1 + 0.1 * 5 / 0.3 of the power, 4.3 dB.
    power = 10 ** (frames[52:63] / 10), 10 ** (clean[52:63] / 10)
    assert 10 * np.log10(power[0].mean() / power[1].mean()) == pytest.approx(4.3, abs=0.6)
    assert np.abs(raised[:48]).max() == np.abs(raised[68:]).max() == 0
    raised = bands - clean
    assert raised[5:-5, 26:30].mean() > raised[5:-5, 10:20].mean() + 0.5
    assert np.abs(raised[5:-5, :23]).max() < 0.1
    # Power adds up: 10 dB below the clip itself raises its level by 0.4 dB.
    assert 0.3 < 10 * np.log10(np.mean(10 ** (whole / 10)) / np.mean(10 ** (clean / 10))) < 0.5


def test_figure_4_in_the_published_variant_changes_cells_of_the_log_mel(figure_4_runs, five_seconds):
    grid = ts_cnn.figure_4(figure_4_runs[:1], five_seconds, variant="code")
    clean, frames, bands, _ = (one.values for one in grid.rows[0].maps)
    assert np.flatnonzero((frames != clean).any(axis=1)).tolist() == list(range(50, 63))
    assert np.flatnonzero((bands != clean).any(axis=0)).tolist() == list(range(25, 30))
    assert (frames - clean)[50:63].std() == pytest.approx(3, rel=0.15)
    assert grid.columns == ("clean", "frames 50-62", "bands 25-29", "whole clip, 10 dB")
    shown, (_, in_frames, in_bands, _) = grid.rows[0].maps[0], grid.regions
    # The boxes hold the centres of the changed cells and of no others.
    inside = (shown.time_s >= in_frames.onset_s) & (shown.time_s < in_frames.offset_s)
    np.testing.assert_array_equal(inside, (frames != clean).any(axis=1))
    inside = (shown.frequency_hz >= in_bands.low_hz) & (shown.frequency_hz < in_bands.high_hz)
    np.testing.assert_array_equal(inside, (bands != clean).any(axis=0))


def test_figure_4_refuses_runs_of_two_front_ends(figure_4_runs, five_seconds):
    first, second = figure_4_runs
    other = replace(second.config.recipe, feature={"name": "logmel", "bands": 64})
    second = replace(second, config=replace(second.config, recipe=other))
    with pytest.raises(OptionError, match="runs: have different front ends"):
        ts_cnn.figure_4([first, second], five_seconds)


def test_printed_table_3_has_the_papers_gains():
    gains = {key: round(ours - theirs, 1) for key, (theirs, ours) in ts_cnn.PRINTED_TABLE_3.items()}
    assert list(gains.values()) == [3.4, 3.6, 5.4, 8.7, 3.7, 5.0, 7.3, 1.8, 4.2, 4.4]
