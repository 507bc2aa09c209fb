from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from esclab.errors import OptionError
from esclab.results import Predictions
from esclab.training import crossval
from esclab.training.crossval import cross_validate, join_predictions, run_folder, validation_fold_of
from esclab.training.recipe import QUICK
from esclab.training.run import open_run


def places(reports: list) -> list[tuple[str, int, int]]:
    """Return model, fold and seed of each run in the order of its first report."""
    return list(dict.fromkeys((r.run.config.model, r.run.config.fold, r.run.config.seed) for r in reports))


@pytest.fixture(scope="module")
def crossed(tmp_path_factory, clips, tiny) -> SimpleNamespace:
    """Return one cross-validation of two models over two folds, and its reports."""
    root = tmp_path_factory.mktemp("crossed")
    settings = {"root": root, "folds": (2, 4)}
    reports = list(cross_validate(["cnn10", "ts-cnn10"], clips, tiny, **settings))
    return SimpleNamespace(reports=reports, settings=settings, recipe=tiny, models=["cnn10", "ts-cnn10"])


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """Return the folders that are trained from now on, without training them."""
    folders: list[str] = []

    def note(run, *, dataset):
        folders.append(run.path.name)
        yield from ()

    monkeypatch.setattr(crossval, "train", note)
    return folders


def test_cross_validation_trains_every_model_on_every_fold_in_turn(crossed):
    assert places(crossed.reports) == [("cnn10", 2, 0), ("ts-cnn10", 2, 0), ("cnn10", 4, 0), ("ts-cnn10", 4, 0)]
    assert [(r.number, r.runs) for r in crossed.reports] == [(n, 4) for n in (1, 2, 3, 4) for _ in range(2)]
    assert [r.epoch.epoch for r in crossed.reports] == [1, 2] * 4
    assert all(r.run.is_finished for r in crossed.reports)


def test_all_folds_and_seed_0_are_the_default(tmp_path, clips, tiny, trained):
    assert list(cross_validate(["cnn10"], clips, tiny, root=tmp_path)) == []
    assert trained == [f"fold{fold}-seed0" for fold in (1, 2, 3, 4, 5)]


def test_seeds_are_done_one_after_the_other(tmp_path, clips, tiny, trained):
    list(cross_validate(["cnn10"], clips, tiny, root=tmp_path, seeds=(7, 3), folds=(1, 2)))
    assert trained == ["fold1-seed7", "fold2-seed7", "fold1-seed3", "fold2-seed3"]


def test_finished_runs_are_reported_and_not_trained_again(crossed, clips, monkeypatch):
    monkeypatch.setattr("esclab.training.loop.load_training_data", None)  # a training would fail
    again = list(cross_validate(crossed.models, clips, crossed.recipe, **crossed.settings))
    assert [(r.number, r.epoch) for r in again] == [(1, None), (2, None), (3, None), (4, None)]
    assert places(again) == places(crossed.reports)


def test_stopped_cross_validation_goes_on_where_it_was(crossed, clips, tmp_path):
    settings = {**crossed.settings, "root": tmp_path}
    reports = cross_validate(crossed.models, clips, crossed.recipe, **settings)
    for _ in range(3):  # the first run's two epochs and one of the second's
        next(reports)
    reports.close()
    again = list(cross_validate(crossed.models, clips, crossed.recipe, **settings))
    assert [r.epoch and r.epoch.epoch for r in again] == [None, 2, 1, 2, 1, 2]
    whole, resumed = (run.run.summary["weights_sha256"] for run in (crossed.reports[-1], again[-1]))
    assert whole == resumed
    whole, resumed = (run.run.summary["weights_sha256"] for run in (crossed.reports[3], again[1]))
    assert whole == resumed


def test_unknown_fold_or_model_is_refused_before_the_first_training(tmp_path, clips, tiny, trained):
    with pytest.raises(OptionError, match="fold 9"):
        cross_validate(["cnn10"], clips, tiny, root=tmp_path, folds=(1, 9))  # told by the call, not by the first report
    with pytest.raises(OptionError, match="model cnn11"):
        cross_validate(["cnn10", "cnn11"], clips, tiny, root=tmp_path)
    assert trained == []


def test_validating_scores_the_next_training_fold_and_never_the_test_fold(tmp_path, clips, tiny):
    recipe = replace(tiny, iterations=1)
    reports = list(cross_validate(["cnn10"], clips, recipe, root=tmp_path, folds=(4, 5), validate=True))
    configs = [r.run.config for r in reports]
    assert [(c.fold, c.validation_fold, c.held_out) for c in configs] == [(4, 5, 5), (5, 1, 1)]
    assert [set(r.run.read_predictions().folds.tolist()) for r in reports] == [{5}, {1}]
    assert all("unseen" in c.protocol for c in configs)


def test_validation_fold_is_the_next_one_in_a_circle(clips):
    assert [validation_fold_of(clips, fold) for fold in clips.folds] == [2, 3, 4, 5, 1]


def test_run_folder_names_all_that_tells_runs_apart(clips):
    path = run_folder("runs", "ts-cnn10", dataset=clips, recipe=QUICK, fold=2, seed=3)
    assert path.as_posix() == "runs/synth10-50/quick/ts-cnn10/fold2-seed3"
    changed = replace(QUICK, name="quick*")
    path = run_folder("r", "cnn10", dataset=clips, recipe=changed, fold=2, validation_fold=4, seed=3)
    assert re.fullmatch(r"r/synth10-50/quick-[0-9a-f]{8}/cnn10/fold2-valid4-seed3", path.as_posix())
    other = run_folder("r", "cnn10", dataset=clips, recipe=replace(changed, iterations=7), fold=2, seed=3)
    assert other.parent != path.parent


def test_run_folder_of_a_dataset_with_a_path_stays_below_its_root(clips):
    away = replace(clips, name="folder:/birds/../..")
    path = run_folder("runs", "cnn10", dataset=away, recipe=QUICK, fold=1)
    assert path.as_posix() == "runs/folder--birds-..-../quick/cnn10/fold1-seed0"


def test_joined_predictions_cover_the_folds_of_each_model(crossed, clips):
    runs = list(dict.fromkeys(report.run.path for report in crossed.reports))
    joined = join_predictions([open_run(path) for path in runs])
    assert [(part.model, len(part.true)) for part in joined] == [("cnn10", 20), ("ts-cnn10", 20)]
    table = clips.table[clips.table["fold"].isin((2, 4))]
    assert sorted(joined[0].clips) == sorted(table["clip"])
    assert sorted(set(joined[0].folds.tolist())) == [2, 4]


def fake_run(model: str, *, seed: int, clips: list[str], class_names: tuple[str, ...] = ("a", "b")) -> SimpleNamespace:
    count = len(clips)
    predictions = Predictions(
        clips=np.array(clips), sources=np.array(clips), folds=np.ones(count, int), true=np.zeros(count, int),
        probabilities=np.full((count, 2), 0.5), class_names=class_names, model=model, seed=seed,
    )  # fmt: skip
    return SimpleNamespace(config=SimpleNamespace(model=model, seed=seed), read_predictions=lambda: predictions)


def test_join_keeps_models_and_seeds_apart():
    runs = [
        fake_run("m", seed=0, clips=["x"]),
        fake_run("n", seed=0, clips=["x"]),
        fake_run("m", seed=1, clips=["x"]),
        fake_run("m", seed=0, clips=["y", "z"]),
    ]
    joined = join_predictions(runs)
    assert [(part.model, part.seed, part.clips.tolist()) for part in joined] == [
        ("m", 0, ["x", "y", "z"]),
        ("n", 0, ["x"]),
        ("m", 1, ["x"]),
    ]
    assert joined[0].probabilities.shape == (3, 2)


def test_join_refuses_a_clip_that_was_tested_twice():
    with pytest.raises(OptionError, match="runs of m: predict the same clip twice"):
        join_predictions([fake_run("m", seed=0, clips=["x", "y"]), fake_run("m", seed=0, clips=["y"])])


def test_join_refuses_runs_with_other_classes():
    runs = [fake_run("m", seed=0, clips=["x"]), fake_run("m", seed=0, clips=["y"], class_names=("a", "c"))]
    with pytest.raises(OptionError, match="runs of m: have different classes"):
        join_predictions(runs)
