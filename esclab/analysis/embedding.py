"""Where held-out clips lie in a network's own space, and how well their classes come apart there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esclab.analysis.epochs import (
    EMBEDDING,
    LAST,
    Epoch,
    describe_run,
    last_epoch,
    list_epochs,
    read_epochs,
    resolve_epochs,
)
from esclab.analysis.projection import check_method, project_embeddings
from esclab.errors import OptionError, RunError
from esclab.results import EmbeddingResult

if TYPE_CHECKING:
    from torch import Tensor

    from esclab.clips.dataset import ClipDataset
    from esclab.models.base import SoundClassifier
    from esclab.training.run import Run

BATCH = 32
NEIGHBOURS = 5


def collect_embeddings(
    run: Run,
    *,
    layer: str = EMBEDDING,
    epoch: int | str = LAST,
    dataset: ClipDataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Epoch:
    """Return where a run's network puts its held-out clips.

    Parameters
    ----------
    run : Run
        A finished run.
    layer : str
        "embedding" is the input of the last layer; another is one of `model.cam_layers`, e.g. "block1", averaged over
        its frames and bands.
    epoch : int or "last"
        An earlier epoch than the last must have been kept, which only "embedding" is.
    dataset : ClipDataset, optional
        The run's dataset where it is loaded already; needed only where nothing was kept.
    progress : callable, optional
        Called with (clips done, clips in all) while features are computed.

    Returns
    -------
    epoch : Epoch
        With embeddings of shape (clip, d), in the order of `run.read_predictions()`.

    Raises
    ------
    OptionError
        When the network has no such layer, or the layer is not kept for that epoch.
    RunError
        When the epoch was not kept, the run is unfinished, or the recordings changed since the training.
    """
    (number,) = resolve_epochs(run, (epoch,))
    if layer == EMBEDDING and number in list_epochs(run):
        return read_epochs(run, (number,))[0]
    model = run.load_model()
    if layer not in (EMBEDDING, *model.cam_layers):
        choice = ", ".join((EMBEDDING, *model.cam_layers))
        raise OptionError(f"layer {layer!r}", f"is none of {run.config.model}'s", f"choose one of {choice}")
    if number != last_epoch(run):
        cause = f"is not kept for epoch {number}, only {EMBEDDING!r} is"
        raise OptionError(f"layer {layer!r}", cause, f"choose it, or epoch {LAST!r}")
    features, lengths = _load_held_out(run, dataset, progress)
    return Epoch(number, run.read_predictions(), embed_features(model, features, layer, lengths=lengths), layer)


def measure_quality(embeddings: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """Measure how well classes come apart in a network's own space, by Euclidean distance.

    Parameters
    ----------
    embeddings : ndarray of shape (clip, d)
    classes : ndarray of int, shape (clip,)

    Returns
    -------
    silhouette : float
        Mean silhouette over the clips, in -1..1: near 1, a clip is much nearer to its own class than to the next
        one; near 0, classes overlap (Rousseeuw, 1987). NaN with one class, or a class a clip.
    purity : float
        Mean share of a clip's 5 nearest neighbours (of all others where there are fewer), itself left out, that
        have its class, in 0..1. Where clips at the same distance compete for the last places, each takes an equal
        part of them, so that the order of the clips does not matter. NaN for fewer than two clips.

    Raises
    ------
    OptionError
        When there is not one class a clip, or a value is not finite.
    """
    from scipy.spatial.distance import cdist
    from sklearn.metrics import silhouette_score

    values, classes = np.asarray(embeddings, dtype=np.float64), np.asarray(classes)
    if values.ndim != 2 or classes.shape != values.shape[:1]:
        cause = f"embeddings {values.shape} do not go with classes {classes.shape}"
        raise OptionError("embeddings", cause, "give one row and one class a clip")
    if not np.isfinite(values).all():
        raise OptionError("embeddings", "are not finite", "train the model again with a lower learning rate")
    distances = cdist(values, values)
    groups = len(np.unique(classes))
    defined = 2 <= groups < len(classes)
    silhouette = float(silhouette_score(distances, classes, metric="precomputed")) if defined else np.nan
    return silhouette, _measure_purity(distances, classes)


def embed_run(
    run: Run,
    *,
    method: str = "tsne",
    epochs: str | Sequence[int | str] = (LAST,),
    layer: str = EMBEDDING,
    seed: int = 0,
    perplexity: float = 30.0,
    neighbours: int = 15,
    dataset: ClipDataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingResult:
    """Project a run's held-out clips into a plane after one or more epochs; FPAM's Figure 6 has 1, 10, 20 and last.

    Parameters
    ----------
    run : Run
        A finished run.
    method : {"tsne", "umap", "pca"}
        See `project_embeddings`.
    epochs : str or sequence of int or str
        See `resolve_epochs`.
    layer : str
        See `collect_embeddings`.
    seed : int
        Of the projection.
    perplexity, neighbours
        Of t-SNE and UMAP; see `project_embeddings`.
    dataset : ClipDataset, optional
        The run's dataset where it is loaded already.
    progress : callable, optional
        Called with (epochs done, epochs in all).

    Raises
    ------
    OptionError, RunError
        As `resolve_epochs`, `collect_embeddings` and `project_embeddings`.
    """
    check_method(method)
    numbers = resolve_epochs(run, epochs)
    states = [collect_embeddings(run, layer=layer, epoch=number, dataset=dataset) for number in numbers]
    layouts = project_embeddings(
        [state.embeddings for state in states],
        method=method, seed=seed, perplexity=perplexity, neighbours=neighbours, progress=progress,
    )  # fmt: skip
    return EmbeddingResult(
        table=pd.concat([_tabulate(*pair) for pair in zip(states, layouts, strict=True)], ignore_index=True),
        quality=pd.DataFrame([_score(state) for state in states]),
        class_names=run.config.class_names,
        method=method,
        model=run.config.model,
        layer=layer,
        label=describe_run(run),
    )


def _load_held_out(
    run: Run, dataset: ClipDataset | None, progress: Callable[[int, int], None] | None
) -> tuple[Tensor, Tensor | None]:
    """Return features of the held-out clips, (clip, 1, frame, band), once they are known to be the same, and lengths.

    Lengths (clip,) are the clips' own frames, None where the network hears their padding.
    """
    import torch

    from esclab.clips import load_dataset
    from esclab.features.store import load_features
    from esclab.training.data import count_own_frames, split_rows

    config = run.config
    dataset = dataset or load_dataset(config.dataset)
    if dataset.digest != config.dataset_digest:
        cause = f"was trained on other recordings than {dataset.name} has now"
        raise RunError(run.path, cause, "restore them or train the run again")
    _, rows = split_rows(dataset, config.fold, config.validation_fold)
    if not np.array_equal(dataset.table["clip"].to_numpy(dtype=str)[rows], run.read_predictions().clips):
        raise RunError(run.path, f"predicted other clips than {dataset.name} holds out", "train the run again")
    features = load_features(dataset, run.build_feature(), duration_s=config.duration_s, progress=progress)
    return torch.from_numpy(features[rows].astype(np.float32)), count_own_frames(run, dataset, rows=rows)


def embed_features(
    model: SoundClassifier, features: Tensor, layer: str, *, lengths: Tensor | None = None
) -> np.ndarray:
    """Return `embed`, or a layer's output averaged over frames and bands, shape (clip, d), in float32.

    Parameters
    ----------
    model : SoundClassifier
    features : Tensor of shape (clip, 1, frame, band)
    layer : str
        "embedding", or one of `model.cam_layers`.
    lengths : Tensor of int, shape (clip,), optional
        The clips' own frames, where their padding is hidden from the network.
    """
    import torch

    from esclab.training.data import group_by_frames

    # Clips of one length go together without their padding, so that it is in no layer's mean.
    batches = group_by_frames(len(features), lengths, most=BATCH)
    found: list[Tensor] = []
    handle = None
    if layer != EMBEDDING:
        handle = model.get_submodule(layer).register_forward_hook(lambda *call: found.append(call[2].mean((2, 3))))
    try:
        with torch.inference_mode():
            embeddings = [
                model.embed(features[rows, :, : None if lengths is None else int(lengths[rows[0]])]) for rows in batches
            ]
    finally:
        if handle is not None:
            handle.remove()
    values = torch.cat(embeddings if layer == EMBEDDING else found).float()
    return values[torch.cat(batches).argsort()].numpy()


def _measure_purity(distances: np.ndarray, classes: np.ndarray) -> float:
    clips = len(classes)
    if clips < 2:
        return float("nan")
    wanted = min(NEIGHBOURS, clips - 1)
    shares = []
    for clip in range(clips):
        others = np.arange(clips) != clip
        away, same = distances[clip, others], classes[others] == classes[clip]
        farthest = np.partition(away, wanted - 1)[wanted - 1]
        nearer, level = away < farthest, away == farthest
        shares.append((same[nearer].sum() + (wanted - nearer.sum()) * same[level].mean()) / wanted)
    return float(np.mean(shares))


def _tabulate(state: Epoch, layout: np.ndarray) -> pd.DataFrame:
    answers = state.predictions
    names = np.asarray(answers.class_names, dtype=object)
    return pd.DataFrame(
        {
            "epoch": state.number,
            "clip": answers.clips,
            "x": layout[:, 0],
            "y": layout[:, 1],
            "class_name": names[answers.true],
            "predicted": names[answers.predicted],
            "correct": answers.correct,
            "fold": answers.folds,
        }
    )


def _score(state: Epoch) -> dict[str, float]:
    silhouette, purity = measure_quality(state.embeddings, state.predictions.true)
    accuracy = float(state.predictions.correct.mean())
    return {"epoch": state.number, "silhouette": silhouette, "purity": purity, "accuracy": accuracy}
