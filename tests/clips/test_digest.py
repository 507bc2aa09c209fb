from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esclab.clips import digest, digest_clips
from esclab.errors import ClipError

OLD_NS = 1_000_000_000_000_000_000


@pytest.fixture
def table(tmp_path, write_tone) -> pd.DataFrame:
    paths = [write_tone(tmp_path / name, frequency) for name, frequency in (("a.wav", 440.0), ("b.wav", 880.0))]
    for path in paths:
        os.utime(path, ns=(OLD_NS, OLD_NS))
    return pd.DataFrame({"clip": ["a", "b"], "path": map(str, paths), "onset_s": [np.nan, 0.5], "offset_s": np.nan})


def test_digest_is_over_names_parts_and_bytes(no_datasets, table):
    total = hashlib.sha256()
    for clip, part, path in (("a", [None, None], table["path"][0]), ("b", [0.5, None], table["path"][1])):
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        total.update(json.dumps([clip, *part, content]).encode())
    assert digest_clips(table) == total.hexdigest()


def test_digest_changes_with_names_parts_bytes_and_order_but_not_with_folders(no_datasets, table, tmp_path):
    first = digest_clips(table)
    moved = table.assign(path=[os.rename(path, path + "x") or path + "x" for path in table["path"]])
    assert digest_clips(moved) == first
    others = [moved.assign(clip=["a", "c"]), moved.assign(onset_s=[np.nan, 0.25]), moved.iloc[::-1]]
    assert len({digest_clips(other) for other in others} | {first}) == 4
    with open(moved["path"][0], "ab") as file:
        file.write(b"\0")
    assert digest_clips(moved) != first


def test_digest_hashes_an_unchanged_file_once(no_datasets, table, monkeypatch):
    first = digest_clips(table)
    monkeypatch.setattr(digest, "digest_file", lambda path: pytest.fail(f"{path} was hashed again"))
    assert digest_clips(table) == first
    assert len(json.loads((no_datasets / "digests.json").read_text())) == 2


def test_digest_does_not_remember_files_that_are_still_being_written(no_datasets, table):
    os.utime(table["path"][0])
    digest_clips(table)
    assert list(json.loads((no_datasets / "digests.json").read_text())) == [table["path"][1]]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"PATH": [1, 2, "0"]}'])
def test_digest_passes_over_a_damaged_store(no_datasets, table, content):
    first = digest_clips(table)
    (no_datasets / "digests.json").write_text(content.replace("PATH", table["path"][0]))
    assert digest_clips(table) == first


def test_digest_needs_no_writable_home(tmp_path, table, monkeypatch, no_datasets):
    first = digest_clips(table)
    (tmp_path / "file").touch()
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path / "file"))
    assert digest_clips(table) == first


def test_digest_of_a_missing_file_or_a_pipe_is_an_error(no_datasets, table, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path, cause in ((tmp_path / "none.wav", "No such file"), (tmp_path / "pipe.wav", "is a pipe")):
        with pytest.raises(ClipError, match=cause):
            digest_clips(table.assign(path=str(path)))


def test_digest_of_a_name_that_is_not_utf8(no_datasets, table, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")
    os.rename(table["path"][0], path)
    table = table.assign(path=[path, path], clip=["\udcff", "b"])
    assert digest_clips(table) == digest_clips(table)
    assert list(json.loads((no_datasets / "digests.json").read_text())) == [path]
