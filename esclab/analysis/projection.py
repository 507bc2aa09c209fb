"""Clips of many dimensions as points in a plane, moving smoothly from epoch to epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from inspect import isfunction
from typing import Any

import numpy as np

from esclab.errors import OptionError

METHODS = ("tsne", "umap", "pca")
FEWEST_CLIPS = 3
MOST_EXACT = 1000  # clips; above, t-SNE's forces are approximated (Barnes-Hut)
FIRST_SPREAD = 1e-4  # of a first t-SNE layout: nearly a point, so that forces and not the start decide
WARM_RATE = 0.03  # learning rate of a UMAP that goes on from a layout; a first one takes 1


def project_embeddings(
    epochs: Sequence[np.ndarray],
    *,
    method: str = "tsne",
    seed: int = 0,
    perplexity: float = 30.0,
    neighbours: int = 15,
    progress: Callable[[int, int], None] | None = None,
) -> list[np.ndarray]:
    """Project the embeddings of the same clips after several epochs.

    Parameters
    ----------
    epochs : sequence of ndarray of shape (clip, d)
        In the order of training, row n always the same clip; d may differ.
    method : {"tsne", "umap", "pca"}
    seed : int
        The same seed gives the same layouts.
    perplexity : float
        Of t-SNE, at least 1: about how many neighbours a clip attends to; few clips lower it to a third of them.
    neighbours : int
        Of UMAP, at least 2: neighbours that shape a clip's place; fewer than there are clips.
    progress : callable, optional
        Called with (epochs done, epochs in all).

    Returns
    -------
    layouts : list of ndarray of float64, shape (clip, 2)
        Each around zero, those of t-SNE and UMAP with a root mean square distance of 1 from it. Clips that are all
        alike lie on one point.

    Raises
    ------
    OptionError
        When the method or a number does not fit, there are fewer than 3 clips or other clips in some epoch, or an
        embedding is not finite.

    Notes
    -----
    The first layout starts from the first two principal components, each later one from the layout before: t-SNE
    goes on from it without early exaggeration, UMAP with a small learning rate. Each layout is then turned or
    mirrored onto the one before (orthogonal Procrustes: Schönemann, 1966), which is all that PCA needs. The size of a
    t-SNE or UMAP layout comes of its number of steps, so these are brought to one size; PCA keeps its own, that of
    the embeddings. So movement is change, not chance. t-SNE and UMAP keep neighbourhoods: sizes of groups and the
    distances between them mean little (t-SNE: van der Maaten and Hinton, 2008; start from principal components: Kobak
    and Berens, 2019; UMAP: McInnes, Healy and Melville, 2018).
    """
    _check_options(method, perplexity, neighbours)
    values = _check_embeddings(epochs)
    layouts: list[np.ndarray] = []
    previous: np.ndarray | None = None
    for number, embeddings in enumerate(values, start=1):
        if not np.ptp(embeddings, axis=0).any():
            layout = np.zeros((len(embeddings), 2))
        elif method == "tsne":
            layout = _layout_tsne(embeddings, previous, perplexity, seed)
        elif method == "umap":
            layout = _layout_umap(embeddings, previous, neighbours, seed)
        else:
            layout = _layout_pca(embeddings)
        layout = layout - layout.mean(axis=0)
        if previous is not None:
            layout = _turn_onto(layout, previous)
        size = float(np.sqrt((layout**2).sum(axis=1).mean()))
        layouts.append(layout / size if size and method != "pca" else layout)
        previous = layout if size else previous
        if progress is not None:
            progress(number, len(values))
    return layouts


def check_method(method: str) -> None:
    """Raise `OptionError` unless `method` is a key of `METHODS`."""
    if method not in METHODS:
        raise OptionError(f"method {method!r}", "is unknown", f"choose one of {', '.join(METHODS)}")


def _check_options(method: str, perplexity: float, neighbours: int) -> None:
    check_method(method)
    if not 1 <= perplexity < np.inf:
        raise OptionError(f"perplexity {perplexity}", "is not a number from 1 up", "give a number such as 30")
    if neighbours < 2:
        raise OptionError(f"{neighbours} neighbours", "are fewer than 2", "give a number such as 15")


def _check_embeddings(epochs: Sequence[np.ndarray]) -> list[np.ndarray]:
    values = [np.asarray(embeddings, dtype=np.float64) for embeddings in epochs]
    for number, one in enumerate(values, start=1):
        where = f"embeddings {number} of {len(values)}"
        if one.ndim != 2 or one.shape[1] == 0 or len(one) != len(values[0]):
            raise OptionError(where, f"have shape {one.shape}", "give (clip, d), the same clips in each")
        if len(one) < FEWEST_CLIPS:
            raise OptionError(where, f"are of {len(one)} clips", f"give at least {FEWEST_CLIPS}")
        if not np.isfinite(one).all():
            raise OptionError(where, "are not finite", "train the model again with a lower learning rate")
    return values


def _layout_pca(embeddings: np.ndarray) -> np.ndarray:
    """Return the first two principal components; the largest loading of each is positive, which settles the sign."""
    centred = embeddings - embeddings.mean(axis=0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    layout = np.zeros((len(embeddings), 2))
    for axis in range(min(2, len(sizes))):
        sign = np.sign(right[axis, np.abs(right[axis]).argmax()]) or 1.0
        layout[:, axis] = sign * sizes[axis] * left[:, axis]
    return layout


def _layout_tsne(embeddings: np.ndarray, previous: np.ndarray | None, perplexity: float, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    clips = len(embeddings)
    start = _start_layout(embeddings, seed) * FIRST_SPREAD if previous is None else previous
    network = TSNE(
        perplexity=min(perplexity, max(1.5, (clips - 1) / 3)),
        early_exaggeration=12.0 if previous is None else 1.0,
        init=start.astype(np.float32),
        method="exact" if clips <= MOST_EXACT else "barnes_hut",
        random_state=seed,
        n_jobs=1,
    )
    with threadpool_limits(1):  # sums over threads come in any order, and would differ in their last bits
        return network.fit_transform(embeddings.astype(np.float32)).astype(np.float64)


def _layout_umap(embeddings: np.ndarray, previous: np.ndarray | None, neighbours: int, seed: int) -> np.ndarray:
    start = _start_layout(embeddings, seed) if previous is None else _spread_flat(previous, seed)
    network = _import_umap()(
        n_neighbors=min(neighbours, len(embeddings) - 1),
        init=start.astype(np.float32),
        learning_rate=1.0 if previous is None else WARM_RATE,
        random_state=seed,
        n_jobs=1,
    )
    return network.fit_transform(embeddings.astype(np.float32)).astype(np.float64)


@cache
def _import_umap() -> Any:
    """Return umap.UMAP with its compiled functions kept on disk: else each process spends 14 s on its first layout."""
    import numba

    before = numba.njit
    numba.njit = _keep_compiled(before)  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
            from umap import UMAP
    finally:
        numba.njit = before
    return UMAP


def _keep_compiled(njit: Callable[..., Any]) -> Callable[..., Any]:
    """Return numba's decorator with `cache=True`, or without it where there is no folder that one may write to."""

    def decorate(signature: Any = None, **options: Any) -> Any:
        def keep(function: Any) -> Any:
            signatures = () if signature is None or signature is function else (signature,)
            try:
                return njit(*signatures, **{"cache": True, **options})(function)
            except RuntimeError:
                return njit(*signatures, **options)(function)

        return keep(signature) if isfunction(signature) else keep

    return decorate


def _start_layout(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """Return the principal components, the first with a spread of 1, neither of them flat."""
    layout = _layout_pca(embeddings)
    return _spread_flat(layout / layout[:, 0].std(), seed)


def _spread_flat(layout: np.ndarray, seed: int) -> np.ndarray:
    """Return a layout whose flat axes got a little noise: on a line points cannot pass, and UMAP divides by spread."""
    spread = layout.std(axis=0)
    noise = np.random.default_rng(seed).standard_normal(layout.shape)
    return layout + np.where(spread < 1e-6 * spread.max(), 1e-3 * spread.max() * noise, 0.0)


def _turn_onto(layout: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Return the layout, turned or mirrored around zero so that its points lie nearest to the previous ones."""
    from scipy.linalg import orthogonal_procrustes

    rotation, _ = orthogonal_procrustes(layout, previous)
    return layout @ rotation
