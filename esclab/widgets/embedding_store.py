"""Projections kept on disk, so that each is fitted once: t-SNE and UMAP take seconds to minutes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from esclab.analysis.epochs import LAST, list_epochs, resolve_epochs
from esclab.clips import data_home
from esclab.results import EmbeddingResult
from esclab.storage import digest_json, write_text
from esclab.training.run import Run

VERSION = 1  # raise it when the same settings would give other points
FOLDER = "embeddings"
SOME = 8  # epochs
SPREADS = ("last", "some", "all")


def choose_epochs(run: Run, spread: str) -> tuple[int, ...]:
    """Return the last epoch, some of the kept ones at even distances, or all of them.

    Parameters
    ----------
    run : Run
        A finished one.
    spread : {"last", "some", "all"}
    """
    if spread == "last" or not list_epochs(run):
        return resolve_epochs(run, (LAST,))
    epochs = resolve_epochs(run, "all")
    if spread == "all" or len(epochs) <= SOME:
        return epochs
    places = [round(step * (len(epochs) - 1) / (SOME - 1)) for step in range(SOME)]
    return tuple(epochs[place] for place in places)


def locate_projection(run: Run, *, method: str, layer: str, epochs: Sequence[int], seed: int) -> Path:
    """Return the file of a projection, named by the digest of all that decides it."""
    key = {
        "version": VERSION,
        "weights": run.summary.get("weights_sha256"),
        "recordings": run.config.dataset_digest,
        "fold": run.config.held_out,
        "method": method,
        "layer": layer,
        "epochs": list(epochs),
        "seed": seed,
    }
    return data_home() / FOLDER / f"{run.config.model}-{method}-{digest_json(key)[:20]}.json"


def read_projection(path: Path) -> EmbeddingResult | None:
    """Return a kept projection; None where there is none, or its file is damaged."""
    try:
        values = json.loads(path.read_text("utf-8"))
        values["class_names"] = tuple(values["class_names"])
        tables = {name: pd.DataFrame(values[name]) for name in ("table", "quality")}
        result = EmbeddingResult(**(values | tables))
        if result.table.empty or not set(result.table["class_name"]) <= set(result.class_names):
            return None
        result.table[["epoch", "clip", "x", "y", "predicted", "correct", "fold"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return result


def keep_projection(path: Path, result: EmbeddingResult) -> None:
    """Keep a projection.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    tables = {name: getattr(result, name).to_dict(orient="list") for name in ("table", "quality")}
    names = {name: value for name, value in vars(result).items() if name not in tables}
    write_text(path, json.dumps(names | tables, ensure_ascii=False))
