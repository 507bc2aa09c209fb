"""What a training writes: checkpoints to resume from, and the finished run."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save

from esclab.clips.dataset import ClipDataset
from esclab.errors import RunError
from esclab.models.base import SoundClassifier
from esclab.models.recording import read_mixtures
from esclab.storage import write_bytes, write_json, write_text
from esclab.training.data import TrainingData
from esclab.training.device import name_device
from esclab.training.run import Run


def save_state(run: Run, *, network: SoundClassifier, optimiser: Any, history: list[dict[str, float]]) -> None:
    """Write what a resumed training needs: weights, optimiser and history after the last epoch."""
    buffer = io.BytesIO()
    torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(), "history": history}, buffer)
    write_bytes(run.path / "state.pt", buffer.getvalue())
    write_text(run.path / "history.csv", pd.DataFrame(history).to_csv(index=False))


def load_state(run: Run, network: SoundClassifier, optimiser: Any) -> list[dict[str, float]]:
    """Restore weights and optimiser from the last checkpoint; return its history, empty where there is none."""
    path = run.path / "state.pt"
    if not path.exists():
        return []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        if [row["epoch"] for row in state["history"]] != list(range(1, len(state["history"]) + 1)):
            raise ValueError("epochs are missing")
        return state["history"]
    except (
        pickle.UnpicklingError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError,
    ) as error:  # fmt: skip
        raise RunError(path, "is no checkpoint of this run", "delete it to train from the start") from error


def finish_run(
    run: Run,
    *,
    dataset: ClipDataset,
    network: SoundClassifier,
    data: TrainingData,
    history: list[dict[str, float]],
    probabilities: np.ndarray,
) -> None:
    """Write weights, history, predictions and, last, the summary that marks the run as finished."""
    weights = save({k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()})
    write_bytes(run.path / "weights.safetensors", weights)
    write_text(run.path / "history.csv", pd.DataFrame(history).to_csv(index=False))
    table = tabulate_predictions(dataset, data.held_out, probabilities)
    write_text(run.path / "predictions.csv", table.to_csv(index=False))
    last = history[-1]
    write_json(
        run.path / "summary.json",
        {
            "accuracy": last["valid_accuracy"],
            "log_loss": last["valid_loss"],
            "iterations": int(last["iteration"]),
            "seconds": round(last["seconds"], 2),
            "device_name": name_device(run.config.device),
            "mixtures": read_mixtures(network),
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
        },
    )
    (run.path / "state.pt").unlink(missing_ok=True)


def tabulate_predictions(dataset: ClipDataset, rows: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return predictions as a table: clip, source, fold, class_index and one column of probabilities a class."""
    table = dataset.table.iloc[rows][["clip", "source", "fold", "class_index"]].reset_index(drop=True)
    columns = [f"p_{number}" for number in range(probabilities.shape[1])]
    return table.join(pd.DataFrame(probabilities, columns=columns))


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays to one .npz in one step that cannot leave half a file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())
