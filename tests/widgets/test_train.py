"""The train explorer and its controller: asked for, started once, followed, stopped and resumed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from esclab.clips import ClipDataset
from esclab.papers import find_recipe
from esclab.training import Run, create_run, find_run, open_run, run_folder
from esclab.training.run import FORMAT
from esclab.widgets.train import TrainExplorer, write_time
from esclab.widgets.train_form import TrainForm, parse_pairs, tell_changes, tell_setting
from esclab.widgets.train_plot import GrowingPlot
from esclab.widgets.train_runs import list_runs, name_runs, tabulate_runs
from esclab.widgets.trainings import find_training, list_trainings, stop_all

# 2 epochs of 5 steps on 1 s.
TINY = {"iterations": 10, "batch_size": 8, "evaluate_every": 1}
MORE = "duration_s=1"


@pytest.fixture
def open_explorer(tmp_path: Path, clips: ClipDataset) -> Callable[..., TrainExplorer]:
    def make(**settings: object) -> TrainExplorer:
        explorer = TrainExplorer(clips, root=tmp_path / "runs", folder=tmp_path / "out")
        for name, value in (TINY | settings).items():
            explorer.settings.controls[name].value = value
        explorer.more_box.value = MORE
        explorer.model_picker.value = "cnn10"
        return explorer

    return make


@pytest.fixture(autouse=True)
def nothing_runs_after() -> Iterator[None]:
    yield
    stop_all()
    assert list_trainings() == []


def press_start(explorer: TrainExplorer) -> Run:
    explorer.start_button.click()
    assert explorer.controller.wait()
    return explorer.controller.entry.run


def finish(explorer: TrainExplorer) -> Run:
    run = press_start(explorer)
    training = find_training(run.path)
    if training is not None:
        assert training.wait()
    return run


def begin_long(explorer: TrainExplorer) -> Run:
    """Start a training that does not end by itself, and wait for its first epoch."""
    explorer.settings.controls["iterations"].value = 100_000
    run = press_start(explorer)
    assert find_training(run.path).wait_for("training")
    return run


def wait_until(told: Callable[[], bool]) -> None:
    """Wait until the training's thread has told the explorer."""
    end = time.monotonic() + 30
    while not told():
        assert time.monotonic() < end
        time.sleep(0.01)


def count_points(plot: GrowingPlot) -> int:
    return 0 if plot.figure is None else max(len(trace.x) for trace in plot.figure.data)


def test_nothing_is_trained_before_start(open_explorer, tmp_path):
    explorer = open_explorer()
    assert not (tmp_path / "runs").exists()
    assert list_trainings() == []
    assert "press Start" in explorer.words.value
    assert explorer.pause_button.disabled
    assert explorer.resume_button.disabled
    assert explorer.stop_button.disabled
    explorer.stop_button.click()
    assert "none is chosen" in explorer.status.value


def test_start_trains_what_the_controls_say(open_explorer, tmp_path, clips):
    explorer = open_explorer(roll=False)
    explorer.fold_box.value, explorer.seed_box.value, explorer.model_picker.value = 2, 3, "ts-cnn10"
    run = finish(explorer)
    assert (run.config.model, run.config.fold, run.config.seed, run.config.validation_fold) == ("ts-cnn10", 2, 3, 0)
    wanted = replace(find_recipe("quick"), name="quick*", roll=False, duration_s=1.0, **TINY)
    assert run.config.recipe == wanted
    folder = run_folder(tmp_path / "runs", "ts-cnn10", dataset=clips, recipe=wanted, fold=2, seed=3)
    assert run.path == folder
    assert "finished, accuracy" in explorer.words.value
    assert "fold 2 (test)" in explorer.words.value
    assert explorer.progress.value == explorer.progress.max == 10
    assert count_points(explorer.curves) == 2
    assert len(explorer.mixtures.figure.data) == 3 * 4
    assert sum(trace.y[-1] for trace in explorer.mixtures.figure.data[:3]) == pytest.approx(1)


def test_model_without_parallel_branches_shows_no_mixture(open_explorer):
    explorer = open_explorer()
    finish(explorer)
    assert explorer.mixtures.view.layout.display == "none"
    assert explorer.curves.view.layout.display == ""


def test_validate_leaves_the_test_fold_unseen(open_explorer):
    explorer = open_explorer()
    explorer.validate_box.value = explorer.keep_box.value = True
    run = finish(explorer)
    assert (run.config.fold, run.config.validation_fold, run.config.keep_epochs) == (1, 2, True)
    assert run.path.name == "fold1-valid2-seed0-epochs"
    assert "fold 2 (validation)" in explorer.words.value
    assert explorer.controller.learning().valid_name == "validation fold"


def test_settings_stand_beside_the_papers(open_explorer):
    explorer = open_explorer()
    assert "; papers: " in explorer.settings.notes["iterations"].value
    assert "ts-cnn paper: 2000" in explorer.settings.controls["iterations"].tooltip
    assert "<b>changed</b>" in explorer.settings.notes["iterations"].value
    assert "0.2 (not in the paper)" in explorer.settings.controls["mixup_alpha"].tooltip
    assert tell_setting("width", "quick", "cnn10").startswith("quick: 0.25; papers: ")
    assert tell_setting("width", "ts-cnn", "cnn10") == "ts-cnn paper: 1"


def test_recipe_sets_all_settings(open_explorer):
    explorer = open_explorer()
    explorer.recipe_picker.value = "ts-cnn"
    values = {name: control.value for name, control in explorer.settings.controls.items()}
    assert values["iterations"] == 2000
    assert values["width"] == 1.0
    assert values["optimiser"] == "adam"
    assert values["roll"] is False
    assert explorer.controller.form.changes == {}


def test_setting_put_back_is_no_change():
    form = TrainForm()
    form.set_value("iterations", 100)
    form.set_value("roll", False)
    assert form.changes == {"iterations": "100", "roll": "false"}
    assert form.read_value("roll") is False
    form.set_value("iterations", 400)
    form.set_value("roll", True)
    assert form.changes == {}
    assert form.build_recipe() == find_recipe("quick")


@pytest.mark.parametrize(
    ("settings", "more", "words"),
    [
        ({"width": 0.125}, "", "width 0.125: is not offered"),
        ({"learning_rate": -1.0}, "", "learning_rate: is -1.0"),
        ({"batch_size": 4000}, "", "is more than the 40 training clips"),
        ({}, "decay", "more settings: decay: is not NAME=VALUE"),
        ({}, "nonsense=1", "--set nonsense: is no setting"),
    ],
)
def test_setting_that_cannot_be_is_one_line(open_explorer, tmp_path, settings, more, words):
    explorer = open_explorer(**settings)
    explorer.more_box.value = more or MORE
    explorer.start_button.click()
    assert explorer.controller.wait()
    assert words in explorer.status.value
    assert "\n" not in explorer.controller.message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("name", "value"), [("fold", 6), ("dataset", "<b>x</b>")])
def test_unknown_fold_or_dataset_is_one_line(open_explorer, tmp_path, name, value):
    explorer = open_explorer()
    (explorer.fold_box if name == "fold" else explorer.dataset_box).value = value
    explorer.start_button.click()
    assert explorer.controller.wait()
    assert "choose" in explorer.controller.message
    assert "<b>x" not in explorer.status.value + explorer.words.value
    assert not (tmp_path / "runs").exists()


def test_stop_and_resume_and_a_new_explorer_finds_the_training(open_explorer):
    explorer = open_explorer()
    run = begin_long(explorer)
    assert explorer.resume_button.disabled
    assert not explorer.stop_button.disabled
    other = open_explorer()
    assert other.controller.current == run.path.resolve()
    assert "training" in other.words.value
    assert not other.stop_button.disabled
    other.stop_button.click()
    assert find_training(run.path).wait()
    for each in (explorer, other):
        assert ": stopped" in each.words.value
        assert not each.resume_button.disabled
        assert each.stop_button.disabled
    epochs = len(run.read_history())
    assert count_points(explorer.curves) == epochs
    again = open_explorer()  # as after the end of the kernel: an unfinished run is offered
    assert again.controller.current == run.path.resolve()
    again.resume_button.click()
    assert find_training(run.path).wait_for("training")
    again.pause_button.click()
    assert find_training(run.path).wait_for("paused")
    wait_until(lambda: "paused" in again.words.value)
    assert len(again.controller.entry.read_history()) > epochs
    assert again.controller.entry.read_history()["epoch"].is_unique
    again.resume_button.click()
    assert find_training(run.path).wait_for("training")


def test_same_training_started_twice_is_one_line_and_one_thread(open_explorer):
    explorer = open_explorer()
    run = begin_long(explorer)
    training = find_training(run.path)
    press_start(explorer)
    assert "is on its way already" in explorer.status.value
    assert list_trainings() == [training]


def test_second_training_waits_and_says_so(open_explorer):
    explorer = open_explorer()
    first = begin_long(explorer)
    explorer.seed_box.value = 1
    second = press_start(explorer)
    assert second.path != first.path
    assert find_training(second.path).state == "waiting"
    assert "waiting" in explorer.words.value
    assert explorer.controller.compared == (first.path.resolve(),)
    explorer.stop_button.click()
    assert find_training(second.path).wait()
    assert "not begun" in explorer.words.value
    assert find_training(first.path).is_active


def test_finished_run_is_not_trained_again(open_explorer):
    explorer = open_explorer()
    run = finish(explorer)
    before = (run.path / "weights.safetensors").stat().st_mtime_ns
    press_start(explorer)
    assert "is trained already, with just these settings" in explorer.status.value
    assert (run.path / "weights.safetensors").stat().st_mtime_ns == before


def test_failed_training_is_one_line(open_explorer):
    explorer = open_explorer(learning_rate=1e30)
    run = finish(explorer)
    assert "the loss became" in explorer.status.value
    assert "failed" in explorer.words.value
    assert list_runs(run.path.parent)[0][0].state == "failed"


def test_run_of_another_version_is_one_line(open_explorer):
    explorer = open_explorer()
    run = finish(explorer)
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps(config | {"format": FORMAT + 1}))
    explorer.reload_button.click()
    assert explorer.problems.value.count("1 run is left out") == 1
    assert f"was written in format {FORMAT + 1}" in explorer.problems.value
    assert explorer.controller.entries == []
    explorer.start_button.click()
    assert explorer.controller.wait()
    assert f"was written in format {FORMAT + 1}" in explorer.status.value


def test_curves_of_several_runs_are_drawn_and_exported(open_explorer, tmp_path):
    explorer = open_explorer()
    finish(explorer)
    explorer.seed_box.value = 1
    finish(explorer)
    result = explorer.controller.learning()
    assert list(result.histories) == ["cnn10 fold 1 seed 1", "cnn10 fold 1 seed 0"]
    assert result.valid_name == "test fold"
    explorer.compare_list.value = ()
    assert list(explorer.controller.learning().histories) == ["cnn10 fold 1 seed 1"]
    explorer.export_button.click()
    assert "Wrote" in explorer.status.value
    table = (tmp_path / "out" / "learning.csv").read_text()
    assert "cnn10 fold 1 seed 1" in table
    assert "seed 0" not in table


def test_row_of_the_table_is_what_the_buttons_mean(open_explorer):
    explorer = open_explorer()
    first = finish(explorer)
    explorer.seed_box.value = 1
    finish(explorer)
    row = [entry.path for entry in explorer.controller.entries].index(first.path.resolve())
    explorer.table.chosen = row
    explorer.table.clicks += 1
    assert explorer.controller.current == first.path.resolve()
    table = tabulate_runs(explorer.controller.entries)
    assert table["Recipe"][row] == "quick, duration s 1, iterations 10, batch size 8, evaluate every 1"
    assert table["Accuracy on it"][row] == first.summary["accuracy"]


def test_code_trains_the_same_run_and_draws_its_curves(open_explorer, clips):
    explorer = open_explorer()
    explorer.keep_box.value = True
    code = explorer.controller.code()
    shown: dict[str, object] = {}
    exec(code, shown)
    assert shown["run"].is_finished
    run = finish(explorer)
    assert "is trained already" in explorer.status.value
    assert run.path == shown["run"].path
    shown = {}
    exec(explorer.controller.code(), shown)
    assert [trace.name for trace in shown["figure"].data] == [trace.name for trace in explorer.curves.figure.data]


def test_plot_tells_a_new_page_what_is_drawn_now():
    import plotly.graph_objects as go

    plot = GrowingPlot()
    plot.show(go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name="run")))
    sent = []
    plot.figure.observe(lambda change: sent.append(change["new"]), "_py2js_update")
    plot.show(go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name="run")))
    assert sent == []  # nothing grew, nothing travels
    plot.show(go.Figure(go.Scatter(x=[1, 2, 3], y=[1, 2, 3], name="run")))
    assert sent
    state = plot.figure.get_state()
    assert list(state["_widget_data"][0]["x"]) == [1, 2, 3]
    assert state["_widget_layout"]["width"] == plot.figure.layout.width


def test_names_of_runs_tell_them_apart(tmp_path, clips):
    recipe = replace(find_recipe("quick"), batch_size=8)
    other = replace(recipe, name="quick*", iterations=7)
    runs = [
        create_run("cnn10", clips, r, folder=tmp_path / name)
        for name, r in {"a": recipe, "b": other, "c": replace(other, iterations=9)}.items()
    ]
    entries = list_runs(tmp_path)[0]
    assert [entry.run.path for entry in entries] == [run.path for run in runs]
    names = list(name_runs(entries).values())
    assert len(set(names)) == 3
    assert all(name.startswith("cnn10 fold 1 seed 0") for name in names)
    assert {entry.state for entry in entries} == {"not begun"}


def test_recipe_of_a_run_is_told_by_what_differs():
    assert tell_changes(find_run("cnn10-synth10").config.recipe) == "quick"
    quick = find_recipe("quick")
    changed = replace(quick, name="quick*", model={"width": 0.5}, label_smoothing=0.1)
    assert tell_changes(changed) == "quick, width 0.5, label smoothing 0.1"
    assert tell_changes(replace(changed, name="own")) == "own"


def test_pairs_are_read_with_commas_or_spaces():
    assert parse_pairs("") == {}
    assert parse_pairs("feature.bands=64, decay=0.9 roll=no") == {
        "feature.bands": "64", "decay": "0.9", "roll": "no"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_time_is_written_in_two_units(seconds, words):
    assert write_time(seconds) == words


def test_open_run_is_as_the_explorer_left_it(open_explorer):
    run = finish(open_explorer())
    assert open_run(run.path).is_finished
    assert not (run.path / "state.pt").exists()
