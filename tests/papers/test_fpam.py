from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from esclab.analysis.epochs import list_epochs
from esclab.clips import load_dataset
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.figures import find_figure
from esclab.models import build_model
from esclab.papers import find_recipe, fpam
from esclab.papers.figures import LeftOut, PaperFigure
from esclab.training.loop import train
from esclab.training.run import Run
from esclab.training.start import create_run


@pytest.fixture(scope="session")
def run(esclab_home: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a finished run of fpam that kept its epochs: 3 epochs of 2 steps on 1 s of 50 clips."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    recipe = replace(fpam.RECIPE_QUICK, epochs=3, batch_size=20, duration_s=1.0)
    folder = tmp_path_factory.mktemp("fpam") / "run"
    made = create_run("fpam", load_dataset("synth10:50"), recipe, folder=folder, device="cpu", keep_epochs=True)
    for _ in train(made):
        pass
    torch.set_num_threads(before)
    return made


def test_recipe_holds_the_values_of_section_4_0_2():
    recipe = find_recipe("fpam")
    feature = build_feature(**recipe.feature)
    assert feature.config.sample_rate == 16_000
    assert (feature.config.window_s * 16_000, feature.config.hop_s * 16_000) == (1024, 400)
    assert feature(torch.zeros(1, 80_000)).shape == (1, 1, 201, 64)
    assert (recipe.optimiser, recipe.learning_rate, recipe.momentum, recipe.weight_decay) == ("sgd", 0.01, 0.9, 0.0)
    assert (recipe.epochs, recipe.decay, recipe.decay_every_epochs) == (60, 0.1, 20)
    assert (recipe.duration_s, recipe.model, recipe.mixup_alpha) == (5.0, {"width": 1.0}, 0.0)
    assert recipe.not_in_paper == ("batch_size", "standardise")
    counted = recipe.count_iterations(20)
    rates = [counted.learning_rate_at(epoch * 20) for epoch in (0, 19, 20, 40, 59)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.0001, 0.0001])


def test_recipe_with_mixup_differs_in_that_alone():
    plain, mixed = fpam.RECIPE.to_dict(), find_recipe("fpam-mixup").to_dict()
    assert {key for key in plain if plain[key] != mixed[key]} == {"name", "mixup_alpha", "not_in_paper", "source"}


def test_reduced_recipe_says_so_and_sees_what_the_papers_sees():
    quick = find_recipe("fpam-quick")
    assert quick.source.startswith("reduced")
    assert (quick.epochs, quick.model, quick.feature) == (8, {"width": 0.25}, fpam.RECIPE.feature)


@pytest.mark.parametrize("name", fpam.MODELS)
def test_models_of_table_3_are_built_with_the_recipe(name):
    with torch.device("meta"):
        assert build_model(name, classes=50, bands=64, **fpam.RECIPE.model).classifier.out_features == 50


def test_printed_tables_agree_with_each_other_and_with_the_text():
    assert fpam.PRINTED_TABLE_2["FPAM"] == fpam.PRINTED_TABLE_3["fpam", False] == (99.3, 91.6)
    mixed = np.subtract(fpam.PRINTED_TABLE_3["fpam", True], fpam.PRINTED_TABLE_3["resnet50", True])
    np.testing.assert_allclose(mixed, (2.8, 4.6))
    assert fpam.PRINTED_TABLE_2["FPAM"][0] - fpam.PRINTED_TABLE_2["TS-CNN10"][0] == pytest.approx(3.5)
    assert len(fpam.PRINTED_TABLE_2) == 17


def test_figure_5_shows_eight_clips_with_the_weights_of_every_level(run):
    grid = fpam.figure_5(run)
    assert [row.label for row in grid.rows] == ["logmel", "mean of levels", "level3", "level4", "level5"]
    assert len(grid.columns) == 8
    assert grid.columns[5] == "sea waves"
    assert [row.maps[0].values.shape for row in grid.rows] == [(41, 64), (41, 64), (11, 16), (6, 8), (3, 4)]
    for row in grid.rows[1:]:
        assert all(one.values.min() >= 0 and one.values.max() <= 1 for one in row.maps)
    # In the middle of a cell of every level: frame and band 16 are cell (1, 1) of level 5.
    column = [row.maps[2].values for row in grid.rows]
    assert column[1][16, 16] == pytest.approx((column[2][4, 4] + column[3][2, 2] + column[4][1, 1]) / 3, abs=1e-5)


def test_figure_5_takes_held_out_clips_of_their_class_and_right_answers_first(run):
    predictions = run.read_predictions()
    chosen = fpam.choose_clips(run)
    for name, clip in chosen.items():
        index = predictions.class_names.index(name)
        (row,) = np.flatnonzero(predictions.clips == clip)
        assert predictions.true[row] == index
        of_class = predictions.true == index
        assert predictions.correct[row] or not predictions.correct[of_class].any()


def test_figure_5_of_a_model_without_spatial_gates_is_refused(tmp_path):
    recipe = replace(fpam.RECIPE_QUICK, epochs=2, batch_size=40, duration_s=0.5)
    plain = create_run("resnet50", load_dataset("synth10:50"), recipe, folder=tmp_path / "run", device="cpu")
    for _ in train(plain):
        pass
    with pytest.raises(OptionError, match="resnet50: has no layer that weighs cells; give a run of fpam"):
        fpam.figure_5(plain)
    found = {figure.stem: figure for figure in fpam.build_figures([plain])}
    assert [stem for stem, figure in found.items() if isinstance(figure, PaperFigure)] == ["figure_9"]
    assert "keep every epoch with" in found["figure_6"].reason


def test_epochs_are_those_printed_or_at_the_thirds_of_a_shorter_training(run, monkeypatch):
    assert fpam.choose_epochs(run, fpam.FIGURE_6_EPOCHS) == (1, 2, "last")
    monkeypatch.setattr("esclab.analysis.epochs.last_epoch", lambda run: 12)
    assert fpam.choose_epochs(run, fpam.FIGURE_6_EPOCHS) == (1, 4, 8, "last")
    monkeypatch.setattr("esclab.analysis.epochs.last_epoch", lambda run: 60)
    assert fpam.choose_epochs(run, fpam.FIGURE_6_EPOCHS) == (1, 10, 20, "last")
    assert fpam.choose_epochs(run, fpam.FIGURE_7_EPOCHS) == (1, 5, 10, "last")
    monkeypatch.setattr("esclab.analysis.epochs.last_epoch", lambda _: 20)
    assert fpam.choose_epochs(run, fpam.FIGURE_6_EPOCHS, fpam.FIGURE_7_EPOCHS) == (1, 5, 10, "last")


def test_all_figures_come_of_one_run_but_that_of_50_classes(run):
    assert list_epochs(run) == (1, 2, 3)
    figures = list(fpam.build_figures([run]))
    assert [figure.stem for figure in figures] == [f"figure_{number}" for number in (5, 6, 7, 8, 9)]
    for figure in figures:
        if isinstance(figure, LeftOut):
            assert figure.reason == "synth10:50 has 10 classes; it shows a dataset with 50."
        else:
            assert find_figure(figure.figure, figure.result)
    assert isinstance(figures[3], LeftOut)


def test_figure_8_pools_folds(run):
    other = replace(run, config=replace(run.config, fold=2))
    pooled = fpam.figure_8([run, other])
    np.testing.assert_array_equal(pooled.counts, 2 * fpam.figure_8([run]).counts)
    assert pooled.label == "fpam on synth10:50, folds 1, 2"


def test_figure_9_has_one_history_a_model_and_dataset(run):
    result = fpam.figure_9([run, replace(run, config=replace(run.config, seed=1)), run])
    assert list(result.histories) == ["fpam fold 1 seed 0, synth10:50"]
    assert result.valid_name == "test fold"
