from __future__ import annotations

import json

import pandas as pd
import pytest

from esclab import clips, papers
from esclab.errors import DatasetError, OptionError


@pytest.fixture
def words(monkeypatch, tiny, tmp_path, esclab_home) -> tuple[object, ...]:
    """Return the command that trains the first two cells of Table 4 for four steps."""
    monkeypatch.setitem(papers.TABLES["freqcnn"], 4, papers.freqcnn.TABLE_4_CELLS[:2])
    places = ("--runs", tmp_path / "runs", "--results", tmp_path)
    return ("tables", "freqcnn", "--table", "4", "--recipe", "quick", *tiny, *places)


def test_tables_trains_every_cell_and_enters_its_settings(call, words, tmp_path):
    content = json.loads(call(*words, "--json").stdout)
    assert [cell["cell"] for cell in content["cells"]] == ["local only, 2 parts", "local only, 4 parts"]
    assert [(cell["printed_accuracy"], cell["printed_uar"]) for cell in content["cells"]] == [
        (76.85, 70.53),
        (79.27, 75.86),
    ]
    assert all(0 <= cell["uar"] <= 100 and cell["runs"] == 1 for cell in content["cells"])
    table = pd.read_csv(tmp_path / "runs.csv")
    assert table["recipe"].tolist() == [
        f"quick+{parts}local_only=true+attention_blocks=0*" for parts in ("", "parts=4+")
    ]  # fmt: skip
    assert (100 * table["uar"]).round(2).tolist() == [cell["uar"] for cell in content["cells"]]
    before = (tmp_path / "runs.csv").read_bytes()
    again = call(*words)
    assert "| local only, 4 parts | " in again.stdout
    assert "79.3" in again.stdout
    assert "recipe quick*. The printed scores are of the paper's own recordings." in again.stdout
    assert (tmp_path / "runs.csv").read_bytes() == before


def test_tables_refuses_a_table_that_cannot_be_trained_before_it_loads_clips(call):
    with pytest.raises(OptionError, match="table 7 of freqcnn"):
        call("tables", "freqcnn", "--table", "7", "--dataset", "none")


def test_tables_gives_the_spread_over_runs_and_none_for_one(call, words):
    one = json.loads(call(*words, "--json").stdout)["cells"][0]
    assert (one["accuracy_spread"], one["uar_spread"]) == (None, None)
    more = (*words, "--folds", "1,2")
    cell = json.loads(call(*more, "--json").stdout)["cells"][0]
    two = json.loads(call(*words, "--folds", "2", "--json").stdout)["cells"][0]
    for name in ("accuracy", "uar"):
        assert cell[name] == pytest.approx((one[name] + two[name]) / 2, abs=0.01)
        assert cell[f"{name}_spread"] == pytest.approx(abs(one[name] - two[name]) / 2**0.5, abs=0.02)
    table = call(*more).stdout.splitlines()
    assert "| Accuracy (%) | Spread of accuracy | UAR (%) | Spread of UAR | Runs |" in table[2]
    assert f"| {cell['accuracy_spread']:.1f} |" in table[4]
    assert "| – |" in call(*words).stdout.splitlines()[4]


def test_tables_follows_its_paper_by_default(call, monkeypatch):
    asked = []

    def load(spec):
        asked.append(spec)
        raise DatasetError(spec, "is not asked for here", "choose another")

    monkeypatch.setattr(clips, "load_dataset", load)
    for paper in papers.TABLES:
        with pytest.raises(DatasetError):
            call("tables", paper, "--table", "4")
    assert asked == ["fsdd:speakers", "esc50"]


def test_every_paper_with_tables_has_a_dataset_and_a_recipe_of_its_own():
    assert papers.TABLE_DEFAULTS.keys() == papers.TABLES.keys()
    for dataset, recipe in papers.TABLE_DEFAULTS.values():
        clips.check_spec(dataset)
        assert papers.find_recipe(recipe).name == recipe
    assert papers.TABLE_DEFAULTS["spectromasknet"] == ("esc50", "spectromasknet")
