"""One training at a time in a run's folder."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from esclab.errors import RunError
from esclab.training.lock import hold_run


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
