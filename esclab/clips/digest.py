"""The content of a collection as one SHA-256, with the hashes of unchanged files remembered."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from pathlib import Path

import pandas as pd

from esclab.clips.container import check_container
from esclab.clips.home import data_home
from esclab.errors import ClipError, StorageError
from esclab.storage import digest_file, write_text

LOGGER = logging.getLogger(__name__)
FRESH_NS = 2_000_000_000  # a file this young may change again within the same time stamp


def digest_clips(table: pd.DataFrame) -> str:
    """Return the SHA-256 over clip names, onsets, offsets and the bytes of all files, in the table's order.

    The hash of a file is remembered in `digests.json` in the data home for as long as its path, size and
    modification time stay the same. A data home that cannot be written, or a damaged `digests.json`, only
    costs time.

    Parameters
    ----------
    table : DataFrame
        Columns `clip`, `path`, `onset_s`, `offset_s`.

    Returns
    -------
    str
        64 hex digits. Folders and labels do not matter.

    Raises
    ------
    ClipError
        When a file cannot be read.
    """
    store = data_home() / "digests.json"
    known = _read_store(store)
    fresh: dict[str, list[object]] = {}
    total = hashlib.sha256()
    for clip, path, onset_s, offset_s in table[["clip", "path", "onset_s", "offset_s"]].itertuples(index=False):
        part = [None if pd.isna(value) else float(value) for value in (onset_s, offset_s)]
        total.update(json.dumps([clip, *part, _digest_known(os.path.abspath(path), known, fresh)]).encode())
    if fresh:
        _write_store(store, fresh)
    return total.hexdigest()


def _digest_known(path: str, known: dict[str, list[object]], fresh: dict[str, list[object]]) -> str:
    try:
        found = os.stat(path)
        for entry in (fresh.get(path), known.get(path)):
            if entry and entry[:2] == [found.st_size, found.st_mtime_ns]:
                return str(entry[2])
        check_container(path)  # a pipe would block for ever
        digest = digest_file(path)
    except OSError as error:
        raise ClipError(
            path, f"cannot be read ({error.strerror or error})", "check its name and permissions"
        ) from error
    if time.time_ns() - found.st_mtime_ns > FRESH_NS:
        fresh[path] = [found.st_size, found.st_mtime_ns, digest]
    return digest


def _read_store(store: Path) -> dict[str, list[object]]:
    try:
        entries = json.loads(store.read_text("utf-8"))
        return {path: entry for path, entry in entries.items() if isinstance(entry, list) and len(entry) == 3}
    except (OSError, ValueError, AttributeError):
        return {}


def _write_store(store: Path, fresh: dict[str, list[object]]) -> None:
    # Read again: another process may have added its own. What they lose to each other is hashed once more.
    entries = {path: entry for path, entry in _read_store(store).items() if os.path.exists(path)}
    try:
        write_text(store, json.dumps({**entries, **fresh}, indent=0) + "\n")  # ASCII: names need not be valid UTF-8
    except StorageError as error:
        LOGGER.info("%s", error)
