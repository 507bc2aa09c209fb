"""The weights that a run begins with, where they are not drawn: kept in its folder, so that it needs no other file."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esclab.clips import name_dataset
from esclab.errors import EsclabError, OptionError, RunError
from esclab.storage import digest_file, write_bytes, write_json

if TYPE_CHECKING:
    from esclab.models.base import SoundClassifier
    from esclab.models.pretrained import WeightsReport
    from esclab.training.run import Run

FILE, REPORT = "initial.safetensors", "initial.json"
TRAINED = "weights.safetensors"  # of a finished run
COUNTER = "num_batches_tracked"  # of a batch norm


def find_weights(weights: str | Path) -> Path:
    """Return the file that words name: a file, a run folder, or a shipped run.

    Raises
    ------
    OptionError
        When there is no such file.
    """
    from esclab.training.shipped import find_run

    if Path(weights).is_file():
        return Path(weights)
    try:
        path = find_run(weights).path / TRAINED
    except EsclabError as error:
        cause = "are neither a file nor a run"
        raise OptionError(f"weights {weights}", cause, "give a .safetensors or .pth file, or a run") from error
    if not path.exists():
        raise OptionError(f"weights {weights}", "are of an unfinished run", f"finish it with: esclab resume {weights}")
    return path


def find_donor(weights: str | Path) -> Run | None:
    """Return the run that trained some weights; None for a file that belongs to no run. Errors as `find_weights`."""
    from esclab.training.run import open_run

    path = find_weights(weights)
    return open_run(path.parent) if path.name == TRAINED and (path.parent / "config.json").exists() else None


def take_weights(run: Run, weights: str | Path) -> tuple[bytes, WeightsReport]:
    """Return what of `weights` fits a run's network, as safetensors, and the report on it.

    A last layer is taken only from a run on the same dataset with the same classes; else it is left fresh.

    Raises
    ------
    OptionError
        When the file cannot be read, or nothing in it fits.
    """
    import torch
    from safetensors.torch import save

    from esclab.models.pretrained import load_weights

    path = find_weights(weights)
    with torch.random.fork_rng():
        network = run.build_model()
    report = load_weights(network, path, keep_head=_same_task(run, find_donor(weights)))
    if all(name.endswith(COUNTER) for name in report.fitted):  # counters fit networks of any size
        cause = f"fit {run.config.model} nowhere (they hold {', '.join(report.unexpected[:3])} ...)"
        if report.reshaped:
            name, (theirs, own) = next(iter(report.reshaped.items()))
            cause = f"fit {run.config.model} nowhere ({name} has shape {theirs}, not {own}: another width?)"
        raise OptionError(f"weights {weights}", cause, "give weights of this network, or leave them out")
    values = network.state_dict()
    return save({name: values[name].contiguous() for name in report.fitted}), report


def name_weights(weights: str | Path) -> str:
    """Return how a run calls where its first weights come from: a file's name, or the run and its dataset."""
    donor = find_donor(weights)
    if donor is None:
        return Path(weights).name
    config = donor.config
    return f"run {config.model} on {config.dataset} fold {config.held_out} seed {config.seed}"


def keep_initial(run: Run, content: bytes, report: WeightsReport) -> None:
    """Write the first weights and the report on them into a new run's folder."""
    write_bytes(run.path / FILE, content)
    write_json(run.path / REPORT, asdict(report))


def set_initial(run: Run, network: SoundClassifier) -> None:
    """Set a fresh network to the run's first weights, if it has any; what they do not hold stays drawn by the seed.

    Raises
    ------
    RunError
        When the file is missing or holds other bytes than when the run was begun.
    """
    from safetensors.torch import load

    if not run.config.initial_weights:
        return
    path = run.path / FILE
    if not path.exists() or digest_file(path) != run.config.initial_weights:
        raise RunError(path, "is missing or holds other bytes than at the start", "restore it, or begin a new run")
    network.load_state_dict(load(path.read_bytes()), strict=False)


def digest_weights(content: bytes) -> str:
    """Return the SHA-256 of first weights."""
    return hashlib.sha256(content).hexdigest()


def describe_report(report: dict[str, Any]) -> list[str]:
    """Return in a few lines what fitted and what did not, from the report that `keep_initial` wrote."""
    lines = [f"{len(report['fitted'])} weights fitted ({report['layout']} names)"]
    for name, (theirs, ours) in report["reshaped"].items():
        lines.append(f"not fitting, left fresh: {name} is {tuple(theirs)} in the file, {tuple(ours)} here")
    for words, names in (("missing, left fresh", report["missing"]), ("in the file only", report["unexpected"])):
        if names:
            rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
            lines.append(f"{words}: {', '.join(names[:8])}{rest}")
    return lines


def _same_task(run: Run, donor: Run | None) -> bool:
    """Return whether weights come from a run on the same dataset, in whatever size or split, with the same classes."""
    if donor is None or donor.config.class_names != run.config.class_names:
        return False
    return name_dataset(donor.config.dataset) == name_dataset(run.config.dataset)
