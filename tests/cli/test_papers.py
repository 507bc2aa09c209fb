from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from esclab.errors import OptionError


def test_figures_of_fpam_are_written_by_one_command(call, tmp_path, monkeypatch):
    words = ("--dataset", "synth10:50", "--recipe", "fpam-quick", "--set", "epochs=2", "--set", "batch_size=20")
    call("train", "fpam", *words, "--set", "duration_s=1", "--keep-epochs", "--out", tmp_path / "run",
         "--results", tmp_path, "--json")  # fmt: skip
    result = call("figures", "fpam", tmp_path / "run", "--out", tmp_path / "figures")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    stems = ("figure_5", "figure_6", "figure_7", "figure_9")
    assert names == {f"{stem}.{ending}" for stem in stems for ending in ("png", "pdf", "csv", "json")}
    assert "figure_8 is left out: synth10:50 has 10 classes" in result.stdout
    assert f"{tmp_path / 'figures' / 'figure_5.png'}" in result.stdout
    how = json.loads((tmp_path / "figures" / "figure_9.json").read_text("utf-8"))["how"]
    assert how.startswith("esclab figures fpam ")
    assert set(pd.read_csv(tmp_path / "figures" / "figure_6.csv")["epoch"]) == {1, 2}

    def find_drawn(name, result, stem, **_):  # to draw them once is enough
        return sorted((tmp_path / "figures").glob(f"{stem.name}.*"))

    monkeypatch.setattr(sys.modules["esclab.figures.export"], "export", find_drawn)
    content = json.loads(call("figures", "fpam", tmp_path / "run", "--json").stdout)
    assert {Path(path).name for path in content["files"]} == names
    assert list(content["left_out"]) == ["figure_8"]


def test_paper_without_figures_is_refused(call, trained):
    with pytest.raises(OptionError, match="paper nothing: has no figures to draw; choose one of fpam"):
        call("figures", "nothing", trained.run)


def test_train_and_cv_tell_which_first_weights_fit(call, tiny, trained, tmp_path):
    words = (*tiny, "--weights", trained.run, "--results", tmp_path)
    told = call("train", "ts-cnn10", *words, "--out", tmp_path / "run").stdout
    assert "ts-cnn10 begins with run cnn10 on synth10:50 fold 1 seed 0: " in told
    assert "weights fitted (esclab names)" in told
    assert "missing, left fresh: block1.attention.mixture_logits" in told
    told = call("cv", "cnn10", *words, "--folds", "1", "--seed", "0", "--seed", "1", "--runs", tmp_path / "runs").stdout
    assert told.count("cnn10 begins with run cnn10 on synth10:50 fold 1 seed 0: ") == 1
    assert len(list((tmp_path / "runs" / "synth10-50").glob("quick-*-from-*/cnn10/fold1-seed*"))) == 2
    ledger = pd.read_csv(tmp_path / "runs.csv")
    assert set(ledger["recipe"]) == {"quick* from run cnn10 on synth10:50 fold 1 seed 0"}
    assert len(ledger) == 3
