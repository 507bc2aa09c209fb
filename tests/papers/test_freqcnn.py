"""FreqCNN's recipes and tables: what is printed is kept as printed, and every cell can be built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import build_model, model_options
from esclab.papers import RECIPES, TABLES, find_table, freqcnn
from esclab.papers.cells import TableCell, recipe_of_cell

CELLS = [(number, cell) for number, cells in freqcnn.TABLES.items() for cell in cells]


def test_recipe_is_the_papers():
    recipe = RECIPES["freqcnn"]
    assert (recipe.optimiser, recipe.learning_rate, recipe.momentum, recipe.weight_decay) == ("sgd", 0.01, 0.9, 1e-8)
    assert (recipe.batch_size, recipe.oversample, recipe.feature["sample_rate"]) == (128, True, 16_000)
    assert "epochs" in recipe.not_in_paper


@pytest.mark.parametrize(
    ("name", "side", "top_hz"), [("freqcnn", 224, 8000), ("freqcnn-fsdd", 224, 4000), ("freqcnn-64", 64, 4000)]
)
def test_picture_is_a_square_up_to_half_the_sample_rate(name, side, top_hz):
    recipe = RECIPES[name]
    feature = build_feature(**recipe.feature)
    assert feature.frames(round(recipe.duration_s * recipe.feature["sample_rate"])) == side
    assert len(feature.frequency_hz) == side
    assert feature.frequency_hz[-1] == top_hz


def test_reduced_recipe_says_so():
    recipe = RECIPES["freqcnn-64"]
    assert recipe.source.startswith("reduced")
    assert recipe.epochs == 20


def test_tables_have_their_cells():
    assert {number: len(cells) for number, cells in freqcnn.TABLES.items()} == {3: 6, 4: 7, 5: 14, 8: 5, 9: 7}


@pytest.mark.parametrize(("number", "cell"), CELLS, ids=lambda x: getattr(x, "name", x))
def test_cell_is_a_network_that_can_be_built(number, cell):
    recipe = recipe_of_cell(RECIPES["freqcnn-64"], cell)
    build_model(cell.model, classes=6, bands=64, width=0.25, **recipe.model)
    assert {**model_options(cell.model), **recipe.model} == {**model_options(cell.model), **cell.settings}
    assert cell.uar is not None
    assert cell.accuracy is not None or number == 3


def test_cells_of_a_table_differ_in_name_and_settings():
    for cells in freqcnn.TABLES.values():
        assert len({cell.name for cell in cells}) == len(cells)
        assert len({(cell.model, recipe_of_cell(RECIPES["freqcnn-64"], cell).name) for cell in cells}) == len(cells)


def test_uar_of_table_3_is_the_mean_of_its_recalls():
    errors = {name: abs(sum(recalls) / 3 - uar) for name, (*recalls, uar) in freqcnn.PRINTED_TABLE_3.items()}
    assert errors.pop("alexnet") == pytest.approx(0.65, abs=0.01)  # the paper's own slip
    assert errors.pop("i-vector") < 0.04  # quoted with one digit
    assert max(errors.values()) < 0.01


@pytest.mark.parametrize("table", [freqcnn.PRINTED_TABLE_8, freqcnn.PRINTED_TABLE_9])
def test_averages_of_tables_8_and_9_are_those_of_their_folds(table):
    for *folds, average in table.values():
        for column in (0, 1):
            assert sum(fold[column] for fold in folds) / 3 == pytest.approx(average[column], abs=0.011)


def test_tables_4_and_5_share_the_cell_without_attention():
    assert freqcnn.PRINTED_TABLE_4[False, 2] == freqcnn.PRINTED_TABLE_5["frequency", "", 0]
    assert freqcnn.PRINTED_TABLE_5["frequency", "feature", 2][1] == freqcnn.PRINTED_TABLE_3["freqcnn"][3]


def test_rows_of_table_12_are_210_clips_and_give_table_11s_accuracy():
    table = freqcnn.PRINTED_TABLE_12
    assert {sum(row) for row in table.values()} == {210}
    order = ("Angry", "Disgust", "Sadness", "Surprise", "Fear", "Happiness")
    hits = 167 + sum(row[order.index(name)] for name, row in table.items())
    assert round(100 * hits / 1260, 2) == freqcnn.PRINTED_TABLE_11["spectrograms, FreqCNN"]


def test_recipe_of_a_cell_tells_its_settings():
    recipe = replace(RECIPES["freqcnn-64"], model={"task": "accent"})
    cell = TableCell("", "freqcnn", {"parts": 4, "local_only": True, "activations": ("relu", "tanh")})
    made = recipe_of_cell(recipe, cell)
    assert made.name == "freqcnn-64+parts=4+local_only=true+activations=relu,tanh"
    assert made.model == {"task": "accent", **cell.settings}
    assert recipe_of_cell(replace(recipe, name="freqcnn-64*"), cell).name == f"{made.name}*"
    assert recipe_of_cell(recipe, TableCell("", "freqcnn")) == recipe


def test_one_network_is_one_run_in_all_tables():
    base = RECIPES["freqcnn-64"]
    two_parts = next(cell for cell in freqcnn.TABLE_4_CELLS if cell.name == "local and global, 2 parts")
    no_attention = next(cell for cell in freqcnn.TABLE_5_CELLS if cell.name == "frequency, all BC")
    assert recipe_of_cell(base, two_parts) == recipe_of_cell(base, no_attention)
    as_printed = next(cell for cell in freqcnn.TABLE_5_CELLS if cell.name == "frequency, 2 AC, feature-based")
    assert recipe_of_cell(base, as_printed) == base
    # Where the recipe itself asks for something else, the cell's value counts.
    other = replace(base, model={"parts": 4})
    assert recipe_of_cell(other, two_parts).model["parts"] == 2


def test_cell_of_a_network_without_the_setting_is_refused():
    with pytest.raises(OptionError, match="model fnn: has no setting parts"):
        recipe_of_cell(RECIPES["freqcnn-64"], TableCell("", "fnn", {"parts": 4}))


def test_unknown_paper_or_table_is_refused():
    assert find_table("freqcnn", 4) is TABLES["freqcnn"][4]
    with pytest.raises(OptionError, match=r"paper freq: has no table to train; choose one of .*freqcnn"):
        find_table("freq", 4)
    with pytest.raises(OptionError, match="table 11 of freqcnn: cannot be trained; choose one of 3, 4, 5, 8, 9"):
        find_table("freqcnn", 11)
