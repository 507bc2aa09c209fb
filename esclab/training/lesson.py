"""A trained run for a lesson: the one that comes with esclab, one trained before, or one trained now."""

from __future__ import annotations

from pathlib import Path

from esclab.clips.dataset import ClipDataset
from esclab.training.crossval import run_folder
from esclab.training.loop import train
from esclab.training.progress import watch
from esclab.training.recipe import QUICK, Recipe
from esclab.training.run import Run
from esclab.training.shipped import find_run, list_shipped
from esclab.training.start import create_run


def provide_run(
    model: str,
    dataset: ClipDataset,
    recipe: Recipe = QUICK,
    *,
    fold: int = 1,
    seed: int = 0,
    keep_epochs: bool = False,
    root: str | Path = "runs",
) -> Run:
    """Return a finished run; a bar shows the training where one is needed.

    Parameters
    ----------
    model : str
    dataset : ClipDataset
    recipe : Recipe
    fold, seed : int
    keep_epochs : bool
        Whether predictions and embeddings of every evaluated epoch are needed too; shipped runs have none.
    root : str or Path
        Folder of all runs; one that was stopped there is resumed, one that another notebook trains is waited for.

    Raises
    ------
    OptionError, TrainingError
        As `create_run` and `train`.
    """
    if not keep_epochs:
        for name in list_shipped():
            run = find_run(name)
            config = run.config
            same = (config.model, config.dataset, config.fold, config.seed) == (model, dataset.name, fold, seed)
            if same and config.recipe == recipe and not config.validation_fold:
                return run
    folder = run_folder(root, model, dataset=dataset, recipe=recipe, fold=fold, seed=seed)
    if keep_epochs:
        folder = folder.with_name(f"{folder.name}-epochs")
    run = create_run(model, dataset, recipe, folder=folder, fold=fold, seed=seed, keep_epochs=keep_epochs)
    if not run.is_finished:
        for _ in watch(train(run, dataset=dataset, wait=True), label=model):
            pass
    return run
