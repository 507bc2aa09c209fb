from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

WriteTone = Callable[..., Path]


@pytest.fixture
def write_tone() -> WriteTone:
    """Return a function that writes a sine: `write_tone(path, 440.0, duration_s=0.5, sample_rate=8000)`."""

    def write(
        path: Path, frequency_hz: float = 440.0, *, duration_s: float = 0.25, sample_rate: int = 8000, **options: str
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * frequency_hz * time_s), sample_rate, **options)
        return path

    return write


@pytest.fixture
def no_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let nothing but the returned folder be searched for datasets or written to."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("ESCLAB_HOME", str(home))
    monkeypatch.delenv("ESCLAB_DATA", raising=False)
    return home
