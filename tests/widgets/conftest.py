from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from esclab.clips import ClipDataset, load_dataset
from esclab.training.crossval import cross_validate
from esclab.training.recipe import QUICK
from esclab.training.run import Run
from esclab.widgets.noise import NoiseExplorer
from esclab.widgets.noise_controller import NoiseController


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute with one thread, which is enough for the smallest of networks."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def clips(esclab_home: str) -> ClipDataset:
    """Return 50 made clips in 5 folds."""
    return load_dataset("synth10:50")


@pytest.fixture(scope="session")
def tiny_runs(clips: ClipDataset, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Return finished runs of cnn10 and ts-cnn10 over folds 1 and 2, 6 steps each on 1 s, with their epochs kept."""
    recipe = replace(QUICK, iterations=6, batch_size=8, evaluate_every=1, duration_s=1.0)
    root = tmp_path_factory.mktemp("tiny-runs")
    models = ["cnn10", "ts-cnn10"]
    reports = list(cross_validate(models, clips, recipe, root=root, folds=[1, 2], keep_epochs=True))
    return [report.run for report in reports if report.epoch is not None and report.epoch.iteration == 6]


@pytest.fixture
def lab(tiny_runs: list[Run], clips: ClipDataset) -> NoiseController:
    """Return the noise lab's controller."""
    return NoiseController(tiny_runs[:2], clips)


@pytest.fixture
def view(tiny_runs: list[Run], clips: ClipDataset, tmp_path: Path) -> NoiseExplorer:
    """Return the noise lab's view."""
    return NoiseExplorer(tiny_runs[:2], clips, folder=tmp_path / "out")
