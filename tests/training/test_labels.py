"""Names of several runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from esclab.training import find_run
from esclab.training.labels import label_runs


def vary(run, path="one", **settings):
    recipe = replace(run.config.recipe, model={**run.config.recipe.model, **settings})
    return replace(run, path=Path(path), config=replace(run.config, recipe=recipe))


def test_different_models_need_no_more_than_their_names():
    runs = [find_run("cnn10-synth10"), find_run("ts-cnn10-synth10")]
    assert label_runs(runs) == ["cnn10", "ts-cnn10"]
    assert label_runs(runs, brief=False) == ["cnn10 fold 1 seed 0", "ts-cnn10 fold 1 seed 0"]


def test_runs_of_one_model_are_told_apart_by_the_settings_that_differ():
    run = find_run("cnn10-synth10")
    labels = label_runs([vary(run, parts=0, axis="time"), vary(run, parts=4, axis="time")])
    assert labels == ["cnn10 fold 1 seed 0, parts=0", "cnn10 fold 1 seed 0, parts=4"]


def test_runs_of_two_recipes_are_told_apart_by_them():
    run = find_run("cnn10-synth10")
    other = replace(run, config=replace(run.config, recipe=replace(run.config.recipe, name="spsm")))
    assert label_runs([run, other]) == ["cnn10 fold 1 seed 0, quick", "cnn10 fold 1 seed 0, spsm"]


def test_runs_alike_in_everything_are_told_apart_by_their_folders():
    run = find_run("cnn10-synth10")
    assert label_runs([vary(run), vary(run, "two")]) == ["cnn10 fold 1 seed 0 (one)", "cnn10 fold 1 seed 0 (two)"]
    twice = label_runs([vary(run, "a/one"), vary(run, "b/one")])
    assert twice == ["cnn10 fold 1 seed 0 (a/one)", "cnn10 fold 1 seed 0 (b/one)"]
