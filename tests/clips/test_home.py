from __future__ import annotations

import os
from pathlib import Path

import pytest

from esclab.clips import data_folders, data_home, home
from esclab.clips.home import find_dataset
from esclab.errors import DatasetError


def test_home_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path))
    assert data_home() == tmp_path


def test_home_without_variable_is_the_checkout_or_the_user_s_own(monkeypatch, tmp_path):
    monkeypatch.delenv("ESCLAB_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "shared"))
    package = tmp_path / "checkout" / "esclab" / "clips"
    monkeypatch.setattr(home, "__file__", str(package / "home.py"))
    assert data_home() == tmp_path / "shared" / "esclab"
    (tmp_path / "checkout" / "data").mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    assert data_home() == tmp_path / "checkout" / "data"
    monkeypatch.delenv("XDG_DATA_HOME")
    (tmp_path / "checkout" / "pyproject.toml").unlink()
    assert data_home() == Path.home() / ".local" / "share" / "esclab"


def test_folders_start_with_those_of_the_variable(monkeypatch, tmp_path, no_datasets):
    monkeypatch.chdir(tmp_path)
    assert data_folders() == [no_datasets]
    monkeypatch.setenv("ESCLAB_DATA", os.pathsep.join(["near", "", "/far"]))
    assert data_folders() == [tmp_path / "near", Path("/far"), no_datasets]


def test_dataset_is_found_in_the_first_folder_that_has_it(monkeypatch, tmp_path, no_datasets):
    monkeypatch.setenv("ESCLAB_DATA", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    with pytest.raises(DatasetError, match=r"esclab get thing.*ESCLAB_DATA"):
        find_dataset("thing", ("One", "Two"), ("meta/x.csv",))
    for folder in (no_datasets / "One", tmp_path / "b" / "Two", tmp_path / "a" / "Three", tmp_path / "a" / "One"):
        (folder / "meta").mkdir(parents=True)
    for folder in (no_datasets / "One", tmp_path / "b" / "Two", tmp_path / "a" / "Three"):
        (folder / "meta" / "x.csv").touch()
    assert find_dataset("thing", ("One", "Two"), ("meta/x.csv",)) == tmp_path / "b" / "Two"
