from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from esclab.analysis.epochs import describe_run, last_epoch, list_epochs, read_answers, read_epochs, resolve_epochs
from esclab.clips import load_dataset
from esclab.errors import OptionError, RunError
from esclab.training.loop import train
from esclab.training.recipe import QUICK
from esclab.training.run import Run, open_run
from esclab.training.start import create_run


@pytest.fixture(scope="module")
def kept(esclab_home: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a finished run of three epochs, of 5, 5 and 2 steps, that kept them all."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    recipe = replace(QUICK, iterations=12, batch_size=8, evaluate_every=1, duration_s=1.0)
    dataset = load_dataset("synth10:50")
    folder = tmp_path_factory.mktemp("kept") / "run"
    run = create_run("cnn10", dataset, recipe, folder=folder, device="cpu", keep_epochs=True)
    list(train(run, dataset=dataset))
    torch.set_num_threads(before)
    return run


@pytest.fixture
def copied(kept: Run, tmp_path: Path) -> Run:
    """Return a copy of the run that a test may damage."""
    shutil.copytree(kept.path, tmp_path / "run")
    return open_run(tmp_path / "run")


def test_kept_epochs_are_all_that_were_evaluated(kept, tiny_runs):
    assert list_epochs(kept) == (1, 2, 3)
    assert last_epoch(kept) == 3
    assert list_epochs(tiny_runs[0]) == ()
    assert describe_run(kept) == "cnn10 on synth10:50, fold 1, seed 0"


def test_epoch_holds_what_the_network_answered_then(kept):
    epochs = read_epochs(kept)
    assert [epoch.number for epoch in epochs] == [1, 2, 3]
    final = kept.read_predictions()
    for epoch in epochs:
        assert epoch.embeddings.dtype == np.float32
        assert epoch.embeddings.shape == (10, 128)
        assert epoch.predictions.clips.tolist() == final.clips.tolist()
        np.testing.assert_allclose(epoch.predictions.probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(epochs[-1].predictions.probabilities, final.probabilities, atol=1e-6)
    history = kept.read_history()
    for epoch, accuracy in zip(epochs, history["valid_accuracy"], strict=True):
        assert epoch.predictions.correct.mean() == pytest.approx(accuracy)


def test_kept_embedding_gives_the_kept_probabilities(kept):
    epoch = read_epochs(kept, "last")[0]
    with torch.inference_mode():
        logits = kept.load_model().classifier(torch.from_numpy(epoch.embeddings))
    np.testing.assert_allclose(logits.softmax(1), epoch.predictions.probabilities, atol=5e-3)  # half precision


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [("1,last", (1, 3)), ("last, 2,1", (1, 2, 3)), ("3,last", (3,)), ("all", (1, 2, 3)), ((2, "last"), (2, 3))],
)
def test_epochs_are_resolved_rising_and_once(kept, asked, numbers):
    assert resolve_epochs(kept, asked) == numbers


def test_numpy_numbers_are_epochs(kept):
    assert resolve_epochs(kept, np.array([1, 2])) == (1, 2)


@pytest.mark.parametrize("asked", ["1,10,last", [10], "0"])
def test_absent_epoch_is_refused_with_the_kept_ones(kept, asked):
    said = r"did not keep epoch (10|0) \(kept: 1, 2, 3; its weights are of the last, 3\).*--keep-epochs"
    with pytest.raises(RunError, match=said):
        resolve_epochs(kept, asked)


@pytest.mark.parametrize("asked", ["first", "1,,2", "-1", "1.5", "", (), [True]])
def test_word_that_is_no_epoch_is_refused(kept, asked):
    with pytest.raises(OptionError, match=re.escape('write e.g. "1,10,20,last"')):
        resolve_epochs(kept, asked)


def test_run_without_kept_epochs_has_its_last_one(tiny_runs):
    assert resolve_epochs(tiny_runs[0], "last") == (1,)
    assert resolve_epochs(tiny_runs[0], "all") == (1,)
    with pytest.raises(RunError, match=r"did not keep epoch 1 \(kept: none;.*--keep-epochs"):
        read_epochs(tiny_runs[0])
    (answers,) = read_answers(tiny_runs[0], "last").values()
    assert answers.probabilities.tolist() == tiny_runs[0].read_predictions().probabilities.tolist()


def test_answers_are_read_by_epoch(kept):
    answers = read_answers(kept, "2,last")
    assert list(answers) == [2, 3]
    assert answers[2].correct.mean() == pytest.approx(kept.read_history()["valid_accuracy"][1])


def test_unfinished_run_says_how_to_finish_it(copied):
    (copied.path / "summary.json").unlink()
    with pytest.raises(RunError, match="is unfinished; finish the run with: esclab resume"):
        resolve_epochs(copied, "last")


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other", "short"])
def test_damaged_epoch_is_named(copied, damage):
    path = copied.path / "epochs" / "00002.npz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "flipped":
        data = bytearray(path.read_bytes())
        data[100:160] = bytes(255 - byte for byte in data[100:160])
        path.write_bytes(data)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("no archive")
    elif damage == "other":
        np.savez(path, probabilities=np.ones((10, 10)))
    else:
        np.savez(path, probabilities=np.full((9, 10), 0.1), embeddings=np.ones((9, 4)))
    with pytest.raises(RunError, match=r"00002\.npz: (is not readable|does not fit predictions\.csv)"):
        read_epochs(copied)
    assert [epoch.number for epoch in read_epochs(copied, (1, 3))] == [1, 3]
