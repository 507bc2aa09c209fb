from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest

from esclab.analysis import accuracy_table, format_table
from esclab.errors import OptionError
from esclab.results import AccuracyResult


@pytest.fixture
def result():
    table = pd.DataFrame(
        {
            "model": ["ts|cnn_10", "line & sons"],
            "mean": [0.7825, 0.5],
            "low": [0.7414, np.nan],
            "high": [0.8196, np.nan],
            "spread": [0.0312, np.nan],
            "folds": [5, 1],
        }
    )
    return AccuracyResult(table, by_fold=pd.DataFrame(), chance=0.1)


def test_accuracy_table_writes_percentages(result):
    table = accuracy_table(result)
    assert list(table.columns) == ["Model", "Accuracy (%)", "95 % interval", "Folds", "Spread"]
    assert table.iloc[0].tolist() == ["ts|cnn_10", "78.2", "74.1–82.0", 5, "3.1"]
    assert table.iloc[1].tolist() == ["line & sons", "50.0", "–", 1, "–"]
    assert accuracy_table(result, decimals=2)["Accuracy (%)"][0] == "78.25"


def test_markdown_escapes_pipes_and_aligns_numbers(result):
    text = format_table(accuracy_table(result), "markdown", caption="ESC-10")
    assert text.splitlines() == [
        "ESC-10",
        "",
        "| Model | Accuracy (%) | 95 % interval | Folds | Spread |",
        "| --- | ---: | ---: | ---: | ---: |",
        r"| ts\|cnn\_10 | 78.2 | 74.1–82.0 | 5 | 3.1 |",
        "| line & sons | 50.0 | – | 1 | – |",
    ]


def test_latex_uses_booktabs_and_escapes(result):
    text = format_table(accuracy_table(result), "latex", caption="5 % off", label="tab:one")
    assert text.splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{5 \% off}",
        r"\label{tab:one}",
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"Model & Accuracy (\%) & 95 \% interval & Folds & Spread \\",
        r"\midrule",
        r"ts\textbar{}cnn\_10 & 78.2 & 74.1--82.0 & 5 & 3.1 \\",
        r"line \& sons & 50.0 & -- & 1 & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_latex_escapes_a_backslash_once():
    text = format_table(pd.DataFrame({"a": ["\\{^~#$"]}), "latex")
    assert r"\textbackslash{}\{\textasciicircum{}\textasciitilde{}\#\$ \\" in text
    assert "caption" not in text


def test_csv_reads_back_what_was_written():
    table = pd.DataFrame({"name": ['a "b", c', "d|e"], "rate": [1 / 3, np.nan]})
    rows = list(csv.DictReader(io.StringIO(format_table(table, "csv", caption="left out"))))
    assert [row["name"] for row in rows] == ['a "b", c', "d|e"]
    assert float(rows[0]["rate"]) == 1 / 3
    assert rows[1]["rate"] == ""


def test_cells_keep_whole_numbers_and_shorten_floats():
    table = pd.DataFrame({"n": [12345, 2, 3], "x": [0.123456, np.nan, 1234.56], "flag": [True, False, True]})
    lines = format_table(table, "markdown").splitlines()
    assert lines[2:] == ["| 12345 | 0.123 | True |", "| 2 | – | False |", "| 3 | 1235 | True |"]
    assert "| inf |" in format_table(pd.DataFrame({"x": [np.inf]}), "markdown")


@pytest.mark.parametrize("style", ["markdown", "latex", "csv"])
def test_a_table_without_rows_keeps_its_head(style):
    assert "only" in format_table(pd.DataFrame({"only": []}), style)


def test_unknown_style_names_the_known_ones(result):
    with pytest.raises(OptionError, match="markdown, latex, csv"):
        format_table(accuracy_table(result), "html")
