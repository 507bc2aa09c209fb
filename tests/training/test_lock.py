"""One training at a time in a run's folder."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest

from esclab.errors import RunError
from esclab.training.crossval import run_folder
from esclab.training.lesson import provide_run
from esclab.training.lock import hold_run
from esclab.training.loop import train
from esclab.training.start import create_run


def test_second_training_of_a_run_is_refused_in_one_sentence(tmp_path):
    with hold_run(tmp_path), pytest.raises(RunError, match="is being trained already; wait for that training"):  # noqa: SIM117
        with hold_run(tmp_path):
            pass


def test_lock_ends_with_the_training_even_by_an_error(tmp_path):
    with pytest.raises(ValueError, match="failed"), hold_run(tmp_path):
        raise ValueError("failed")
    with hold_run(tmp_path):
        pass


def test_lock_of_a_killed_program_is_gone(tmp_path):
    code = f"""
        import os, pathlib, signal
        from esclab.training.lock import hold_run
        with hold_run(pathlib.Path({str(tmp_path)!r})):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode == -9
    with hold_run(tmp_path):
        pass


def test_lesson_waits_for_the_notebook_that_trains_its_run(tmp_path, clips, tiny, caplog):
    folder = run_folder(tmp_path, "cnn10", dataset=clips, recipe=tiny, fold=1, seed=0)
    run = create_run("cnn10", clips, tiny, folder=folder)
    other = train(run, dataset=clips)
    next(other)
    provided = []
    lesson = threading.Thread(target=lambda: provided.append(provide_run("cnn10", clips, tiny, root=tmp_path)))
    lesson.start()
    lesson.join(timeout=0.5)
    assert lesson.is_alive()
    assert caplog.messages == [f"{run.path} is being trained by another program; waiting for it"]
    for _ in other:
        pass
    lesson.join(timeout=60)
    assert provided[0].path == run.path
    assert provided[0].is_finished


def test_lesson_goes_on_where_the_other_notebook_stopped(tmp_path, clips, tiny):
    folder = run_folder(tmp_path, "cnn10", dataset=clips, recipe=tiny, fold=1, seed=0)
    run = create_run("cnn10", clips, tiny, folder=folder)
    with hold_run(run.path):
        lesson = threading.Thread(target=provide_run, args=("cnn10", clips, tiny), kwargs={"root": tmp_path})
        lesson.start()
        lesson.join(timeout=0.5)
        assert lesson.is_alive()
    lesson.join(timeout=60)
    assert run.is_finished
