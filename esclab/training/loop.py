"""The training loop: a generator of epoch reports that stops, saves and resumes to the same bits."""

from __future__ import annotations

import io
import logging
import math
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from esclab.augment import mask_blocks, mix_up, roll_time
from esclab.clips import load_dataset
from esclab.clips.dataset import ClipDataset
from esclab.errors import RunError, TrainingError
from esclab.features.store import load_features
from esclab.models.attention import read_mixtures
from esclab.models.base import SoundClassifier
from esclab.storage import write_bytes, write_json, write_text
from esclab.training.device import keep_freed_memory, name_device, open_fabric
from esclab.training.recipe import Recipe
from esclab.training.run import Run, save_arrays, tabulate_predictions

LOGGER = logging.getLogger(__name__)
CHECKPOINT_S = 20.0  # a kill loses at most this much work and one epoch
EVALUATION_BATCH = 32


@dataclass(frozen=True)
class EpochReport:
    """What one epoch did.

    Attributes
    ----------
    epoch, iteration, iterations : int
        Epochs and optimiser steps done, and steps in all.
    train_loss, train_accuracy : float
        Means over the epoch's augmented batches; accuracy counts the label with the larger share.
    valid_loss, valid_accuracy : float
        On the held-out clips, NaN where they were not evaluated. Nothing is chosen by them.
    learning_rate : float
        Of the epoch's last step.
    seconds, seconds_left : float
        Spent so far and, at this pace, still to come.
    mixtures : dict
        (alpha, beta, gamma) of every layer with parallel attention.
    """

    epoch: int
    iteration: int
    iterations: int
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    learning_rate: float
    seconds: float
    seconds_left: float
    mixtures: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass
class _Data:
    """The whole dataset on the device, and which rows train and test."""

    features: Tensor
    targets: Tensor
    train: np.ndarray
    held_out: np.ndarray


def train(
    run: Run,
    *,
    dataset: ClipDataset | None = None,
    compile_model: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[EpochReport]:
    """Train a run from where it stands to its end, one report an epoch.

    Closing the generator stops the training; calling `train` again resumes it from the last checkpoint (at most 20 s of work
    and one epoch back) and ends with the weights that an uninterrupted training would have had, bit for bit, on the same
    processor with the same number of threads.

    Parameters
    ----------
    run : Run
        From `create_run` or `open_run`. A finished run yields nothing.
    dataset : ClipDataset, optional
        The run's dataset where it is loaded already.
    compile_model : bool
        Let `torch.compile` fuse the network: slower to start, faster afterwards.
    progress : callable, optional
        Called with (clips done, clips in all) while features are computed.

    Raises
    ------
    TrainingError
        When the loss is no longer finite; what was saved before stays.
    RunError
        When the recordings changed since the run began.
    """
    if run.is_finished:
        return
    config, recipe = run.config, run.config.recipe
    dataset = dataset or load_dataset(config.dataset)
    if dataset.digest != config.dataset_digest:
        raise RunError(run.path, f"was begun on other recordings of {config.dataset}", "start a new run")
    if torch.get_num_threads() != config.threads:
        LOGGER.warning(
            "%s was begun with %d threads and goes on with %d: its weights will differ in the last bits.",
            run.path,
            config.threads,
            torch.get_num_threads(),
        )
    keep_freed_memory()
    fabric = open_fabric(config.device, config.precision)
    data = _load_data(run, dataset, fabric.device, progress)
    with _seeded(config.seed, 0):
        network = run.build_model()
    if recipe.standardise:
        train_clips = data.features[torch.from_numpy(data.train).to(fabric.device)]
        std, mean = torch.std_mean(train_clips, dim=(0, 1, 2))
        network.standardise_by(mean.cpu(), std.cpu())
    network.to(memory_format=torch.channels_last)
    model, optimiser = fabric.setup(
        torch.compile(network) if compile_model else network, _build_optimiser(network, recipe)
    )
    history = _load_state(run, network, optimiser)
    seconds_before, started = (history[-1]["seconds"] if history else 0.0), time.perf_counter()
    saved_at = started
    steps_per_epoch = max(1, len(data.train) // recipe.batch_size)
    epochs = math.ceil(recipe.iterations / steps_per_epoch)
    for epoch in range(len(history) + 1, epochs + 1):
        first = (epoch - 1) * steps_per_epoch
        steps = min(steps_per_epoch, recipe.iterations - first)
        with _seeded(config.seed, epoch) as generator:
            losses, hits = _train_epoch(fabric, model, optimiser, data, recipe, generator, first, steps)
        if not math.isfinite(losses.sum().item()):
            raise _explain_divergence(dataset, data, config.seed, epoch, recipe, losses)
        evaluated = epoch == epochs or epoch % recipe.evaluate_every == 0
        probabilities, embeddings = _predict(network, data) if evaluated else (None, None)
        loss, accuracy = _score(probabilities, data) if probabilities is not None else (math.nan, math.nan)
        seconds = seconds_before + time.perf_counter() - started
        done = first + steps
        report = EpochReport(
            epoch, done, recipe.iterations, losses.mean().item(), hits, loss, accuracy,
            recipe.learning_rate_at(done - 1), seconds, seconds / done * (recipe.iterations - done),
            read_mixtures(network),
        )  # fmt: skip
        history.append(_flatten(report))
        if config.keep_epochs and probabilities is not None and embeddings is not None:
            save_arrays(
                run.path / "epochs" / f"{epoch:05d}.npz",
                probabilities=probabilities.astype("float32"), embeddings=embeddings.astype("float16"),
            )  # fmt: skip
        if epoch == epochs and probabilities is not None:
            _finish(run, dataset, network, data, history, probabilities)
        elif time.perf_counter() - saved_at > CHECKPOINT_S:
            _save_state(run, network, optimiser, history)
            saved_at = time.perf_counter()
        yield report


def predict_features(network: SoundClassifier, features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return class probabilities (clip, class) and embeddings (clip, d) of features, in float32, in evaluation mode."""
    was_training = network.training
    network.eval()
    probabilities, embeddings = [], []
    with torch.inference_mode():
        for batch in features.split(EVALUATION_BATCH):
            embedding = network.embed(batch)
            probabilities.append(network.classifier(embedding).double().softmax(1).cpu().numpy())
            embeddings.append(embedding.cpu().numpy())
    network.train(was_training)
    return np.concatenate(probabilities), np.concatenate(embeddings)


class _seeded:
    """Draw everything inside from (seed, epoch), and leave the caller's random state as it was."""

    def __init__(self, seed: int, epoch: int) -> None:
        # 64 bits of entropy from both numbers, so that seed 1, epoch 2 and seed 2, epoch 1 share nothing.
        self.state = int(
            np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1)
        )
        self.fork = torch.random.fork_rng()

    def __enter__(self) -> torch.Generator:
        self.fork.__enter__()
        torch.manual_seed(self.state)
        return torch.Generator().manual_seed(self.state)

    def __exit__(self, *error: Any) -> None:
        self.fork.__exit__(*error)


def _load_data(
    run: Run, dataset: ClipDataset, device: torch.device, progress: Callable[[int, int], None] | None
) -> _Data:
    recipe, config = run.config.recipe, run.config
    features = load_features(dataset, run.build_feature(), duration_s=config.duration_s, progress=progress)
    train_rows, held_out = dataset.split_fold(config.fold)
    if config.validation_fold:
        fold = dataset.table["fold"].to_numpy()
        held_out = np.flatnonzero(fold == config.validation_fold)
        train_rows = train_rows[fold[train_rows] != config.validation_fold]
    if len(train_rows) < recipe.batch_size:
        raise TrainingError(
            f"batch_size {recipe.batch_size}",
            f"is more than the {len(train_rows)} training clips",
            "choose a smaller one",
        )
    labels = torch.from_numpy(dataset.table["class_index"].to_numpy(copy=True))
    return _Data(
        torch.from_numpy(features.astype(np.float32)).to(device),
        F.one_hot(labels, len(dataset.class_names)).float().to(device),
        train_rows,
        held_out,
    )


def _build_optimiser(network: SoundClassifier, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = network.parameters()
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)


def _train_epoch(
    fabric: Any,
    model: Any,
    optimiser: Any,
    data: _Data,
    recipe: Recipe,
    generator: torch.Generator,
    first: int,
    steps: int,
) -> tuple[Tensor, float]:
    """Take `steps` steps; return the loss of each, and the share of clips whose main label was found."""
    model.train()
    order = _draw_order(data, generator)
    losses, hits = [], []
    for step in range(steps):
        rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size].to(data.features.device)
        features, targets = _augment(data.features[rows], data.targets[rows], model, recipe, generator)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(first + step)
        logits = model(features).float()
        loss = F.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
        optimiser.zero_grad()
        fabric.backward(loss)
        optimiser.step()
        losses.append(loss.detach())
        hits.append((logits.argmax(1) == targets.argmax(1)).float().mean())
    return torch.stack(losses).cpu(), torch.stack(hits).mean().item()


def _augment(
    features: Tensor, targets: Tensor, model: Any, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    if recipe.roll:
        features = roll_time(features, generator=generator)
    features, targets = mix_up(features, targets, alpha=recipe.mixup_alpha, generator=generator)
    features = mask_blocks(
        features,
        frames=recipe.mask_frames,
        bands=recipe.mask_bands,
        count=recipe.masks,
        value=model.input_mean,
        generator=generator,
    )
    return features, targets


def _draw_order(data: _Data, generator: torch.Generator) -> Tensor:
    return torch.from_numpy(data.train)[torch.randperm(len(data.train), generator=generator)]


def _predict(network: SoundClassifier, data: _Data) -> tuple[np.ndarray, np.ndarray]:
    rows = torch.from_numpy(data.held_out).to(data.features.device)
    return predict_features(network, data.features[rows])


def _score(probabilities: np.ndarray, data: _Data) -> tuple[float, float]:
    true = data.targets.argmax(1).cpu().numpy()[data.held_out]
    chosen = probabilities[np.arange(len(true)), true]
    return float(-np.log(np.clip(chosen, 1e-15, 1.0)).mean()), float((probabilities.argmax(1) == true).mean())


def _flatten(report: EpochReport) -> dict[str, float]:
    row = {k: v for k, v in asdict(report).items() if k not in ("mixtures", "seconds_left", "iterations")}
    for layer, mixture in report.mixtures.items():
        row |= {f"{layer}_{name}": value for name, value in mixture.items()}
    return row


def _save_state(run: Run, network: SoundClassifier, optimiser: Any, history: list[dict[str, float]]) -> None:
    buffer = io.BytesIO()
    torch.save(
        {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "history": history}, buffer
    )
    write_bytes(run.path / "state.pt", buffer.getvalue())
    write_text(run.path / "history.csv", pd.DataFrame(history).to_csv(index=False))


def _load_state(run: Run, network: SoundClassifier, optimiser: Any) -> list[dict[str, float]]:
    path = run.path / "state.pt"
    if not path.exists():
        return []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        return state["history"]
    except (pickle.UnpicklingError, RuntimeError, KeyError, ValueError, EOFError) as error:
        raise RunError(path, "is no checkpoint of this run", "delete it to train from the start") from error


def _finish(
    run: Run,
    dataset: ClipDataset,
    network: SoundClassifier,
    data: _Data,
    history: list[dict[str, float]],
    probabilities: np.ndarray,
) -> None:
    import hashlib

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


def _explain_divergence(
    dataset: ClipDataset, data: _Data, seed: int, epoch: int, recipe: Recipe, losses: Tensor
) -> TrainingError:
    step = int((~losses.isfinite()).nonzero()[0])
    with _seeded(seed, epoch) as generator:
        rows = _draw_order(data, generator)[step * recipe.batch_size : (step + 1) * recipe.batch_size]
    clips = ", ".join(dataset.table["clip"].iloc[rows.numpy()].head(5))
    iteration = (epoch - 1) * max(1, len(data.train) // recipe.batch_size) + step + 1
    return TrainingError(
        f"iteration {iteration}",
        f"the loss became {losses[step].item()} on a batch with {clips} ...",
        "lower the learning rate, or resume from the last checkpoint with a finite state",
    )
