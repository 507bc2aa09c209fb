"""First weights that have heard held-out clips are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from esclab.clips import ClipDataset
from esclab.errors import OptionError
from esclab.training import heard
from esclab.training.crossval import cross_validate
from esclab.training.heard import refuse_heard

Donate = Callable[..., Path]


@pytest.fixture
def donate(finished, tmp_path) -> Donate:
    """Return a maker of run folders of which only the config counts."""

    def make(dataset: str, *, fold: int = 1, validation_fold: int = 0) -> Path:
        values = json.loads((finished.run.path / "config.json").read_text("utf-8"))
        values |= {"dataset": dataset, "fold": fold, "validation_fold": validation_fold}
        (tmp_path / "donor").mkdir()
        (tmp_path / "donor" / "config.json").write_text(json.dumps(values), "utf-8")
        (tmp_path / "donor" / "weights.safetensors").touch()
        return tmp_path / "donor"

    return make


@pytest.fixture
def stored(monkeypatch) -> dict[str, ClipDataset]:
    """Return the datasets that are on this machine, by name."""
    datasets: dict[str, ClipDataset] = {}
    monkeypatch.setattr(heard, "load_dataset", datasets.__getitem__)
    return datasets


def make_dataset(name: str, rows: dict[str, int]) -> ClipDataset:
    """Return a dataset of clips and their folds; "a2" is a clip of the source "a"."""
    table = pd.DataFrame({"clip": list(rows), "source": [clip[0] for clip in rows], "fold": list(rows.values())})
    return ClipDataset(name, table, ("one", "two"), 1.0, 8000, "made")


def test_cross_validation_refuses_a_run_that_heard_another_test_fold_before_it_trains(finished, clips, tiny, tmp_path):
    wrong = (
        r"ts-cnn10 on synth10:50 fold 1 seed 0 was trained on 10 of the 10 clips of synth10:50 that fold 2 holds out"
    )
    with pytest.raises(OptionError, match=wrong):
        cross_validate(["ts-cnn10"], clips, tiny, root=tmp_path / "new", weights=finished.run.path, folds=(1, 2))
    assert not (tmp_path / "new").exists()


def test_run_refuses_what_heard_its_validation_fold_or_its_test_fold(begin, finished, tmp_path):
    with pytest.raises(OptionError, match="10 of the 20 clips of synth10:50 that folds 1 and 2 hold out"):
        begin("ts-cnn10", weights=finished.run.path, validation_fold=2, folder=tmp_path / "new")
    with pytest.raises(OptionError, match="10 of the 20 clips of synth10:50 that folds 2 and 1 hold out"):
        begin("ts-cnn10", weights=finished.run.path, fold=2, validation_fold=1, folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_run_that_held_out_the_same_folds_is_taken(donate, clips):
    donor = donate("synth10:50", fold=3, validation_fold=4)
    refuse_heard(donor, clips, fold=3, validation_fold=4)
    refuse_heard(donor, clips, fold=4)
    with pytest.raises(OptionError, match="fold 5 holds out"):
        refuse_heard(donor, clips, fold=5)


def test_esc50_gives_to_esc10_only_what_did_not_hear_its_test_clips(donate, stored):
    stored["esc50"] = make_dataset("esc50", {"a1": 1, "b1": 2, "c1": 1, "d1": 2})
    small, donor = make_dataset("esc10", {"a1": 1, "b1": 2}), donate("esc50")
    refuse_heard(donor, small, fold=1)
    with pytest.raises(
        OptionError, match="on esc50 fold 1 seed 0 was trained on 1 of the 1 clips of esc10 that fold 2"
    ):
        refuse_heard(donor, small, fold=2)


def test_another_clip_of_a_held_out_source_counts_unless_the_split_has_it_on_both_sides(donate, stored):
    stored["esc50"], donor = make_dataset("esc50", {"a2": 2, "b2": 1}), donate("esc50")
    with pytest.raises(
        OptionError, match="1 of the 1 clips of esc10 that fold 1 holds out, or on others of their sources"
    ):
        refuse_heard(donor, make_dataset("esc10", {"a1": 1, "b1": 2}), fold=1)
    refuse_heard(donor, make_dataset("esc10@leaky", {"a1": 1, "a3": 2, "b1": 2}), fold=1)


@pytest.mark.parametrize("dataset", ["urbansound8k", "speech-commands", "folder:/elsewhere", "csv:/birds.csv"])
def test_run_on_other_recordings_is_taken_without_loading_them(donate, stored, dataset):
    refuse_heard(donate(dataset), make_dataset("folder:/birds", {"a1": 1, "b1": 2}), fold=1)
    assert stored == {}


def test_of_a_file_without_a_run_nothing_is_known(tmp_path, clips):
    (tmp_path / "theirs.pth").touch()
    refuse_heard(tmp_path / "theirs.pth", clips, fold=1)
