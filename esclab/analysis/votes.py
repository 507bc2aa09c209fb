"""Votes: of the frames and sub-bands of one clip, and of several trained networks over all clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esclab.analysis.alignment import align_predictions, group_by_model
from esclab.analysis.attention import transform_clip
from esclab.analysis.cells import locate_cells
from esclab.analysis.intervals import summarize_accuracy
from esclab.analysis.scores import score_predictions, score_table
from esclab.analysis.significance import compare_models
from esclab.analysis.tables import accuracy_table
from esclab.errors import OptionError
from esclab.results import AccuracyResult, Predictions, VoteResult

if TYPE_CHECKING:
    from esclab.features import Feature
    from esclab.models.base import SoundClassifier
    from esclab.training.run import Run


@dataclass(frozen=True)
class VoteComparison:
    """A vote beside those who voted.

    Attributes
    ----------
    accuracy : AccuracyResult
        The vote first.
    pairs : DataFrame
        One row a voter: the vote against it, as `compare_models` has it, with Holm's correction over all rows.
    scores : DataFrame
        One row a model and seed: `model`, `seed`, `accuracy`, `macro_accuracy` (in 0..1), `log_loss` (nats).
    sizes_mib : dict of str to float
        Of each network, and of all together.
    table : DataFrame
        Accuracy with interval and spread, macro accuracy, log loss and size, ready to print.
    votes : list of Predictions
        The vote itself, one a seed.
    """

    accuracy: AccuracyResult
    pairs: pd.DataFrame
    scores: pd.DataFrame
    sizes_mib: dict[str, float]
    table: pd.DataFrame
    votes: list[Predictions]


def vote_clip(
    model: SoundClassifier,
    feature: Feature,
    samples: np.ndarray,
    *,
    class_names: Sequence[str],
    label: str = "",
    name: str = "",
) -> VoteResult:
    """Return who voted for what in one clip.

    Parameters
    ----------
    model : SoundClassifier
        In evaluation mode; its frames or sub-bands vote (the strategies "spsmt" and "spsmf").
    feature : Feature
        The front end it was trained on.
    samples : ndarray of float32, shape (sample,)
    class_names : sequence of str
    label, name : str
        What the clip and the model are called in the figure.

    Raises
    ------
    OptionError
        When nobody votes in this network.
    """
    import torch

    from esclab.models.strategies.base import Strategy

    spectrogram = transform_clip(samples, feature, label=label)
    inputs = torch.from_numpy(spectrogram.values.copy())[None, None]
    frames = parts = None
    with torch.inference_mode():
        if isinstance(model, Strategy):
            frames, parts = model.score_frames(inputs), model.score_parts(inputs)
        if frames is None and parts is None:
            raise OptionError(
                name or "the model", "has no frames or sub-bands that vote", "train one such as cnn10+spsmt or +spsmf"
            )
        scores = model(inputs).double().softmax(1)[0].numpy()
    time_s = None
    if frames is not None:
        time_s = _locate_frames(spectrogram.time_s, frames.shape[1])
    return VoteResult(
        spectrogram,
        tuple(class_names),
        scores,
        None if frames is None else frames[0].numpy(),
        time_s,
        None if parts is None else parts[0].numpy(),
        model.part_bands if isinstance(model, Strategy) else (),
        name,
    )


def vote_runs(voters: Sequence[Run] | Sequence[Predictions], *, name: str = "vote") -> list[Predictions]:
    """Average the class scores of several networks (equation 3), whatever they are, on the same clips.

    Parameters
    ----------
    voters : sequence of Run or of Predictions
        Runs of one model and recipe are one voter, joined over their folds; predictions are one voter a model. A vote
        may vote again, so that systems of different numbers of networks can weigh the same.
    name : str
        What the vote is called.

    Returns
    -------
    votes : list of Predictions
        One a seed: the voters' first seeds together, then their second ones, as many as all of them have. Averaging
        several seeds of a network would help it beyond what the vote does.

    Raises
    ------
    OptionError, DatasetError
        When there is one voter, or they do not have the same clips and classes.

    Notes
    -----
    SPSM, section 2.2: SPSMR is the vote of networks that saw log-mel, CQT, gammatone and MFCC.
    """
    groups = group_by_model(align_predictions(_read_voters(voters)))
    if len(groups) < 2:
        raise OptionError("vote", f"there is one voter, {next(iter(groups))}", "give runs of two models or recipes")
    if name in groups:
        raise OptionError(f"name {name}", "is a voter's own", "choose another")
    return [
        replace(round_[0], probabilities=np.mean([one.probabilities for one in round_], axis=0), model=name)
        for round_ in zip(*groups.values(), strict=False)
    ]


def compare_vote(runs: Sequence[Run], *, name: str = "vote") -> VoteComparison:
    """Let the networks of finished runs vote, and hold the vote against each of them.

    Parameters
    ----------
    runs : sequence of Run
        Of one dataset and protocol; those of one model and recipe are one voter, over its folds and seeds.
    name : str

    Raises
    ------
    OptionError, DatasetError
        As `vote_runs`; also when runs are of several datasets or protocols.
    """
    systems = name_systems(runs)
    voters = _read_voters(runs)
    votes = vote_runs(voters, name=name)
    sizes = {label: _measure_mib(members[0]) for label, members in systems.items()}
    sizes = {name: sum(sizes.values()), **sizes}
    config = runs[0].config
    accuracy = summarize_accuracy([*votes, *voters], label=f"{config.dataset}, {config.protocol}")
    table = accuracy_table(accuracy)
    shown = score_table([*votes, *voters], sizes_mib=sizes)
    for column in ("Macro accuracy (%)", "Log loss", "Size (MiB)"):
        table[column] = shown[column]
    scores = _list_scores([*votes, *voters])
    return VoteComparison(accuracy, _compare_with_vote(votes, voters), scores, sizes, table, votes)


def name_systems(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return runs by the name of their model, with its front end or recipe where it takes them to tell models apart.

    Raises
    ------
    OptionError
        When there are no runs, or they are of several datasets or protocols.
    """
    if not runs:
        raise OptionError("runs", "there are none", "give finished runs")
    found = {(run.config.dataset, run.config.protocol) for run in runs}
    if len(found) > 1:
        names = " and ".join(sorted(f"{dataset} ({protocol})" for dataset, protocol in found))
        raise OptionError("runs", f"are of {names}", "give runs of one dataset and protocol")
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.config.model, _digest(run)), []).append(run)
    labels = [_label_system(members[0]) for members in groups.values()]
    for chosen in zip(*labels, strict=True):
        if len(set(chosen)) == len(groups):
            break
    return dict(zip(chosen, groups.values(), strict=True))


def _label_system(run: Run) -> tuple[str, ...]:
    """Return names of a run's model and recipe, from short to long; the last one is like no other."""
    model, recipe = run.config.model, run.config.recipe
    return (
        model,
        f"{model} {recipe.feature.get('name', '')}",
        f"{model} {recipe.name}",
        f"{model} {recipe.name} {_digest(run)}",
    )


def _digest(run: Run) -> str:
    from esclab.training.ledger import digest_recipe

    return digest_recipe(run)[:8]


def _read_voters(voters: Sequence[Run] | Sequence[Predictions]) -> list[Predictions]:
    """Return the predictions of each voter and seed, under names that tell them apart."""
    from esclab.training.crossval import join_predictions

    predictions = [one for one in voters if isinstance(one, Predictions)]
    runs: list[Run] = [one for one in voters if not isinstance(one, Predictions)]
    systems = name_systems(runs) if runs else {}
    joined = [replace(one, model=label) for label, members in systems.items() for one in join_predictions(members)]
    return [*predictions, *joined]


def _list_scores(predictions: Sequence[Predictions]) -> pd.DataFrame:
    names = ("accuracy", "macro_accuracy", "log_loss")
    scored = [(one, score_predictions(one)) for one in predictions]
    return pd.DataFrame(
        [
            {"model": one.model, "seed": one.seed, **{name: float(getattr(scores, name)) for name in names}}
            for one, scores in scored
        ]
    )


def _compare_with_vote(votes: list[Predictions], voters: list[Predictions]) -> pd.DataFrame:
    from statsmodels.stats.multitest import multipletests

    rows = [compare_models([*votes, *seeds]) for seeds in group_by_model(voters).values()]
    table = pd.concat(rows, ignore_index=True)
    table["p_holm"] = multipletests(table["p_value"], method="holm")[1]
    return table


def _measure_mib(run: Run) -> float:
    import torch

    from esclab.analysis.size import measure_size

    with torch.random.fork_rng():  # the fresh weights are only counted, so drawing them should leave no trace
        return measure_size(run.build_model()).mib


def _locate_frames(time_s: np.ndarray, frames: int) -> np.ndarray:
    """Return the centres of a network's frames, in s, given those of its input."""
    return np.interp(locate_cells(len(time_s), frames), np.arange(len(time_s)), time_s)
