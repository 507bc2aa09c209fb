"""What a training reads: the whole dataset on the device, and how its held-out clips are predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from esclab.clips.dataset import ClipDataset
from esclab.clips.durations import count_samples, measure_durations
from esclab.features import Feature
from esclab.features.store import load_features
from esclab.models.base import SoundClassifier
from esclab.models.lengths import keep_frames
from esclab.training.run import Run

EVALUATION_BATCH = 32
Rows = Sequence[int] | np.ndarray


@dataclass
class TrainingData:
    """The whole dataset on the device, and which rows train and test.

    `lengths` are the frames of each clip, int of shape (clip,) on the CPU, where the padding shall not be seen.
    """

    features: Tensor
    targets: Tensor
    train: np.ndarray
    held_out: np.ndarray
    lengths: Tensor | None = None

    @property
    def train_classes(self) -> np.ndarray:
        """Class of each training clip, shape (clip,)."""
        return self.targets.argmax(1).cpu().numpy()[self.train]

    @property
    def held_out_features(self) -> Tensor:
        """Features of the held-out clips, shape (clip, 1, frame, band)."""
        return self.features[torch.from_numpy(self.held_out).to(self.features.device)]

    @property
    def held_out_lengths(self) -> Tensor | None:
        """Frames of the held-out clips, shape (clip,)."""
        return None if self.lengths is None else self.lengths[torch.from_numpy(self.held_out)]

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return features, targets and lengths of some clips (rows on the CPU), padded to the longest of them."""
        lengths = None if self.lengths is None else self.lengths[rows]
        here = rows.to(self.features.device)
        return cut_padding(self.features[here], lengths), self.targets[here], lengths

    def measure_bands(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of each band over the training clips' own frames, (band,) on the CPU."""
        clips = self.features[torch.from_numpy(self.train).to(self.features.device)]
        if self.lengths is None:
            std, mean = torch.std_mean(clips, dim=(0, 1, 2))
        else:
            own = keep_frames(self.lengths[torch.from_numpy(self.train)], clips.shape[2]).to(clips.device)
            std, mean = torch.std_mean(clips[:, 0][own], dim=0)
        return mean.cpu(), std.cpu()


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


def count_frames(dataset: ClipDataset, feature: Feature, duration_s: float, *, rows: Rows | None = None) -> Tensor:
    """Return how many frames of clips are their own when they are padded or cut to `duration_s`, int, shape (clip,).

    `rows` are those of the dataset's table, all by default.
    """
    rate, lengths_s = feature.config.sample_rate, measure_durations(dataset, rows=rows)
    return torch.tensor([feature.frames(count_samples(length_s, rate, most_s=duration_s)) for length_s in lengths_s])


def count_own_frames(run: Run, dataset: ClipDataset, *, rows: Rows | None = None) -> Tensor | None:
    """Return `count_frames` of a run's clips; None where its network hears the padding too.

    `Run.count_own_frames` tells the same of one clip.
    """
    if not run.hides_padding:
        return None
    return count_frames(dataset, run.build_feature(), run.config.duration_s, rows=rows)


def group_by_frames(clips: int, lengths: Tensor | None, *, most: int) -> list[Tensor]:
    """Return the places of `clips` clips in batches of at most `most`; with lengths (clip,), of one length each."""
    if lengths is None:
        return list(torch.arange(clips).split(most))
    return [part for length in lengths.unique() for part in (lengths == length).nonzero()[:, 0].split(most)]


def cut_padding(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Return features (clip, 1, frame, band) without the frames that are behind the end of every clip."""
    return features if lengths is None else features[:, :, : int(lengths.max())]


def predict_features(
    network: SoundClassifier, features: Tensor, lengths: Tensor | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return class probabilities (clip, class) and embeddings (clip, d) of features, in float32, in evaluation mode.

    `lengths` (clip,) are the clips' own frames, for networks that take them.
    """
    was_training = network.training
    network.eval()
    probabilities, embeddings = [], []
    with torch.inference_mode():
        for number, batch in enumerate(features.split(EVALUATION_BATCH)):
            own = None if lengths is None else lengths.split(EVALUATION_BATCH)[number]
            hidden = {} if own is None else {"lengths": own}
            logits, embedding = network.answer(cut_padding(batch, own), **hidden)
            probabilities.append(logits.double().softmax(1).cpu().numpy())
            embeddings.append(embedding.cpu().numpy())
    network.train(was_training)
    return np.concatenate(probabilities), np.concatenate(embeddings)


def score_held_out(probabilities: np.ndarray, data: TrainingData) -> tuple[float, float]:
    """Return log loss and accuracy of probabilities (clip, class) of the held-out clips."""
    true = data.targets.argmax(1).cpu().numpy()[data.held_out]
    chosen = probabilities[np.arange(len(true)), true]
    return float(-np.log(np.clip(chosen, 1e-15, 1.0)).mean()), float((probabilities.argmax(1) == true).mean())
