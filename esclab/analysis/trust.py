"""Which explanation deserves trust: every method of every model, measured on the same held-out clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from esclab.analysis.trust_scores import Batch, Scores, score_batch, summarize_scores
from esclab.analysis.trust_store import open_store
from esclab.errors import OptionError
from esclab.results import TrustResult

if TYPE_CHECKING:
    from pathlib import Path

    from esclab.clips.dataset import ClipDataset
    from esclab.training.run import Run

Target = Literal["true", "predicted"]
Progress = Callable[[int, int], None]

FEWEST_CLIPS = 100
BATCH = 16  # clips that are explained at once
MARKS = {"higher": "↑", "lower": "↓", "zero": "⊙"}


def measure_trust(
    runs: Sequence[Run],
    *,
    methods: Sequence[str] | None = None,
    layer: str | None = None,
    clips_per_class: int | None = None,
    steps: int = 20,
    seed: int = 0,
    target: Target = "true",
    dataset: ClipDataset | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
) -> TrustResult:
    """Measure how far explanations can be trusted.

    Parameters
    ----------
    runs : sequence of Run
        Finished runs of one dataset. Runs of one model are pooled; each explains clips of the fold that it held out.
        All models have the same folds, and explain the same clips.
    methods : sequence of str, optional
        Keys of `esclab.analysis.attribution.METHODS`; by default all that a model has. A model without attention is
        left out of "attention".
    layer : str, optional
        For class activation maps; the deepest by default.
    clips_per_class : int, optional
        Clips of each class in the sample, as far as there are so many; by default 10, or as many more as give 100 clips
        in all. 10 classes of 10 clips keep most intervals below +-0.1.
    steps : int
        Shares of cells in the deletion and insertion curves.
    seed : int
        Of the sample, of the random weights and of methods that draw.
    target : {"true", "predicted"}
        The class that is explained. The true class by default: it is the one whose events lie in the clip, and the same
        question to every model. "predicted" asks each model about its own answer, right or wrong.
    dataset : ClipDataset, optional
        The runs' own, loaded by name, by default.
    store : Path, optional
        Folder in which scores are kept as they come, so that a measurement that was stopped goes on.
    progress : callable, optional
        Called with (maps measured, maps in all).

    Returns
    -------
    result : TrustResult
        Localisation is measured where the dataset knows its events.

    Raises
    ------
    OptionError
        When runs do not belong together, or a method or option is unknown.
    RunError
        When a run is unfinished.

    Notes
    -----
    See `esclab.analysis.localisation`, `faithfulness` and `randomisation` for the measures and their sources. The maps
    "random" and "spectrogram" do not look at the network: a method that does no better than these explains nothing.
    """
    if target not in get_args(Target):
        raise OptionError(f"target {target!r}", "is not known", "choose true or predicted")
    groups = _group_runs(runs)
    asked = {model: _choose_methods(next(iter(held.values())), methods, layer) for model, held in groups.items()}
    if not any(asked.values()):
        raise OptionError("methods", f"{', '.join(groups)} cannot be explained so", "choose others or leave them out")
    dataset = _load_dataset(runs[0]) if dataset is None else dataset
    if any(run.config.class_names != dataset.class_names for run in runs):
        raise OptionError(dataset.name, "has other classes than the runs", "give runs of one dataset")
    folds = tuple(next(iter(groups.values())))
    rows = sample_clips(dataset, folds, clips_per_class=clips_per_class, seed=seed)
    count, done = sum(len(chosen) for chosen in asked.values()) * len(rows), 0
    scores: dict[tuple[str, str], list[Scores]] = {}
    for model, by_fold in groups.items():
        for fold, run in by_fold.items():
            mine = rows[dataset.table["fold"].to_numpy()[rows] == fold]
            how: dict[str, Any] = {"target": target, "layer": layer, "steps": steps, "seed": seed}
            for method, part in _score_run(run, dataset, mine, methods=asked[model], store=store, **how):
                scores.setdefault((model, method), []).append(part)
                done += len(part["folds"])
                if progress is not None:
                    progress(done, count)
    label = (
        f"{dataset.name}, fold{'s' * (len(folds) > 1)} {', '.join(map(str, folds))}; {len(rows)} clips; "
        f"{layer or 'deepest'} layer; the {target} class explained"
    )
    return summarize_scores(scores, label=label)


def sample_clips(
    dataset: ClipDataset, folds: Sequence[int], *, clips_per_class: int | None = None, seed: int = 0
) -> np.ndarray:
    """Draw equally many clips of each class from some folds, evenly over the folds.

    Parameters
    ----------
    dataset : ClipDataset
    folds : sequence of int
    clips_per_class : int, optional
        As `measure_trust`; a class that has fewer gives all.
    seed : int

    Returns
    -------
    rows : ndarray of int
        Row numbers of the dataset's table, rising. A larger sample holds the smaller one of the same seed.
    """
    if clips_per_class is None:
        clips_per_class = max(10, -(-FEWEST_CLIPS // len(dataset.class_names)))
    if clips_per_class < 1:
        raise OptionError(f"clips_per_class={clips_per_class}", "is less than 1", "give a number such as 10")
    candidates = dataset.table.reset_index(drop=True)
    candidates = candidates[candidates["fold"].isin(list(folds))]
    shuffled = candidates.iloc[np.random.default_rng(seed).permutation(len(candidates))]
    turn = shuffled.groupby(["class_index", "fold"]).cumcount().sort_values(kind="stable")
    chosen = shuffled.loc[turn.index].groupby("class_index").head(clips_per_class)
    return np.sort(chosen.index.to_numpy())


def trust_table(result: TrustResult, model: str) -> pd.DataFrame:
    """Return one model's measures as a table to read, for `esclab.analysis.tables.format_table`.

    Parameters
    ----------
    result : TrustResult
    model : str

    Returns
    -------
    table : DataFrame
        One row a method, one column a measure, its arrow pointing to what is better (⊙: near 0); mean and interval as
        text.

    Raises
    ------
    OptionError
        When the result has no such model.
    """
    from esclab.analysis.attribution import METHODS

    rows = result.table[result.table["model"] == model]
    if rows.empty:
        models = ", ".join(dict.fromkeys(result.table["model"]))
        raise OptionError(f"model {model!r}", "is not in the result", f"choose one of {models}")
    methods = list(dict.fromkeys(rows["method"]))
    table = pd.DataFrame({"Method": [METHODS[name].title if name in METHODS else name for name in methods]})
    for measure, title, better in result.measures[["measure", "title", "better"]].itertuples(index=False):
        found = rows[rows["measure"] == measure].set_index("method").reindex(methods)
        cells = zip(found["mean"], found["low"], found["high"], strict=True)
        table[f"{title} {MARKS[better]}"] = [_write_cell(*cell) for cell in cells]
    return table


def _write_cell(mean: float, low: float, high: float) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.2f}" if np.isnan(low) or np.isnan(high) else f"{mean:.2f} ({low:.2f} to {high:.2f})"


def _group_runs(runs: Sequence[Run]) -> dict[str, dict[int, Run]]:
    """Return each model's runs by the fold that they held out, folds rising, once it is clear that they fit."""
    if not runs:
        raise OptionError("runs", "there are none", "give at least one run")
    groups: dict[str, dict[int, Run]] = {}
    for run in runs:
        config = run.config
        if config.dataset != runs[0].config.dataset:
            raise OptionError(run.path, f"was trained on {config.dataset}", f"give runs of {runs[0].config.dataset}")
        if config.held_out in groups.setdefault(config.model, {}):
            raise OptionError(run.path, f"holds out fold {config.held_out} as another run", "give one run a fold")
        groups[config.model][config.held_out] = run
    groups = {model: dict(sorted(by_fold.items())) for model, by_fold in groups.items()}
    folds = {tuple(by_fold) for by_fold in groups.values()}
    if len(folds) > 1:
        raise OptionError("runs", "the models held out different folds", "give each model's runs of the same folds")
    return groups


def _load_dataset(run: Run) -> ClipDataset:
    from esclab.clips import load_dataset

    return load_dataset(run.config.dataset)


def _choose_methods(run: Run, methods: Sequence[str] | None, layer: str | None) -> tuple[str, ...]:
    """Return those of the methods that the run's model has."""
    from esclab.analysis.attribution import METHODS, find_method, methods_for
    from esclab.analysis.attribution.maps import choose_layer

    model = run.load_model()
    wanted = dict.fromkeys(METHODS if methods is None else methods)
    for name in wanted:
        find_method(name)
    chosen = tuple(name for name in wanted if name in methods_for(model))
    for name in chosen:
        choose_layer(model, name, layer if METHODS[name].needs_layer else None)
    return chosen


def _score_run(
    run: Run,
    dataset: ClipDataset,
    rows: np.ndarray,
    *,
    methods: Sequence[str],
    target: Target,
    store: Path | None,
    **how: Any,
) -> Iterator[tuple[str, Scores]]:
    """Yield the scores of each method on each batch of the run's clips."""
    import torch

    from esclab.analysis.faithfulness import predict_classes
    from esclab.analysis.randomisation import randomise_weights
    from esclab.features.store import load_features
    from esclab.training.data import count_own_frames, group_by_frames

    feature, model = run.build_feature(), run.load_model()
    fresh = randomise_weights(model, seed=how["seed"])
    stored = load_features(dataset, feature, duration_s=run.config.duration_s)
    lengths = count_own_frames(run, dataset, rows=rows)
    for places in group_by_frames(len(rows), lengths, most=BATCH):
        chosen = rows[places.numpy()]
        table = dataset.table.iloc[chosen]
        frames = stored.shape[2] if lengths is None else int(lengths[places[0]])
        features = torch.from_numpy(stored[chosen, :, :frames].astype(np.float32))
        axes = feature.time_s(frames), feature.frequency_hz
        true = table["class_index"].to_numpy(copy=True)
        batch = Batch(
            features=features,
            targets=true if target == "true" else predict_classes(model, features),
            folds=table["fold"].to_numpy(),
            sources=table["source"].to_numpy(dtype=str),
            masks=_mark_events(dataset, table["clip"], axes, axis=feature.axis),
        )
        kept = None
        if store is not None:
            clips = table["clip"].tolist()
            cut = {} if lengths is None else {"frames": frames}
            kept = open_store(store, run, dataset, clips=clips, masks=batch.masks, target=target, **how, **cut)
        yield from score_batch(model, fresh, batch, methods=methods, store=kept, **how)


def _mark_events(
    dataset: ClipDataset, clips: pd.Series, axes: tuple[np.ndarray, np.ndarray], *, axis: str
) -> list[np.ndarray] | None:
    """Return each clip's event mask, of all bands where none has a place in Hz; None where no events are known."""
    from esclab.analysis.localisation import event_mask

    if dataset.events is None:
        return None
    events = dataset.events
    if axis != "frequency":
        events = events.assign(low_hz=-np.inf, high_hz=np.inf)
    return [event_mask(events[events["clip"] == clip], *axes) for clip in clips]
