from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from esclab.clips import ClipDataset, read_clip
from esclab.clips.dataset import COLUMNS
from esclab.errors import DatasetError
from esclab.features import Feature, build_feature, store
from esclab.features.store import load_features

RATE = 8000
CLIPS = 5


def assert_same(features: np.ndarray, expected: np.ndarray) -> None:
    """Assert equality but for the last bits: a matrix product in a worker thread may add in another order."""
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4)  # dB


def write_dataset(folder: Path, **changed: np.ndarray) -> ClipDataset:
    """Write a few noises of 0.3 s, some of them changed, e.g. `write_dataset(folder, clip1=np.zeros(10))`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(CLIPS):
        noise = np.random.default_rng(number).normal(0, 0.1 / (number + 1), round(0.3 * RATE))
        path = folder / f"clip{number}.wav"
        soundfile.write(path, changed.get(path.stem, noise), RATE, subtype="FLOAT")
        rows.append((path.stem, str(path), "noise", 0, 1 + number % 2, path.stem, "", np.nan, np.nan))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return ClipDataset("tiny:5", table, ("noise",), duration_s=0.3, sample_rate=RATE, protocol="by hand")


@pytest.fixture
def dataset(tmp_path: Path) -> ClipDataset:
    return write_dataset(tmp_path / "clips")


@pytest.fixture
def feature() -> Feature:
    return build_feature("logmel", sample_rate=RATE, bands=16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after whose call the store can read no clip."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a clip was read")

    return lambda: monkeypatch.setattr(store, "read_clip", refuse)


def compute_directly(dataset: ClipDataset, feature: Feature, duration_s: float = 0.3) -> np.ndarray:
    clips = [read_clip(dataset, row, sample_rate=RATE, duration_s=duration_s) for row in range(len(dataset))]
    return np.concatenate([feature(torch.from_numpy(clip)[None]).numpy() for clip in clips])


def stored_arrays(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npy"))


def left_over(folder: Path) -> list[str]:
    """Return the names of all files but the (empty) locks."""
    return [path.name for path in folder.iterdir() if path.suffix != ".lock"]


def test_store_in_float32_gives_what_the_front_end_gives(dataset, feature, folder):
    features = load_features(dataset, feature, dtype="float32", folder=folder)
    assert features.dtype == np.float32
    assert_same(features, compute_directly(dataset, feature))


def test_store_in_float16_is_within_0_05_db(dataset, feature, folder):
    features = load_features(dataset, feature, folder=folder)
    assert features.dtype == np.float16
    np.testing.assert_allclose(features.astype(float), compute_directly(dataset, feature), atol=0.05, rtol=0)


def test_store_keeps_each_front_end_in_its_own_precision(dataset, folder):
    mel = build_feature("mel", sample_rate=RATE, bands=16)
    features = load_features(dataset, mel, folder=folder)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, compute_directly(dataset, mel), rtol=1e-4)
    mfcc = build_feature("mfcc", sample_rate=RATE, window_samples=400, hop_samples=160, bands=8, mel_bands=16)
    assert load_features(dataset, mfcc, folder=folder).dtype == np.float16


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_store_keeps_the_order_of_clips_whatever_the_chunk(dataset, feature, folder, monkeypatch, chunk):
    monkeypatch.setattr(store, "CHUNK", chunk)
    features = load_features(dataset, feature, dtype="float32", folder=folder)
    assert_same(features, compute_directly(dataset, feature))


def test_store_pads_and_cuts_to_the_duration_asked_for(dataset, feature, folder):
    short = load_features(dataset, feature, duration_s=0.2, dtype="float32", folder=folder)
    long = load_features(dataset, feature, duration_s=0.5, dtype="float32", folder=folder)
    assert short.shape == (CLIPS, 1, 11, 16)
    assert long.shape == (CLIPS, 1, 26, 16)
    assert_same(short, compute_directly(dataset, feature, 0.2))
    assert (long[:, :, 17:] == -100).all()


def test_store_reads_no_clip_the_second_time(dataset, feature, folder, forbid_reading):
    first = np.array(load_features(dataset, feature, folder=folder))
    forbid_reading()
    np.testing.assert_array_equal(load_features(dataset, feature, folder=folder), first)


def test_store_knows_a_whole_number_of_seconds_by_any_type(dataset, feature, folder, forbid_reading):
    load_features(dataset, feature, duration_s=1, folder=folder)
    forbid_reading()
    assert load_features(dataset, feature, duration_s=1.0, folder=folder).shape[2] == 51


def test_store_lies_in_the_data_home_by_default(dataset, feature, tmp_path, monkeypatch):
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path / "home"))
    load_features(dataset, feature)
    assert len(stored_arrays(tmp_path / "home" / "store")) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda dataset, _: (dataset, build_feature("logmel", sample_rate=RATE, bands=17), {}),
        lambda dataset, _: (dataset, build_feature("logmel", sample_rate=RATE, bands=16, floor_db=-40.0), {}),
        lambda dataset, feature: (dataset, feature, {"duration_s": 0.2}),
        lambda dataset, feature: (dataset, feature, {"dtype": "float32"}),
        lambda dataset, feature: (
            write_dataset(Path(dataset.table["path"][0]).parent, clip2=np.full(2400, 0.25)),
            feature,
            {},
        ),
    ],
    ids=["bands", "floor", "duration", "dtype", "recording"],
)
def test_store_keeps_what_differs_in_another_file(dataset, feature, folder, change):
    before = np.array(load_features(dataset, feature, folder=folder))
    other_dataset, other_feature, options = change(dataset, feature)
    other = load_features(other_dataset, other_feature, folder=folder, **options)
    assert len(stored_arrays(folder)) == 2
    assert other.shape != before.shape or other.dtype != before.dtype or not np.array_equal(other, before)


def test_store_is_raised_to_a_new_file_by_its_version(dataset, feature, folder, monkeypatch):
    load_features(dataset, feature, folder=folder)
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)
    load_features(dataset, feature, folder=folder)
    assert len(stored_arrays(folder)) == 2


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [flip_last_byte, cut_in_half])
def test_store_computes_a_damaged_file_again_and_warns(dataset, feature, folder, damage, caplog):
    right = np.array(load_features(dataset, feature, folder=folder))
    (path,) = stored_arrays(folder)
    damage(path)
    with caplog.at_level(logging.WARNING, logger="esclab"):
        again = load_features(dataset, feature, folder=folder)
    assert_same(again, right)
    assert path.name in caplog.text
    assert "computed again" in caplog.text


@pytest.mark.parametrize("note", [None, "", "{", "[]", "null", "{}", '{"sha256": 5}'])
def test_store_computes_again_what_has_no_valid_note(dataset, feature, folder, note):
    right = np.array(load_features(dataset, feature, folder=folder))
    path = stored_arrays(folder)[0].with_suffix(".json")
    path.unlink() if note is None else path.write_text(note)
    assert_same(load_features(dataset, feature, folder=folder), right)
    assert len(json.loads(path.read_text())["sha256"]) == 64


def test_store_writes_no_warning_where_all_is_well(dataset, feature, folder, caplog):
    for _ in range(2):
        load_features(dataset, feature, folder=folder)
    assert not caplog.records


def test_store_gives_a_memory_map_that_cannot_be_written(dataset, feature, folder):
    features = load_features(dataset, feature, folder=folder)
    assert isinstance(features, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        features[0] = 0


def test_store_reports_its_progress_clip_by_clip(dataset, feature, folder):
    seen: list[tuple[int, int]] = []
    load_features(dataset, feature, folder=folder, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(number, CLIPS) for number in range(1, CLIPS + 1)]


def test_store_names_all_bad_clips_and_leaves_nothing(tmp_path, feature, folder):
    bad = np.full(2400, np.nan)
    dataset = write_dataset(tmp_path / "clips", clip1=bad, clip4=bad)
    with pytest.raises(DatasetError, match="2 of 5 clips") as caught:
        load_features(dataset, feature, folder=folder)
    for number in range(CLIPS):
        assert (f"clip{number}.wav" in str(caught.value)) is (number in (1, 4))
    assert left_over(folder) == []


def test_store_leaves_nothing_when_it_is_stopped_half_way(dataset, feature, folder):
    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_features(dataset, feature, folder=folder, progress=stop)
    assert left_over(folder) == []


OTHER_PROCESS = """
import json, sys, time
from pathlib import Path
import pandas as pd
from esclab.clips import ClipDataset
from esclab.features import build_feature
from esclab.features.store import load_features

table, folder, ready, go = map(Path, sys.argv[1:])
dataset = ClipDataset("tiny:5", pd.read_pickle(table), ("noise",), duration_s=0.3, sample_rate=8000, protocol="")
feature = build_feature("logmel", sample_rate=8000, bands=16)
ready.touch()
while not go.exists():
    time.sleep(0.001)
computed = []
features = load_features(dataset, feature, folder=folder, progress=lambda *_: (computed.append(1), time.sleep(0.05)))
print(json.dumps([len(computed), features.astype(float).sum(), list(features.shape)]))
"""


def test_store_lets_one_of_two_processes_compute_and_both_read(dataset, feature, folder, tmp_path):
    table, ready, go = tmp_path / "table.pkl", tmp_path / "ready", tmp_path / "go"
    dataset.table.to_pickle(table)
    command = [sys.executable, "-c", OTHER_PROCESS, *map(str, (table, folder, ready, go))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as other:
        while not ready.exists() and other.poll() is None:
            time.sleep(0.01)
        go.touch()
        computed: list[int] = []
        features = load_features(
            dataset, feature, folder=folder, progress=lambda done, _: (computed.append(done), time.sleep(0.05))
        )
        out, errors = other.communicate(timeout=120)
    assert other.returncode == 0, errors
    computed_there, sum_there, shape_there = json.loads(out)
    assert sorted([computed_there, len(computed)]) == [0, CLIPS]
    assert sum_there == features.astype(float).sum()
    assert shape_there == list(features.shape)
    np.testing.assert_allclose(features.astype(float), compute_directly(dataset, feature), atol=0.05, rtol=0)
    assert len(stored_arrays(folder)) == 1
    assert not list(folder.glob("*.part")) + list(folder.glob(".*"))
