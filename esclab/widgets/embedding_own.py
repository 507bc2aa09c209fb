"""A sound of one's own among a run's held-out clips: what the network answers, and where it puts the sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esclab.clips.dataset import ClipDataset
from esclab.figures.text import class_words
from esclab.results import EmbeddingResult
from esclab.training.run import Run


@dataclass(frozen=True)
class OwnPlace:
    """Where one network puts a sound that belongs to no dataset.

    Attributes
    ----------
    clip : str
    epoch : int
        The last one; the weights of others are not kept.
    x, y : float
    answer : str
    probability : float
    nearest : str
        The held-out clip that is nearest in the network's own space.
    method : str
    """

    clip: str
    epoch: int
    x: float
    y: float
    answer: str
    probability: float
    nearest: str
    method: str

    def __str__(self) -> str:
        """Return one line for a person."""
        how = "by the same axes" if self.method == "pca" else f"at its nearest neighbour, {self.nearest}"
        answer = f"{class_words(self.answer)} ({self.probability:.0%})"
        return f"star: {self.clip}, answered {answer}; placed {how}"


def place_own(
    run: Run, clip: str, values: np.ndarray, *, result: EmbeddingResult, dataset: ClipDataset | None
) -> OwnPlace | None:
    """Ask a run's network about a sound, and place it among the points of the last epoch; None where those are not in.

    Parameters
    ----------
    run : Run
    clip : str
        The sound's name.
    values : ndarray of shape (frame, band)
        Its features.
    result : EmbeddingResult
        The points.
    dataset : ClipDataset or None
        The run's, where it is loaded.

    Raises
    ------
    OptionError, RunError
        As `collect_embeddings`.
    """
    import torch

    from esclab.analysis.embedding import collect_embeddings, embed_features
    from esclab.analysis.epochs import last_epoch
    from esclab.analysis.placement import place_embedding

    last = last_epoch(run)
    points = result.table[result.table["epoch"] == last]
    if points.empty:
        return None
    state = collect_embeddings(run, layer=result.layer, dataset=dataset)
    model, features = run.load_model(), torch.from_numpy(values.copy())[None, None]
    with torch.inference_mode():
        probabilities = model(features)[0].double().softmax(0).numpy()
    (embedding,) = embed_features(model, features, result.layer)
    rows = pd.Index(points["clip"]).get_indexer(state.predictions.clips)
    layout = points[["x", "y"]].to_numpy(float)[rows]
    (x, y), nearest = place_embedding(embedding, state.embeddings, layout, method=result.method)
    best = int(probabilities.argmax())
    return OwnPlace(
        clip, last, float(x), float(y), run.config.class_names[best], float(probabilities[best]),
        str(state.predictions.clips[nearest]), result.method,
    )  # fmt: skip
