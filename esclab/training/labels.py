"""Short names of several runs, told apart by what differs."""

from __future__ import annotations

from collections.abc import Sequence

from esclab.training.run import Run


def label_runs(runs: Sequence[Run], *, brief: bool = True) -> list[str]:
    """Return the model of each run; where two are alike, with fold and seed, the settings that differ, or the folder.

    Parameters
    ----------
    runs : sequence of Run
    brief : bool
        Whether fold and seed are left out where models differ.

    Returns
    -------
    list of str
        E.g. "cnn10", or "freqcnn fold 1 seed 0, parts=4".
    """
    ways = (
        [run.config.model for run in runs],
        [run.label for run in runs],
        [f"{run.label}, {words}" if words else run.label for run, words in zip(runs, _differences(runs), strict=True)],
        [f"{run.label} ({run.path.name})" for run in runs],
        [f"{run.label} ({run.path})" for run in runs],
    )
    labels = list(ways[0] if brief else ways[1])
    for way in ways[1:]:
        labels = [longer if labels.count(label) > 1 else label for label, longer in zip(labels, way, strict=True)]
    return labels


def _differences(runs: Sequence[Run]) -> list[str]:
    """Return, for each run, the settings of its network in which the runs differ, or else its recipe."""
    settings = [dict(run.config.recipe.model) for run in runs]
    names = sorted({name for one in settings for name in one})
    unlike = [name for name in names if any(one.get(name) != settings[0].get(name) for one in settings)]
    words = [", ".join(f"{name}={one[name]}" for name in unlike if name in one) for one in settings]
    recipes = [run.config.recipe.name for run in runs]
    return [word or (recipe if len(set(recipes)) > 1 else "") for word, recipe in zip(words, recipes, strict=True)]
