from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from click.testing import Result
from typer.testing import CliRunner

from esclab.cli import app


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute with one thread, which is enough for the smallest of trainings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def call() -> Callable[..., Result]:
    """Return a function that runs a command that should succeed."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return run


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Return the options of a training of four steps on the first second of each clip."""
    return ("--dataset", "synth10:50", "--set", "iterations=4", "--set", "batch_size=8", "--set", "duration_s=1")


@pytest.fixture(scope="session")
def trained(
    esclab_home: str, call: Callable[..., Result], tiny: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """Return a run that `esclab train` made, where its row went, and what was printed."""
    folder = tmp_path_factory.mktemp("trained")
    words = ("train", "cnn10", *tiny, "--out", folder / "run", "--results", folder / "results")
    result = call(*words, "--json")
    return SimpleNamespace(run=folder / "run", results=folder / "results", words=words, result=result)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return the path of 12 s of noise that grows louder."""
    samples = 0.02 * np.random.default_rng(0).standard_normal(12 * 44_100) * np.linspace(0, 1, 12 * 44_100)
    soundfile.write(tmp_path / "a sound.wav", samples, 44_100)
    return tmp_path / "a sound.wav"
