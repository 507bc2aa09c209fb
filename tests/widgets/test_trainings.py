"""Trainings beside the notebook: their turns, pauses, stops and faults, and the bits they end with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from esclab.clips import ClipDataset
from esclab.training import QUICK, Run, create_run, open_run
from esclab.training.lock import LOCK_NAME
from esclab.training.loop import train
from esclab.widgets import trainings
from esclab.widgets.trainings import (
    Training,
    find_training,
    list_trainings,
    read_rows,
    start_training,
    stop_all,
)

# 4 epochs of 5 steps on 1 s.
TINY = replace(QUICK, iterations=20, batch_size=8, evaluate_every=1, duration_s=1.0)

TRAIN_AND_DIE = """
import os, signal, sys, threading
import torch
from esclab.training import loop, open_run
from esclab.widgets.trainings import start_training

class Killer:
    def note(self, training):
        if training.report and training.report.epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

torch.set_num_threads(1)
loop.CHECKPOINT_S = 0.0
killer = Killer()
training = start_training(open_run(sys.argv[1]))
training.subscribe(killer.note)
training.wait()
"""


@pytest.fixture
def begin(tmp_path: Path, clips: ClipDataset) -> Callable[..., Run]:
    def make(name: str = "run", *, model: str = "cnn10", **changes: object) -> Run:
        return create_run(model, clips, replace(TINY, **changes), folder=tmp_path / name, device="cpu")

    return make


@pytest.fixture(autouse=True)
def nothing_runs_after() -> Iterator[None]:
    yield
    stop_all()
    assert list_trainings() == []


class Recorder:
    """Keeps the states that a training went through, and asks for something after an epoch."""

    def __init__(self, training_of: Run, **after: Callable[[Training], None]) -> None:
        self.states: list[str] = []
        self.epochs: list[int] = []
        self.after = {int(name.removeprefix("epoch")): action for name, action in after.items()}
        # Subscribed before the thread runs, so that no change is missed.
        self.training = Training(training_of)
        trainings._TRAININGS[training_of.path.resolve()] = self.training
        self.training.subscribe(self.note)
        self.training.start()

    def note(self, training: Training) -> None:
        if not self.states or self.states[-1] != training.state:
            self.states.append(training.state)
        if training.report and training.report.epoch not in self.epochs:
            self.epochs.append(training.report.epoch)
            if action := self.after.get(training.report.epoch):
                action(training)


@pytest.fixture(scope="module")
def undisturbed(clips: ClipDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = create_run("cnn10", clips, TINY, folder=tmp_path_factory.mktemp("whole") / "run", device="cpu")
    for _ in train(run, dataset=clips):
        pass
    return run


def digest(run: Run) -> str:
    return run.summary["weights_sha256"]


def test_training_in_a_thread_ends_with_the_bits_of_the_loop(begin, undisturbed):
    seen = Recorder(begin())
    assert seen.training.wait()
    assert seen.states == ["preparing", "training", "finished"]
    assert seen.epochs == [1, 2, 3, 4]
    assert digest(seen.training.run) == digest(undisturbed)


def test_live_rows_have_what_the_history_has(begin):
    rows = []
    seen = Recorder(begin(model="ts-cnn10"), epoch4=lambda training: rows.extend(training.history))
    assert seen.training.wait()
    pd.testing.assert_frame_equal(pd.DataFrame(rows), seen.training.run.read_history(), check_dtype=False)
    assert "block1_alpha" in rows[0]


def test_stopped_training_resumes_to_the_same_bits(begin, undisturbed):
    run = begin()
    seen = Recorder(run, epoch2=Training.stop)
    assert seen.training.wait()
    assert seen.states[-1] == "stopped"
    assert seen.epochs == [1, 2]
    assert (run.path / "state.pt").exists()
    assert [row["epoch"] for row in read_rows(run)] == [1, 2]
    again = Recorder(run)
    assert again.training.wait()
    assert again.epochs == [3, 4]
    assert [row["epoch"] for row in again.training.history] == [1, 2, 3, 4]
    assert digest(run) == digest(undisturbed)


def test_paused_training_waits_and_goes_on_to_the_same_bits(begin, undisturbed):
    seen = Recorder(begin(), epoch2=Training.pause)
    assert seen.training.wait_for("paused")
    assert seen.training.is_active
    assert seen.training.request == ""
    assert seen.epochs == [1, 2]
    seen.training.resume()
    assert seen.training.wait()
    assert seen.states == ["preparing", "training", "paused", "waiting", "training", "finished"]
    assert digest(seen.training.run) == digest(undisturbed)


def test_paused_training_can_be_stopped(begin):
    seen = Recorder(begin(), epoch1=Training.pause)
    assert seen.training.wait_for("paused")
    seen.training.stop()
    assert seen.training.wait()
    assert seen.states[-1] == "stopped"
    assert [row["epoch"] for row in read_rows(seen.training.run)] == [1]


def test_second_training_waits_for_its_turn(begin):
    first = Recorder(begin("first"), epoch1=Training.pause)
    assert first.training.wait_for("paused")
    waiting: list[str] = []

    def wake_first(_: Training) -> None:
        first.training.resume()
        waiting.append(first.training.state)

    second = Recorder(begin("second"), epoch1=wake_first)
    assert second.training.wait()
    assert first.training.wait()
    assert waiting == ["waiting"]  # the second's turn is not taken away
    assert second.states == ["preparing", "training", "finished"]
    assert first.states[-3:] == ["waiting", "training", "finished"]


def test_waiting_training_can_be_paused_and_stopped(begin):
    seen: dict[str, str] = {}
    runs = [begin("second"), begin("third")]

    def queue_others(_: Training) -> None:
        second, third = [start_training(run) for run in runs]
        seen["second"] = second.state
        second.pause()
        seen["paused"] = second.state
        third.stop()
        third.wait()
        seen["third"] = third.state

    assert Recorder(begin("first"), epoch1=queue_others).training.wait()
    assert seen == {"second": "waiting", "paused": "paused", "third": "stopped"}
    second = find_training(runs[0].path)
    second.resume()
    assert second.wait()
    assert second.state == "finished"


def test_same_run_is_started_once(begin):
    run = begin()
    seen = Recorder(run, epoch1=Training.pause)
    assert seen.training.wait_for("paused")
    other_words = Run(run.path.parent / "." / run.path.name, run.config)
    assert start_training(other_words) is seen.training
    assert find_training(run.path) is seen.training
    assert list_trainings() == [seen.training]


def test_run_trained_by_another_program_is_refused_in_one_line(begin):
    run = begin()
    with FileLock(run.path / LOCK_NAME):
        training = start_training(run)
        assert training.wait()
    assert training.state == "failed"
    assert training.message.startswith(f"{run.path}: is being trained already; wait for that training, or stop it")
    assert not (run.path / "history.csv").exists()


def test_failed_training_is_one_line_and_keeps_its_checkpoint(begin):
    run = begin()
    assert Recorder(run, epoch2=Training.stop).training.wait()
    config = json.loads((run.path / "config.json").read_text())
    config["recipe"]["learning_rate"] = 1e30
    (run.path / "config.json").write_text(json.dumps(config))
    before = (run.path / "state.pt").read_bytes()
    failed = start_training(open_run(run.path))
    assert failed.wait()
    assert failed.state == "failed"
    assert "the loss became" in failed.message
    assert "\n" not in failed.message
    assert (run.path / "state.pt").read_bytes() == before


def test_damaged_checkpoint_is_one_line(begin):
    run = begin()
    (run.path / "state.pt").write_bytes(b"no checkpoint")
    training = start_training(run)
    assert training.wait()
    assert (
        training.message == f"{run.path / 'state.pt'}: is no checkpoint of this run; delete it to train from the start."
    )


def test_error_of_another_kind_is_one_line_too(begin, monkeypatch):
    def break_off(*_: object, **__: object) -> Iterator[None]:
        raise MemoryError("no\nmore")
        yield

    monkeypatch.setattr("esclab.training.loop.train", break_off)
    training = start_training(begin())
    assert training.wait()
    assert training.state == "failed"
    assert "MemoryError: no\\nmore" in training.message


def test_training_stopped_before_its_first_epoch_starts_again(begin):
    # Another length has features of its own, whose computing is what is stopped.
    run = begin(duration_s=0.5)
    seen = []

    class Stopper:
        def note(self, training: Training) -> None:
            seen.append(training.prepared)
            if training.prepared[0] == 1:
                training.stop()

    stopper = Stopper()
    training = Training(run)
    training.subscribe(stopper.note)
    training.start()
    assert training.wait()
    assert seen[0] == (0, 0)
    assert (1, 50) in seen
    assert all(done < 50 for done, _ in seen)  # the worker may finish the clip that it is at
    assert training.state == "stopped"
    assert {path.name for path in run.path.iterdir()} == {"config.json", LOCK_NAME}
    again = start_training(run)
    assert again.wait()
    assert again.state == "finished"


def test_listener_that_fails_or_is_gone_disturbs_no_training(begin):
    class Listener:
        def note(self, _: Training) -> None:
            raise ValueError("a picture failed")

    class Counter:
        calls = 0

        def note(self, _: Training) -> None:
            Counter.calls += 1

    training, listener, counter = Training(begin()), Listener(), Counter()
    training.subscribe(listener.note)
    training.subscribe(counter.note)
    del counter
    training.start()
    assert training.wait()
    assert training.state == "finished"
    assert Counter.calls == 0


def test_killed_training_resumes_to_the_same_bits(begin, undisturbed):
    run = begin()
    command = [sys.executable, "-c", TRAIN_AND_DIE, str(run.path)]
    assert subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False).returncode == -9
    assert [row["epoch"] for row in read_rows(run)] == [1, 2, 3]
    training = start_training(open_run(run.path))
    assert training.wait()
    assert training.state == "finished"
    assert [row["epoch"] for row in training.history] == [1, 2, 3, 4]
    assert digest(run) == digest(undisturbed)


def test_end_of_the_process_saves_what_is_trained(begin):
    run = begin(iterations=5000)
    training = start_training(run)
    assert training.wait_for("training")
    started = time.monotonic()
    stop_all()
    assert training.state == "stopped"
    assert time.monotonic() - started < 30
    assert len(read_rows(run)) == training.report.epoch
