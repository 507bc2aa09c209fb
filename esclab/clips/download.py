"""Fetching a dataset's archive: resumed where it stopped, checked, unpacked, moved into place at once."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from esclab.clips.home import data_home, has_marker
from esclab.clips.table import AUDIO_SUFFIXES
from esclab.clips.unpack import FETCH_AGAIN, unpack_archive
from esclab.errors import DatasetError

LOGGER = logging.getLogger(__name__)
TIMEOUT_S = 30.0
PIECE_BYTES = 1 << 18


@dataclass(frozen=True)
class Archive:
    """Where a dataset comes from and what it must hold.

    Attributes
    ----------
    address : str
        https address of the archive.
    file_name : str
        Its name in the data home.
    folder : str
        Name that the unpacked dataset has in the data home.
    markers : tuple of str
        Files or folders of which one must be inside the dataset's folder.
    recordings : int
        Number of audio files in it.
    known_hash : str or None
        "md5:..." or "sha256:..."; None for an archive that changes.
    """

    address: str
    file_name: str
    folder: str
    markers: tuple[str, ...]
    recordings: int
    known_hash: str | None = None


def install_archive(archive: Archive) -> Path:
    """Fetch, check and unpack a dataset into the data home; an archive that lies there is not fetched again.

    Returns
    -------
    Path
        The dataset's folder. It is either complete or absent.

    Raises
    ------
    DatasetError
        When the address cannot be reached (the message says what to fetch and where to put it), the hash is
        wrong, or the archive is damaged, unsafe or incomplete.
    """
    home = data_home()
    target = home / archive.folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{archive.folder}.lock"):
            if not has_marker(target, archive.markers):
                file = fetch_file(archive.address, home / archive.file_name, known_hash=archive.known_hash)
                _unpack_into(archive, file, target)
    except OSError as error:
        raise DatasetError(home, f"cannot be written ({error})", "free some space or set ESCLAB_HOME") from error
    return target


def fetch_file(address: str, target: Path, *, known_hash: str | None = None) -> Path:
    """Fetch a file over HTTP; nothing is at `target` before it is complete and its hash is right.

    What a broken connection leaves is kept beside the target as `.part`, and the next call goes on from
    there.

    Parameters
    ----------
    address : str
    target : Path
        A file that is already there is only checked.
    known_hash : str, optional
        "md5:..." or "sha256:..."

    Raises
    ------
    DatasetError
        When the address cannot be reached or the hash is wrong.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    algorithm, _, digest = (known_hash or "").rpartition(":")
    if target.is_file():
        if known_hash and pooch.file_hash(str(target), alg=algorithm) != digest:
            raise DatasetError(target, f"its {algorithm} is not {digest}", FETCH_AGAIN)
        return target
    LOGGER.info("fetching %s", address)
    try:
        pooch.retrieve(address, known_hash, target.name, target.parent, downloader=_Resumer(target))
    except requests.RequestException as error:
        reason = type(error).__name__ if error.response is None else f"HTTP {error.response.status_code}"
        raise DatasetError(
            address,
            f"cannot be fetched ({reason})",
            f"try again to go on, or fetch it elsewhere and put it at {target}",
        ) from error
    except ValueError as error:  # pooch's answer to a wrong hash
        raise DatasetError(address, f"what came is not the expected file ({error})", "try again") from error
    return target


class _Resumer:
    """A downloader for pooch that keeps what came in `<target>.part`, and asks for the rest of it."""

    def __init__(self, target: Path) -> None:
        self.part = target.with_name(target.name + ".part")

    def __call__(self, address: str, output_file: str, _pooch: Any) -> None:
        """Fetch `address` into `output_file`, by way of the part."""
        import requests

        present = self.part.stat().st_size if self.part.is_file() else 0
        headers = {"Range": f"bytes={present}-"} if present else {}
        # Compressed transfer would make the bytes on disk differ from those that the range counts.
        headers["Accept-Encoding"] = "identity"
        with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if present and response.status_code == requests.codes.requested_range_not_satisfiable:
                if response.headers.get("Content-Range", "") != f"bytes */{present}":
                    self.part.unlink()
                    self(address, output_file, _pooch)
                    return
            else:
                response.raise_for_status()
                resumed = response.headers.get("Content-Range", "").startswith(f"bytes {present}-")
                self._save(response, present if present and resumed else 0)
        os.replace(self.part, output_file)

    def _save(self, response: Any, start: int) -> None:
        import requests
        from tqdm import tqdm

        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        name = self.part.stem
        with (
            open(self.part, "ab" if start else "wb") as file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=name, leave=False) as bar,
        ):
            for piece in response.iter_content(PIECE_BYTES):
                file.write(piece)
                bar.update(len(piece))
            file.flush()
            os.fsync(file.fileno())
        if total is not None and self.part.stat().st_size != total:
            raise requests.ConnectionError("the connection ended early")


def _unpack_into(archive: Archive, file: Path, target: Path) -> None:
    if target.exists():
        raise DatasetError(target, f"is there but has no {' or '.join(archive.markers)}", "move it out of the way")
    temporary = Path(tempfile.mkdtemp(prefix=f".{archive.folder}.", suffix=".part", dir=target.parent))
    try:
        unpack_archive(file, temporary)
        candidates = [temporary, *sorted(temporary.iterdir())]
        root = next((folder for folder in candidates if has_marker(folder, archive.markers)), None)
        if root is None:
            raise DatasetError(file, f"holds no {' or '.join(archive.markers)}", FETCH_AGAIN)
        count = sum(path.suffix.lower() in AUDIO_SUFFIXES for path in root.rglob("[!.]*"))
        if count != archive.recordings:
            raise DatasetError(file, f"holds {count} recordings, not {archive.recordings}", FETCH_AGAIN)
        os.chmod(root, 0o755)
        os.replace(root, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
