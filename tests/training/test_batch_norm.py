from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from esclab.models.base import SoundClassifier
from esclab.training import batch_norm
from esclab.training.batch_norm import measure_statistics
from esclab.training.data import TrainingData
from esclab.training.loop import train

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


class Small(SoundClassifier):
    """One batch norm behind a dropout that would change its statistics."""

    cam_layers = ("norm",)

    def __init__(self) -> None:
        super().__init__(4)
        self.dropout = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(1)
        self.classifier = nn.Linear(1, 2)

    def encode(self, features):
        return self.norm(self.dropout(features))

    def pool_maps(self, maps):
        return maps.mean((2, 3))

    def project(self, pooled):
        return pooled


@pytest.fixture
def data() -> TrainingData:
    features = torch.randn(30, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    features[20:] += 1000  # held out
    targets = torch.eye(2)[torch.arange(30) % 2]
    return TrainingData(features, targets, torch.arange(20).numpy(), torch.arange(20, 30).numpy())


def test_statistics_are_those_of_the_training_clips_alone(data):
    network = Small()
    measure_statistics(network, data, batch_size=20)
    clips = data.features[:20]
    torch.testing.assert_close(network.norm.running_mean, clips.mean().view(1))
    torch.testing.assert_close(network.norm.running_var, clips.var().view(1))


def test_statistics_are_means_over_batches_and_independent_of_what_was_there(data, monkeypatch):
    monkeypatch.setattr(batch_norm, "MEASURED_CLIPS", 15)
    network, other = Small(), Small()
    other.norm.running_mean += 7
    for one in (network, other):
        measure_statistics(one, data, batch_size=5)
    assert network.norm.num_batches_tracked == 3
    assert torch.equal(network.norm.running_mean, other.norm.running_mean)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))[:15]
    means = torch.stack([data.features[rows].mean() for rows in order.split(5)])
    torch.testing.assert_close(network.norm.running_mean, means.mean().view(1))


@pytest.mark.parametrize("training", [True, False])
def test_network_keeps_its_mode_and_momentum(data, training):
    network = Small().train(training)
    measure_statistics(network, data, batch_size=8)
    assert {module.training for module in network.modules()} == {training}
    assert network.norm.momentum == 0.1


def test_fewer_clips_than_a_batch_are_one_batch(data):
    network = Small()
    measure_statistics(network, data, batch_size=64)
    assert network.norm.num_batches_tracked == 1


def test_training_ends_with_the_same_weights_and_with_measured_statistics(begin, tiny, clips):
    plain, measured = (begin(recipe=replace(tiny, measured_statistics=on)) for on in (False, True))
    for run in (plain, measured):
        for _ in train(run, dataset=clips):
            pass
    before, after = (load_file(run.path / "weights.safetensors") for run in (plain, measured))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert {name.rsplit(".", 1)[-1] for name in changed} <= set(BUFFERS)


def test_stopped_training_resumes_to_the_same_bits(begin, tiny, clips):
    recipe = replace(tiny, iterations=12, measured_statistics=True, evaluate_every=2)
    whole, stopped = begin(recipe=recipe), begin(recipe=recipe)
    for _ in train(whole, dataset=clips):
        pass
    reports = train(stopped, dataset=clips)
    next(reports)
    reports.close()
    for _ in train(stopped, dataset=clips):
        pass
    assert stopped.summary["weights_sha256"] == whole.summary["weights_sha256"]
