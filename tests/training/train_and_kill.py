"""Train runs one after the other, each in a process of its own that may be killed; print what happened as JSON.

Run as a script with a list of jobs in JSON: `folder`; `kill_epoch`, after which the process is killed from outside (0:
never); `file` and `count`: the process kills itself just before it puts that file in place for the count-th time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import lightning_fabric  # noqa: F401  (once here, not in each child)
import torch

from esclab.training import loop
from esclab.training.run import open_run


def train_in_child(folder: str, *, kill_epoch: int = 0, file: str = "", count: int = 0) -> dict[str, Any]:
    """Train in a forked process; return the epochs it reported, its exit code (-9: killed) and the files it left."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        die_before(file, count)
        for report in loop.train(open_run(folder)):
            os.write(writer, bytes([report.epoch]))
        os._exit(0)
    os.close(writer)
    epochs = []
    while byte := os.read(reader, 1):
        epochs.append(byte[0])
        if byte[0] == kill_epoch:
            os.kill(child, signal.SIGKILL)
    os.close(reader)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"epochs": epochs, "code": code, "files": sorted(os.listdir(folder))}


def die_before(file: str, count: int) -> None:
    """Let this process kill itself when it is about to put `file` in place for the count-th time."""
    place, placed = os.replace, []

    def place_or_die(source: str, target: str) -> None:
        if os.path.basename(target) == file:
            placed.append(target)
            if len(placed) == count:
                os.kill(os.getpid(), signal.SIGKILL)
        place(source, target)

    os.replace = place_or_die


if __name__ == "__main__":
    torch.set_num_threads(1)
    loop.CHECKPOINT_S = 0.0  # every epoch is saved
    print(json.dumps([train_in_child(**job) for job in json.loads(sys.argv[1])]))
