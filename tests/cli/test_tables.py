from __future__ import annotations

import json

import pandas as pd
import pytest

from esclab import papers
from esclab.errors import OptionError


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
