from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from esclab.cli import noise
from esclab.errors import OptionError
from esclab.results import Region


def test_region_is_read_from_words():
    assert noise.parse_region("1-1.3s") == Region(1, 1.3)
    assert noise.parse_region("2000-4000Hz") == Region(low_hz=2000, high_hz=4000)
    assert noise.parse_region("0.5-1 s, 100-200hz") == Region(0.5, 1, 100, 200)


@pytest.mark.parametrize("words", ["1-2", "a-bs", "", "1s", "-1-2s"])
def test_words_that_are_no_region_are_refused(words):
    with pytest.raises(OptionError, match="is not a range of time or frequency; write"):
        noise.parse_region(words)


@pytest.fixture(scope="module")
def tested(call, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    words = ("noise", trained.run, "--snr", "20", "-40", "--kind", "pink", "hum", "--out", folder / "out")
    result = call(*words, "--results", folder / "results")
    return folder, result


def test_noise_prints_a_row_a_condition(tested):
    _, result = tested
    assert result.exit_code == 0
    assert result.stdout.count("| cnn10 | pink |") == result.stdout.count("| cnn10 | hum |") == 2
    assert "| cnn10 | clean |" in result.stdout


def test_noise_writes_figures_and_ledger(tested):
    folder, _ = tested
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= {"robustness.png", "robustness.csv", "robustness.json", "reliability.pdf", "pairs.csv"}
    ledger = pd.read_csv(folder / "results" / "noise.csv")
    assert ledger["snr_db"].tolist() == [20, -40, 20, -40]
    assert ledger["clips"].unique().tolist() == [10]


def test_noise_again_adds_no_row(call, trained, tested):
    folder, _ = tested
    words = ("noise", trained.run, "--snr", "20", "--kind", "pink", "--region", "0.2-0.5s", "--region", "0.1-0.9s")
    for _ in range(2):
        result = call(*words, "--out", folder / "out", "--results", folder / "results", "--json")
    table = json.loads(result.stdout)["table"]
    assert [row["region"] for row in table] == ["whole clip", "0.2-0.5 s", "0.1-0.9 s"]
    assert len(pd.read_csv(folder / "results" / "noise.csv")) == 6


def test_json_says_clean_without_infinity(call, trained, tmp_path):
    result = call("noise", trained.run, "--snr", "0", "--out", tmp_path, "--results", tmp_path, "--json")

    def refuse(word):
        pytest.fail(f"{word} is no JSON")

    table = json.loads(result.stdout, parse_constant=refuse)["table"]
    assert table[0]["kind"] == "clean"
    assert table[0]["snr_db"] is None


def test_sensitivity_of_a_clip_a_class_and_a_file(call, trained, recording, tmp_path):
    grid = ("--slots", 2, "--ranges", 2, "--out", tmp_path)
    for place, said in (
        (("--clip", "1-dog-01-a"), "dog (1-dog-01-a): its first 1.0 s of 5.0 s"),
        (("--class", "dog"), "1 clip of dog, synth10:50"),
        (("--clip", recording, "--start", 3), "a sound.wav: 3.0 to 4.0 s of 12.0 s"),
    ):
        result = call("sensitivity", trained.run, *place, *grid)
        assert said in result.stdout
        assert (tmp_path / "sensitivity.png").exists()
        (tmp_path / "sensitivity.png").unlink()


def test_sensitivity_needs_a_clip_or_a_class(call, trained):
    with pytest.raises(OptionError, match="one of the two is needed"):
        call("sensitivity", trained.run)


def test_figure4_takes_any_file(call, trained, recording, tmp_path):
    result = call("figure4", trained.run, "--clip", recording, "--start", 3, "--out", tmp_path)
    assert "figure4.png" in result.stdout
    assert "--start 3" in (tmp_path / "figure4.json").read_text("utf-8")
    table = pd.read_csv(tmp_path / "figure4.csv")
    assert set(table["row"]) == {"log-mel", "cnn10 block1"}


def test_figure4_measures_the_share(call, trained, tmp_path):
    words = ("--clip", "1-dog-01-a", "--out", tmp_path, "--results", tmp_path / "results", "--share")
    # The clips of this training last 1 s, so that the paper's frames 50 to 64 are their very end.
    result = call("figure4", trained.run, *words)
    assert "Share of the activation of block1 in the noisy region" in result.stdout
    assert len(pd.read_csv(tmp_path / "activation_share_clips.csv")) == 20
    ledger = pd.read_csv(tmp_path / "results" / "activation_share.csv")
    assert ledger["noisy_share"].between(0, 1).tolist() == [True, True]
    assert not math.isnan(pd.read_csv(tmp_path / "activation_share.csv")["share"][0])


def test_figure4_refuses_a_clip_that_trained_the_model(call, trained, tmp_path):
    with pytest.raises(OptionError, match="clip 2-dog-01-a: was not held out by any run of cnn10"):
        call("figure4", trained.run, "--clip", "2-dog-01-a", "--out", tmp_path)


@pytest.mark.parametrize("words", ["1-2s,3-4s", "1-2s,100-200Hz,3-4s", "1-2Hz,3-4Hz"])
def test_two_ranges_of_one_kind_in_one_region_are_refused(words):
    with pytest.raises(OptionError, match=f"--region {words}: has two ranges of (time|frequency); give one"):
        noise.parse_region(words)


@pytest.mark.parametrize("snr", ["nan", "-400", "400"])
def test_snr_beyond_any_use_is_refused_everywhere(call, trained, tmp_path, snr):
    place = ("--clip", "1-dog-01-a", "--out", tmp_path / "out")
    for words in (
        ("noise", trained.run, "--out", tmp_path / "out", "--results", tmp_path),
        ("sensitivity", trained.run, *place, "--slots", 1, "--ranges", 1),
        ("figure4", trained.run, *place),
    ):
        with pytest.raises(OptionError, match=f"SNR {snr} dB: is not within -100 to 100 dB"):
            call(*words, "--snr", snr)
    assert list(tmp_path.iterdir()) == []


def test_figure4_tells_a_missing_and_a_mistyped_clip(call, trained, tmp_path):
    with pytest.raises(OptionError, match="--clip: is missing; name a clip of synth10:50"):
        call("figure4", trained.run, trained.run, "--out", tmp_path)
    with pytest.raises(OptionError, match=r"clip 1-dog-01-x: is neither in synth10:50 .* such as 1-dog-01-a"):
        call("figure4", trained.run, "--clip", "1-dog-01-x", "--out", tmp_path)
