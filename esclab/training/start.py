"""Beginning a run: its settings checked, its folder made."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import esclab
from esclab.clips.dataset import ClipDataset
from esclab.errors import OptionError, RunError
from esclab.storage import write_json
from esclab.training.heard import refuse_heard
from esclab.training.initial import digest_weights, keep_initial, name_weights, take_weights
from esclab.training.recipe import Recipe
from esclab.training.run import Run, RunConfig, open_run

VERSIONED = ("torch", "torchaudio", "numpy", "soundfile", "lightning-fabric")


def create_run(
    model: str,
    dataset: ClipDataset,
    recipe: Recipe,
    *,
    folder: str | Path,
    fold: int = 1,
    validation_fold: int = 0,
    seed: int = 0,
    device: str | None = None,
    keep_epochs: bool = False,
    weights: str | Path | None = None,
) -> Run:
    """Make a run folder, or find the one that was made before with the same settings.

    Parameters
    ----------
    model : str
        Name in `MODELS`.
    dataset : ClipDataset
    recipe : Recipe
    folder : str or Path
        The run's own folder.
    fold : int
        The test fold.
    validation_fold : int
        A training fold to hold out in place of the test fold; 0 for none.
    seed : int
    device : {"cpu", "cuda", "mps"}, optional
        The fastest one by default.
    keep_epochs : bool
        Keep predictions and embeddings of every evaluated epoch.
    weights : str or Path, optional
        A file of weights or a finished run to begin with, as far as it fits (see `esclab.models.pretrained`); what
        fitted is copied into the folder. From scratch by default.

    Raises
    ------
    OptionError
        When a name, fold or setting of the model or the front end is unknown, the seed is below 0, no weights fit or
        they have heard held-out clips, no clip is left to train on, or the clips are too short for the network.
    RunError
        When the folder holds a run with other settings.
    """
    import torch

    from esclab.models import find_model
    from esclab.training.balance import count_drawn
    from esclab.training.data import split_rows
    from esclab.training.device import choose_device, choose_precision

    find_model(model)
    if seed < 0:
        raise OptionError(f"seed {seed}", "is below 0", "give a whole number from 0 on")
    train_rows, _ = split_rows(dataset, fold, validation_fold)
    if len(train_rows) == 0:
        raise OptionError(
            f"fold {fold}", f"leaves no clip of {dataset.name} to train on", "spread the clips over more folds"
        )
    if len(train_rows) < recipe.batch_size:
        raise OptionError(
            f"batch_size {recipe.batch_size}",
            f"is more than the {len(train_rows)} training clips",
            f"choose a smaller one, e.g. --set batch_size={_suggest_batch(len(train_rows))}",
        )
    classes = dataset.table["class_index"].to_numpy()[train_rows]
    drawn = count_drawn(classes, oversample=recipe.oversample)
    recipe = recipe.count_iterations(max(1, drawn // recipe.batch_size))
    protocol = dataset.protocol
    if validation_fold:
        protocol += f"; fold {validation_fold} validates, test fold {fold} unseen"
    device = device or choose_device()
    config = RunConfig(
        model=model,
        dataset=dataset.name,
        fold=fold,
        validation_fold=validation_fold,
        seed=seed,
        recipe=recipe,
        class_names=dataset.class_names,
        duration_s=recipe.duration_s or dataset.duration_s,
        protocol=protocol,
        dataset_digest=dataset.digest,
        threads=torch.get_num_threads(),
        device=device,
        precision=choose_precision(device),
        keep_epochs=keep_epochs,
        versions={"esclab": esclab.__version__, **{name: version(name) for name in VERSIONED}},
    )
    path = Path(folder)
    content, report = b"", None
    if weights is not None:
        refuse_heard(weights, dataset, fold=fold, validation_fold=validation_fold)
        content, report = take_weights(Run(path, config), weights)
        config = replace(config, initial_from=name_weights(weights), initial_weights=digest_weights(content))
    if (path / "config.json").exists():
        run = open_run(path)
        _refuse_other(run, config)
        return run
    run = Run(path, config)
    with torch.random.fork_rng():
        _try_network(run)  # settings that do not fit are told before anything is written
    if report is not None:
        keep_initial(run, content, report)
    write_json(path / "config.json", {**asdict(config), "recipe": recipe.to_dict()})
    return run


def _try_network(run: Run) -> None:
    """Let the front end and a fresh network hear a silent clip.

    Raises
    ------
    OptionError
        When a setting does not fit, or the clips are too short for the network.
    """
    import torch

    config, feature = run.config, run.build_feature()
    network = run.build_model().eval()
    samples = torch.zeros(1, round(config.duration_s * feature.config.sample_rate))
    try:
        with torch.inference_mode():
            network(feature(samples))
    except (RuntimeError, ValueError, IndexError) as error:  # of torch, e.g. when a pooling leaves nothing
        frames = feature.frames(samples.shape[1])
        raise OptionError(
            f"clips of {config.duration_s:g} s",
            f"give {frames} frame{'s' * (frames != 1)}, which {config.model} cannot take ({error})",
            "choose longer clips with --set duration_s=..., or a smaller feature.hop_s",
        ) from error


def _suggest_batch(clips: int) -> int:
    """Return the greatest power of two that is no more than so many clips."""
    return 1 << max(0, clips.bit_length() - 1)


def _refuse_other(run: Run, config: RunConfig) -> None:
    decisive = (
        "model",
        "dataset",
        "fold",
        "validation_fold",
        "seed",
        "class_names",
        "dataset_digest",
        "keep_epochs",
        "initial_weights",
    )
    old, new = run.config, config
    other = [name for name in decisive if getattr(old, name) != getattr(new, name)]
    if json.dumps(old.recipe.to_dict(), sort_keys=True) != json.dumps(new.recipe.to_dict(), sort_keys=True):
        other.append("recipe")
    if other:
        raise RunError(run.path, f"holds a run with another {' and '.join(other)}", "choose another folder")
