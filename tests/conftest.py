from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from esclab.clips import ClipDataset, load_dataset
from esclab.clips.home import data_home
from esclab.clips.synth import make_synth10
from esclab.errors import MissingDatasetError

HOME = data_home()  # before a test has another one


def link_clips(home: Path, size: int) -> None:
    """Put synthetic clips into a data home; they are made once, where the notebooks keep theirs."""
    made = make_synth10(size, home=HOME)
    (home / made.name).symlink_to(made)


@pytest.fixture(scope="session", autouse=True)
def esclab_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Keep what the tests download, make and cache out of the user's own data."""
    before = os.environ.get("ESCLAB_HOME")
    home = tmp_path_factory.mktemp("home")
    link_clips(home, 50)
    os.environ["ESCLAB_HOME"] = str(home)
    yield str(home)
    if before is None:
        del os.environ["ESCLAB_HOME"]
    else:
        os.environ["ESCLAB_HOME"] = before


@pytest.fixture(scope="session")
def synth10(esclab_home: str) -> None:
    """Have all 400 synthetic clips, which the shipped networks were trained on."""
    link_clips(Path(esclab_home), 400)


@pytest.fixture(scope="session")
def esc10(esclab_home: str) -> ClipDataset:
    """Load the real ESC-10, where ESCLAB_DATA names a folder that holds it."""
    try:
        return load_dataset("esc10")
    except MissingDatasetError as error:
        pytest.skip(str(error))
