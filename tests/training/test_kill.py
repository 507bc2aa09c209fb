"""A training that is killed without warning, at any moment, ends as if it had never been stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from esclab.clips import ClipDataset
from esclab.training.recipe import Recipe
from esclab.training.run import open_run
from esclab.training.start import create_run

EPOCHS = 6
KILLS: dict[str, dict[str, Any]] = {
    "after epoch 1": {"kill_epoch": 1},
    "after epoch 3": {"kill_epoch": 3},
    "while state.pt is saved": {"file": "state.pt", "count": 3},
    "between state.pt and history.csv": {"file": "history.csv", "count": 2},
    "while the run is finished": {"file": "summary.json", "count": 1},
}


def train_and_kill(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("train_and_kill.py")
    command = [sys.executable, str(script), json.dumps(jobs)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, clips: ClipDataset, tiny: Recipe) -> SimpleNamespace:
    """Return runs that were killed and then trained to their end, an undisturbed one, and what each process did."""
    recipe = replace(tiny, iterations=5 * EPOCHS)
    root = tmp_path_factory.mktemp("killed")
    folders = {name: root / name.replace(" ", "-") for name in (*KILLS, "undisturbed")}
    for folder in folders.values():
        create_run("ts-cnn10", clips, recipe, folder=folder, device="cpu")
    kills = [{"folder": str(folders[name]), **kill} for name, kill in KILLS.items()]
    done = train_and_kill([*kills, *({"folder": str(folder)} for folder in folders.values())])
    first, second = done[: len(kills)], done[len(kills) :]
    return SimpleNamespace(
        folders=folders, first=dict(zip(KILLS, first, strict=True)), second=dict(zip(folders, second, strict=True))
    )


@pytest.mark.parametrize("moment", KILLS)
def test_killed_run_leaves_a_checkpoint_and_no_summary(killed, moment):
    assert killed.first[moment]["code"] == -9
    assert "state.pt" in killed.first[moment]["files"]
    assert "summary.json" not in killed.first[moment]["files"]


@pytest.mark.parametrize(
    ("moment", "epochs_redone"),
    [
        ("after epoch 1", range(2, EPOCHS)),  # the next epochs may be done before the kill arrives
        ("after epoch 3", range(4, EPOCHS + 1)),
        ("while state.pt is saved", {3}),
        ("between state.pt and history.csv", {3}),
        ("while the run is finished", {EPOCHS}),
        ("undisturbed", {1}),
    ],
)
def test_killed_run_goes_on_from_its_last_checkpoint(killed, moment, epochs_redone):
    epochs = killed.second[moment]["epochs"]
    assert epochs[0] in epochs_redone
    assert epochs == list(range(epochs[0], EPOCHS + 1))


@pytest.mark.parametrize("file", ["weights.safetensors", "predictions.csv"])
@pytest.mark.parametrize("moment", KILLS)
def test_killed_run_ends_with_the_bytes_of_an_undisturbed_one(killed, moment, file):
    assert (killed.folders[moment] / file).read_bytes() == (killed.folders["undisturbed"] / file).read_bytes()


@pytest.mark.parametrize("moment", KILLS)
def test_killed_run_has_each_epoch_once_in_its_history(killed, moment):
    history = open_run(killed.folders[moment]).read_history()
    assert history["epoch"].tolist() == list(range(1, EPOCHS + 1))
    assert history["iteration"].tolist() == [5 * epoch for epoch in range(1, EPOCHS + 1)]
    undisturbed = open_run(killed.folders["undisturbed"]).read_history()
    pd.testing.assert_frame_equal(history.drop(columns="seconds"), undisturbed.drop(columns="seconds"))
    assert history["seconds"].is_monotonic_increasing
