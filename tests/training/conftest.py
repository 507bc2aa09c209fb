from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from esclab.clips import ClipDataset, load_dataset
from esclab.training import data as training_data
from esclab.training.loop import EpochReport, train
from esclab.training.recipe import QUICK, Recipe
from esclab.training.run import Run
from esclab.training.start import create_run

Begin = Callable[..., Run]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute with one thread, so that equal seeds give equal bits on any machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def clips(esclab_home: str) -> ClipDataset:
    """Return 50 made clips in 5 folds: 40 train, which is 5 steps an epoch of the tiny recipe."""
    return load_dataset("synth10:50")


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    """Return a recipe of two epochs, of 5 steps and of 1 step, on the first second of each clip."""
    return replace(QUICK, iterations=6, batch_size=8, evaluate_every=1, duration_s=1.0)


@pytest.fixture
def begin(tmp_path: Path, clips: ClipDataset, tiny: Recipe) -> Begin:
    """Return a maker of runs on the CPU, tiny unless told otherwise, each in its own folder."""
    made: list[Run] = []

    def make(model: str = "cnn10", *, recipe: Recipe = tiny, folder: Path | None = None, **settings: object) -> Run:
        folder = folder or tmp_path / f"run{len(made)}"
        made.append(create_run(model, clips, recipe, folder=folder, device="cpu", **settings))
        return made[-1]

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, clips: ClipDataset, tiny: Recipe) -> SimpleNamespace:
    """Return one finished run of ts-cnn10 that kept its epochs, and its reports. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run = create_run("ts-cnn10", clips, tiny, folder=folder, device="cpu", keep_epochs=True)
    reports: list[EpochReport] = list(train(run, dataset=clips))
    return SimpleNamespace(run=run, reports=reports)


@pytest.fixture
def change_features(monkeypatch: pytest.MonkeyPatch, clips: ClipDataset) -> Callable[..., None]:
    """Return a function that lets trainings see other values as the features of some rows."""
    load = training_data.load_features

    def change(rows: np.ndarray, value: float | np.ndarray) -> None:
        def load_changed(*arguments: object, **settings: object) -> np.ndarray:
            features = np.array(load(*arguments, **settings), dtype=np.float32)
            features[rows] = value
            return features

        monkeypatch.setattr(training_data, "load_features", load_changed)

    return change
