"""A new sound among clips that were projected before, without fitting the projection again."""

from __future__ import annotations

import numpy as np

from esclab.errors import OptionError


def place_embedding(
    embedding: np.ndarray, embeddings: np.ndarray, layout: np.ndarray, *, method: str
) -> tuple[np.ndarray, int]:
    """Place one more clip in a layout of `project_embeddings`.

    Parameters
    ----------
    embedding : ndarray of shape (d,)
        Of the new clip.
    embeddings : ndarray of shape (clip, d)
        From which the layout was made.
    layout : ndarray of shape (clip, 2)
    method : str
        Of the layout. PCA is linear, so the new clip goes where its axes put it. t-SNE and UMAP place a clip by all
        others at once; the new one goes to the place of its nearest neighbour in the network's own space.

    Returns
    -------
    place : ndarray of shape (2,)
    nearest : int
        Row of the nearest neighbour, by Euclidean distance.

    Raises
    ------
    OptionError
        When the shapes do not fit, or a value is not finite.
    """
    known, new = np.asarray(embeddings, dtype=np.float64), np.asarray(embedding, dtype=np.float64)
    if known.ndim != 2 or new.shape != known.shape[1:] or layout.shape != (len(known), 2):
        cause = f"{new.shape} does not go with embeddings {known.shape} and a layout {layout.shape}"
        raise OptionError("embedding", cause, "give those of one network and layer")
    if not (np.isfinite(new).all() and np.isfinite(known).all()):
        raise OptionError("embedding", "is not finite", "train the model again with a lower learning rate")
    nearest = int(np.linalg.norm(known - new, axis=1).argmin())
    if method != "pca":
        return np.asarray(layout[nearest], dtype=np.float64), nearest
    middle = known.mean(axis=0)
    axes = np.linalg.svd(known - middle, full_matrices=False)[2][:2].T
    # The layout may be turned or mirrored, which the clips that are there tell.
    turn = np.linalg.lstsq((known - middle) @ axes, layout - layout.mean(axis=0), rcond=None)[0]
    return (new - middle) @ axes @ turn + layout.mean(axis=0), nearest
