from __future__ import annotations

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from esclab.cli.embed import COMMANDS
from esclab.cli.stopping import StoppableCommand
from esclab.results import ConfusionResult, ConfusionSeriesResult, EmbeddingResult
from esclab.training.run import open_run

app = typer.Typer(add_completion=False, rich_markup_mode=None)
for command in COMMANDS:
    app.command(cls=StoppableCommand)(command)


@pytest.fixture(scope="session")
def kept(call, tiny, tmp_path_factory) -> Path:
    """Return the folder of a run of two epochs that kept both."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    words = ("train", "cnn10", *tiny, "--set", "iterations=6", "--set", "evaluate_every=1", "--keep-epochs")
    call(*words, "--out", folder, "--results", folder.parent, "--json")
    return folder


@pytest.fixture
def exported(monkeypatch) -> list[SimpleNamespace]:
    """Return what was handed to `export`, in place of figures."""
    handed = []

    def take(name: str, result: object, stem: Path, *, how: str) -> list[Path]:
        handed.append(SimpleNamespace(name=name, result=result, stem=stem, how=how))
        return [Path(f"{stem}.png")]

    # By its name alone: the package has a function where the module would be.
    monkeypatch.setattr(import_module("esclab.figures.export"), "export", take)
    return handed


def run_command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_embed_hands_its_result_to_the_figure_and_prints_the_quality(kept, exported, tmp_path):
    shown = run_command("embed", kept, "--method", "pca", "--epochs", "1,last", "--out", tmp_path).stdout
    (figure,) = exported
    assert (figure.name, figure.stem) == ("embedding", tmp_path / "embedding")
    assert isinstance(figure.result, EmbeddingResult)
    assert figure.result.quality["epoch"].tolist() == [1, 2]
    assert figure.how == f"esclab embed {kept} --method pca --epochs 1,last --out {tmp_path}"
    assert "cnn10 on synth10:50, fold 1, seed 0; 10 held-out clips" in shown
    assert "| epoch | silhouette | purity | accuracy |" in shown
    assert str(tmp_path / "embedding.png") in shown


def test_embed_takes_a_layer_and_prints_json_without_nan(kept, exported, tmp_path):
    words = ("embed", kept, "--method", "tsne", "--layer", "block2", "--out", tmp_path, "--json")
    content = json.loads(run_command(*words).stdout, parse_constant=pytest.fail)
    assert (content["layer"], content["method"], content["model"]) == ("block2", "tsne", "cnn10")
    (row,) = content["quality"]
    assert row["epoch"] == 2
    assert row["silhouette"] is None  # ten clips of ten classes have none
    assert row["accuracy"] == pytest.approx(open_run(kept).summary["accuracy"])
    assert content["files"] == [str(tmp_path / "embedding.png")]


def test_errors_prints_pairs_categories_and_epochs(kept):
    shown = run_command("errors", kept, "--epochs", "1,last", "--top", "3").stdout
    assert "| model | true | predicted | count | share | clips |" in shown.replace("\\", "")
    assert "within_share" in shown.replace("\\", "")
    assert "cnn10 on synth10:50, fold 1, seed 0:" in shown
    content = json.loads(run_command("errors", kept, "--epochs", "1,last", "--top", "3", "--json").stdout)
    answers = open_run(kept).read_predictions()
    wrong = int((~answers.correct).sum())
    assert len(content["pairs"]) == min(3, len({*zip(answers.true, answers.predicted, strict=True)}))
    (row,) = content["categories"]
    assert (row["errors"], row["within"] + row["across"]) == (wrong, wrong)
    assert [epoch["epoch"] for epoch in content["epochs"]] == [1, 2]
    assert content["epochs"][1]["errors"] == wrong
    assert content["files"] == []


def test_errors_writes_figures_and_tables(kept, exported, tmp_path):
    run_command("errors", kept, "--epochs", "1,last", "--out", tmp_path)
    assert {figure.name: type(figure.result) for figure in exported} == {
        "confusion": ConfusionResult,
        "confusion_series": ConfusionSeriesResult,
    }
    assert exported[0].stem == tmp_path / "confusion_cnn10"
    assert exported[0].result.counts.sum() == 10
    assert exported[0].how == f"esclab errors {kept} --epochs 1,last --out {tmp_path}"
    pairs = pd.read_csv(tmp_path / "confused_pairs.csv")
    assert pairs["clips"].str.split(" ").map(len).tolist() == pairs["count"].tolist()
    assert pd.read_csv(tmp_path / "errors_by_category.csv")["answers"].tolist() == [10]


def test_errors_pools_the_runs_of_a_model(kept, trained, exported, tmp_path):
    content = json.loads(run_command("errors", kept, trained.run, "--out", tmp_path, "--json").stdout)
    assert content["categories"][0]["answers"] == 20
    assert exported[0].result.counts.sum() == 20


def test_errors_are_told_without_categories_where_the_recordings_are_missing(kept, tmp_path):
    shutil.copytree(kept, tmp_path / "run")
    config = json.loads((kept / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps({**config, "dataset": f"folder:{tmp_path}/gone"}))
    shown = run_command("errors", tmp_path / "run").stdout
    assert "Most confused" in shown
    assert "Errors by parent category are left out: " in shown
    assert json.loads(run_command("errors", tmp_path / "run", "--json").stdout)["categories"] is None


def test_errors_of_a_perfect_run_are_none(kept, tmp_path):
    shutil.copytree(kept, tmp_path / "run")
    table = pd.read_csv(kept / "predictions.csv")
    columns = [f"p_{number}" for number in range(10)]
    table[columns] = pd.get_dummies(table["class_index"]).to_numpy(dtype=float)
    table.to_csv(tmp_path / "run" / "predictions.csv", index=False)
    shown = run_command("errors", tmp_path / "run", "--epochs", "last").stdout
    assert shown.startswith("No errors.\n")
    assert "| cnn10 | 10 | 0 | 0 | 0 | – | – |" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("embed", "KEPT", "--method", "lda"), "choose one of tsne, umap, pca"),
        (("embed", "KEPT", "--epochs", "1,10"), "did not keep epoch 10 (kept: 1, 2; its weights are of the last, 2)"),
        (("embed", "PLAIN", "--epochs", "3"), "--keep-epochs"),
        (("embed", "KEPT", "--epochs", "first"), 'write e.g. "1,10,20,last"'),
        (("embed", "KEPT", "--layer", "block7"), "choose one of embedding, block1"),
        (("embed", "KEPT", "--layer", "block1", "--epochs", "1"), "is not kept for epoch 1"),
        (("embed", "KEPT", "--perplexity", "0"), "is not a number from 1 up"),
        (("embed", "nowhere"), "neither a run folder nor a shipped run"),
        (("errors", "nowhere"), "neither a run folder nor a shipped run"),
        (("errors", "KEPT", "--top", "0"), "is less than 1"),
        (("errors", "KEPT", "--epochs", "7"), "did not keep epoch 7"),
        (("errors", "KEPT", "PLAIN", "--epochs", "last"), "looks into one run, 2 were given"),
        (("errors", "KEPT", "cnn10-synth10"), "runs: are of synth10, synth10:50"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_code_2(kept, trained, monkeypatch, capsys, tmp_path, words, said):
    from esclab import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "app", app)
    filled = [{"KEPT": str(kept), "PLAIN": str(trained.run)}.get(word, word) for word in words]
    monkeypatch.setattr(sys, "argv", ["esclab", *filled])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, sentence = capsys.readouterr()
    assert (stop.value.code, out, sentence.count("\n")) == (2, "", 1)
    assert sentence.startswith("esclab: ")
    assert said in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["embed", "errors"])
def test_command_explains_itself_and_its_options(name):
    (command,) = (entry for entry in typer.main.get_command(app).commands.values() if entry.name == name)
    assert all(getattr(option, "help", "") for option in command.params)
    shown = run_command(name, "--help").stdout
    assert command.help.split(".")[0][:60] in " ".join(shown.split())


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_that_no_projection_takes_is_refused(kept, tmp_path, seed):
    result = run_command("embed", kept, "--seed", seed, "--out", tmp_path)
    assert result.exit_code == 2
    assert "Invalid value for '--seed'" in result.stderr
