"""Where clips lie in a network's own space, and how its confusions change while it learns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from esclab.results.scores import ConfusionResult


@dataclass(frozen=True)
class EmbeddingResult:
    """Clips as points in a plane, after one or more epochs.

    Attributes
    ----------
    table : DataFrame
        One row an epoch and clip: `epoch`, `clip`, `x`, `y`, `class_name`, `predicted` (class name), `correct` (bool),
        `fold`. Axes have no unit.
    quality : DataFrame
        One row an epoch: `epoch`, `silhouette` (-1..1), `purity` (share of a clip's nearest neighbours that have its
        class, 0..1), `accuracy`; the first two measured in the network's own space, not in the plane.
    class_names : tuple of str
    method : {"pca", "tsne", "umap"}
    model, layer : str
    label : str
    """

    table: pd.DataFrame
    quality: pd.DataFrame
    class_names: tuple[str, ...]
    method: str
    model: str = ""
    layer: str = "embedding"
    label: str = ""


@dataclass(frozen=True)
class ConfusionSeriesResult:
    """Confusion matrices after several epochs.

    Attributes
    ----------
    epochs : tuple of int
    matrices : tuple of ConfusionResult
        Of the same classes, one an epoch.
    label : str
    """

    epochs: tuple[int, ...]
    matrices: tuple[ConfusionResult, ...]
    label: str = ""
