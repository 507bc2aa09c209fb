"""What a training reads: the whole dataset on the device, and how its held-out clips are predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from esclab.clips.dataset import ClipDataset
from esclab.features.store import load_features
from esclab.models.base import SoundClassifier
from esclab.training.run import Run

EVALUATION_BATCH = 32


@dataclass
class TrainingData:
    """The whole dataset on the device, and which rows train and test."""

    features: Tensor
    targets: Tensor
    train: np.ndarray
    held_out: np.ndarray

    @property
    def held_out_features(self) -> Tensor:
        """Features of the held-out clips, shape (clip, 1, frame, band)."""
        return self.features[torch.from_numpy(self.held_out).to(self.features.device)]


def split_rows(dataset: ClipDataset, fold: int, validation_fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that train and the rows that are held out; a validation fold of 0 means the test fold itself."""
    return dataset.split_validation(fold, validation_fold) if validation_fold else dataset.split_fold(fold)


def load_training_data(
    run: Run, dataset: ClipDataset, *, device: torch.device, progress: Callable[[int, int], None] | None
) -> TrainingData:
    """Load features and targets onto the device, and find the rows that train and that are held out."""
    config = run.config
    features = load_features(dataset, run.build_feature(), duration_s=config.duration_s, progress=progress)
    train_rows, held_out = split_rows(dataset, config.fold, config.validation_fold)
    labels = torch.from_numpy(dataset.table["class_index"].to_numpy(copy=True))
    return TrainingData(
        torch.from_numpy(features.astype(np.float32)).to(device),
        F.one_hot(labels, len(dataset.class_names)).float().to(device),
        train_rows,
        held_out,
    )


def predict_features(network: SoundClassifier, features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return class probabilities (clip, class) and embeddings (clip, d) of features, in float32, in evaluation mode."""
    was_training = network.training
    network.eval()
    probabilities, embeddings = [], []
    with torch.inference_mode():
        for batch in features.split(EVALUATION_BATCH):
            logits, embedding = network.answer(batch)
            probabilities.append(logits.double().softmax(1).cpu().numpy())
            embeddings.append(embedding.cpu().numpy())
    network.train(was_training)
    return np.concatenate(probabilities), np.concatenate(embeddings)


def score_held_out(probabilities: np.ndarray, data: TrainingData) -> tuple[float, float]:
    """Return log loss and accuracy of probabilities (clip, class) of the held-out clips."""
    true = data.targets.argmax(1).cpu().numpy()[data.held_out]
    chosen = probabilities[np.arange(len(true)), true]
    return float(-np.log(np.clip(chosen, 1e-15, 1.0)).mean()), float((probabilities.argmax(1) == true).mean())
