from __future__ import annotations

from dataclasses import replace

from esclab.clips import load_dataset
from esclab.training.lesson import provide_run
from esclab.training.shipped import find_run


def test_shipped_run_is_given_where_it_fits(esclab_home, tmp_path):
    dataset = load_dataset("synth10:50")
    named = replace(dataset, name="synth10")  # only the name is compared
    assert provide_run("cnn10", named, root=tmp_path).path == find_run("cnn10-synth10").path
    assert not list(tmp_path.iterdir())


def test_other_run_is_trained_once(clips, tiny, tmp_path):
    run = provide_run("cnn10", clips, tiny, fold=2, root=tmp_path)
    assert run.is_finished
    assert run.config.fold == 2
    before = (run.path / "weights.safetensors").stat().st_mtime_ns
    again = provide_run("cnn10", clips, tiny, fold=2, root=tmp_path)
    assert (again.path / "weights.safetensors").stat().st_mtime_ns == before


def test_run_with_epochs_lies_beside_the_one_without(clips, tiny, tmp_path):
    run = provide_run("cnn10", clips, tiny, keep_epochs=True, root=tmp_path)
    assert sorted(path.suffix for path in (run.path / "epochs").iterdir())
    assert provide_run("cnn10", clips, tiny, root=tmp_path).path != run.path
