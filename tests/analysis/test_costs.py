from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from esclab.analysis import costs, memory, onnx_export
from esclab.analysis.cost import measure_cost, time_calls
from esclab.analysis.costs import CostSettings, add_accuracies, cost_table, measure_costs, read_accuracies
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import build_model
from esclab.results.cost import CostResult

VALIDATED = "official; fold 2 validates, test fold 1 unseen"
FULL_LEDGER = {
    "model": ["cnn10", "cnn10", "cnn10", "tdnn", "tdnn", "cnn10"],
    "dataset": ["esc10", "esc10", "esc10@leaky", "esc10", "esc10", "esc10"],
    "protocol": ["official", "official", "LEAKY", "official", "official", VALIDATED],
    "fold": [1, 2, 1, 1, 2, 2],
    "seed": 0,
    "recipe": ["quick", "quick", "quick", "quick", "quick", "quick"],
    "recipe_digest": "abc",
    "accuracy": [0.8, 0.9, 1.0, 0.6, 0.7, 0.1],
}  # fmt: skip


@pytest.fixture
def settings() -> CostSettings:
    return CostSettings(
        build_feature("fbank"), duration_s=0.5, classes=4, model={"width": 0.25}, repeats=1, with_memory=False
    )


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "runs.csv"
    table = pd.DataFrame(FULL_LEDGER)
    extra = ("uar", "log_loss", "ece", "clips", "iterations", "seconds", "device", "threads", "precision", "versions")
    table.assign(**dict.fromkeys((*extra, "date"), 0)).to_csv(path, index=False)
    return path


def make_result(*models: str) -> CostResult:
    table = pd.DataFrame({"model": models, "accuracy": np.nan, "note": ""})
    return CostResult(table.assign(**dict.fromkeys(costs.MEASURED, 2e6)), "a machine")


def test_costs_have_a_row_a_model_with_time_alone_and_in_a_batch(settings):
    seen = []
    result = measure_costs(["tdnn", "cnn10"], settings, progress=lambda done, count: seen.append((done, count)))
    table = result.table.set_index("model")
    assert list(table.index) == ["tdnn", "cnn10"]
    assert seen == [(1, 2), (2, 2)]
    built = build_model("tdnn", classes=4, bands=80, width=0.25)
    assert table.loc["tdnn", "parameters"] == sum(parameter.numel() for parameter in built.parameters())
    assert (table["ms_low"] <= table["ms"]).all()
    assert (table["ms_32"] <= table["ms_32_high"]).all()
    assert table[["memory_mib", "onnx_ms"]].isna().all(axis=None)
    threads = torch.get_num_threads()
    assert f"{threads} thread{'s' if threads > 1 else ''}, models one after another" in result.machine
    assert "fbank, 48 frames of 80 bands (0.5 s), 4 classes" in result.machine


def test_flops_of_a_clip_are_those_of_its_layers():
    class OneLayer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x).mean((2, 3))

    assert measure_cost(OneLayer(), torch.zeros(3, 1, 4, 5), repeats=1).flops_per_clip == 2 * 9 * 2 * 4 * 5


def test_measuring_leaves_the_random_state(settings):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    measure_costs(["tdnn"], settings)
    assert torch.equal(torch.rand(1), expected)


def test_a_model_that_does_not_fit_is_told_or_noted(settings):
    with pytest.raises(OptionError, match="tdnn: has no setting variant"):
        measure_costs(["tdnn"], CostSettings(settings.feature, model={"variant": "code"}))
    unfit = CostSettings(settings.feature, duration_s=0.5, model={"variant": "code"}, repeats=1, with_memory=False)
    (row,) = measure_costs(["tdnn"], unfit, keep_going=True).table.to_dict("records")
    assert np.isnan(row["ms"])
    assert "has no setting variant" in row["note"]


def test_an_unknown_model_is_told_before_anything_is_measured(settings):
    with pytest.raises(OptionError, match="did you mean tdnn"):
        measure_costs(["cnn10", "tdn"], settings, keep_going=True)


@pytest.mark.parametrize(
    ("budget_s", "calls", "timed"), [(float("inf"), 8, 5), (0, 1, 1)], ids=["no limit", "over at once"]
)
def test_time_calls_warms_up_and_keeps_to_its_budget(budget_s, calls, timed):
    made = []
    times_ms = time_calls(lambda: made.append(1), 5, budget_s=budget_s)
    assert (len(made), len(times_ms)) == (calls, timed)
    assert min(times_ms) >= 0


def test_accuracies_are_means_over_a_ledgers_test_folds(ledger):
    accuracies, label = read_accuracies(ledger, "esc10", ("tdnn", "cnn10", "fpam"))
    assert accuracies == pytest.approx({"tdnn": 0.65, "cnn10": 0.85})
    assert label == "esc10, official, recipe quick"
    result = add_accuracies(make_result("tdnn", "fpam", "cnn10"), accuracies, label)
    assert result.table["accuracy"].tolist() == pytest.approx([0.65, np.nan, 0.85], nan_ok=True)
    assert (result.label, result.machine) == (label, "a machine")


def test_accuracies_of_a_leaky_split_say_so(ledger):
    assert read_accuracies(ledger, "esc10@leaky", ["cnn10"]) == ({"cnn10": 1.0}, "esc10@leaky, LEAKY, recipe quick")


def test_accuracies_of_other_folds_say_so(ledger):
    pd.read_csv(ledger).iloc[:4].to_csv(ledger, index=False)
    assert read_accuracies(ledger, "esc10", ("cnn10", "tdnn"))[1].endswith("; not all on the same folds")


def test_accuracies_ask_for_the_recipe_where_there_are_several(ledger):
    table = pd.read_csv(ledger)
    table.loc[1, ["recipe", "accuracy"]] = ["ts-cnn", 0.99]
    table.to_csv(ledger, index=False)
    with pytest.raises(OptionError, match=r"runs of cnn10 on esc10 that differ in recipe \(quick, ts-cnn\)"):
        read_accuracies(ledger, "esc10", ["cnn10"])
    assert read_accuracies(ledger, "esc10", ["cnn10"], recipe="ts-cnn")[0] == {"cnn10": 0.99}


def test_accuracies_of_no_run_are_told(ledger):
    with pytest.raises(OptionError, match="has no run of these models on esc50"):
        read_accuracies(ledger, "esc50", ["cnn10"])


def test_cost_table_has_units_and_only_what_is_known():
    result = make_result("cnn10")
    result.table[["onnx_ms", "onnx_ms_32"]] = np.nan
    table = cost_table(result)
    assert table["Parameters (M)"].tolist() == [2.0]
    assert table["GFLOPs a clip"].tolist() == pytest.approx([0.002])
    assert not {"Note", "Accuracy (%)", "onnxruntime (ms)"} & set(table)


def test_memory_grows_with_weights_and_with_clips():
    alone, together = memory.measure_memory("cnn10", (101, 40), classes=10)
    weights_mib = 4 * 4.95e6 / 2**20
    assert weights_mib < alone < 300
    assert together > alone + 32 * 4 * 64 * 101 * 40 / 2**20  # one map of the first block, for each clip


def test_memory_of_a_process_that_fails_is_an_error_in_one_line(monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "Traceback\n  somewhere\nMemoryError: no room\n")

    monkeypatch.setattr(memory.subprocess, "run", fail)
    with pytest.raises(OptionError, match=r"could not be measured for memory \(MemoryError: no room\)"):
        memory.measure_memory("cnn10", (101, 40), classes=10)


def test_memory_without_a_status_file_comes_from_the_systems_own_count(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    monkeypatch.setattr(memory, "RESET", tmp_path / "no folder" / "none")
    before = memory._begin()
    assert before > 1e7
    assert memory._read_peak() >= before
    monkeypatch.setitem(sys.modules, "resource", None)
    assert np.isnan(memory._read_peak())


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Networks that tell clips apart, as files."""
    folder, found = tmp_path_factory.mktemp("onnx"), {}
    for name in ("tdnn", "ts-cnn10", "fnn"):  # the last averages 60 x 40 cells to 40 x 40
        torch.manual_seed(0)
        model = build_model(name, classes=5, bands=40, width=0.25).train()
        for _ in range(20):  # until batch norm knows the spread of what comes in
            model(torch.randn(4, 1, 60, 40))
        found[name] = model, onnx_export.export_onnx(model, folder / f"{name}.onnx", shape=(60, 40))
    return found


@pytest.mark.parametrize("name", ["tdnn", "ts-cnn10", "fnn"])
@pytest.mark.parametrize("clips", [1, 3])
def test_onnxruntime_gives_the_logits_of_torch(exported, name, clips):
    model, path = exported[name]
    assert model.training  # exporting left the mode
    features = torch.randn(clips, 1, 60, 40)
    with torch.inference_mode():
        expected = model.eval()(features).numpy()
    model.train()
    assert np.ptp(expected) > 0.1
    session = onnx_export.open_onnx(path, threads=1)
    np.testing.assert_allclose(onnx_export.run_onnx(session, features.numpy()), expected, atol=1e-4, rtol=0)
    assert onnx_export.time_onnx(session, features.numpy(), repeats=2) > 0


class Worldwide(nn.Module):
    """A network with a layer that is called as a word of Python, as SpectroMaskNet's global branch is."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("global", nn.Linear(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.get_submodule("global")(x).mean((1, 2))


def test_layer_called_as_a_word_of_python_is_exported(tmp_path):
    model, features = Worldwide(), torch.randn(3, 1, 4, 2)
    before = vars(model).copy()
    session = onnx_export.open_onnx(onnx_export.export_onnx(model, tmp_path / "x.onnx", shape=(4, 2)), threads=1)
    with torch.inference_mode():
        expected = model(features).numpy()
    np.testing.assert_allclose(onnx_export.run_onnx(session, features.numpy()), expected, atol=1e-6)
    assert vars(model) == before
    assert list(model.state_dict()) == ["global.weight", "global.bias"]


class Chooser(nn.Linear):
    """A network whose way depends on what comes in, which ONNX cannot hold."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) if x.sum() > 0 else x


def test_network_that_cannot_become_onnx_is_told_with_its_cause(tmp_path):
    with pytest.raises(OptionError, match=r"Chooser: cannot become ONNX \(.*data-dependent.*\); use it with torch"):
        onnx_export.export_onnx(Chooser(2, 2), tmp_path / "x.onnx", shape=(2, 2))
    assert not (tmp_path / "x.onnx").exists()


def refuse_export(*_, **__):
    raise RuntimeError("step 1 of 3 failed") from ValueError("too large\nat a place")


def export_nothing(model, path, **_):
    path.write_bytes(b"no network")
    return path


@pytest.mark.parametrize(
    ("module", "name", "export", "message"),
    [
        (torch.onnx, "export", refuse_export, "cannot become ONNX (ValueError: too large); use it with torch."),
        (onnx_export, "export_onnx", export_nothing, "does not run under onnxruntime (InvalidProtobuf: "),
    ],
)
def test_a_network_that_fails_under_onnx_keeps_its_row_with_the_cause(
    module, name, export, message, settings, monkeypatch
):
    monkeypatch.setattr(module, name, export)
    (row,) = measure_costs(["fnn"], replace(settings, with_onnx=True)).table.to_dict("records")
    assert row["note"].startswith(f"FNN: {message}")
    assert row["ms"] > 0
    assert np.isnan(row["onnx_ms"])


def test_without_onnx_a_line_says_how_to_have_it(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(onnx_export, "PACKAGES", ("onnx", "no_such_package"))
    message = r"ONNX needs no_such_package: which is not here; install it with: pip install 'esclab\[onnx\]'"
    with pytest.raises(OptionError, match=message):
        onnx_export.export_onnx(nn.Linear(2, 2), tmp_path / "x.onnx", shape=(2, 2))
    with pytest.raises(OptionError, match=message):
        measure_costs(["tdnn"], CostSettings(settings.feature, with_onnx=True))
