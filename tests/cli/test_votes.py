from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def voters(call, tiny, tmp_path_factory):
    """Return the folders of two runs of one model on different front ends."""
    root = tmp_path_factory.mktemp("voters")
    for feature in ("logmel", "mfcc"):
        words = ("cv", "spsm-1b+spsmt", *tiny, "--folds", "1", "--feature", feature, "--runs", root)
        call(*words, "--results", root / "results", "--json")
    return sorted(root.glob("synth10-50/quick*"))


def test_vote_prints_the_vote_beside_its_voters(call, voters, tmp_path):
    content = json.loads(call("vote", *voters, "--name", "SPSMR", "--json").stdout)
    names = [row["model"] for row in content["accuracy"]]
    assert names[0] == "SPSMR"
    assert sorted(names[1:]) == ["spsm-1b+spsmt logmel", "spsm-1b+spsmt mfcc"]
    assert content["size_mib"]["SPSMR"] == pytest.approx(2 * content["size_mib"]["spsm-1b+spsmt mfcc"])
    assert {row["model_b"] for row in content["pairs"]} == set(names[1:])
    assert {"accuracy", "macro_accuracy", "log_loss"} <= set(content["scores"][0])
    shown = call("vote", *voters, "--name", "SPSMR", "--out", tmp_path).stdout
    assert "| SPSMR" in shown
    assert "Log loss" in shown
    assert "Holm's correction" in shown
    assert (tmp_path / "accuracy.png").exists()


def test_readable_folders_tell_front_ends_apart(voters):
    assert len(voters) == 2
    assert "-mfcc" in voters[1].name or "-mfcc" in voters[0].name


def test_voters_of_a_clip_are_drawn(call, voters, recording, tmp_path):
    (run,) = voters[0].glob("*/fold1-seed0")
    content = json.loads(call("voters", run, recording, "--out", tmp_path, "--json").stdout)
    assert (tmp_path / "votes.png").exists()
    assert sum(content["scores"].values()) == pytest.approx(1)
    assert (content["frames"] > 0, content["parts"]) == (True, 0)
    best = max(content["scores"], key=content["scores"].get)
    assert (
        f"a sound.wav: its first 1.0 s of 12.0 s: {best} (" in call("voters", run, recording, "--out", tmp_path).stdout
    )
    later = json.loads(call("voters", run, recording, "--start", 9, "--out", tmp_path, "--json").stdout)
    assert later["scores"] != content["scores"]


def test_models_lists_strategies(call):
    content = json.loads(call("models", "--json").stdout)
    assert {"spsmt", "spsmf", "early", "middle", "late"} <= set(content["strategies"])
    assert "spsm-1b+early+spsmt" in call("models").stdout
