from __future__ import annotations

import os

import nbformat
import pytest

from esclab.cli import demo
from esclab.errors import DatasetError


def test_demo_runs_the_tour_on_the_dataset_and_prints_its_table(call, tmp_path, monkeypatch):
    seen = {}

    def execute(path, out):
        seen.update(path=path, dataset=os.environ["ESCLAB_DATASET"], out=os.environ["ESCLAB_OUT"])
        out.mkdir()
        (out / "table.md").write_text("| Model | Accuracy |", "utf-8")
        return out / "tour.html"

    for name in ("ESCLAB_DATASET", "ESCLAB_OUT", "PLOTLY_RENDERER"):
        monkeypatch.setenv(name, "")  # the command sets them for good; this puts them back
    monkeypatch.setattr(demo, "execute_notebook", execute)
    monkeypatch.chdir(tmp_path)
    shown = call("demo", "--dataset", "synth10:50", "--out", "page").stdout
    assert seen["path"].name == "01_tour.ipynb"
    assert seen["dataset"] == "synth10:50"
    assert seen["out"] == str(tmp_path / "page")  # the notebook runs in another folder
    assert "| Model | Accuracy |" in shown
    assert "page/tour.html" in shown


def test_unknown_notebook_is_refused():
    with pytest.raises(DatasetError, match="00_nothing"):
        demo.find_notebook("00_nothing")


def test_notebook_is_executed_into_one_page(tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# A page"), nbformat.v4.new_code_cell("print(6 * 7)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "09_small.ipynb")
    page = demo.execute_notebook(tmp_path / "09_small.ipynb", tmp_path / "out")
    assert page == tmp_path / "out" / "small.html"
    assert "<pre>42\n</pre>" in page.read_text("utf-8")
    assert "42" not in (tmp_path / "09_small.ipynb").read_text("utf-8").replace("nbformat", "")


def test_page_says_where_explorers_live(tmp_path):
    cell = nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.IntSlider()")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "09_slider.ipynb")
    text = demo.execute_notebook(tmp_path / "09_slider.ipynb", tmp_path / "out").read_text("utf-8")
    assert "An explorer stands here when the notebook runs in JupyterLab" in text
    assert "widget-state" not in text
