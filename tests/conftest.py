from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from esclab.clips import ClipDataset, load_dataset
from esclab.errors import MissingDatasetError


@pytest.fixture(scope="session", autouse=True)
def esclab_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Keep what the tests download, make and cache out of the user's own data."""
    before = os.environ.get("ESCLAB_HOME")
    home = str(tmp_path_factory.mktemp("home"))
    os.environ["ESCLAB_HOME"] = home
    yield home
    if before is None:
        del os.environ["ESCLAB_HOME"]
    else:
        os.environ["ESCLAB_HOME"] = before


@pytest.fixture(scope="session")
def esc10(esclab_home: str) -> ClipDataset:
    """Load the real ESC-10, where ESCLAB_DATA names a folder that holds it."""
    try:
        return load_dataset("esc10")
    except MissingDatasetError as error:
        pytest.skip(str(error))
