from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from esclab.cli import demo
from esclab.cli.notebook import name_cells, read_share
from esclab.errors import DatasetError, NotebookError


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
    assert "trains cnn10 and ts-cnn10" in shown.splitlines()[0]
    assert "about 3 minutes" in shown.splitlines()[0]
    assert "| Model | Accuracy |" in shown
    assert "page/tour.html" in shown


def test_unknown_notebook_is_refused():
    with pytest.raises(DatasetError, match="00_nothing"):
        demo.find_notebook("00_nothing")


def test_notebook_is_executed_into_one_page(tmp_path, capsys):
    cells = [nbformat.v4.new_markdown_cell("# A page"), nbformat.v4.new_code_cell("print(6 * 7)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "09_small.ipynb")
    page = demo.execute_notebook(tmp_path / "09_small.ipynb", tmp_path / "out")
    assert page == tmp_path / "out" / "small.html"
    assert "<pre>42\n</pre>" in page.read_text("utf-8")
    assert "A page   0%|" in (told := capsys.readouterr().err)
    assert "cell 1 of 1" in told
    assert nbformat.read(tmp_path / "09_small.ipynb", 4).cells[1].outputs == []  # the notebook itself stays as it was


def test_failing_cell_is_told_in_one_sentence_and_stands_on_the_page(tmp_path):
    cells = [nbformat.v4.new_code_cell(text) for text in ("print('before')", "open('nothing.wav')", "print('after')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "09_broken.ipynb")
    with pytest.raises(NotebookError, match=r"a cell failed, FileNotFoundError: .*nothing.wav'; see it in") as told:
        demo.execute_notebook(tmp_path / "09_broken.ipynb", tmp_path / "out")
    assert "\n" not in str(told.value)
    page = (tmp_path / "out" / "broken.html").read_text("utf-8")
    assert "<pre>before\n</pre>" in page
    assert "Traceback" in page
    assert "<pre>after\n</pre>" not in page


def test_page_shows_the_last_state_of_a_bar(tmp_path):
    cell = nbformat.v4.new_code_cell(
        "import time\nfor n in (1, 2):\n    print(f'\\rstep {n}', end='', flush=True)\n    time.sleep(0.3)"
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "09_bar.ipynb")
    text = demo.execute_notebook(tmp_path / "09_bar.ipynb", tmp_path / "out").read_text("utf-8")
    assert "<pre>step 2\n</pre>" in text or "<pre>step 2</pre>" in text
    assert "<pre>step 1" not in text


def test_page_says_where_explorers_live(tmp_path):
    cell = nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.IntSlider()")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "09_slider.ipynb")
    text = demo.execute_notebook(tmp_path / "09_slider.ipynb", tmp_path / "out").read_text("utf-8")
    assert "An explorer stands here when the notebook runs in JupyterLab" in text
    assert "widget-state" not in text


# The command as a person starts it, with another notebook in the tour's place.
STARTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background would hand down "ignore"
from pathlib import Path
import esclab.clips
from esclab.cli import demo, main
esclab.clips.load_dataset = lambda spec: None
demo.find_notebook = lambda name: Path("09_long.ipynb").resolve()
sys.argv = ["esclab", "demo", "--out", "page"]
main()
"""
LONG = """
import os, time
from pathlib import Path
Path("begun.part").write_text(str(os.getpid()))
Path("begun.part").rename("begun")
time.sleep(100)
"""


def test_interrupted_demo_says_what_is_kept_and_ends_its_kernel(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LONG)]), tmp_path / "09_long.ipynb")
    with subprocess.Popen([sys.executable, "-c", STARTED], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as command:
        while not (tmp_path / "begun").exists():
            assert command.poll() is None
            time.sleep(0.05)
        command.send_signal(signal.SIGINT)  # to this process alone
        told = command.communicate()[1]
    assert command.returncode == 130
    sentence = "esclab: stopped; what was trained so far is kept in page/runs, run the same command again to go on."
    assert told.splitlines()[-1].endswith(sentence)
    assert told.count("esclab: ") == 1
    assert "Error" not in told
    assert "Traceback" not in told
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "begun").read_text()), 0)


def test_cells_are_named_by_the_heading_above_them():
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [code("1"), markdown("# A tour: what is it?"), code("2"), code(" "), markdown("no heading"), code("3")]
    assert name_cells(nbformat.v4.new_notebook(cells=cells)) == {0: "start", 2: "A tour", 5: "A tour"}


@pytest.mark.parametrize(
    ("text", "share"),
    [("cnn10:   0%|   | 0/4\rcnn10:  45%|## | 2/4 [00:01]\n", "cnn10: 45%"), ("plain words\n", ""), ("", "")],
)
def test_share_of_a_bar_in_a_cell_is_read(text, share):
    outputs = [nbformat.v4.new_output("display_data"), nbformat.v4.new_output("stream", text=text)]
    assert read_share(nbformat.v4.new_code_cell(outputs=outputs)) == share
    assert read_share(nbformat.v4.new_code_cell()) == ""
