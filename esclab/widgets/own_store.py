"""Sounds of one's own as files: names made safe, nothing kept that is no audio, no file ever replaced."""

from __future__ import annotations

import os
import tempfile
import unicodedata
import warnings
from collections.abc import Collection, Iterable
from pathlib import Path

from filelock import FileLock

from esclab.clips import audio_info
from esclab.clips.audio import iterate_part
from esclab.errors import ClipError, StorageError, printable
from esclab.storage import write_bytes

MOST_BYTES = 50_000_000
LONGEST_S = 600.0
LONGEST_NAME_BYTES = 180  # file systems allow 255; a number and a temporary name are added
NAMELESS = "sound"
SMALLER = "cut it, or save it as FLAC, MP3 or Ogg"


def keep_sound(folder: Path, name: str, data: bytes, *, taken: Collection[str] = ()) -> str:
    """Keep a recording in a folder under a safe name of its own, once it has been decoded whole.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    name : str
        What the recording's file is called elsewhere.
    data : bytes
        The file.
    taken : collection of str
        Names that it must not get, beside those in the folder.

    Returns
    -------
    name : str
        The name it got.

    Raises
    ------
    ClipError
        When it is too large or long, or no audio that can be decoded; nothing is kept then.
    StorageError
        When the folder cannot be written.
    """
    shown = make_safe_name(name)
    check_size(shown, len(data))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Checked under its own name, as a decoder may go by the ending.
        with tempfile.TemporaryDirectory(prefix=".coming-", dir=folder) as beside:
            path = write_bytes(Path(beside) / shown, data)
            _check_sound(path, shown)
            with FileLock(folder / ".lock"):
                kept = find_free_name(shown, {*taken, *os.listdir(folder)})
                os.replace(path, folder / kept)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(folder, f"cannot keep {shown} ({reason})", "free some space or check permissions") from error
    return kept


def check_size(name: str, size: int) -> None:
    """Raise ClipError where a file of `size` bytes is empty or more than is taken."""
    if size <= 0:
        raise ClipError(make_safe_name(name), "is empty", "choose another file, or record it again")
    if size > MOST_BYTES:
        cause = f"has {size / 1e6:.0f} MB, more than the {MOST_BYTES / 1e6:.0f} MB that are taken"
        raise ClipError(make_safe_name(name), cause, SMALLER)


def make_safe_name(name: str) -> str:
    """Return a file name without path, control characters and leading dots, not too long; other letters stay."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    letters = "".join(letter for letter in unicodedata.normalize("NFC", last) if letter.isprintable())
    stem, suffix = os.path.splitext(letters.strip().lstrip(".").strip())
    if len(suffix.encode()) > 16:
        stem, suffix = stem + suffix, ""
    room = LONGEST_NAME_BYTES - len(suffix.encode())
    stem = stem.encode()[:room].decode(errors="ignore").strip()
    return (stem or NAMELESS) + suffix.rstrip(". ")


def find_free_name(name: str, taken: Iterable[str]) -> str:
    """Return `name`, with a number where it is taken; "a.wav" becomes "a (2).wav"."""
    # Some file systems do not tell capitals and composed letters apart.
    others = {unicodedata.normalize("NFC", other).casefold() for other in taken}
    stem, suffix = os.path.splitext(name)
    free, number = name, 2
    while free.casefold() in others:
        free, number = f"{stem} ({number}){suffix}", number + 1
    return free


def _check_sound(path: Path, name: str) -> None:
    """Decode all of a recording, a block at a time; ClipError names it as the user does."""
    try:
        duration_s = audio_info(path).duration_s
        if duration_s > LONGEST_S:
            raise ClipError(
                path, f"lasts {duration_s / 60:.0f} min, more than the {LONGEST_S / 60:.0f} min taken", "cut it"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mix to mono that cancels is told when the clip is used
            for _ in iterate_part(path, 0.0, None):
                pass
    except ClipError as error:
        raise ClipError(name, printable(error.cause), error.next_step) from error
