"""The training loop: a generator of epoch reports that stops, saves and resumes to the same bits."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from esclab.augment import mask_blocks, mix_up, roll_time
from esclab.clips import load_dataset
from esclab.clips.dataset import ClipDataset
from esclab.errors import RunError, TrainingError
from esclab.models.base import SoundClassifier
from esclab.models.recording import read_mixtures
from esclab.training.balance import count_drawn, draw_balanced
from esclab.training.batch_norm import measure_statistics
from esclab.training.checkpoint import finish_run, load_state, save_arrays, save_state
from esclab.training.data import TrainingData, count_own_frames, load_training_data, predict_features, score_held_out
from esclab.training.device import keep_freed_memory, open_fabric
from esclab.training.initial import set_initial
from esclab.training.lock import LOCK_NAME, hold_run
from esclab.training.recipe import Recipe
from esclab.training.run import Run
from esclab.training.seeds import seed_epoch
from esclab.training.steps import StepLog, flatten_mixtures

LOGGER = logging.getLogger(__name__)
CHECKPOINT_S = 20.0  # a kill loses at most this much work and one epoch


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


def train(
    run: Run,
    *,
    dataset: ClipDataset | None = None,
    compile_model: bool = False,
    wait: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[EpochReport]:
    """Train a run from where it stands to its end, one report an epoch.

    Closing the generator saves and stops the training; after a crash the last checkpoint is at most 20 s of work and
    one epoch old. Calling `train` again resumes from there and ends with the weights that an uninterrupted training
    would have had, bit for bit, on the same processor with the same number of threads.

    Parameters
    ----------
    run : Run
        From `create_run` or `open_run`. A finished run yields nothing.
    dataset : ClipDataset, optional
        The run's dataset where it is loaded already.
    compile_model : bool
        Let `torch.compile` fuse the network: slower to start, faster afterwards.
    wait : bool
        Where another program trains this run: wait for it, and go on if it stopped early, instead of refusing.
    progress : callable, optional
        Called with (clips done, clips in all) while features are computed.

    Raises
    ------
    TrainingError
        When the loss is no longer finite; what was saved before stays.
    RunError
        When the recordings changed since the run began, or when it is being trained already and `wait` is not set.
    """
    if run.is_finished:
        return
    with hold_run(run.path, wait=wait):
        if not run.is_finished:  # another program may have ended it meanwhile
            yield from _train(run, dataset, compile_model=compile_model, progress=progress)
        if run.is_finished:
            (run.path / LOCK_NAME).unlink(missing_ok=True)


def _train(
    run: Run,
    dataset: ClipDataset | None,
    *,
    compile_model: bool,
    progress: Callable[[int, int], None] | None,
) -> Iterator[EpochReport]:
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
    data = load_training_data(run, dataset, device=fabric.device, progress=progress)
    with seed_epoch(config.seed, 0):
        network = run.build_model()
    set_initial(run, network)
    data.lengths = count_own_frames(run, dataset)
    if recipe.standardise:
        network.standardise_by(*data.measure_bands())
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model, optimiser = fabric.setup(
        cast(nn.Module, torch.compile(network)) if compile_model else network, _build_optimiser(network, recipe)
    )
    model.mark_forward_method("compute_loss")  # a compiled network computes it compiled
    history = load_state(run, network, optimiser)
    log = StepLog(run, network, done=int(history[-1]["iteration"]) if history else 0)
    seconds_before, started = (history[-1]["seconds"] if history else 0.0), time.perf_counter()
    saved_at = started
    steps_per_epoch = _count_steps(data, recipe)
    epochs = math.ceil(recipe.iterations / steps_per_epoch)
    for epoch in range(len(history) + 1, epochs + 1):
        first = (epoch - 1) * steps_per_epoch
        steps = min(steps_per_epoch, recipe.iterations - first)
        with seed_epoch(config.seed, epoch) as generator:
            losses, hits = _train_epoch(fabric, model, optimiser, data, recipe, generator, first, steps, log)
        if not math.isfinite(losses.sum().item()):
            raise _explain_divergence(dataset, data, config.seed, epoch, recipe, losses)
        evaluated = epoch == epochs or config.keep_epochs or epoch % recipe.evaluate_every == 0
        if evaluated and recipe.measured_statistics:
            measure_statistics(network, data, batch_size=recipe.batch_size)
        probabilities, embeddings = (
            predict_features(network, data.held_out_features, data.held_out_lengths) if evaluated else (None, None)
        )
        loss, accuracy = score_held_out(probabilities, data) if probabilities is not None else (math.nan, math.nan)
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
            log.save()
            finish_run(run, dataset=dataset, network=network, data=data, history=history, probabilities=probabilities)
        elif time.perf_counter() - saved_at > CHECKPOINT_S:
            log.save()
            save_state(run, network=network, optimiser=optimiser, history=history)
            saved_at = time.perf_counter()
        try:
            yield report
        except GeneratorExit:
            if not run.is_finished:
                log.save()
                save_state(run, network=network, optimiser=optimiser, history=history)
            raise


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
    data: TrainingData,
    recipe: Recipe,
    generator: torch.Generator,
    first: int,
    steps: int,
    log: StepLog,
) -> tuple[Tensor, float]:
    """Take `steps` steps; return the loss of each, and the share of clips whose main label was found."""
    model.train()
    order = _draw_order(data, recipe, generator)
    losses, hits = [], []
    for step in range(steps):
        rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        features, targets, lengths = data.take(rows)
        features, targets = _augment(features, targets, model, recipe, generator)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(first + step)
        hidden = {} if lengths is None else {"lengths": lengths}
        loss, logits = take_step(
            fabric, model, optimiser,
            features=features, targets=targets, label_smoothing=recipe.label_smoothing, **hidden,
        )  # fmt: skip
        log.note(first + step + 1)
        losses.append(loss)
        hits.append((logits.argmax(1) == targets.argmax(1)).float().mean())
    return torch.stack(losses).cpu(), torch.stack(hits).mean().item()


def take_step(
    fabric: Any, model: Any, optimiser: Any, *, features: Tensor, targets: Tensor, **settings: Any
) -> tuple[Tensor, Tensor]:
    """Take one step of the optimiser; return the loss and the logits (clip, class) before it.

    The loss is computed in Fabric's precision; `settings` go to the model's `compute_loss`.
    """
    with fabric.autocast():  # by itself Fabric casts in `forward` alone
        loss, logits = model.compute_loss(features, targets, **settings)
    optimiser.zero_grad()
    fabric.backward(loss)
    optimiser.step()
    return loss.detach(), logits.detach()


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


def _flatten(report: EpochReport) -> dict[str, float]:
    row = {k: v for k, v in asdict(report).items() if k not in ("mixtures", "seconds_left", "iterations")}
    return row | flatten_mixtures(report.mixtures)


def _count_steps(data: TrainingData, recipe: Recipe) -> int:
    return max(1, count_drawn(data.train_classes, oversample=recipe.oversample) // recipe.batch_size)


def _draw_order(data: TrainingData, recipe: Recipe, generator: torch.Generator) -> Tensor:
    places = (
        draw_balanced(data.train_classes, generator)
        if recipe.oversample
        else torch.randperm(len(data.train), generator=generator)
    )
    return torch.from_numpy(data.train)[places]


def _explain_divergence(
    dataset: ClipDataset, data: TrainingData, seed: int, epoch: int, recipe: Recipe, losses: Tensor
) -> TrainingError:
    step = int((~losses.isfinite()).nonzero()[0])
    with seed_epoch(seed, epoch) as generator:
        rows = _draw_order(data, recipe, generator)[step * recipe.batch_size : (step + 1) * recipe.batch_size]
    clips = ", ".join(dataset.table["clip"].iloc[rows.numpy()].head(5))
    iteration = (epoch - 1) * _count_steps(data, recipe) + step + 1
    return TrainingError(
        f"iteration {iteration}",
        f"the loss became {losses[step].item()} on a batch with {clips} ...",
        "lower the learning rate, or resume from the last checkpoint with a finite state",
    )
