"""Scores of explanations kept on disk: all methods of a model take tens of minutes, and a stop should lose little."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.storage import digest_json, write_bytes

if TYPE_CHECKING:
    from esclab.analysis.trust_scores import Scores
    from esclab.clips.dataset import ClipDataset
    from esclab.training.run import Run

VERSION = 1  # raise it when the same settings would give other scores


@dataclass(frozen=True)
class ScoreStore:
    """A folder with one file for each method on each batch of clips, named by the digest of all that decides it.

    Attributes
    ----------
    folder : Path
    key : dict
        What decides a score beside the method; JSON.
    """

    folder: Path
    key: dict[str, Any]

    def read(self, method: str) -> Scores | None:
        """Return a method's kept scores; None where there are none, or their file is damaged."""
        try:
            with np.load(io.BytesIO(self._locate(method).read_bytes()), allow_pickle=False) as file:
                return dict(file)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, method: str, scores: Scores) -> None:
        """Keep a method's scores.

        Raises
        ------
        StorageError
            When they cannot be written.
        """
        buffer = io.BytesIO()
        np.savez(buffer, **scores)  # type: ignore[arg-type]
        write_bytes(self._locate(method), buffer.getvalue())

    def _locate(self, method: str) -> Path:
        return self.folder / f"{digest_json({**self.key, 'method': method})[:24]}.npz"


def open_store(
    folder: Path,
    run: Run,
    dataset: ClipDataset,
    *,
    clips: Sequence[str],
    masks: Sequence[np.ndarray] | None,
    **how: Any,
) -> ScoreStore:
    """Return the store of one batch of clips.

    Parameters
    ----------
    folder : Path
    run : Run
        A finished one.
    dataset : ClipDataset
    clips : sequence of str
    masks : sequence of ndarray of bool, shape (frame, band), or None
        Where the clips' events lie.
    **how
        Settings that decide a score, as JSON knows them.
    """
    events = None if masks is None else hashlib.sha256(b"".join(mask.tobytes() for mask in masks)).hexdigest()
    key = {
        "version": VERSION, "weights": run.summary.get("weights_sha256"), "recordings": dataset.digest,
        "clips": list(clips), "events": events, **how,
    }  # fmt: skip
    return ScoreStore(folder, key)
