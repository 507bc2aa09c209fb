"""Bad input ends with one sentence that says where, why and what next, and with exit code 2."""

from __future__ import annotations

import json
import sys

import pytest

from esclab.cli import main

SYNTH = ("--dataset", "synth10:50")


@pytest.fixture
def refuse(monkeypatch, capsys, tmp_path):
    """Return a function that runs a command that should fail, and returns its one sentence."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["esclab", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, sentence = capsys.readouterr()
        assert stop.value.code == 2
        assert out == ""
        assert sentence.startswith("esclab: ")
        assert sentence.endswith("?\n" if "did you mean" in sentence and "? Or" not in sentence else ".\n")
        assert sentence.count("\n") == 1
        assert "Traceback" not in sentence
        return sentence

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "cnn11", *SYNTH), "did you mean cnn10"),
        (("train", "xyz", *SYNTH), "choose one of cnn10, t-cnn10"),
        (("train", "cnn10", "--dataset", "nothing"), "esc10"),
        (("train", "cnn10", "--dataset", "synth10:51"), "multiple of 10"),
        (("train", "cnn10", *SYNTH, "--fold", "9"), "choose one of 1, 2, 3, 4, 5"),
        (("train", "cnn10", *SYNTH, "--validation-fold", "1"), "1 is the test fold"),
        (("train", "cnn10", *SYNTH, "--recipe", "slow"), "choose one of quick, ts-cnn"),
        (("train", "cnn10", *SYNTH, "--set", "widht=1"), "choose among"),
        (("train", "cnn10", *SYNTH, "--set", "width=wide"), "cannot read 'wide' as float"),
        (("train", "cnn10", *SYNTH, "--set", "width=1/3"), "choose 1/4, 1/2 or 1"),
        (("train", "cnn10", *SYNTH, "--set", "width"), "write e.g. --set width=1/2"),
        (("train", "cnn10", *SYNTH, "--set", "feature.bands=8"), "at least 16 bands"),
        (("train", "cnn10", *SYNTH, "--set", "feature.tempo=8"), "has no setting tempo"),
        (("train", "cnn10", *SYNTH, "--set", "mixup_alpha=nan"), "finite number"),
        (("cv", "cnn10", "cnn11", *SYNTH), "did you mean cnn10"),
        (("cv", "cnn10", *SYNTH, "--folds", "1,9"), "choose one of 1, 2, 3, 4, 5"),
        (("cv", "cnn10", *SYNTH, "--folds", "one"), "write e.g. --folds 1,3"),
        (("resume", "nowhere"), "holds no run"),
        (("evaluate", "nowhere"), "neither a run folder nor a shipped run"),
        (("check", "nothing"), "esc10"),
        (("get", "nothing"), "esc10"),
        (("demo", "--dataset", "nothing"), "esc10"),
    ],
)
def test_unknown_name_or_value_is_refused_with_what_is_known(refuse, tmp_path, words, said):
    assert said in refuse(*words)
    assert list(tmp_path.iterdir()) == []


def test_batch_larger_than_the_training_set_is_refused(refuse):
    assert "more than the 40 training clips; choose a smaller one, e.g. --set batch_size=32." in refuse(
        "train", "cnn10", *SYNTH, "--set", "batch_size=41", "--set", "duration_s=1", "--json"
    )


@pytest.mark.parametrize("words", [("train", "cnn11"), ("train", "cnn10", "--set", "x=1"), ("cv", "cnn11")])
def test_mistyped_name_is_told_before_a_dataset_is_made(refuse, monkeypatch, words):
    monkeypatch.setattr("esclab.clips.load_dataset", lambda spec: pytest.fail(f"{spec} was loaded"))
    refuse(*words)


def test_unreadable_recording_is_refused_by_name(refuse, trained, tmp_path):
    (tmp_path / "page.wav").write_text("<html>")
    assert "page.wav" in refuse("predict", trained.run, "page.wav")
    assert "missing.wav" in refuse("predict", trained.run, "missing.wav")


@pytest.mark.parametrize("hop_s", ["-1", "0", "nan", "inf"])
def test_step_that_is_no_length_is_refused(refuse, trained, recording, hop_s):
    refuse("predict", trained.run, recording, "--hop-s", hop_s)


def test_file_name_with_a_line_break_stays_one_line(refuse, trained, tmp_path):
    (tmp_path / "two\nlines.wav").write_text("no sound")
    assert "two\\nlines.wav" in refuse("predict", trained.run, "two\nlines.wav")


def test_run_of_another_format_is_refused(refuse, trained, tmp_path):
    config = json.loads((trained.run / "config.json").read_text())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps({**config, "format": 0}))
    assert "format 0" in refuse("evaluate", "run")


def test_unfinished_run_is_refused_with_how_to_finish_it(refuse, trained, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_bytes((trained.run / "config.json").read_bytes())
    for words in (("evaluate", "run"), ("predict", "run", "a.wav")):
        assert "finish the run with: esclab resume run" in refuse(*words)


def test_attention_of_a_network_without_any_or_of_an_unknown_clip_is_refused(refuse, trained):
    assert "cnn10" in refuse("attend", trained.run, "1-dog-01-a")
    assert "1-dog-01-a" in refuse("attend", trained.run, "1-dog-01")


def test_folder_of_another_run_is_refused(refuse, trained):
    words = [*trained.words, "--seed", "1"]
    assert "holds a run with another seed" in refuse(*words)


def test_result_that_cannot_be_written_is_refused(refuse, trained, recording, tmp_path):
    (tmp_path / "file").write_text("")
    assert "could not be written" in refuse("predict", trained.run, recording, "--out", "file/scores.csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "cnn10"), "run the same command again to go on from the last checkpoint"),
        (("check", "synth10"), "run the same command again to start it anew"),
        (("demo", "--out", "it"), "what was trained so far is kept in it/runs, run the same command again to go on"),
    ],
)
def test_interrupted_command_says_what_is_kept(monkeypatch, capsys, words, said):
    def interrupt(spec: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("esclab.clips.load_dataset", interrupt)
    monkeypatch.setattr(sys, "argv", ["esclab", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130
    assert capsys.readouterr().err == f"esclab: stopped; {said}.\n"
