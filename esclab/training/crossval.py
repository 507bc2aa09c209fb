"""Cross-validation over a dataset's folds, for several models: resumable, reporting as it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError
from esclab.models import find_model
from esclab.results import Predictions
from esclab.storage import digest_file, digest_json
from esclab.training.heard import refuse_heard
from esclab.training.initial import find_weights
from esclab.training.loop import EpochReport, train
from esclab.training.recipe import Recipe
from esclab.training.run import Run
from esclab.training.start import create_run


@dataclass(frozen=True)
class CrossValidationReport:
    """Where a cross-validation stands.

    Attributes
    ----------
    run : Run
    number, runs : int
        Place of this run, from 1, and runs in all.
    epoch : EpochReport or None
        None when the run was finished before.
    """

    run: Run
    number: int
    runs: int
    epoch: EpochReport | None


def run_folder(
    root: str | Path,
    model: str,
    *,
    dataset: ClipDataset,
    recipe: Recipe,
    fold: int,
    validation_fold: int = 0,
    seed: int = 0,
    weights: str | Path | None = None,
) -> Path:
    """Return the folder of one run: root/dataset/recipe/model/fold-seed; each change of a recipe has its own.

    So has each file of first weights.
    """
    held_out = f"fold{fold}-valid{validation_fold}" if validation_fold else f"fold{fold}"
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in dataset.name)
    changed = f"-{digest_json(recipe.to_dict())[:8]}" if recipe.name.endswith("*") else ""
    if weights is not None:
        changed += f"-from-{digest_file(find_weights(weights))[:8]}"
    return Path(root) / safe / (recipe.name.removesuffix("*") + changed) / model / f"{held_out}-seed{seed}"


def validation_fold_of(dataset: ClipDataset, fold: int) -> int:
    """Return the training fold that validates when `fold` tests: the next one, cyclically."""
    folds = dataset.all_folds
    return folds[(folds.index(fold) + 1) % len(folds)]


def cross_validate(
    models: Sequence[str],
    dataset: ClipDataset,
    recipe: Recipe,
    *,
    root: str | Path = "runs",
    seeds: Sequence[int] = (0,),
    folds: Sequence[int] | None = None,
    validate: bool = False,
    keep_epochs: bool = False,
    weights: str | Path | None = None,
) -> Iterator[CrossValidationReport]:
    """Train every model on every fold, one report an epoch; finished runs are kept, a broken-off one is resumed.

    Parameters
    ----------
    models : sequence of str
    dataset : ClipDataset
    recipe : Recipe
    root : str or Path
        Folder of all runs.
    seeds : sequence of int
    folds : sequence of int, optional
        All folds by default.
    validate : bool
        Score a validation fold cut from the training folds; the test folds stay unseen. For settling a recipe.
    keep_epochs : bool
        Keep predictions and embeddings of every evaluated epoch.
    weights : str or Path, optional
        First weights of every run, as `create_run` takes them.

    Raises
    ------
    OptionError
        When a model or fold is unknown, or first weights have heard held-out clips; nothing is trained then.
    """
    folds = dataset.folds if folds is None else folds
    for model in models:
        find_model(model)
    for fold in folds:
        dataset.split_fold(fold)
        if weights is not None:
            validation_fold = validation_fold_of(dataset, fold) if validate else 0
            refuse_heard(weights, dataset, fold=fold, validation_fold=validation_fold)
    jobs = [(model, fold, seed) for seed in seeds for fold in folds for model in models]
    return _train_jobs(jobs, dataset, recipe, root=root, validate=validate, keep_epochs=keep_epochs, weights=weights)


def _train_jobs(
    jobs: list[tuple[str, int, int]],
    dataset: ClipDataset,
    recipe: Recipe,
    *,
    root: str | Path,
    validate: bool,
    keep_epochs: bool,
    weights: str | Path | None,
) -> Iterator[CrossValidationReport]:
    """Train models, folds and seeds in this order; apart from `cross_validate`, whose checks should not wait."""
    for number, (model, fold, seed) in enumerate(jobs, start=1):
        validation_fold = validation_fold_of(dataset, fold) if validate else 0
        run = create_run(
            model, dataset, recipe,
            folder=run_folder(
                root, model, dataset=dataset, recipe=recipe, fold=fold, validation_fold=validation_fold, seed=seed,
                weights=weights,
            ),
            fold=fold, validation_fold=validation_fold, seed=seed, keep_epochs=keep_epochs, weights=weights,
        )  # fmt: skip
        if run.is_finished:
            yield CrossValidationReport(run, number, len(jobs), None)
        for report in train(run, dataset=dataset):
            yield CrossValidationReport(run, number, len(jobs), report)


def join_predictions(runs: Sequence[Run]) -> list[Predictions]:
    """Join the predictions of runs of the same model and seed over their folds; errors as `join_folds`."""
    return join_folds([run.read_predictions() for run in runs])


def join_folds(parts: Sequence[Predictions]) -> list[Predictions]:
    """Join predictions of the same model and seed, each on the clips of another fold.

    Raises
    ------
    OptionError
        When parts of one model and seed hold the same clip twice, or have other classes.
    """
    groups: dict[tuple[str, int], list[Predictions]] = {}
    for part in parts:
        groups.setdefault((part.model, part.seed), []).append(part)
    return [_join(group) for group in groups.values()]


def _join(parts: list[Predictions]) -> Predictions:
    clips = np.concatenate([part.clips for part in parts])
    if len(np.unique(clips)) < len(clips):
        raise OptionError(f"runs of {parts[0].model}", "predict the same clip twice", "give one run a fold and seed")
    if any(part.class_names != parts[0].class_names for part in parts):
        raise OptionError(f"runs of {parts[0].model}", "have different classes", "give runs of one dataset")
    return Predictions(
        clips=clips,
        sources=np.concatenate([part.sources for part in parts]),
        folds=np.concatenate([part.folds for part in parts]),
        true=np.concatenate([part.true for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        class_names=parts[0].class_names,
        model=parts[0].model,
        seed=parts[0].seed,
    )
