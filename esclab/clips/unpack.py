"""Unpacking archives without leaving the folder: no absolute names, no "..", no links."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from esclab.clips.table import is_inside
from esclab.errors import DatasetError

FETCH_AGAIN = "delete it and fetch it again"
PIECE_BYTES = 1 << 20


def unpack_archive(archive: str | Path, folder: str | Path) -> None:
    """Unpack a ZIP or tar archive into a folder.

    Every name is checked before the first file is written; ZIP checksums are checked on the way.

    Parameters
    ----------
    archive : str or Path
    folder : str or Path
        Must exist.

    Raises
    ------
    DatasetError
        When the archive is damaged, is larger than the free space, or holds a link, a device or a name that
        leads out of the folder; what was written so far stays for the caller to remove.
    """
    archive = Path(archive)
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, Path(folder))
        elif tarfile.is_tarfile(archive):
            _unpack_tar(archive, Path(folder))
        else:
            raise DatasetError(archive, "is neither a ZIP nor a tar archive", FETCH_AGAIN)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        NotImplementedError,  # zipfile's, of an encryption or a compression that it does not know
        RuntimeError,
    ) as error:
        raise DatasetError(archive, f"is damaged ({error})", FETCH_AGAIN) from error
    except OSError as error:  # also what gzip and bz2 raise
        raise DatasetError(archive, f"cannot be unpacked ({error})", f"free some space, or {FETCH_AGAIN}") from error


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            _check_member(archive, member.filename, safe_kind=kind in (0, stat.S_IFREG, stat.S_IFDIR))
        _check_space(archive, folder, sum(member.file_size for member in file.infolist()))
        file.extractall(folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as file:
        members = file.getmembers()
        for member in members:
            _check_member(archive, member.name, safe_kind=member.isfile() or member.isdir())
        _check_space(archive, folder, sum(member.size for member in members))
        if file.fileobj is not None:
            while file.fileobj.read(PIECE_BYTES):
                pass  # to the end of a compressed stream, where its checksum is
        file.extractall(folder, filter="data")


def _check_member(archive: Path, name: str, *, safe_kind: bool) -> None:
    if not safe_kind:
        raise DatasetError(archive, f"holds {name!r}, a link or device", "do not use this archive")
    if not is_inside(name):
        raise DatasetError(archive, f"holds {name!r}, which leads out of the folder", "do not use this archive")


def _check_space(archive: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            archive,
            f"unpacks to {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
            f"free some space in {folder}",
        )
