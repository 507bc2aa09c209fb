"""One training at a time in a run's folder, whichever program it is in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from esclab.errors import RunError

LOCK_NAME = ".training.lock"


@contextmanager
def hold_run(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep others from training a run; the lock ends with this program, however that ends.

    Parameters
    ----------
    path : Path
        The run's folder.
    wait : bool
        Wait for a training that goes on in another program instead of refusing.

    Raises
    ------
    RunError
        When it is being trained already, and nobody wants to wait.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        if not wait:
            step = "wait for that training, or stop it (in a notebook, restart the kernel)"
            raise RunError(path, "is being trained already", step) from error
        logging.getLogger(__name__).warning("%s is being trained by another program; waiting for it", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
