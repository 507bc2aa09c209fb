"""Where DCASE's acoustic scenes come from: a table and many archives of recordings a set, put together here."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from esclab.clips.download import fetch_file
from esclab.clips.home import data_home, has_marker
from esclab.clips.table import is_inside, read_csv
from esclab.clips.unpack import FETCH_AGAIN, unpack_archive
from esclab.errors import DatasetError

MARKERS = ("meta.csv",)


@dataclass(frozen=True)
class Parts:
    """The archives of one set.

    Attributes
    ----------
    folder : str
        Name of the set's folder, and the beginning of its archives' names.
    record : int
        Number of the record at zenodo.org; its DOI is 10.5281/zenodo.<record>.
    meta : str
        MD5 of the archive with the tables, `<folder>.meta.zip`.
    audio : tuple of str
        MD5 of each archive of recordings, `<folder>.audio.1.zip` and on.
    """

    folder: str
    record: int
    meta: str
    audio: tuple[str, ...]

    @property
    def hashes(self) -> dict[str, str]:
        """File name of each archive, the tables first, and its MD5."""
        recordings = {f"{self.folder}.audio.{number}.zip": md5 for number, md5 in enumerate(self.audio, start=1)}
        return {f"{self.folder}.meta.zip": self.meta} | recordings


def install_parts(parts: Parts) -> Path:
    """Fetch, check and unpack all archives of a set into the data home; those that lie there are not fetched again.

    Returns
    -------
    Path
        The set's folder. It is either complete or absent.

    Raises
    ------
    DatasetError
        When the address cannot be reached (the message says what to fetch and where to put it), a hash is wrong, or
        an archive is damaged, unsafe or incomplete.
    """
    home = data_home()
    target = home / parts.folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{parts.folder}.lock"):
            if not has_marker(target, MARKERS):
                _unpack_into(target, [_fetch_part(parts, name, home) for name in parts.hashes])
    except OSError as error:
        raise DatasetError(home, f"cannot be written ({error})", "free some space or set ESCLAB_HOME") from error
    return target


def _fetch_part(parts: Parts, name: str, home: Path) -> Path:
    address = f"https://zenodo.org/records/{parts.record}/files/{name}"
    try:
        return fetch_file(address, home / name, known_hash=f"md5:{parts.hashes[name]}")
    except DatasetError as error:
        if error.where != address:
            raise
        wanted = f"{parts.folder}.meta.zip and .audio.1.zip to .audio.{len(parts.audio)}.zip"
        next_step = f"try again to go on, or fetch {wanted} elsewhere and put them into {home}"
        raise DatasetError(address, error.cause, next_step) from error


def _unpack_into(target: Path, files: list[Path]) -> None:
    if target.exists():
        raise DatasetError(target, f"is there but has no {MARKERS[0]}", "move it out of the way")
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        for file in files:
            unpack_archive(file, temporary)
        candidates = [temporary, *sorted(temporary.iterdir())]
        root = next((folder for folder in candidates if has_marker(folder, MARKERS)), None)
        if root is None:
            raise DatasetError(files[0], f"holds no {MARKERS[0]}", FETCH_AGAIN)
        names = read_csv(root / MARKERS[0], ["filename"], separator="\t")["filename"]
        missing = [name for name in names if not (is_inside(name) and (root / name).is_file())]
        if missing:
            raise DatasetError(
                target.parent,
                f"the archives {target.name}.audio.*.zip lack {len(missing)} recordings, e.g. {missing[0]}",
                "delete these archives and fetch them again",
            )
        os.chmod(root, 0o755)
        os.replace(root, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


PARTS = {
    "dcase2018-1a": Parts(
        folder="TUT-urban-acoustic-scenes-2018-development",
        record=1228142,
        meta="e196065ee83c07af03a11a310364377d",
        audio=(
            "62f97087c447e29def8716204469bf89",
            "8e569a92025d82bff6b02b956d7c6dc9",
            "00d2020582a4535af5e65322fb2bad56",
            "d691eb4271f83ba6ba9a28797accc497",
            "c4d64b5483b60f85e9fe080b3435a6be",
            "2f0feee78f216697eb19497714d97642",
            "07cfefe80a0731de6819181841239f3a",
            "213f3c012859c2e9dcb74aacc8558458",
            "b724442b09abcb3bd095ebff497cef85",
            "a27a32fa52e283ed8013375b8a16f269",
            "7073a121e825ffef99832507f30d6644",
            "6567aa61db12776568b6267ce122fb18",
            "d00eeb2db0e093d8975521323a96c519",
        ),
    ),
    "dcase2019-1a": Parts(
        folder="TAU-urban-acoustic-scenes-2019-development",
        record=2589280,
        meta="09782f2097e4735687af73c44919329c",
        audio=(
            "aca4ebfd9ed03d5f747d6ba8c24bc728",
            "c4f170408ce77c8c70c532bf268d7be0",
            "c7214a07211f10f3250290d05e72c37e",
            "a6a62110f6699cf4432072acb1dffda6",
            "091a0b6d3c84b8e60e46940aa7d4a8a0",
            "114f4ca13e074391b98a1cfd8140de65",
            "5951dd2968f7a514e2afbe279c4f060d",
            "b0b63dc95b327e1509857c8d8a663cc3",
            "3c32a693a6b111ffb957be3c1dd22e9b",
            "0ffbf60006da520cc761fb74c878b98b",
            "599055d93b4c11057c29be2df54538d4",
            "98b8d162ff3665695c4c910e6c372cc8",
            "a356c08b1a5a21d433eba37ef87587f4",
            "f8969771e7faf7dd471d1cf78b0cf011",
            "4758c4b0fb7484faa632266e78850820",
            "a18acad9ede8ea76574216feb887f0bc",
            "1af7703484632f340da5c33662dc9632",
            "b67402bf3e08f4da394a7c18756c0fd2",
            "035db315f19106eb848b6f9b32bcc47c",
            "9cb28c74911bf8a3eadcf53f50a5b5d6",
            "0e44ed85c88ec036a9725b4dd1dfaea0",
        ),
    ),
    "dcase2020-1a": Parts(
        folder="TAU-urban-acoustic-scenes-2020-mobile-development",
        record=3819968,
        meta="6eae9db553ce48e4ea246e34e50a3cf5",
        audio=(
            "b1e85b8a908d3d6a6ab73268f385d5c8",
            "4310a13cc2943d6ce3f70eba7ba4c784",
            "ed38956c4246abb56190c1e9b602b7b8",
            "97ab8560056b6816808dedc044dcc023",
            "b50f5e0bfed33cd8e52cb3e7f815c6cb",
            "fbf856a3a86fff7520549c899dc94372",
            "0dbffe7b6e45564da649378723284062",
            "bb6f77832bf0bd9f786f965beb251b2e",
            "a65596a5372eab10c78e08a0de797c9e",
            "2ad595819ffa1d56d2de4c7ed43205a6",
            "0ad29f7040a4e6a22cfd639b3a6738e5",
            "e5f4400c6b9697295fab4cf507155a2f",
            "8855ab9f9896422746ab4c5d89d8da2f",
            "092ad744452cd3e7de78f988a3d13020",
            "4b5eb85f6592aebf846088d9df76b420",
            "2e0a89723e58a3836be019e6996ae460",
        ),
    ),
    "dcase2020-1b": Parts(
        folder="TAU-urban-acoustic-scenes-2020-3class-development",
        record=3670185,
        meta="68de6dc1a81f8ef9c3a7851acda67786",
        audio=(
            "dab8b3564c1927eb8fc5906f61917ef9",
            "82995465514560a3dff486ffc1b77cab",
            "fda4f39dae354d6eea8662c4f8228b70",
            "6795666e7e872114a0bd8b7dea333761",
            "0920299dd8600c3fec421af79588535b",
            "65fab659046ef15c8ae3e15025737551",
            "55dd8e47bd868611d5e7bacad57b96b5",
            "9fdae7f1658160d6c4d844d642c1e762",
            "6178c22394a3bf0f67b2c47d1690c6d7",
            "d054358cfd7c9b568c03c2c87f6461c4",
            "fcbb4d5835f030819e099fc0701932dc",
            "92e6347acf82226d1458859b7ca281ba",
            "99570283c1dd64aaf954eb526fd2e394",
            "13efa3cd2084ccdba76b1087a4fac57f",
            "1e3cc2fed352cf9331a815f2c969458a",
            "d232c47c39d9f2683ef805565ad9b068",
            "75bd9417b8134476122c7f8a8fb11d4b",
            "ae04e9ed8da615b2f1f9aa5e02b9c3f2",
            "284fe9195bdbd5159438bac5ea4595e1",
            "7e2f15f5f19114ffcb0b94f0a15fa272",
            "e5d0491071d6a652fe3693586770fdc0",
        ),
    ),
}
