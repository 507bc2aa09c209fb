from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from esclab import storage
from esclab.errors import StorageError
from esclab.storage import digest_file, digest_json, replace_file, write_bytes, write_json, write_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "note.txt"
    path.parent.mkdir()
    path.write_bytes(b"old")
    return path


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def write_half(path: Path, error: BaseException) -> None:
    with replace_file(path) as file:
        file.write(b"half of the n")
        raise error


def assert_old_file_alone(path: Path) -> None:
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_replace_file_puts_the_new_bytes_in_place_and_leaves_no_other_file(path):
    with replace_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_replace_file_lets_readers_see_the_old_file_until_the_end(path):
    with replace_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_replace_file_can_be_read_while_it_is_written(path):
    with replace_file(path) as file:
        file.write(b"new")
        file.seek(0)
        assert file.read() == b"new"


def test_replace_file_makes_missing_folders(tmp_path):
    write_bytes(tmp_path / "a" / "b" / "c.bin", b"x")
    assert (tmp_path / "a" / "b" / "c.bin").read_bytes() == b"x"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, StorageError])
def test_replace_file_keeps_the_old_file_when_its_block_raises(path, kind):
    error = kind("a", "b", "c") if kind is StorageError else kind("stop")
    with pytest.raises(kind) as caught:
        write_half(path, error)
    assert caught.value is error
    assert_old_file_alone(path)


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
def test_replace_file_keeps_the_old_file_when_the_disk_fails(path, monkeypatch, function):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, function, fail)
    with pytest.raises(StorageError, match=r"note\.txt.*No space left on device.*free some space"):
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert_old_file_alone(path)


def test_replace_file_keeps_the_old_file_when_a_write_in_its_block_fails(path):
    with pytest.raises(StorageError, match=r"note\.txt"):
        write_half(path, OSError(errno.EIO, "Input/output error"))
    assert_old_file_alone(path)


def test_replace_file_names_the_path_whose_folder_is_a_file(path):
    with pytest.raises(StorageError, match=r"note\.txt/inner\.txt: could not be written"):
        write_text(path / "inner.txt", "x")
    assert_old_file_alone(path)


def test_replace_file_refuses_to_replace_a_folder(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageError, match="taken: could not be written"):
        write_text(tmp_path / "taken", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077], indirect=True, ids=oct)
def test_replace_file_gives_the_rights_of_any_new_file(tmp_path, umask):
    write_text(tmp_path / "note.txt", "x")
    assert stat.S_IMODE((tmp_path / "note.txt").stat().st_mode) == 0o666 & ~umask
    assert os.umask(umask) == umask  # asking for it has not changed it


@pytest.mark.parametrize("name", ["a" * 255, "梟" * 85, ".hidden", "with space.txt"])
def test_write_text_takes_any_name_that_the_file_system_takes(tmp_path, name):
    write_text(tmp_path / name, "x")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_write_text_writes_utf_8_as_it_is(tmp_path):
    assert write_text(tmp_path / "note.txt", "Käuzchen\r\n") == tmp_path / "note.txt"
    assert (tmp_path / "note.txt").read_bytes() == b"K\xc3\xa4uzchen\r\n"


def test_write_json_keeps_values_letters_and_the_order_of_keys(tmp_path):
    value = {"z": [1, 2.5, None, True], "a": {"name": "梟"}}
    text = write_json(str(tmp_path / "note.json"), value).read_text("utf-8")
    assert json.loads(text) == value
    assert list(json.loads(text)) == ["z", "a"]
    assert "梟" in text
    assert text.endswith("}\n")


def test_digest_file_is_the_sha_256_of_its_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert digest_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_digest_json_does_not_depend_on_the_order_of_keys():
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json({"a": 1}) == hashlib.sha256(b'{"a": 1}').hexdigest()


@pytest.mark.parametrize("other", [{"a": 2, "b": [1, 2]}, {"a": 1, "b": [2, 1]}, {"a": "1", "b": [1, 2]}, {"a": 1}])
def test_digest_json_depends_on_every_value(other):
    assert digest_json(other) != digest_json({"a": 1, "b": [1, 2]})
