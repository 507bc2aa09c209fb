"""A checkpoint is data: what does not fit is refused, and nothing in it is ever executed."""

from __future__ import annotations

import errno
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from esclab.errors import RunError, StorageError
from esclab.training import loop
from esclab.training.checkpoint import save_arrays, tabulate_predictions
from esclab.training.loop import train


class Touch:
    """What an attacker would put in a pickle: reading it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def pack(value: object, **settings: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("form", ["zip", "old", "pickle"])
def test_malicious_checkpoint_is_refused_and_not_executed(begin, clips, tmp_path, monkeypatch, form, forced):
    if forced:  # torch then executes pickles wherever weights_only is left to its default
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    touched = tmp_path / "touched"
    value = {"network": Touch(touched), "optimiser": {}, "history": []}
    make = {
        "zip": pack,
        "old": lambda value: pack(value, _use_new_zipfile_serialization=False),
        "pickle": lambda value: pickle.dumps(value, protocol=2),
    }[form]
    run = begin()
    (run.path / "state.pt").write_bytes(make(value))
    with pytest.raises(RunError, match=r"state\.pt: is no checkpoint of this run; delete it") as caught:
        next(train(run, dataset=clips))
    assert "weights_only" not in str(caught.value)  # torch's own advice would turn the check off
    assert not touched.exists()
    pickle.loads(pickle.dumps(Touch(touched)))
    assert touched.exists()  # the file that would have been made


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a checkpoint",
        pack([]),
        pack(torch.zeros(3)),
        pack(None),
        pack({}),
        pack({"network": [], "optimiser": {}, "history": []}),
        pack({"network": {"fc1.bias": torch.zeros(3)}, "optimiser": {}, "history": []}),
        pack({"network": {}, "optimiser": {}, "history": []}),
        pack({"network": {"fc1.bias": torch.zeros(1).expand(10**11)}, "optimiser": {}, "history": []}),
    ],
    ids=["empty", "text", "list", "tensor", "none", "dict", "kind", "shape", "keys", "expanded"],
)
def test_foreign_checkpoint_is_refused_by_path(begin, clips, data):
    run = begin()
    (run.path / "state.pt").write_bytes(data)
    with pytest.raises(RunError, match=r"state\.pt: is no checkpoint of this run"):
        next(train(run, dataset=clips))


@pytest.mark.parametrize("change", ["optimiser", "history"])
def test_checkpoint_with_one_wrong_part_is_refused(begin, clips, change):
    run = begin()
    reports = train(run, dataset=clips)
    next(reports)
    reports.close()
    path = run.path / "state.pt"
    state = torch.load(path, weights_only=True)
    for value in (None, [1], "text", {"epoch": 1}, [{"epoch": 2}]):
        path.write_bytes(pack({**state, change: value}))
        with pytest.raises(RunError, match=r"state\.pt: is no checkpoint of this run"):
            next(train(run, dataset=clips))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_cut_checkpoint_is_refused_by_path(begin, clips, share):
    run = begin()
    reports = train(run, dataset=clips)
    next(reports)
    reports.close()
    path = run.path / "state.pt"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(RunError, match=r"state\.pt: is no checkpoint of this run"):
        next(train(run, dataset=clips))


def test_checkpoint_of_another_model_is_refused(begin, clips):
    other, run = begin("ts-cnn10"), begin("cnn10")
    reports = train(other, dataset=clips)
    next(reports)
    reports.close()
    (run.path / "state.pt").write_bytes((other.path / "state.pt").read_bytes())
    with pytest.raises(RunError, match=r"state\.pt: is no checkpoint of this run"):
        next(train(run, dataset=clips))


def test_full_disk_leaves_the_checkpoint_before_it(begin, clips, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    run = begin()
    reports = train(run, dataset=clips)
    next(reports)
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}

    def run_full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", run_full)
    with pytest.raises(StorageError, match=r"weights\.safetensors: could not be written \(No space left on device\)"):
        next(reports)
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    monkeypatch.undo()
    assert [report.epoch for report in train(run, dataset=clips)] == [2]
    assert run.is_finished


def test_tabulate_predictions_names_clips_and_classes_by_number(clips):
    table = tabulate_predictions(clips, np.array([3, 1]), np.array([[0.25, 0.75], [1.0, 0.0]]))
    assert list(table.columns) == ["clip", "source", "fold", "class_index", "p_0", "p_1"]
    assert table["clip"].tolist() == clips.table["clip"].iloc[[3, 1]].tolist()
    assert table["p_1"].tolist() == [0.75, 0.0]


def test_save_arrays_writes_arrays_that_numpy_reads_without_pickle(tmp_path):
    save_arrays(tmp_path / "new" / "a.npz", probabilities=np.eye(3), embeddings=np.ones((2, 4), dtype="float16"))
    with np.load(tmp_path / "new" / "a.npz", allow_pickle=False) as arrays:
        assert arrays["probabilities"].tolist() == np.eye(3).tolist()
        assert (arrays["embeddings"].dtype, arrays["embeddings"].shape) == (np.dtype("float16"), (2, 4))
