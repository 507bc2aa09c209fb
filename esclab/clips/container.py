"""Damage that decoders let pass: files that are no audio, cut files, Ogg pages whose checksum is wrong."""

from __future__ import annotations

import os
import stat
import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from esclab.clips.ogg import REPLACE, check_ogg
from esclab.errors import ClipError

UNKNOWN_SIZE = 0xFFFFFFFF
HEADER_SLACK = 8  # some recorders count the 8 bytes of the RIFF header itself

_SIGNATURES = {
    b"version https://git-lfs": "a Git LFS pointer (run `git lfs pull`)",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff\xe0": "a JPEG picture",
    b"\x7fELF": "a program",
}


def check_container(path: str | Path) -> None:
    """Check everything about a recording that can be checked without decoding it.

    Parameters
    ----------
    path : str or Path
        Must be a regular file or a link to one.

    Raises
    ------
    ClipError
        When the file is missing, is no regular file, does not look like audio, is cut (WAV, AIFF, Ogg) or
        fails a checksum (Ogg: every page, RFC 3533).
    """
    found = check_regular(path)
    _check_bytes(os.fspath(path), found.st_size, found.st_mtime_ns)


def check_regular(path: str | Path) -> os.stat_result:
    """Return the status of a regular file; `ClipError` for anything else, such as a pipe that would block."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClipError(path, f"cannot be opened ({reason})", "check its name and where it lies") from error
    if not stat.S_ISREG(found.st_mode):
        raise ClipError(path, f"is {_kind(found.st_mode)}, not a file", "name a recording")
    return found


@lru_cache(maxsize=4096)
def _check_bytes(path: str, size: int, mtime_ns: int) -> None:
    """Check a file once for as long as its size and time stay the same."""
    try:
        with open(path, "rb") as file:
            start = file.read(512)
            file.seek(0)
            looks = looks_like(start)
            if looks:
                raise ClipError(path, f"is no recording: it looks like {looks}", REPLACE)
            if start[:4] == b"OggS":
                check_ogg(file, path)
            elif start[:4] in (b"RIFF", b"RIFX", b"RF64"):
                _check_riff(file, path, size)
            elif start[:4] == b"FORM":
                _check_size(path, int.from_bytes(start[4:8], "big") + 8, size + HEADER_SLACK)
    except OSError as error:
        raise ClipError(path, f"cannot be read ({error.strerror or error})", "check its permissions") from error


def looks_like(start: bytes) -> str:
    """Say what a file is that is no audio, from its first bytes; "" when it may be audio."""
    if not start:
        return "an empty file"
    for signature, name in _SIGNATURES.items():
        if start.startswith(signature):
            return name
    if start.lstrip()[:1] == b"<" and any(tag in start.lower() for tag in (b"<html", b"<!doctype", b"<?xml")):
        return "an HTML page"
    return "text" if _is_text(start) else ""


def find_riff_data(file: BinaryIO, path: str) -> tuple[int, int]:
    """Return where the samples of a WAV or RF64 file start and how many bytes its header claims for them.

    Raises
    ------
    ClipError
        When the file ends before its samples.
    """
    file.seek(0)
    order = ">" if file.read(4) == b"RIFX" else "<"
    file.seek(12)
    long_data = 0
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack(order + "4sI", header)
        if name == b"data":
            return file.tell(), long_data if length == UNKNOWN_SIZE else length
        if name == b"ds64":
            long_data = int.from_bytes(file.read(16)[8:], "little")
            file.seek(-16, os.SEEK_CUR)
        file.seek(length + length % 2, os.SEEK_CUR)
    raise ClipError(path, "is cut before its samples (no data chunk)", REPLACE)


def _check_riff(file: BinaryIO, path: str, size: int) -> None:
    start, length = find_riff_data(file, path)
    _check_size(path, start + length, size)
    file.seek(0)
    header = file.read(8)
    claimed = int.from_bytes(header[4:], "big" if header[:4] == b"RIFX" else "little")
    if claimed != UNKNOWN_SIZE:  # what a program writes that cannot go back to its header
        _check_size(path, claimed + 8, size + HEADER_SLACK)


def _check_size(path: str, claimed: int, present: int) -> None:
    if claimed > present:
        raise ClipError(path, f"is cut short (its header claims {claimed} bytes, {present} are there)", REPLACE)


def _is_text(start: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in start):
        return False
    try:
        start[:-3].decode("utf-8") if len(start) > 500 else start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
