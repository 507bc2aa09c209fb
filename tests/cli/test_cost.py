from __future__ import annotations

import json

import pandas as pd
import pytest

from esclab.errors import OptionError
from esclab.figures.export import PICTURES
from esclab.models import MODELS

WORDS = ("--recipe", "quick", "--duration-s", "0.5", "--classes", "10", "--repeats", "1", "--no-memory")


@pytest.fixture(scope="module")
def measured(call, trained, tmp_path_factory):
    """What the command printed about two networks, one of them trained, and the folder of its figure."""
    out = tmp_path_factory.mktemp("cost")
    table = pd.read_csv(trained.results / "runs.csv")
    table.to_csv(out / "runs.csv", index=False)
    words = (*WORDS[2:], "--feature", "logmel", "--dataset", "synth10:50", "--results", out, "--out", out / "figure")
    return call("cost", "cnn10", "tdnn", *words, "--json"), out / "figure", table


def test_cost_prints_a_row_a_model_with_the_machine(call):
    shown = call("cost", "tdnn", "cnn10+spsmt", *WORDS).stdout
    assert "models one after another; logmel, 26 frames of 40 bands (0.5 s), 10 classes" in shown
    assert "| tdnn |" in shown
    assert "| cnn10+spsmt |" in shown
    assert "ms a clip, batch 32" in shown
    assert "Times under onnxruntime: add --onnx." in shown
    assert "Accuracy" not in shown


def test_cost_gives_numbers_with_the_ledgers_accuracy_as_json(measured):
    result, _, ledger = measured
    content = json.loads(result.stdout)
    rows = {row["model"]: row for row in content["models"]}
    assert rows["cnn10"]["accuracy"] == pytest.approx(ledger["accuracy"].mean())
    assert rows["tdnn"]["accuracy"] is None
    assert rows["tdnn"]["memory_mib"] is None
    assert rows["tdnn"]["parameters"] > 1e6
    assert "synth10:50" in content["label"]


def test_cost_writes_its_figure(measured):
    result, folder, _ = measured
    assert json.loads(result.stdout)["files"] == [
        str(folder / f"cost.{ending}") for ending in (*PICTURES, "csv", "json")
    ]
    assert json.loads((folder / "cost.json").read_text())["how"].startswith("esclab cost cnn10 tdnn --")


def test_cost_takes_all_models_by_default(call, monkeypatch):
    from esclab.analysis import costs

    seen = []

    def note(name, settings):
        seen.append(name)
        raise OptionError(name, "does not fit", "leave it")

    monkeypatch.setattr(costs, "_measure", note)
    content = json.loads(call("cost", *WORDS, "--json").stdout)
    assert seen == list(MODELS)
    assert {row["note"] for row in content["models"]} == {f"{name}: does not fit; leave it." for name in MODELS}


def test_cost_says_how_to_have_onnx(call, monkeypatch):
    from esclab.analysis import onnx_export

    monkeypatch.setattr(onnx_export, "PACKAGES", ("no_such_package",))
    assert (
        "Times under onnxruntime: install it with: pip install 'esclab[onnx]'." in call("cost", "tdnn", *WORDS).stdout
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "x"), "has no accuracies to draw; name their dataset"),
        (("--dataset", "esc10", "--results", "nowhere"), "has no run of these models on esc10"),
        (("--duration-s", "0"), "must be above 0"),
        (("--recipe", "none"), "recipe none: is not known"),
    ],
)
def test_cost_refuses_before_it_measures(call, words, message):
    with pytest.raises(OptionError, match=message):
        call("cost", "tdnn", *words)
