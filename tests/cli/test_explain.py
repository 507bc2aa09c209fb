from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import typer
from click.testing import Result
from typer.testing import CliRunner

from esclab.cli.arguments import ManyValuesCommand
from esclab.cli.explain import COMMANDS, choose_methods, find_events
from esclab.errors import ClipError, EsclabError, OptionError
from esclab.models import build_model
from esclab.training.run import open_run

CLIP = "1-dog-01-a"


@pytest.fixture(scope="module")
def ask() -> Callable[..., Result]:
    """Return a function that runs one of the commands and lets its errors through."""
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    for command in COMMANDS:
        app.command(cls=ManyValuesCommand)(command)

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return run


def test_explain_writes_figure_data_and_sounds_of_one_gain(ask, trained, tmp_path):
    words = ("explain", trained.run, CLIP, "--method", "gradcam", "spectrogram", "--layer", "block3", "--listen")
    result = ask(*words, "--share", "0.4", "--out", tmp_path / "it")
    written = {path.name for path in (tmp_path / "it").iterdir()}
    sounds = {f"{name}-{part}.wav" for name in ("gradcam-block3", "spectrogram") for part in ("kept", "removed")}
    assert written == {f"attribution.{kind}" for kind in ("png", "svg", "pdf", "csv", "json")} | sounds | {"clip.wav"}
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"dog ({CLIP}): cnn10 gives ")
    assert lines[0].endswith(" %")
    assert lines[1:3] == [f"dog ({CLIP}): its first 1.0 s of 5.0 s", ""]
    assert {Path(line).name for line in lines[3:]} == written
    steps = ("gradcam block3", "spectrogram", "sound of gradcam-block3", "sound of spectrogram", "figure")
    told = [re.split(r" +\d+%", line)[0] for line in result.stderr.split("\r") if " of 5 [" in line]
    assert told == ["starting", *steps]
    data = pd.read_csv(tmp_path / "it" / "attribution.csv", keep_default_na=False)
    assert set(data["method"]) == {"", "gradcam", "spectrogram"}
    clip = soundfile.read(tmp_path / "it" / "clip.wav")[0]
    for name in ("gradcam-block3", "spectrogram"):
        kept, removed = (soundfile.read(tmp_path / "it" / f"{name}-{part}.wav")[0] for part in ("kept", "removed"))
        np.testing.assert_allclose(kept + removed, clip, atol=2 / 32768)
        assert np.sum(kept**2) / np.sum(clip**2) == pytest.approx(0.4, rel=0.05)
    how = json.loads((tmp_path / "it" / "attribution.json").read_text("utf-8"))["how"]
    assert f"{CLIP} --method gradcam spectrogram --layer block3 --listen --share 0.4" in how


def test_explain_answers_in_json_about_the_class_that_is_asked_for(ask, trained, recording, tmp_path):
    found = json.loads(ask("explain", trained.run, recording, "--target", "rain", "--out", tmp_path, "--json").stdout)
    assert (found["class_name"], found["maps"]) == ("rain", [{"method": "gradcam", "layer": "block4"}])
    assert 0 < found["probability"] < 1
    assert found["sounds"] == {}
    assert (found["onset_s"], found["offset_s"], found["length_s"]) == (0, 1, 12)
    assert all(Path(path).is_file() for path in found["files"])


def test_explain_begins_where_it_is_told(ask, trained, recording, tmp_path):
    words = ("explain", trained.run, recording, "--method", "spectrogram", "--out", tmp_path / "it")
    lines = ask(*words, "--start", "11.5", "--listen").stdout.splitlines()
    assert lines[1] == "a sound.wav: 11.5 to 12.0 s of 12.0 s"
    heard, rate = soundfile.read(tmp_path / "it" / "clip.wav")
    whole = soundfile.read(recording)[0]
    gained = np.corrcoef(heard[: rate // 4], whole[round(11.5 * rate) :][: rate // 4])[0, 1]
    assert gained > 0.999  # all sounds are written with one gain
    assert not heard[rate // 2 :].any()
    assert "--start 11.5" in json.loads((tmp_path / "it" / "attribution.json").read_text("utf-8"))["how"]


def test_slow_method_tells_its_passes(ask, trained, tmp_path):
    told = ask("explain", trained.run, CLIP, "--method", "integrated-gradients", "--out", tmp_path).stderr
    assert "integrated-gradients   0%|" in told
    assert re.search(r"\d+ of \d+ passes", told)


def test_events_move_with_the_start(trained):
    run = open_run(trained.run)
    events = find_events(run, CLIP)
    first = events.iloc[0]
    middle = (first["onset_s"] + first["offset_s"]) / 2
    moved = find_events(run, CLIP, start_s=middle).iloc[0]
    assert moved["onset_s"] == 0
    assert moved["offset_s"] == pytest.approx((first["offset_s"] - first["onset_s"]) / 2)
    assert len(find_events(run, CLIP, start_s=events["offset_s"].max())) == 0


def test_trust_writes_figures_and_prints_its_table(ask, trained, tmp_path):
    result = ask("trust", trained.run, "--method", "saliency", "random", "--clips-per-class", "1", "--steps", "2",
                 "--out", tmp_path / "the trust")  # fmt: skip
    folder = tmp_path / "the trust"
    written = {path.name for path in folder.iterdir()}
    how = json.loads((folder / "trust.json").read_text("utf-8"))["how"]
    assert how.endswith(f" --method saliency random --clips-per-class 1 --steps 2 --out '{folder}'")
    kinds = ("png", "svg", "pdf", "csv", "json")
    assert written == {f"{name}.{kind}" for name in ("trust", "faithfulness") for kind in kinds} | {"table.csv"}
    assert "synth10:50, fold 1; 10 clips" in result.stdout
    assert "| Saliency | " in result.stdout
    table = pd.read_csv(folder / "table.csv")
    assert table["Model"].tolist() == ["cnn10", "cnn10"]
    assert table["Method"].tolist() == ["Saliency", "Random"]


def test_trust_answers_in_json_that_any_program_reads(ask, trained, tmp_path):
    words = ("--method", "random", "--clips-per-class", "1", "--steps", "1", "--out", tmp_path, "--json")
    found = json.loads(ask("trust", trained.run, *words).stdout, parse_constant=pytest.fail)
    assert {row["measure"] for row in found["table"]} >= {"deletion", "insertion", "randomisation"}
    assert {row["method"] for row in found["table"]} == {"random"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explain", CLIP, "--method", "gradcan"), r"did you mean gradcam.*\?$"),
        (("explain", CLIP, "--start", "5"), "lasts 5.0 s"),
        (("explain", CLIP, "--method", "attention"), "this network has no attention; choose among gradcam, "),
        (("explain", CLIP, "--layer", "block9"), "block1 or block2"),
        (("explain", CLIP, "--target", "dogs"), "choose one of dog, rooster"),
        (("explain", "1-dog-01"), "1-dog-01-a"),
        (("explain", CLIP, "--listen", "--share", "0"), "above 0 and at most 1"),
        (("trust", "--method", "gradcan"), "did you mean gradcam"),
        (("trust", "--method", "attention"), "this network has no attention"),
        (("trust", "--method", "random", "--layer", "foo"), "--layer foo: random would not look at it"),
        (("trust", "--method", "gradcam", "random", "--layer", "foo"), "layer foo: is none of"),
        (("explain", CLIP, "--method", "saliency", "--layer", "foo"), "--layer foo: saliency would not look at it"),
        (("trust", "--target", "mine"), "choose true or predicted"),
        (("trust", "--clips-per-class", "-1"), "is below 1"),
    ],
)
def test_unknown_name_or_value_is_refused_and_nothing_is_written(ask, trained, tmp_path, capsys, words, said):
    with pytest.raises(EsclabError, match=said):
        ask(words[0], trained.run, *words[1:], "--out", tmp_path / "it")
    assert not (tmp_path / "it").exists()
    assert capsys.readouterr().err == ""


def test_silent_recording_is_refused_before_any_map_when_it_shall_be_heard(ask, trained, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "silence.wav", np.zeros(44_100), 44_100)
    monkeypatch.setattr("esclab.cli.explain._explain", pytest.fail)
    with pytest.raises(ClipError, match=r"silence\.wav: is silent, .*; leave --listen out"):
        ask("explain", trained.run, tmp_path / "silence.wav", "--listen", "--out", tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_words_for_groups_of_methods_are_spelt_out():
    networks = [build_model(name, classes=2, bands=16, width=0.25) for name in ("cnn10", "ts-cnn10")]
    cams = ["gradcam", "gradcam++", "layercam", "eigencam", "scorecam"]
    assert choose_methods(["saliency", "cam", "saliency"], networks[0]) == ["saliency", *cams]
    assert "attention" not in choose_methods(["all"], networks[0])
    assert {*cams, "attention", "random"} < set(choose_methods(["all"], *networks))
    with pytest.raises(OptionError, match="is not known"):
        choose_methods(["cams"], networks[0])


def test_group_of_methods_that_a_network_lacks_is_refused(monkeypatch):
    network = build_model("cnn10", classes=2, bands=16, width=0.25)
    monkeypatch.setattr(type(network), "cam_layers", {})
    with pytest.raises(OptionError, match="offers none; choose saliency"):
        choose_methods(["cam"], network)


def test_trust_refuses_a_seed_below_0(ask, trained, tmp_path):
    result = ask("trust", trained.run, "--seed", "-1", "--out", tmp_path)
    assert result.exit_code == 2
    assert "Invalid value for '--seed'" in result.stderr
