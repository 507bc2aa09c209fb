from __future__ import annotations

import numpy as np
import pytest

from esclab.clips import DATASETS, ClipDataset, check_dataset, get_dataset, load_dataset, read_clip
from esclab.clips.dataset import COLUMNS
from esclab.errors import DatasetError, MissingDatasetError, OptionError

DCASE = ("dcase2018-1a", "dcase2019-1a", "dcase2020-1a", "dcase2020-1a:b", "dcase2020-1b")
REAL = ("esc10", "esc50", "urbansound8k", "fsdd:speakers", "fsdd:digits", "speech-commands", *DCASE)


@pytest.fixture
def made(
    request,
    tmp_path,
    monkeypatch,
    make_esc,
    make_urbansound8k,
    make_fsdd,
    make_speech_commands,
    make_dcase,
    make_folder,
) -> ClipDataset:
    """Load the dataset of a spec from a small folder in its layout; synth10 is made in the session's home."""
    spec = request.param
    if spec.startswith("synth10"):
        get_dataset(spec)
        return load_dataset(spec)
    monkeypatch.setenv("ESCLAB_DATA", str(tmp_path))
    make_esc(tmp_path / "ESC-50")
    make_urbansound8k(tmp_path / "UrbanSound8K")
    make_fsdd(tmp_path / "fsdd")
    make_speech_commands(tmp_path / "speech_commands_v0.02")
    make_dcase(tmp_path / "TUT-urban-acoustic-scenes-2018-development", header=False)
    make_dcase(tmp_path / "TAU-urban-acoustic-scenes-2019-development")
    make_dcase(tmp_path / "TAU-urban-acoustic-scenes-2020-mobile-development", devices=("a", "b", "s4"))
    three = ("indoor", "transportation", "outdoor")
    make_dcase(tmp_path / "TAU-urban-acoustic-scenes-2020-3class-development", labels=three)
    own = make_folder(tmp_path / "own")
    lines = [f"{file.relative_to(own)},{file.relative_to(own).parts[0]}" for file in own.rglob("*.*")]
    (own / "table.csv").write_text("\n".join(["path,class", *lines]))
    return load_dataset(spec.format(own=own))


SPECS = ("synth10:50", *REAL, "folder:{own}", "csv:{own}/table.csv")


def check_contract(dataset: ClipDataset) -> None:
    table = dataset.table
    assert tuple(table.columns) == COLUMNS
    assert len(dataset) == len(table) > 0
    assert table["clip"].is_unique
    assert table["class_index"].map(dict(enumerate(dataset.class_names))).tolist() == table["class_name"].tolist()
    assert set(table["class_index"]) == set(range(len(dataset.class_names)))
    assert min(dataset.folds) == 1
    assert set(table["split"]) <= {"", "train", "test"}
    assert dataset.protocol
    assert dataset.licence
    assert 1000 <= dataset.sample_rate <= 384_000
    samples = read_clip(dataset, len(dataset) - 1, sample_rate=dataset.sample_rate)
    assert samples.shape == (round(dataset.duration_s * dataset.sample_rate),)
    assert samples.dtype == np.float32
    for fold in dataset.folds:
        train, test = dataset.split_fold(fold)
        assert not set(table["source"].iloc[train]) & set(table["source"].iloc[test])


def test_specs_cover_every_dataset():
    assert {spec.split(":")[0] for spec in SPECS} == set(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_entry_describes_its_dataset(name):
    entry = DATASETS[name]
    assert entry.name == name
    assert entry.summary
    assert entry.size
    assert entry.licence


@pytest.mark.parametrize("made", SPECS, indirect=True)
def test_dataset_keeps_the_contract(made):
    check_contract(made)


@pytest.mark.parametrize("made", SPECS, indirect=True)
def test_dataset_passes_the_leak_check(made):
    assert check_dataset(made).problems == ()


@pytest.mark.parametrize("made", SPECS, indirect=True)
def test_dataset_is_loaded_again_by_its_name(made):
    again = load_dataset(made.name)
    assert again.table.equals(made.table)
    assert again.digest == made.digest


@pytest.mark.parametrize("made", SPECS[1:], indirect=True)
def test_dataset_that_is_there_is_not_fetched(made, monkeypatch):
    monkeypatch.setattr("esclab.clips.download.fetch_file", lambda *_, **__: pytest.fail("fetched"))
    get_dataset(made.name)


@pytest.mark.parametrize("spec", REAL)
def test_real_dataset_keeps_the_contract(spec):
    try:
        dataset = load_dataset(spec)
    except MissingDatasetError as error:
        pytest.skip(str(error))
    check_contract(dataset)


@pytest.mark.parametrize("spec", REAL)
def test_dataset_that_is_missing_says_how_to_get_it(no_datasets, spec):
    with pytest.raises(DatasetError, match=f"esclab get {spec.split(':')[0]}"):
        load_dataset(spec)


UNKNOWN = [("esc1O", "did you mean esc10"), ("", "choose one of synth10"), ("ESC50", "did you mean esc50")]


@pytest.mark.parametrize(("spec", "guess"), UNKNOWN)
def test_name_that_is_unknown_lists_the_known(spec, guess):
    for function in (load_dataset, get_dataset):
        with pytest.raises(OptionError, match=guess) as caught:
            function(spec)
        assert all(name in str(caught.value) for name in DATASETS)
