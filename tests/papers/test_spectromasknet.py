from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from esclab.analysis.durations import count_durations
from esclab.clips import load_dataset, read_clip
from esclab.errors import OptionError, RunError
from esclab.features import build_feature
from esclab.models import build_model
from esclab.papers import find_recipe, find_table, spectromasknet
from esclab.papers.cells import recipe_of_cell
from esclab.papers.figures import LeftOut
from esclab.papers.spectromasknet_figures import build_figures, figure_6, figure_8, figure_9, figure_10
from esclab.training.loop import train
from esclab.training.recipe import Recipe
from esclab.training.run import Run
from esclab.training.start import create_run

RECIPE = spectromasknet.RECIPE


@pytest.fixture(scope="session")
def clips(esclab_home):
    return load_dataset("synth10:50")


def make_run(clips, folder, model: str = "spectromasknet", **settings) -> Run:
    recipe = replace(
        spectromasknet.RECIPE_QUICK, duration_s=1.0, epochs=1, batch_size=20, model={"width": 0.25, **settings}
    )
    run = create_run(model, clips, recipe, folder=folder, device="cpu")
    for _ in train(run, dataset=clips):
        pass
    return run


@pytest.fixture(scope="session")
def run(clips, tmp_path_factory) -> Run:
    return make_run(clips, tmp_path_factory.mktemp("masknet") / "run")


def test_recipe_holds_the_values_of_the_paper():
    feature = build_feature(**RECIPE.feature).config
    assert (RECIPE.feature["name"], feature.sample_rate, feature.bands, feature.level_db) == ("fbank", 16_000, 80, -20)
    assert (RECIPE.optimiser, RECIPE.learning_rate, RECIPE.batch_size) == ("adam", 1e-4, 8)
    assert (RECIPE.schedule, RECIPE.label_smoothing, RECIPE.epochs) == ("warm-up-cosine", 0.1, 80)
    assert RECIPE.variable_length
    assert find_recipe("spectromasknet-fine-tune").epochs == 60


def test_recipe_names_what_the_paper_leaves_open():
    in_paper = {"name", "feature", "epochs", "batch_size", "optimiser", "learning_rate", "schedule"}
    in_paper |= {"label_smoothing", "variable_length", "not_in_paper", "source"}
    neutral = Recipe("neutral", weight_decay=0.0, standardise=False, warm_up=0.0)
    added = {
        field.name
        for field in fields(Recipe)
        if field.name not in in_paper and getattr(RECIPE, field.name) != getattr(neutral, field.name)
    }
    assert added == set(RECIPE.not_in_paper)


def test_recipe_on_another_front_end_keeps_rate_and_level():
    for name in spectromasknet.FEATURES:
        feature = find_recipe("spectromasknet" if name == "fbank" else f"spectromasknet-{name}").feature
        assert (feature["name"], feature["sample_rate"], feature["level_db"]) == (name, 16_000, -20.0)
        build_feature(**feature)


@pytest.mark.parametrize("number", [3, 4])
def test_cells_of_a_table_can_be_built(number):
    for cell in find_table("spectromasknet", number):
        recipe = recipe_of_cell(spectromasknet.RECIPE_QUICK, cell)
        assert build_model(cell.model, classes=10, bands=40, **recipe.model).classifier.out_features == 10
        assert 80 < cell.accuracy < 100


def test_printed_tables_have_ours_best_where_the_paper_says_so():
    assert {len(row) for row in spectromasknet.PRINTED_TABLE_1.values()} == {4}
    for rows in spectromasknet.PRINTED_TABLE_7.values():
        assert max(rows, key=lambda name: rows[name][1]) == "spectromasknet"
    assert spectromasknet.PRINTED_TABLE_5["urbansound8k"]["esc10"] == 97.5


def test_figures_are_built_from_a_run(run):
    figures = {figure.stem: figure for figure in build_figures([run])}
    assert list(figures) == [f"figure_{number}" for number in (5, 6, 7, 8, 9, 10)]
    assert not any(isinstance(figure, LeftOut) for figure in figures.values())
    weights = figures["figure_5"].result.table.pivot(index="iteration", columns="line", values="value")
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert list(weights.index) == run.read_steps()["iteration"].tolist()
    masks = figures["figure_10"].result
    assert set(masks.table["panel"]) == set(masks.bounds) == {"Masking ratio", "Block size (cells)"}
    assert figures["figure_7"].result.table["other"].tolist() == [5] * 10
    assert len(figures["figure_8"].result.maps) == 7


def test_figure_6_has_a_map_of_every_stage_and_branch(run, clips):
    samples = read_clip(clips, 0, sample_rate=16_000, duration_s=1.0)
    grid = figure_6(run, samples, label="dog", target="dog")
    assert [row.label for row in grid.rows] == ["fbank", "global branch", "local branch"]
    assert grid.columns == ("stage 1", "stage 2", "stage 3", "stage 4")
    for row in grid.rows[1:]:
        for picture in row.maps:
            assert picture.values.shape == grid.rows[0].maps[0].values.shape
            assert 0 <= picture.values.min() <= picture.values.max() <= 1
    maxima = [picture.values.max() for row in grid.rows[1:] for picture in row.maps]
    assert max(maxima) == pytest.approx(1)


def test_figure_8_shows_one_clip_in_the_asked_representations(clips):
    gallery = figure_8(clips, "1-dog-01-a", names=("fbank", "mfcc"))
    assert [(picture.label, picture.axis) for picture in gallery.maps] == [
        ("fbank", "frequency"),
        ("mfcc", "coefficient"),
    ]
    with pytest.raises(OptionError, match="clip nobody"):
        figure_8(clips, "nobody")


def test_figure_9_masks_half_of_the_clip_in_three_ways():
    feature = build_feature("fbank", hop_s=0.02)
    samples = torch.randn(32_000, generator=torch.Generator().manual_seed(0)).numpy()
    original, *masked = figure_9(feature, samples).maps
    assert [picture.label for picture in masked] == ["random masking", "grid masking", "high-energy masking"]
    for picture in masked:
        changed = picture.values != original.values
        assert 0.35 < changed.mean() < 0.65
        assert (picture.values[changed] == original.values.min()).all()


def test_figure_10_says_that_nothing_was_learned(clips, tmp_path):
    fixed = make_run(clips, tmp_path / "fixed", masking="grid")
    assert list(fixed.read_steps()) == ["iteration", "fusion_lambda"]
    with pytest.raises(OptionError, match="none learned mask_ratio, mask_block"):
        figure_10([fixed])
    assert [figure.stem for figure in build_figures([fixed]) if isinstance(figure, LeftOut)] == ["figure_10"]


def test_figures_refuse_a_run_of_another_model(clips, tmp_path):
    other = make_run(clips, tmp_path / "other", "cnn10")
    with pytest.raises(OptionError, match="is of cnn10; give runs of spectromasknet"):
        next(iter(build_figures([other])))
    with pytest.raises(RunError, match="cnn10 keeps no such numbers"):
        figure_10([other])


def test_durations_are_counted_below_a_limit(clips):
    table = count_durations(clips, limit_s=6.0).table
    assert table["shorter"].tolist() == [5] * 10
    assert table[["shortest_s", "longest_s"]].to_numpy() == pytest.approx(5.0)
