"""synth10: ten classes of synthetic sounds after ESC-10's, made on this machine, every event's place known."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from esclab.clips.dataset import COLUMNS, ClipDataset
from esclab.clips.entry import DatasetEntry
from esclab.clips.esc import name_categories
from esclab.clips.home import data_home
from esclab.clips.synthesis.clip import CLASS_NAMES, FOLDS, SyntheticClip, synthesize_clip
from esclab.clips.synthesis.settings import DURATION_S, GENERATOR_VERSION, SAMPLE_RATE
from esclab.errors import OptionError, StorageError

NAME = "synth10"
SIZE = 400
# From 50 clips on, each class is in each fold; 5000 take 1.4 GB.
SIZES = (len(CLASS_NAMES) * FOLDS, 5000)
LICENCE = "CC0-1.0 (made by esclab)"
CITATION = "synth10, the synthetic dataset that esclab makes itself"
PROTOCOL = "5 folds by source, synthetic"
ESC50_TARGETS = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)  # of ESC-10's classes, which these follow
EVENT_COLUMNS = ("clip", "onset_s", "offset_s", "low_hz", "high_hz")


def load_synth10(option: str = "") -> ClipDataset:
    """Return the synthetic dataset, made first where it is missing or of another generator's version.

    Parameters
    ----------
    option : str
        Number of clips, a multiple of 10 from 50; "" means 400. A smaller dataset is the beginning of a larger one.

    Raises
    ------
    OptionError
        When the number is not one of these.
    StorageError
        When the clips cannot be written.
    """
    size = parse_size(option)
    folder = make_synth10(size)
    rows = pd.read_csv(folder / "meta" / "synth10.csv", dtype={"clip": str, "source": str})
    rows["path"] = [str(folder / "audio" / name) for name in rows["file"]]
    table = rows.assign(split="", onset_s=float("nan"), offset_s=float("nan"))[list(COLUMNS)]
    return ClipDataset(
        name=NAME if size == SIZE else f"{NAME}:{size}",
        table=table,
        class_names=CLASS_NAMES,
        duration_s=DURATION_S,
        sample_rate=SAMPLE_RATE,
        protocol=PROTOCOL,
        licence=LICENCE,
        citation=CITATION,
        events=pd.read_csv(folder / "meta" / "events.csv", dtype={"clip": str}),
        categories=name_categories(dict(zip(CLASS_NAMES, ESC50_TARGETS, strict=True))),
    )


def get_synth10(option: str = "") -> None:
    """Make the synthetic dataset where it is missing; see `load_synth10` for the option and errors."""
    make_synth10(parse_size(option))


def parse_size(option: str) -> int:
    """Return the number of clips that the text after the colon asks for; raise OptionError where it is not allowed."""
    text = option.strip()
    fewest, most = SIZES
    size = SIZE if not text else int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    if not fewest <= size <= most or size % len(CLASS_NAMES):
        raise OptionError(
            f"{NAME}:{option}",
            f"the size must be a multiple of {len(CLASS_NAMES)} from {fewest} to {most}",
            f'write e.g. "{NAME}:{2 * fewest}", or "{NAME}" for {SIZE} clips',
        )
    return size


def make_synth10(size: int = SIZE, *, seed: int = 0, home: Path | None = None) -> Path:
    """Make the dataset where it is not there yet, and return its folder.

    Clips are written to a folder beside the target that takes its place once complete; a lock keeps two processes from
    doing the work twice.

    Parameters
    ----------
    size : int
        Number of clips.
    seed : int
        Another seed gives other clips of the same plan.
    home : Path, optional
        Folder that holds the dataset's; `data_home()` by default.

    Returns
    -------
    Path
        Folder with `audio/*.flac`, `meta/synth10.csv`, `meta/events.csv` and `meta/version.json`.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    from filelock import FileLock

    parent = home if home is not None else data_home()
    name = NAME + (f"-{size}" if size != SIZE else "") + (f"-seed{seed}" if seed else "")
    version = {"generator": GENERATOR_VERSION, "seed": seed, "size": size}
    if _is_complete(parent / name, version):
        return parent / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / f".{name}.lock"):
            if not _is_complete(parent / name, version):
                _replace_folder(parent / name, version)
    except (OSError, RuntimeError) as error:
        cause = f"the synthetic clips could not be written ({getattr(error, 'strerror', None) or error})"
        raise StorageError(parent / name, cause, "free some space or name another folder in ESCLAB_HOME") from error
    return parent / name


def _replace_folder(target: Path, version: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        made, old = Path(temporary) / "made", Path(temporary) / "old"
        _write_dataset(made, version)
        if target.exists():
            os.replace(target, old)
        os.replace(made, target)
        shutil.rmtree(old, ignore_errors=True)


def _write_dataset(folder: Path, version: dict[str, int]) -> None:
    import soundfile

    (folder / "audio").mkdir(parents=True)
    (folder / "meta").mkdir()
    clips, events = [], []
    for number in range(version["size"]):
        made = synthesize_clip(number, seed=version["seed"])
        row = _describe_clip(made)
        pcm = (made.samples * 32_768.0).astype("int16")
        soundfile.write(folder / "audio" / str(row["file"]), pcm, SAMPLE_RATE, subtype="PCM_16")
        clips.append(row)
        events += [
            (
                made.plan.clip,
                round(event.onset_s, 4),
                round(event.offset_s, 4),
                round(event.low_hz),
                round(event.high_hz),
            )
            for event in made.events
        ]
    pd.DataFrame(clips).to_csv(folder / "meta" / "synth10.csv", index=False)
    pd.DataFrame(events, columns=list(EVENT_COLUMNS)).to_csv(folder / "meta" / "events.csv", index=False)
    (folder / "meta" / "version.json").write_text(json.dumps(version) + "\n", encoding="utf-8")


def _describe_clip(made: SyntheticClip) -> dict[str, Any]:
    plan = made.plan
    return {
        "clip": plan.clip,
        "file": f"{plan.clip}.flac",
        "class_name": plan.class_name,
        "class_index": plan.class_index,
        "fold": plan.fold,
        "source": plan.source,
        "snr_db": round(made.snr_db, 2),
        "background": made.background,
    }


def _is_complete(folder: Path, version: dict[str, int]) -> bool:
    """Tell whether the folder holds this version's tables and as many recordings as it should."""
    try:
        found = json.loads((folder / "meta" / "version.json").read_text(encoding="utf-8"))
        tables = all((folder / "meta" / name).is_file() for name in ("synth10.csv", "events.csv"))
        recordings = sum(1 for _ in (folder / "audio").glob("*.flac"))
    except (OSError, ValueError):
        return False
    return tables and found == version and recordings == version["size"]


ENTRY = DatasetEntry(
    name=NAME,
    summary="ten classes of synthetic sounds after ESC-10's, every event's place known",
    size="400 clips of 5 s, about 115 MB, made in half a minute; synth10:80 makes 80 of them",
    licence=LICENCE,
    citation=CITATION,
    load=load_synth10,
    get=get_synth10,
)
