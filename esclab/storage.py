"""Writing files so that a reader never meets half of one: beside the target, flushed to disk, then moved into place."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from esclab.errors import StorageError


@contextmanager
def replace_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` once the block ends without an error.

    Parameters
    ----------
    path : str or Path
        The target; its folder is made when it is missing.

    Yields
    ------
    file : binary file
        Open for reading and writing, in the target's own folder.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written; the old file stays as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".part", dir=path.parent)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise StorageError(
            path,
            f"could not be written ({error.strerror or error})",
            "free some space or choose another folder",
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write `data` to `path` in one step that cannot leave half a file."""
    with replace_file(path) as file:
        file.write(data)
    return Path(path)


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8) to `path` in one step that cannot leave half a file."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> Path:
    """Write `value` as indented JSON to `path` in one step that cannot leave half a file."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def digest_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a JSON value, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
