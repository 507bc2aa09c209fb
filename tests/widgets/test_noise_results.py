"""What the noise lab exports, and its code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import soundfile

from tests.widgets.test_noise import REGION


def test_export_writes_all_that_the_lab_shows(lab, tmp_path):
    lab.change(region=REGION)
    lab.keep()
    names = {path.name for path in lab.export(tmp_path)}
    figures = (
        "spectrograms",
        "scores",
        "heatmaps",
        "heatmaps_before",
        "attention_ts-cnn10",
        "attention_ts-cnn10_before",
    )
    assert names >= {f"{name}.{ending}" for name in figures for ending in ("png", "svg", "pdf", "csv", "json")}
    assert names >= {"tries.csv", "clean.wav", "changed.wav", "difference.wav"}
    assert not any(name.startswith("attention_cnn10") for name in names)  # it has none
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "tries.csv"), lab.tries)


def test_exported_sounds_have_one_gain(lab, tmp_path):
    lab.change(region=REGION)
    lab.export(tmp_path)
    sounds = {name: soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("clean", "changed", "difference")}
    gain = sounds["clean"].std() / lab.samples["clean"].std()
    for name, samples in sounds.items():
        np.testing.assert_allclose(samples, gain * lab.samples[name], atol=1e-3)


def test_unchanged_clip_is_exported_once(lab):
    assert set(lab.results()) == {"spectrograms", "scores", "heatmaps", "attention_ts-cnn10"}
    assert list(lab.sounds()) == ["clean"]


def test_maps_before_and_after_are_those_of_the_lab(lab):
    lab.change(region=REGION)
    results = lab.results()
    for name, when in (("heatmaps_before", "clean"), ("heatmaps", "changed")):
        for found, answer in zip(results[name][1].maps, lab.answers[when], strict=True):
            np.testing.assert_array_equal(found.importance, answer.heatmap)
    layer = results["attention_ts-cnn10"][1].layers[0]
    np.testing.assert_allclose(layer.temporal, lab.answers["changed"][1].temporal, atol=0.01)


def test_code_makes_the_same_sound(lab):
    for settings in ({"region": None}, {"region": REGION, "kind": "hum"}, {"mode": "attenuate"}, {"mode": "erase"}):
        lab.change(**settings)
        names: dict[str, object] = {}
        exec(lab.code().partition("maps = []")[0], names)
        np.testing.assert_allclose(names["changed"], lab.samples["changed"], atol=1e-6)


def test_whole_code_makes_the_same_scores_and_heatmaps(lab, capsys):
    lab.change(region=REGION)
    lab.look(layer="block3", target="dog")
    names: dict[str, object] = {}
    exec(lab.code(), names)
    assert capsys.readouterr().out.count("'dog':") == 2
    maps = names["maps"]
    assert [(one.layer, one.class_name) for one in maps] == 2 * [("block3", "dog")]
    for one, answer in zip(maps, lab.answers["changed"], strict=True):
        assert one.importance.max() > 0
        assert np.corrcoef(one.importance.ravel(), answer.heatmap.ravel())[0, 1] > 0.97
