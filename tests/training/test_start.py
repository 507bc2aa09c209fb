from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from esclab import __version__
from esclab.errors import OptionError, RunError
from esclab.training.start import _suggest_batch, create_run


def test_begun_run_records_what_decides_it(begin, clips, tiny):
    config = begin("ts-cnn10", fold=3, seed=7).config
    assert (config.model, config.dataset, config.fold, config.seed) == ("ts-cnn10", "synth10:50", 3, 7)
    assert (config.held_out, config.validation_fold) == (3, 0)
    assert config.recipe == tiny
    assert config.class_names == clips.class_names
    assert config.dataset_digest == clips.digest
    assert config.duration_s == 1.0
    assert config.threads == torch.get_num_threads()
    assert config.versions["esclab"] == __version__
    assert config.versions["torch"] == torch.__version__.split("+")[0]


def test_clips_have_the_datasets_length_unless_the_recipe_names_one(begin, tiny):
    assert begin(recipe=replace(tiny, duration_s=0.0)).config.duration_s == 5.0


def test_validation_fold_is_scored_and_the_protocol_says_so(begin, clips):
    config = begin(fold=2, validation_fold=4).config
    assert config.held_out == 4
    assert config.protocol == f"{clips.protocol}; fold 4 validates, test fold 2 unseen"


def test_same_settings_find_the_run_again(begin):
    run = begin(seed=5)
    before = (run.path / "config.json").read_bytes()
    again = begin(seed=5, folder=run.path)
    assert again == run
    assert (run.path / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("model", {"model": "ts-cnn10"}),
        ("fold", {"fold": 2}),
        ("validation_fold", {"validation_fold": 2}),
        ("seed", {"seed": 1}),
        ("keep_epochs", {"keep_epochs": True}),
    ],
)
def test_folder_of_another_run_is_refused_with_what_differs(begin, field, settings):
    run = begin()
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(RunError, match=f"holds a run with another {field};"):
        begin(folder=run.path, **settings)
    assert (run.path / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.1}, {"model": {"width": 0.5}}, {"feature": {"name": "logmel", "bands": 64}}]
)
def test_folder_of_a_run_with_another_recipe_is_refused(begin, tiny, change):
    run = begin()
    with pytest.raises(RunError, match="holds a run with another recipe;"):
        begin(folder=run.path, recipe=replace(tiny, **change))


def test_folder_of_a_run_on_other_recordings_is_refused(begin, clips, tiny):
    run = begin()
    renamed = clips.table.assign(clip=[f"x{name}" for name in clips.table["clip"]])
    with pytest.raises(RunError, match="holds a run with another dataset_digest;"):
        create_run("cnn10", replace(clips, table=renamed), tiny, folder=run.path, device="cpu")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "ts-cnn100"}, "did you mean ts-cnn10"),
        ({"fold": 6}, "choose one of 1, 2, 3, 4, 5"),
        ({"validation_fold": 9}, "fold 9"),
        ({"fold": 2, "validation_fold": 2}, "2 is the test fold"),
        ({"seed": -1}, "seed -1: is below 0"),
    ],
)
def test_unknown_model_fold_or_seed_is_refused_before_anything_is_written(begin, tmp_path, settings, said):
    with pytest.raises(OptionError, match=said):
        begin(folder=tmp_path / "new", **settings)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "change", [{"model": {"width": 0.3}}, {"model": {"widht": 1.0}}, {"feature": {"name": "logmel", "bands": 8}}]
)
def test_recipe_that_builds_no_network_is_refused_before_anything_is_written(begin, tiny, tmp_path, change):
    with pytest.raises(OptionError):
        begin(folder=tmp_path / "new", recipe=replace(tiny, **change))
    assert not (tmp_path / "new").exists()


def test_config_is_readable_json(begin):
    values = json.loads((begin().path / "config.json").read_text("utf-8"))
    assert values["format"] == 1
    assert values["recipe"]["iterations"] == 6
    assert len(values["class_names"]) == 10


@pytest.mark.parametrize(("clips", "batch"), [(1, 1), (6, 4), (8, 8), (40, 32)])
def test_suggested_batch_fits_the_clips(clips, batch):
    assert _suggest_batch(clips) == batch


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration_s": 0.05}, r"clips of 0\.05 s: give 3 frames, which cnn10 cannot take \(.*too small.*\);"),
        ({"feature": {"name": "logmel", "hop_s": 10}}, "clips of 1 s: give 1 frame, which cnn10 cannot take"),
    ],
)
def test_clips_too_short_for_the_network_are_refused_before_anything_is_written(begin, tiny, tmp_path, change, said):
    with pytest.raises(OptionError, match=said):
        begin(folder=tmp_path / "new", recipe=replace(tiny, **change))
    assert not (tmp_path / "new").exists()


def test_trying_the_network_leaves_the_random_state_as_it_was(begin):
    before = torch.get_rng_state()
    begin()
    assert torch.equal(torch.get_rng_state(), before)


def test_one_fold_leaves_nothing_to_train_on(clips, tiny, tmp_path):
    alone = replace(clips, table=clips.table.assign(fold=1))
    with pytest.raises(OptionError, match="fold 1: leaves no clip of synth10:50 to train on; spread the clips"):
        create_run("cnn10", alone, tiny, folder=tmp_path / "new", device="cpu")
