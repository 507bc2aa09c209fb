"""Batch norm's statistics, measured for the weights as they are."""

from __future__ import annotations

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from esclab.models.base import SoundClassifier
from esclab.training.data import TrainingData

MEASURED_CLIPS = 1024


def measure_statistics(network: SoundClassifier, data: TrainingData, *, batch_size: int) -> None:
    """Set mean and variance of every batch norm to those of training clips, in place of their running averages.

    A running average trails behind the weights. While these still move, as at a constant learning rate, a network is
    scored with the statistics of networks that it was some steps ago. Means over batches of about a thousand clips
    settle that (Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, section 3). Training itself looks at neither.

    Parameters
    ----------
    network : SoundClassifier
        Stays in the mode it was in.
    data : TrainingData
        The same clips are taken each time, by chance, and none that is held out.
    batch_size : int
        Clips in a batch, as in training.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    was_training, momenta = network.training, [norm.momentum for norm in norms]
    network.eval()  # without dropout
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    order = torch.from_numpy(data.train)[torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))]
    batches = max(1, min(len(order), MEASURED_CLIPS) // batch_size)
    with torch.no_grad():
        for rows in order[: batches * batch_size].split(batch_size):
            features, _, lengths = data.take(rows)
            network(features, **({} if lengths is None else {"lengths": lengths}))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.train(was_training)
