"""Where an explorer's clips come from: a dataset, and sounds of one's own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pandas as pd

from esclab.clips import audio_info, read_audio, read_clip
from esclab.clips.dataset import ClipDataset
from esclab.clips.durations import measure_durations
from esclab.clips.home import data_home
from esclab.clips.pick import find_row
from esclab.errors import OptionError, StorageError
from esclab.figures.text import class_words
from esclab.training.run import Run

KEPT_CLIPS = 32
OWN = "own"


@dataclass(frozen=True)
class ClipInfo:
    """What is known of one clip.

    Attributes
    ----------
    name : str
    class_name : str
        "" where nobody knows it (a sound of one's own).
    fold : int
        0 for a sound of one's own.
    source : str
    events : DataFrame or None
    """

    name: str
    class_name: str
    fold: int
    source: str
    events: pd.DataFrame | None = None

    @property
    def label(self) -> str:
        """Class and name, as figures show them."""
        return f"{class_words(self.class_name)} ({self.name})" if self.class_name else self.name


class ClipSource:
    """Clips by name, from a dataset and from the folder of own sounds; recent ones stay in memory.

    Parameters
    ----------
    dataset : ClipDataset
    """

    def __init__(self, dataset: ClipDataset) -> None:
        self.dataset = dataset
        self._recent: OrderedDict[tuple[str, int, float, int], np.ndarray] = OrderedDict()
        self._listeners: list[Callable[[], None]] = []
        _SOURCES.add(self)

    @property
    def own_folder(self) -> Path:
        """Where sounds of one's own are kept."""
        return data_home() / OWN

    def list_own(self) -> list[str]:
        """Return the names of sounds of one's own, newest first."""
        if not self.own_folder.is_dir():
            return []
        files = [path for path in self.own_folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        return [path.name for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)]

    def locate_own(self, name: str) -> Path:
        """Return the file of a sound of one's own.

        Raises
        ------
        OptionError
            When there is no such sound.
        """
        if name not in self.list_own():
            raise OptionError(f"sound {name}", "is not among your own sounds", "choose one from their list")
        return self.own_folder / name

    def add_own(self, name: str, data: bytes) -> str:
        """Keep a recording, given as a file's name and bytes; return the name it got.

        Raises
        ------
        ClipError
            When it is too large, or no audio that can be decoded.
        StorageError
            When it cannot be written.
        """
        from esclab.widgets.own_store import keep_sound

        kept = keep_sound(self.own_folder, name, data, taken=set(self.dataset.table["clip"].astype(str)))
        _tell_all()
        return kept

    def delete_own(self, name: str) -> None:
        """Delete a sound of one's own.

        Raises
        ------
        OptionError
            When there is no such sound.
        StorageError
            When it cannot be deleted.
        """
        path = self.locate_own(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise StorageError(path, f"cannot be deleted ({reason})", "check the folder's permissions") from error
        _tell_all()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after a sound of one's own has come or gone, by this source or any other of the process."""
        self._listeners.append(listener)

    def select(self, *, class_name: str = "", fold: int = 0, words: str = "") -> list[str]:
        """Return names of clips of a class, in a fold, with these letters in their name or class; own sounds first."""
        table = self.dataset.table
        rows = np.ones(len(table), dtype=bool)
        if class_name and class_name != OWN:
            rows &= (table["class_name"] == class_name).to_numpy()
        if fold:
            rows &= (table["fold"] == fold).to_numpy()
        names = table["clip"][rows].astype(str).tolist() if class_name != OWN else []
        own = self.list_own() if class_name in ("", OWN) and not fold else []
        sought = words.casefold().strip()
        classes = dict(zip(table["clip"].astype(str), table["class_name"].astype(str), strict=True))
        return [name for name in own + names if sought in f"{name} {classes.get(name, '')}".casefold()]

    def describe(self, name: str) -> ClipInfo:
        """Return what is known of a clip.

        Raises
        ------
        OptionError
            When there is no such clip.
        """
        if name in self.list_own():
            return ClipInfo(name, "", 0, name)
        row = self.dataset.table.iloc[find_row(self.dataset, name)]
        events = self.dataset.events
        return ClipInfo(
            name,
            str(row["class_name"]),
            int(row["fold"]),
            str(row["source"]),
            None if events is None else events[events["clip"] == name],
        )

    def count_frames(self, name: str, run: Run) -> int | None:
        """Return how many frames of a clip are its own; None where the run's network hears all; raises as `read`."""
        if not run.hides_padding:
            return None
        if name in self.list_own():
            return run.count_own_frames(audio_info(self.own_folder / name).duration_s)
        (length_s,) = measure_durations(self.dataset, rows=[find_row(self.dataset, name)])
        return run.count_own_frames(float(length_s))

    def read(self, name: str, *, sample_rate: int, duration_s: float) -> np.ndarray:
        """Return a clip's samples at a rate and length.

        Raises
        ------
        ClipError
            When the recording cannot be read.
        OptionError
            When there is no such clip.
        """
        if not name:
            raise OptionError("clip", "none is chosen", "choose one from the list")
        own = self.own_folder / name if name in self.list_own() else None
        # A sound may be deleted, and another one get its name.
        key = (name, sample_rate, duration_s, own.stat().st_mtime_ns if own else 0)
        if key not in self._recent:
            if own:
                samples = read_audio(own, sample_rate=sample_rate, duration_s=duration_s)
            else:
                row = find_row(self.dataset, name)
                samples = read_clip(self.dataset, row, sample_rate=sample_rate, duration_s=duration_s)
            self._recent[key] = samples
            while len(self._recent) > KEPT_CLIPS:
                self._recent.popitem(last=False)
        self._recent.move_to_end(key)
        return self._recent[key]


# All explorers of a process share the folder of own sounds, each through its own source.
_SOURCES: WeakSet[ClipSource] = WeakSet()


def _tell_all() -> None:
    for source in list(_SOURCES):
        for listener in list(source._listeners):
            listener()
