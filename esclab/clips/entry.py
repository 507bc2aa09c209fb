"""What a dataset must offer to be listed in `DATASETS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from esclab.clips.dataset import ClipDataset


@dataclass(frozen=True)
class DatasetEntry:
    """One dataset that `load_dataset` knows.

    Attributes
    ----------
    name : str
        The word before the colon of a spec, e.g. "fsdd".
    summary : str
        One line that says what the recordings are.
    size : str
        Clips and room on the disk in words, e.g. "2000 clips, 600 MB download".
    licence, citation : str
    load : callable
        `load(option) -> ClipDataset`, where `option` is the text after the colon, "" where there is none; a
        `DatasetError` tells when the data are not on this machine.
    get : callable
        `get(option) -> None` makes or downloads the data; it does nothing when they are there.
    has_devices : bool
        Whether clips were recorded with several devices, which `ClipDataset.devices` tells apart.
    recordings : str
        Name of the collection that the recordings are from, where several datasets have clips of one, with the same
        names; "" elsewhere.
    """

    name: str
    summary: str
    size: str
    licence: str
    citation: str
    load: Callable[[str], ClipDataset]
    get: Callable[[str], None]
    has_devices: bool = False
    recordings: str = ""
