"""The store: features computed once, kept on disk, checked by digest, read through a memory map."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from filelock import FileLock

from esclab.clips import read_clip
from esclab.clips.dataset import ClipDataset
from esclab.clips.home import data_home
from esclab.errors import DatasetError, EsclabError
from esclab.features import Feature, describe_feature
from esclab.storage import digest_json, replace_file, write_json

LOGGER = logging.getLogger(__name__)
CHUNK = 32  # clips in memory at a time
VERSION = 1  # raise it when the same settings would give other values


def load_features(
    dataset: ClipDataset,
    feature: Feature,
    *,
    duration_s: float | None = None,
    dtype: Literal["float16", "float32"] | None = None,
    progress: Callable[[int, int], None] | None = None,
    folder: str | Path | None = None,
) -> np.ndarray:
    """Return the features of every clip, from the store where they are already there.

    Parameters
    ----------
    dataset : ClipDataset
    feature : Feature
    duration_s : float, optional
        Length to which clips are padded or cut; the dataset's own by default.
    dtype : {"float16", "float32"}, optional
        Precision on disk; the front end's own by default. float16 keeps a log-mel to 0.03 dB.
    progress : callable, optional
        Called with (clips done, clips in all) while features are computed.
    folder : str or Path, optional
        Where the store lives; `store` in the data home by default.

    Returns
    -------
    features : read-only memory map of shape (clip, 1, frame, band)

    Raises
    ------
    DatasetError
        When clips cannot be read; their number and the first ten are named.
    """
    duration_s = float(duration_s or dataset.duration_s)
    dtype = dtype or feature.precision
    folder = Path(folder) if folder else data_home() / "store"
    settings = {
        "version": VERSION,
        "dataset": dataset.digest,
        "feature": describe_feature(feature),
        "duration_s": duration_s,
        "dtype": dtype,
    }
    path = folder / f"{re.split('[:@]', dataset.name)[0]}-{feature.name}-{digest_json(settings)[:20]}.npy"
    features = _open_checked(path)
    if features is not None:
        return features
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        # Another process may have made it while this one waited.
        features = _open_checked(path)
        if features is None:
            _compute(path, _transform_clips(dataset, feature, duration_s), len(dataset), dtype, settings, progress)
            features = _open_checked(path)
    if features is None:
        raise DatasetError(path, "changed while it was read", "run the command again")
    return features


def _open_checked(path: Path) -> np.ndarray | None:
    note = path.with_suffix(".json")
    try:
        digest = json.loads(note.read_text("utf-8"))["sha256"]
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if found != digest:
        LOGGER.warning("%s: its bytes are not those that were stored; the features are computed again.", path)
        return None
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _compute(
    path: Path,
    rows: Iterator[np.ndarray],
    count: int,
    dtype: str,
    settings: dict[str, Any],
    progress: Callable[[int, int], None] | None,
) -> None:
    with replace_file(path) as file:
        for done, row in enumerate(rows, start=1):
            if done == 1:
                header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (count, *row.shape)}
                np.lib.format.write_array_header_2_0(file, header)
            file.write(np.ascontiguousarray(row, dtype=dtype).tobytes())
            if progress is not None:
                progress(done, count)
        file.flush()
        file.seek(0)
        digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
    write_json(path.with_suffix(".json"), {**settings, "sha256": digest})


def _transform_clips(dataset: ClipDataset, feature: Feature, duration_s: float) -> Iterator[np.ndarray]:
    failures: list[str] = []

    def transform(row: int) -> np.ndarray | None:
        try:
            samples = read_clip(dataset, row, sample_rate=feature.config.sample_rate, duration_s=duration_s)
        except EsclabError as error:
            failures.append(str(error))
            return None
        with torch.inference_mode():
            return feature(torch.from_numpy(samples)[None])[0].numpy()

    with ThreadPoolExecutor(max_workers=min(4, torch.get_num_threads())) as pool:
        for start in range(0, len(dataset), CHUNK):
            for values in pool.map(transform, range(start, min(start + CHUNK, len(dataset)))):
                if values is not None and not failures:
                    yield values
    if failures:
        listed = "; ".join(sorted(failures)[:10])
        raise DatasetError(
            dataset.name,
            f"{len(failures)} of {len(dataset)} clips cannot be used: {listed}",
            "mend or remove them",
        )
