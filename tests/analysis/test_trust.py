from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from esclab.analysis import trust
from esclab.analysis.attribution import attribute
from esclab.analysis.faithfulness import predict_targets
from esclab.analysis.localisation import energy_inside, event_mask
from esclab.analysis.randomisation import randomisation_similarity
from esclab.analysis.tables import format_table
from esclab.analysis.trust import measure_trust, sample_clips, trust_table
from esclab.analysis.trust_scores import MEASURES
from esclab.clips import ClipDataset, load_dataset
from esclab.errors import OptionError, RunError
from esclab.features.store import load_features
from esclab.results import TrustResult

METHODS = ("gradcam", "attention", "spectrogram", "random")
LOCALISED = {"pointing", "energy_inside", "average_precision"}
ALL = LOCALISED | {"deletion", "insertion", "average_drop", "increase", "randomisation"}


@pytest.fixture(scope="module")
def clips(esclab_home) -> ClipDataset:
    return load_dataset("synth10:50")


@pytest.fixture(scope="module")
def measured(tiny_runs) -> tuple[TrustResult, list[tuple[int, int]]]:
    """Return what two models on folds 1 and 2 give for one clip a class, and the progress that was told."""
    told: list[tuple[int, int]] = []
    result = measure_trust(
        tiny_runs,
        methods=METHODS,
        clips_per_class=1,
        steps=4,
        progress=lambda done, count: told.append((done, count)),
    )
    return result, told


def test_table_has_every_measure_of_every_method_that_a_model_has(measured):
    result, _ = measured
    found = {key: set(rows["measure"]) for key, rows in result.table.groupby(["model", "method"])}
    wanted = {("cnn10", method) for method in METHODS if method != "attention"}
    assert set(found) == wanted | {("ts-cnn10", method) for method in METHODS}
    # Of clips cut to 1 s many have their events later, and so no localisation.
    assert all(ALL - LOCALISED <= measures <= ALL for measures in found.values())
    assert result.measures["measure"].tolist() == [name for name, _, _ in MEASURES]
    assert dict(zip(result.measures["measure"], result.measures["better"], strict=True))["deletion"] == "lower"
    assert "synth10:50, folds 1, 2; 10 clips" in result.label


def test_values_are_shares_inside_their_intervals(measured):
    table = measured[0].table
    correlations = table["measure"] == "randomisation"
    assert table["mean"][~correlations].between(0, 1).all()
    assert table["mean"][correlations].between(-1, 1 + 1e-9).all()
    known = table.dropna(subset=["low", "high"])
    assert len(known) > 0
    assert (known["low"] <= known["mean"] + 1e-9).all()
    assert (known["mean"] <= known["high"] + 1e-9).all()
    assert (table.loc[table["measure"] == "deletion", "clips"] == 10).all()


def test_map_that_does_not_look_at_the_network_is_told_by_randomisation(measured):
    table = measured[0].table.set_index(["method", "measure"])
    for method in ("spectrogram", "random"):
        np.testing.assert_allclose(table.loc[(method, "randomisation"), "mean"], 1)


def test_curves_begin_and_end_alike_for_every_method(measured):
    curves = measured[0].curves.table
    assert sorted(curves["share"].unique()) == [0, 0.25, 0.5, 0.75, 1]
    for _, rows in curves.groupby("model"):
        for curve, share in (("deletion", 0), ("insertion", 1)):
            ends = rows[(rows["curve"] == curve) & (rows["share"] == share)]["mean"]
            assert len(ends) >= 3
            assert (ends == ends.iloc[0]).all()
        whole = rows[(rows["curve"] == "deletion") & (rows["share"] == 0)]["mean"].iloc[0]
        assert whole == rows[(rows["curve"] == "insertion") & (rows["share"] == 1)]["mean"].iloc[0]


def test_progress_counts_every_map(measured):
    told = measured[1]
    assert told[-1] == (70, 70)  # 10 clips by 3 methods of cnn10 and 4 of ts-cnn10
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_every_model_explains_the_same_clips_each_with_the_run_that_did_not_train_on_it(tiny_runs, monkeypatch):
    seen: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    score_run = trust._score_run

    def watch(run, dataset, rows, **options):
        seen.setdefault(run.config.model, []).append((run.config.fold, tuple(rows)))
        assert (dataset.table["fold"].iloc[rows] == run.config.fold).all()
        return score_run(run, dataset, rows, **options)

    monkeypatch.setattr(trust, "_score_run", watch)
    measure_trust(tiny_runs, methods=["random"], clips_per_class=1, steps=1)
    assert seen["cnn10"] == seen["ts-cnn10"]
    assert [fold for fold, _ in seen["cnn10"]] == [1, 2]
    assert sum(len(rows) for _, rows in seen["cnn10"]) == 10


def test_measures_are_those_of_the_map_of_the_true_class(tiny_runs, clips):
    run = tiny_runs[0]
    result = measure_trust([run], methods=["saliency"], clips_per_class=1, steps=1)
    rows = sample_clips(clips, [run.config.fold], clips_per_class=1)
    stored = load_features(clips, run.build_feature(), duration_s=run.config.duration_s)
    features, true = torch.from_numpy(stored[rows].astype("float32")), clips.table["class_index"].to_numpy()[rows]
    model = run.load_model()
    table = result.table.set_index("measure")
    curve = result.curves.table.set_index(["curve", "share"])["mean"]
    assert curve["deletion", 0] == pytest.approx(predict_targets(model, features, true).mean(), rel=1e-5)
    likeness = randomisation_similarity(model, features, "saliency", targets=true)
    assert table.loc["randomisation", "mean"] == pytest.approx(likeness.mean(), rel=1e-4)
    maps = attribute(model, features, method="saliency", target=true.tolist())
    axes = run.build_feature().time_s(maps.shape[1]), run.build_feature().frequency_hz
    names = clips.table["clip"].iloc[rows]
    masks = [event_mask(clips.events[clips.events["clip"] == name], *axes) for name in names]
    scores = [energy_inside(*pair) for pair in zip(maps, masks, strict=True)]
    assert table.loc["energy_inside", "clips"] == np.isfinite(scores).sum() > 0
    assert table.loc["energy_inside", "mean"] == pytest.approx(np.nanmean(scores), rel=1e-4)


def test_predicted_class_can_be_explained_in_place_of_the_true_one(tiny_runs):
    options = {"methods": ["random"], "clips_per_class": 1, "steps": 1}
    starts = {}
    for target in ("true", "predicted"):
        result = measure_trust(tiny_runs[:1], target=target, **options)
        starts[target] = result.curves.table["mean"].iloc[0]
        assert f"the {target} class explained" in result.label
    assert starts["predicted"] > starts["true"]


def test_localisation_is_left_out_where_no_events_are_known(tiny_runs, clips):
    blind = replace(clips, events=None)
    result = measure_trust(tiny_runs[:1], methods=["random"], clips_per_class=1, steps=1, dataset=blind)
    assert set(result.measures["measure"]) == set(result.table["measure"]) == ALL - LOCALISED


def test_sample_is_stratified_by_class_and_even_over_folds(clips):
    rows = sample_clips(clips, [1, 2, 3, 4], clips_per_class=3)
    table = clips.table.iloc[rows]
    assert (table["class_index"].value_counts() == 3).all()
    assert table["class_index"].nunique() == 10
    assert table.groupby("class_index")["fold"].nunique().eq(3).all()
    assert rows.tolist() == sorted(set(rows))
    assert 5 not in set(table["fold"])


def test_sample_of_a_seed_is_drawn_once_and_grows(clips):
    first = sample_clips(clips, [1, 2, 3], clips_per_class=1, seed=1)
    np.testing.assert_array_equal(first, sample_clips(clips, [1, 2, 3], clips_per_class=1, seed=1))
    assert set(first) < set(sample_clips(clips, [1, 2, 3], clips_per_class=2, seed=1))
    assert set(first) != set(sample_clips(clips, [1, 2, 3], clips_per_class=1, seed=2))


@pytest.mark.parametrize(("classes", "each"), [(2, 50), (10, 10), (50, 10)])
def test_sample_has_100_clips_by_default(classes, each):
    rows = 60 * classes
    table = pd.DataFrame({"class_index": np.arange(rows) % classes, "fold": 1})
    dataset = ClipDataset("many", table, tuple(map(str, range(classes))), 1.0, 8000, "one fold")
    counts = table["class_index"].iloc[sample_clips(dataset, [1])].value_counts()
    assert (counts == each).all()


def test_trust_table_has_a_row_a_method_and_a_column_a_measure(measured):
    result, _ = measured
    table = trust_table(result, "ts-cnn10")
    assert table["Method"].tolist() == ["Grad-CAM", "Attention", "Spectrogram", "Random"]
    marks = {"higher": "↑", "lower": "↓", "zero": "⊙"}
    assert list(table.columns[1:]) == [f"{row.title} {marks[row.better]}" for row in result.measures.itertuples()]
    assert table[table.columns[-1]].tolist()[2:] == ["1.00 (1.00 to 1.00)"] * 2
    assert format_table(table, "markdown").count("\n") == 6
    with pytest.raises(OptionError, match="cnn10, ts-cnn10"):
        trust_table(result, "cnn11")


def test_trust_table_writes_what_is_unknown_as_a_dash():
    rows = [("m", "gradcam", "deletion", 0.25, np.nan, np.nan, 1), ("m", "random", "insertion", 0.5, 0.4, 0.625, 9)]
    table = pd.DataFrame(rows, columns=["model", "method", "measure", "mean", "low", "high", "clips"])
    measures = pd.DataFrame(
        [("deletion", "D", "lower"), ("insertion", "I", "higher")], columns=["measure", "title", "better"]
    )
    found = trust_table(TrustResult(table, measures, curves=None), "m")
    assert found.to_numpy().tolist() == [["Grad-CAM", "0.25", "–"], ["Random", "–", "0.50 (0.40 to 0.62)"]]


def test_runs_that_do_not_belong_together_are_refused(tiny_runs, tmp_path):
    by_model = {model: [run for run in tiny_runs if run.config.model == model] for model in ("cnn10", "ts-cnn10")}
    with pytest.raises(OptionError, match="there are none"):
        measure_trust([])
    with pytest.raises(OptionError, match="as another run"):
        measure_trust([by_model["cnn10"][0]] * 2)
    with pytest.raises(OptionError, match="different folds"):
        measure_trust([*by_model["cnn10"], by_model["ts-cnn10"][0]])
    other = replace(by_model["cnn10"][1], config=replace(by_model["cnn10"][1].config, dataset="esc10"))
    with pytest.raises(OptionError, match="was trained on esc10"):
        measure_trust([by_model["cnn10"][0], other])
    with pytest.raises(RunError, match="is missing"):
        measure_trust([replace(by_model["cnn10"][0], path=tmp_path)])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"methods": ["gradcan"]}, "did you mean gradcam"),
        ({"methods": ["attention"]}, "cannot be explained so"),
        ({"methods": ["gradcam"], "layer": "block9"}, "block1"),
        ({"target": "other"}, "choose true or predicted"),
        ({"clips_per_class": 0, "methods": ["random"]}, "less than 1"),
        ({"steps": 0, "methods": ["random"], "clips_per_class": 1}, "out of range"),
    ],
)
def test_unknown_option_is_refused(tiny_runs, options, said):
    with pytest.raises(OptionError, match=said):
        measure_trust([tiny_runs[0]], **options)


def test_other_classes_than_the_runs_are_refused(tiny_runs, clips):
    other = replace(clips, class_names=tuple("abcdefghij"))
    with pytest.raises(OptionError, match="other classes"):
        measure_trust(tiny_runs[:1], methods=["random"], dataset=other)


@pytest.fixture
def explained(monkeypatch) -> list[str]:
    """Return the methods that were asked for maps, as they are asked."""
    from esclab.analysis import attribution

    asked: list[str] = []

    def attribute_and_note(model, features, **options):
        asked.append(options["method"])
        return attribute(model, features, **options)

    monkeypatch.setattr(attribution, "attribute", attribute_and_note)
    return asked


def test_stopped_measurement_goes_on_and_gives_the_same(tiny_runs, tmp_path, explained):
    runs = [run for run in tiny_runs if run.config.model == "cnn10"][:1]
    options = {"methods": ("gradcam", "saliency", "random"), "clips_per_class": 1, "steps": 3}
    whole = measure_trust(runs, **options)
    explained.clear()

    def stop_in_the_middle(done, count):
        if done > count // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_trust(runs, **options, store=tmp_path, progress=stop_in_the_middle)
    assert explained == ["gradcam"] * 2 + ["saliency"] * 2  # of the network, and of one with random weights
    result = measure_trust(runs, **options, store=tmp_path)
    assert explained[4:] == ["random"] * 2
    pd.testing.assert_frame_equal(result.table, whole.table)
    pd.testing.assert_frame_equal(result.curves.table, whole.curves.table)


def test_other_settings_are_measured_anew_and_a_damaged_file_too(tiny_runs, tmp_path, explained):
    runs = [run for run in tiny_runs if run.config.model == "cnn10"][:1]
    options = {"methods": ("saliency",), "clips_per_class": 1, "store": tmp_path}
    measure_trust(runs, steps=3, **options)
    measure_trust(runs, steps=3, **options)
    assert len(explained) == 2
    measure_trust(runs, steps=4, **options)
    measure_trust(runs, steps=3, target="predicted", **options)
    assert len(explained) == 6
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    measure_trust(runs, steps=3, **options)
    assert len(explained) == 8
