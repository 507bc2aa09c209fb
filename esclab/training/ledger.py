"""Ledgers: tables of results that are only ever appended to, one key never twice; `runs.csv` has one row a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock

from esclab.errors import StorageError
from esclab.storage import digest_json, write_bytes

if TYPE_CHECKING:
    from esclab.training.run import Run

KEY = ("model", "dataset", "protocol", "fold", "seed", "recipe", "recipe_digest")
SCORES = ("accuracy", "uar", "log_loss", "ece")
COLUMNS = (
    *KEY, *SCORES, "clips", "iterations", "seconds", "device", "threads", "precision", "versions", "date",
)  # fmt: skip


def describe_run(run: Run, scores: dict[str, float]) -> dict[str, Any]:
    """Return the row of a finished run.

    Parameters
    ----------
    run : Run
    scores : dict
        Values of `accuracy`, `uar`, `log_loss` and `ece`.
    """
    config, summary = run.config, run.summary
    return {
        "model": config.model,
        "dataset": config.dataset,
        "protocol": config.protocol,
        "fold": config.held_out,
        "seed": config.seed,
        "recipe": f"{config.recipe.name} from {config.initial_from}" if config.initial_from else config.recipe.name,
        "recipe_digest": digest_recipe(run),
        **{name: round(scores[name], 6) for name in SCORES},
        "clips": len(run.read_predictions().true),
        "iterations": summary["iterations"],
        "seconds": summary["seconds"],
        "device": summary["device_name"],
        "threads": config.threads,
        "precision": config.precision,
        "versions": " ".join(f"{name}={number}" for name, number in config.versions.items()),
        "date": datetime.now(UTC).date().isoformat(),
    }


def digest_recipe(run: Run) -> str:
    """Return 12 hex digits that change with any setting of the recipe that can change a score."""
    settings = run.config.recipe.to_dict()
    for name in ("source", "not_in_paper", "evaluate_every"):
        settings.pop(name)
    if not settings["measured_statistics"]:  # younger than many rows
        settings.pop("measured_statistics")
    if run.config.initial_weights:
        settings["initial_weights"] = run.config.initial_weights
    return digest_json(settings)[:12]


def read_ledger(path: str | Path, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """Return all rows, or an empty table where the file is not there yet.

    Parameters
    ----------
    path : str or Path
    columns : sequence of str
        What the ledger must have; those of `runs.csv` by default.

    Raises
    ------
    StorageError
        When the file is not readable as CSV or lacks a column.
    """
    path = Path(path)
    if not path.exists():
        return pd.DataFrame(columns=list(columns))
    try:
        table = pd.read_csv(path, dtype={"recipe_digest": str})
    except ValueError as error:  # pandas' parser errors are ValueErrors
        raise StorageError(path, f"is not readable ({error})", "restore the file or choose another") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise StorageError(path, f"lacks the columns {', '.join(missing)}", "restore the file or choose another")
    return table


def append_result(
    path: str | Path, row: dict[str, Any], *, key: Sequence[str] = KEY, later: Sequence[str] = ()
) -> bool:
    """Append a row unless its key is there already; safe for several processes.

    Parameters
    ----------
    path : str or Path
    row : dict
        Values by column; a new ledger gets its columns.
    key : sequence of str
        The columns that together name a row.
    later : sequence of str
        Columns that a ledger may lack: it gets them at its end, empty in the rows that it has.

    Returns
    -------
    appended : bool
        False when a row with this key exists; it stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        table = read_ledger(path, [name for name in row if name not in later])
        same = pd.Series(True, index=table.index)
        for name in key:
            same &= table[name].astype(str) == str(row[name])
        if same.any():
            return False
        absent = [name for name in later if name not in table.columns]
        added = pd.DataFrame([row], columns=[*table.columns, *absent])
        # Old bytes are kept as they are on disk: only the new line is formatted.
        old = path.read_bytes() if path.exists() else (",".join(table.columns) + "\n").encode()
        old = _add_columns(old, absent)
        end = b"" if old.endswith(b"\n") else b"\n"
        write_bytes(path, old + end + added.to_csv(index=False, header=False).encode())
    return True


def _add_columns(content: bytes, names: Sequence[str]) -> bytes:
    """Return a ledger's bytes with columns added that are empty in each of its rows."""
    if not names:
        return content
    header, *rows = content.splitlines()
    grown = [row + b"," * len(names) if row.strip() else row for row in rows]
    return b"\n".join([header + b"," + ",".join(names).encode(), *grown, b""])
