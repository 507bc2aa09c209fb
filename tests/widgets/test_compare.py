from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esclab.analysis import compare_runs, cross_conditions, predict_noisy
from esclab.analysis.noise_ledger import NOISE_KEY, describe_noise
from esclab.errors import OptionError
from esclab.results.cost import CostResult
from esclab.training.ledger import append_result, describe_run
from esclab.training.run import open_run
from esclab.widgets.compare import CompareExplorer
from esclab.widgets.compare_controller import CompareController
from esclab.widgets.compare_parts import draw_cost, read_levels, tell_pairs
from esclab.widgets.ledger_results import read_noise, summarize_rows
from esclab.widgets.run_rows import choose_rows, list_groups, read_rows

SCORES = {"uar": 0.5, "log_loss": 1.0, "ece": 0.1}


@pytest.fixture
def state(tiny_runs, clips, tmp_path):
    state = CompareController(tiny_runs, clips, noise=tmp_path / "noise.csv")
    assert state.wait()
    return state


@pytest.fixture(scope="module")
def noisy(tiny_runs, clips):
    return predict_noisy(tiny_runs, cross_conditions(["gaussian"], [10.0]), dataset=clips)


def write_noise(path, runs, answers):
    for row in describe_noise(runs, answers, noise_seed=0):
        append_result(path, row, key=NOISE_KEY)


def copy_run(run, folder, **changes):
    shutil.copytree(run.path, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


def make_rows(*rows):
    table = pd.DataFrame(rows, columns=["model", "fold", "seed", "accuracy"])
    return table.assign(dataset="nowhere", protocol="p", recipe="r", recipe_digest="d", seconds=1.0)


def write_ledger(path, runs):
    for run in runs:
        accuracy = float(run.read_predictions().correct.mean())
        append_result(path, describe_run(run, {"accuracy": accuracy, **SCORES}))


def test_rows_tell_each_run(tiny_runs):
    rows = read_rows(tiny_runs)
    assert rows.table["model"].tolist() == [run.config.model for run in tiny_runs]
    first = tiny_runs[0].read_predictions()
    assert rows.table["accuracy"].iloc[0] == pytest.approx(first.correct.mean())
    assert rows.problems == []


def test_accuracy_and_tests_are_those_of_compare_runs(state, tiny_runs):
    expected = compare_runs(tiny_runs)
    pd.testing.assert_frame_equal(state.accuracy.table, expected.accuracy.table)
    pd.testing.assert_frame_equal(state.pairs, expected.pairs)
    assert "Compared: 4 runs, cnn10, ts-cnn10 on synth10:50" in state.notes[0]


def test_runs_of_two_datasets_are_never_mixed(tiny_runs, tmp_path):
    other = copy_run(tiny_runs[0], tmp_path / "other", dataset="esc10")
    state = CompareController([*tiny_runs, other], noise=tmp_path / "none.csv")
    assert state.wait()
    assert len(state.groups) == 2
    assert len(state.rows.table) == 5
    assert set(state.chosen["dataset"]) == {"synth10:50"}
    assert any("1 other group" in note for note in state.notes)
    state.select(group=list(state.groups)[1])
    assert state.wait()
    assert state.chosen["dataset"].tolist() == ["esc10"]
    assert state.accuracy.label.startswith("esc10")


def test_recipes_of_one_name_and_other_settings_are_two_groups(tiny_runs, tmp_path):
    recipe = tiny_runs[0].config.recipe.to_dict()
    recipe["batch_size"] += 1
    other = copy_run(tiny_runs[0], tmp_path / "other", recipe=recipe)
    groups = list_groups(read_rows([*tiny_runs, other]).table)
    assert len(groups) == 2
    assert len(set(groups)) == 2


def test_faulty_runs_are_told_and_others_compared(tiny_runs, clips, tmp_path):
    for number, run in enumerate(tiny_runs):
        shutil.copytree(run.path, tmp_path / f"run{number}")
    config = json.loads((tmp_path / "run0" / "config.json").read_text())
    (tmp_path / "run0" / "config.json").write_text(json.dumps({**config, "format": 99}))
    (tmp_path / "run1" / "summary.json").unlink()
    view = CompareExplorer(tmp_path, clips, noise=tmp_path / "none.csv")
    assert view.controller.wait()
    assert len(view.controller.rows.table) == 2
    assert ["format 99" in line for line in view.controller.rows.problems] == [True, False]
    assert view.controller.accuracy is not None
    assert "<details>" in view.view.children[2].value
    assert "2 runs are left out" in view.view.children[2].value


def test_nothing_to_compare_is_one_line(tmp_path):
    view = CompareExplorer(tmp_path / "absent", noise=tmp_path / "none.csv")
    assert "absent" in view.status.value
    view.cost_button.click()
    view.export_button.click()
    assert "no result" in view.status.value


def test_only_folds_that_all_have_are_compared():
    table = make_rows(("a", 1, 0, 0.5), ("a", 2, 0, 0.5), ("b", 2, 0, 0.7), ("b", 2, 0, 0.9))
    rows, notes = choose_rows(table)
    assert rows[["model", "fold", "accuracy"]].to_numpy().tolist() == [["a", 2, 0.5], ["b", 2, 0.7]]
    assert "repeat" in notes[0]
    assert "lacks 1" in notes[1]
    none, notes = choose_rows(make_rows(("a", 1, 0, 0.5), ("b", 2, 0, 0.7)))
    assert none.empty
    assert "No fold" in notes[0]


def test_ledger_gives_means_over_folds_of_means_over_seeds():
    rows = make_rows(("a", 1, 0, 0.4), ("a", 1, 1, 0.6), ("a", 2, 0, 0.8), ("a", 2, 1, 1.0))
    result = summarize_rows(rows)
    row = result.table.iloc[0]
    assert row["mean"] == pytest.approx(0.7)
    assert row["spread"] == pytest.approx(np.std([0.5, 0.9], ddof=1))
    assert np.isnan(row["low"])
    assert np.isnan(result.chance)  # nobody here knows that dataset


def test_ledger_alone_shows_accuracy_and_says_why_there_are_no_tests(tiny_runs, tmp_path):
    write_ledger(tmp_path / "runs.csv", tiny_runs)
    view = CompareExplorer(tmp_path / "runs.csv")
    assert view.controller.wait()
    table = view.controller.accuracy.table.set_index("model")["mean"]
    expected = compare_runs(tiny_runs).accuracy.table.set_index("model")["mean"]
    np.testing.assert_allclose(table, expected, atol=1e-6)
    assert "no intervals and no tests" in view.notes.value
    assert view.noise_button.disabled
    with pytest.raises(OptionError, match="ledger alone"):
        view.controller.measure_costs()


def test_robustness_is_read_from_the_ledger_of_noise(tiny_runs, clips, noisy, tmp_path):
    write_noise(tmp_path / "noise.csv", tiny_runs, noisy)
    state = CompareController(tiny_runs, clips, noise=tmp_path / "noise.csv")
    assert state.wait()
    table = state.robustness.table.set_index(["model", "kind"])["mean"]
    answered = next(parts for condition, parts in noisy.items() if condition.kind == "gaussian")
    mine = [p.correct.mean() for p in answered if p.model == "cnn10"]
    assert table["cnn10", "gaussian"] == pytest.approx(np.mean(mine), abs=1e-5)
    clean = [run.read_predictions().correct.mean() for run in tiny_runs if run.config.model == "cnn10"]
    assert table["cnn10", "clean"] == pytest.approx(np.mean(clean), abs=1e-5)
    rows = state.chosen
    missing = pd.concat([rows, rows.tail(1).assign(fold=5)])
    assert read_noise(tmp_path / "noise.csv", missing) is None  # one run was not tested


def test_damaged_ledger_of_noise_is_one_line(tiny_runs, tmp_path):
    (tmp_path / "noise.csv").write_text("a,b\n1,2\n")
    view = CompareExplorer(tiny_runs, noise=tmp_path / "noise.csv")
    assert view.controller.wait()
    assert "noise.csv" in view.status.value


def test_noise_is_measured_on_demand_and_stops(tiny_runs, clips, tmp_path):
    view = CompareExplorer(tiny_runs, clips, noise=tmp_path / "none.csv")
    state = view.controller
    assert state.wait()
    assert state.robustness is None
    view.levels_box.value = "10"
    view.noise_button.click()
    view.work.stop_button.click()
    assert state.wait()
    assert state.robustness is None
    assert state.busy == ""
    view.noise_button.click()
    assert state.wait()
    assert set(state.robustness.table["kind"]) == {"clean", "gaussian"}
    assert view.plots["robustness"].view.layout.display == ""
    assert "measure_robustness(runs, cross_conditions(['gaussian'], [10.0]))" in state.code()
    view.levels_box.value = "loud"
    view.noise_button.click()
    assert "loud" in view.status.value


def test_unreadable_clip_is_one_line_and_accuracy_stays(tiny_runs, clips, tmp_path):
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"no sound")
    damaged = replace(clips, table=clips.table.assign(path=str(broken)))
    view = CompareExplorer(tiny_runs, damaged, noise=tmp_path / "none.csv")
    assert view.controller.wait()
    view.noise_button.click()
    assert view.controller.wait()
    assert "broken.flac" in view.status.value
    assert view.controller.accuracy is not None


def test_cost_is_measured_side_by_side_and_drawn_with_names(tiny_runs, clips, tmp_path):
    view = CompareExplorer(tiny_runs, clips, noise=tmp_path / "none.csv")
    assert view.controller.wait()
    view.cost_button.click()
    assert view.controller.wait()
    table = view.controller.cost().table.set_index("model")
    for run in tiny_runs[:2]:
        count = sum(parameter.numel() for parameter in run.build_model().parameters())
        assert table.loc[run.config.model, "parameters"] == count
    trace = view.plots["cost"].figure.data[0]
    assert list(trace.text) == ["cnn10", "ts-cnn10"]
    assert list(trace.x) == table["parameters"].tolist()
    assert "batch of 8 clips" in view.plots["cost"].caption.value
    view.cost_picker.value = "flops"
    assert list(view.plots["cost"].figure.data[0].x) == table["flops"].tolist()


def test_controls_choose_what_is_compared(tiny_runs, clips, tmp_path):
    view = CompareExplorer(tiny_runs, clips, noise=tmp_path / "none.csv")
    state = view.controller
    assert state.wait()
    view.fold_picker.value = 2
    assert state.wait()
    assert set(state.chosen["fold"]) == {2}
    assert view.table.faint == [0, 1] or len(view.table.faint) == 2
    view.model_picker.value = ("cnn10",)
    assert state.wait()
    assert len(state.chosen) == 1
    assert state.pairs.empty
    assert "two models" in view.tests.value
    view.words_box.value = "ts-cnn10"
    assert state.wait()
    assert state.chosen.empty
    assert len(view.table.rows) == 2
    assert state.accuracy is None
    assert view.plots["accuracy"].view.layout.display == "none"


def test_names_are_never_markup(tiny_runs, tmp_path):
    evil = "<script>alert(1)</script>"
    runs = [open_run(copy_run(run, tmp_path / f"run{n}", model=evil)) for n, run in enumerate(tiny_runs[::2])]
    view = CompareExplorer([*runs, *tiny_runs[1::2]], noise=tmp_path / "none.csv")
    assert view.controller.wait()
    plot = view.plots["accuracy"]
    shown = [
        view.notes.value,
        view.tests.value,
        view.status.value,
        plot.caption.value,
        *plot.figure.layout.yaxis.ticktext,
    ]
    assert all("<script" not in text for text in shown)
    assert any("&lt;script" in text for text in shown)
    assert view.table.rows[0][0][0] == evil  # shown letter by letter by the browser


def test_tests_in_words():
    row = {"model_a": "a", "model_b": "b", "difference": 0.031, "low": 0.005, "high": 0.059, "only_a": 21, "only_b": 9}
    words = tell_pairs(pd.DataFrame([{**row, "p_value": 0.0428, "p_holm": 0.0428}]))
    assert words == [
        "a less b: +3.1 points (95 % interval +0.5 to +5.9). Only a is right on 21 clips, only b on 9: "
        "McNemar p = 0.043, after Holm p = 0.043, unlikely to be luck."
    ]
    luck = tell_pairs(pd.DataFrame([{**row, "low": np.nan, "p_value": 0.0002, "p_holm": 0.06}]))[0]
    assert "interval" not in luck
    assert "p < 0.001, after Holm p = 0.060, may well be luck" in luck


def test_levels_are_read_as_a_person_writes_them():
    assert read_levels("10, 20; −5,10,") == [20.0, 10.0, -5.0]
    for text in ("loud", "nan", "1e9"):
        with pytest.raises(OptionError, match="no level"):
            read_levels(text)


def test_cost_figure_escapes_names():
    table = pd.DataFrame({"model": ["<b>a", "b"], "accuracy": [0.5, 0.9], "parameters": [10, 30]})
    figure = draw_cost(CostResult(table), "parameters", "Parameters")
    assert figure.data[0].text == ("&lt;b&gt;a", "b")
    assert figure.data[0].y == (50.0, 90.0)
    assert figure.layout.xaxis.range[1] == pytest.approx(37.5)


def test_export_writes_figures_and_tables(tiny_runs, tmp_path):
    view = CompareExplorer(tiny_runs, noise=tmp_path / "none.csv", folder=tmp_path / "out")
    assert view.controller.wait()
    view.cost_button.click()
    assert view.controller.wait()
    view.export_button.click()
    assert "Wrote" in view.status.value
    cost = pd.read_csv(tmp_path / "out" / "cost.csv")
    assert cost["model"].tolist() == ["cnn10", "ts-cnn10"]
    assert cost["accuracy"].tolist() == pytest.approx(view.controller.accuracy.table["mean"].tolist())
    assert (tmp_path / "out" / "cost.png").exists()
    assert len(pd.read_csv(tmp_path / "out" / "runs.csv")) == 4
    assert pd.read_csv(tmp_path / "out" / "pairs.csv")["model_a"].tolist() == ["cnn10"]
    assert (tmp_path / "out" / "accuracy.png").exists()


@pytest.mark.parametrize("source", ["runs", "runs.csv", "measured"])
def test_code_makes_the_same_results(tiny_runs, clips, noisy, tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    write_noise(tmp_path / "noise.csv", tiny_runs, noisy)
    write_ledger(tmp_path / "runs.csv", tiny_runs)
    noise = "none.csv" if source == "measured" else "noise.csv"
    state = CompareController("runs.csv" if source == "runs.csv" else tiny_runs, clips, noise=noise)
    assert state.wait()
    if source == "measured":
        state.measure_costs()
        assert state.wait()
        state.measure_noise(["gaussian"], [10.0])
        assert state.wait()
    made: dict = {}
    exec(state.code(), made)
    pd.testing.assert_frame_equal(made["accuracy"].table, state.accuracy.table)
    pd.testing.assert_frame_equal(made["robustness"].table, state.robustness.table)
    if source == "measured":
        exact = ["model", "accuracy", "parameters", "flops"]
        pd.testing.assert_frame_equal(made["cost"].table[exact], state.cost().table[exact])
        assert (tmp_path / "out" / "compare" / "cost.png").exists()
