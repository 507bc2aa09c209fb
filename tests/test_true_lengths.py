"""A network that is trained without the padding of short clips is asked without it: answers are the scored ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from esclab.analysis.activation import measure_activation_share
from esclab.analysis.attention import attend_clip
from esclab.analysis.attribution import attribute_clip, explain_clip
from esclab.analysis.curves import trace_curves
from esclab.analysis.embedding import collect_embeddings
from esclab.analysis.prediction import predict_files
from esclab.analysis.robustness import NoiseCondition, predict_noisy
from esclab.analysis.sensitivity import measure_class_sensitivity
from esclab.analysis.trust import measure_trust
from esclab.cli import app
from esclab.clips import ClipDataset, load_dataset, read_clip
from esclab.clips.durations import measure_durations
from esclab.clips.pick import find_row
from esclab.features.frontend import FrontEnd
from esclab.models.recording import record_attention
from esclab.results import Region
from esclab.training.data import count_own_frames, group_by_frames, predict_features
from esclab.training.loop import train
from esclab.training.recipe import Recipe
from esclab.training.run import Run
from esclab.training.start import create_run
from esclab.widgets.attribution_controller import AttributionController
from esclab.widgets.clip_painter import ClipPainter
from esclab.widgets.live import LiveModel
from esclab.widgets.noise_controller import NoiseController
from esclab.widgets.source import ClipSource

RATE, DURATION_S = 16_000, 0.6
RECIPE = Recipe(
    "tiny-masknet",
    feature={"name": "fbank", "sample_rate": RATE, "bands": 20, "hop_s": 0.02},
    model={"width": 0.25},
    duration_s=DURATION_S,
    variable_length=True,
    epochs=3,
    batch_size=4,
    optimiser="adam",
    learning_rate=1e-3,
    schedule="constant",
)
SAME = 1e-5


@pytest.fixture(scope="module", autouse=True)
def single_precision() -> Iterator[None]:
    """Keep features as they are computed, so that answers of stored and of fresh ones can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FrontEnd, "precision", "float32")
        yield


@pytest.fixture(autouse=True)
def single_precision_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have live networks compute in single precision on every processor."""
    monkeypatch.setattr("esclab.widgets.live.choose_precision", lambda device: "32-true")


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> ClipDataset:
    """Return 12 sounds of 0.2 to 0.75 s in 2 classes."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("uneven")
    for number in range(12):
        path = root / ("hiss" if number % 2 else "hum") / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        time_s = np.arange(round((0.2 + 0.05 * number) * RATE)) / RATE
        hum = np.sin(2 * np.pi * (150 + 10 * number) * time_s)
        soundfile.write(path, 0.1 * (rng.standard_normal(len(time_s)) if number % 2 else hum), RATE)
    return load_dataset(f"folder:{root}")


@pytest.fixture(scope="module")
def run(uneven: ClipDataset, tmp_path_factory: pytest.TempPathFactory, esclab_home: str) -> Run:
    """Return a finished run of spectromasknet that hides the padding."""
    run = create_run("spectromasknet", uneven, RECIPE, folder=tmp_path_factory.mktemp("runs") / "run", device="cpu")
    for _ in train(run, dataset=uneven):
        pass
    return run


@pytest.fixture(scope="module")
def short(run: Run, uneven: ClipDataset) -> tuple[str, np.ndarray, int, np.ndarray]:
    """Return the shortest held-out clip: its name, padded samples, own frames, and the scores that were kept."""
    kept = run.read_predictions()
    rows = [find_row(uneven, clip) for clip in kept.clips]
    lengths_s = measure_durations(uneven, rows=rows)
    place = int(lengths_s.argmin())
    frames = run.count_own_frames(lengths_s[place])
    samples = read_clip(uneven, rows[place], sample_rate=RATE, duration_s=DURATION_S)
    assert frames is not None
    assert frames < run.build_feature().frames(len(samples))
    return str(kept.clips[place]), samples, frames, kept.probabilities[place]


def test_padding_would_change_the_answer(run, short):
    _, samples, _, kept = short
    padded = run.build_feature()(torch.from_numpy(samples)[None])
    assert np.abs(predict_features(run.load_model(), padded)[0] - kept).max() > 10 * SAME


def test_own_frames_of_one_clip_are_those_of_the_dataset(run, uneven):
    lengths = count_own_frames(run, uneven)
    whole = run.build_feature().frames(round(DURATION_S * RATE))
    one_by_one = [run.count_own_frames(length_s) or whole for length_s in measure_durations(uneven)]
    assert lengths.tolist() == one_by_one
    assert lengths.max() == whole
    assert count_own_frames(run, uneven, rows=[3, 0]).tolist() == [lengths[3], lengths[0]]


def test_only_networks_that_take_lengths_hide_padding_and_only_where_the_recipe_says_so(run, uneven):
    others = (
        replace(run.config, model="cnn10"),
        replace(run.config, model="cnn10+spsmt"),
        replace(run.config, recipe=replace(RECIPE, variable_length=False)),
    )
    assert run.hides_padding
    for config in others:
        other = Run(run.path, config)
        assert not other.hides_padding
        assert other.count_own_frames(0.2) is None
        assert count_own_frames(other, uneven) is None


def test_groups_hold_every_place_once_and_one_length_each():
    lengths = torch.tensor([5, 3, 5, 5, 3])
    assert [part.tolist() for part in group_by_frames(5, lengths, most=2)] == [[1, 4], [0, 2], [3]]
    assert [part.tolist() for part in group_by_frames(5, None, most=2)] == [[0, 1], [2, 3], [4]]


def test_robustness_without_noise_is_the_kept_answer(run, uneven):
    (found,) = predict_noisy([run], [NoiseCondition()], dataset=uneven)[NoiseCondition()]
    np.testing.assert_allclose(found.probabilities, run.read_predictions().probabilities, atol=SAME)


def test_embedding_gives_the_kept_answer(run, uneven):
    state = collect_embeddings(run, dataset=uneven)
    with torch.inference_mode():
        scores = run.load_model().classifier(torch.from_numpy(state.embeddings)).double().softmax(1)
    np.testing.assert_allclose(scores, run.read_predictions().probabilities, atol=SAME)


def test_layer_is_averaged_over_own_frames(run, uneven, short):
    clip, samples, frames, _ = short
    state = collect_embeddings(run, layer="global.stage4", dataset=uneven)
    model, found = run.load_model(), []
    model.get_submodule("global.stage4").register_forward_hook(lambda *call: found.append(call[2].mean((2, 3))[0]))
    with torch.inference_mode():
        model(run.build_feature()(torch.from_numpy(samples)[None])[:, :, :frames])
    place = state.predictions.clips.tolist().index(clip)
    np.testing.assert_allclose(state.embeddings[place], found[0], atol=SAME)


def test_short_file_gets_the_kept_answer(run, uneven, short):
    clip, _, _, kept = short
    table = predict_files(run, [uneven.table["path"][find_row(uneven, clip)]])
    np.testing.assert_allclose(table[list(run.config.class_names)].to_numpy(), [kept], atol=SAME)


def test_last_window_ends_with_the_file(run, tmp_path: Path):
    samples = 0.1 * np.random.default_rng(1).standard_normal(round(0.85 * RATE)).astype(np.float32)
    for name, part in (("whole", samples), ("first", samples[:9600]), ("rest", samples[9600:])):
        soundfile.write(tmp_path / f"{name}.wav", part, RATE, subtype="FLOAT")
    scores = list(run.config.class_names)
    whole, *parts = (
        predict_files(run, [tmp_path / f"{name}.wav"], hop_s=DURATION_S)[scores].to_numpy()
        for name in ("whole", "first", "rest")
    )
    np.testing.assert_allclose(whole, np.concatenate(parts), atol=SAME)


def test_sensitivity_without_noise_is_the_kept_answer(run, uneven):
    kept, name = run.read_predictions(), run.config.class_names[0]
    result = measure_class_sensitivity(run, name, dataset=uneven, slots=2, ranges=1)
    assert result.clean_score == pytest.approx(kept.probabilities[kept.true == 0, 0].mean(), abs=SAME)
    assert result.spectrogram.values.shape[0] == run.build_feature().frames(round(DURATION_S * RATE))


def test_trust_starts_from_the_kept_answers(run, uneven):
    result = measure_trust([run], methods=["gradcam", "spectrogram"], clips_per_class=9, steps=2, dataset=uneven)
    curves, kept = result.curves.table, run.read_predictions()
    start = curves[(curves["curve"] == "deletion") & (curves["share"] == 0)]
    true = kept.probabilities[np.arange(len(kept.true)), kept.true]
    np.testing.assert_allclose(start["mean"], [true.mean()] * 2, atol=SAME)


def test_activation_share_leaves_padding_out(run, uneven, short):
    clip, _, frames, _ = short
    end_s = run.build_feature().time_s(frames)[-1]
    result = measure_activation_share(
        [run], [Region(0.0, end_s + 1e-6), Region(end_s + 1e-6, DURATION_S)], layer="local.stage1", dataset=uneven
    )
    shares = result.by_clip.set_index("clip").loc[clip, "clean"]
    np.testing.assert_allclose(shares, [1.0, 0.0])


def test_attention_is_that_of_the_clip_alone(run, short):
    _, samples, frames, _ = short
    model, feature = run.load_model(), run.build_feature()
    result = attend_clip(model, feature, samples, frames=frames)
    with torch.inference_mode(), record_attention(model) as alone:
        model(feature(torch.from_numpy(samples)[None])[:, :, :frames])
    assert len(result.spectrogram.time_s) == len(result.spectrogram.values) == frames
    for layer in result.layers:
        assert layer.time_s[-1] <= result.spectrogram.time_s[-1]
        if layer.temporal is not None:
            np.testing.assert_allclose(layer.temporal, alone[layer.name].temporal[0], atol=SAME)


@pytest.mark.parametrize("method", ["gradcam", "saliency", "occlusion", "attention", "random"])
def test_attribution_explains_the_kept_answer_and_is_zero_behind_the_clip(run, short, method):
    _, samples, frames, kept = short
    found = attribute_clip(
        run.load_model(), run.build_feature(), samples, method=method, class_names=run.config.class_names, frames=frames
    )
    assert found.probability == pytest.approx(kept.max(), abs=SAME)
    assert found.values.shape[0] > frames
    assert found.values[:frames].any()
    assert not found.values[frames:].any()


def test_explanation_and_its_curves_begin_at_the_kept_answer(run, short):
    _, samples, frames, kept = short
    model, names = run.load_model(), run.config.class_names
    result = explain_clip(
        model, run.build_feature(), samples, class_names=names, methods=("gradcam", "saliency"), frames=frames
    )
    assert all(found.values.shape == result.spectrogram.values.shape for found in result.maps)
    curves = trace_curves(
        [model] * 2, result.spectrogram, result.maps, class_names=[names] * 2, frames=[frames] * 2
    ).table
    whole = curves[(curves["curve"] == "deletion") & (curves["share"] == 0)]["mean"]
    np.testing.assert_allclose(whole, [kept.max()] * 2, atol=SAME)


def test_live_answer_is_the_kept_one(run, short):
    _, samples, frames, kept = short
    live = LiveModel(run)
    values = live.feature(torch.from_numpy(samples)[None])[0, 0].numpy()
    answer = live.answer(values, frames=frames)
    np.testing.assert_allclose(answer.probabilities, kept, atol=SAME)
    assert answer.heatmap.shape == values.shape
    np.testing.assert_allclose(live.answer(values[:frames]).probabilities, kept, atol=SAME)
    assert np.abs(live.answer(values).probabilities - kept).max() > 10 * SAME


def test_heatmap_ends_with_the_clip(run, short):
    _, samples, frames, _ = short
    live = LiveModel(run)
    values = live.feature(torch.from_numpy(samples)[None])[0, 0].numpy()
    for layer in live.network.cam_layers:
        answer = live.answer(values, frames=frames, layer=layer)
        assert not answer.heatmap[frames + 16 :].any(), layer


def test_noise_lab_begins_with_the_kept_answer(run, uneven, short):
    clip, _, frames, kept = short
    lab = NoiseController([run], uneven)
    lab.choose_clip(clip)
    np.testing.assert_allclose(lab.answers["clean"][0].probabilities, kept, atol=SAME)
    end_s = float(lab.pictures["clean"].time_s[frames]) + 0.05
    lab.change(region=Region(end_s, 0.6, 0, 8000), snr_db=0.0)  # noise where the network hears nothing
    np.testing.assert_allclose(lab.answers["changed"][0].probabilities, kept, atol=SAME)
    made: dict = {}
    exec(lab.code(), made)
    assert made["scores"].max() == pytest.approx(kept.max(), abs=10 * SAME)
    assert made["maps"][0].values.shape == lab.pictures["clean"].values.shape


def test_clip_painter_asks_for_the_kept_answer(run, uneven, short):
    clip, _, _, kept = short
    picture, probabilities = ClipPainter(uneven).ask(run, clip)
    np.testing.assert_allclose(probabilities, kept, atol=SAME)
    assert picture.probability == pytest.approx(kept.max(), abs=SAME)
    assert picture.heatmap.shape == picture.spectrogram.values.shape


def test_attribution_explorer_and_its_code_explain_the_kept_answer(run, uneven, short, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("esclab.figures.export", lambda *arguments, **options: [])
    clip, _, frames, kept = short
    state = AttributionController([run], uneven)
    state.choose(clip=clip)
    state.wait()
    np.testing.assert_allclose(state.look.probabilities, kept, atol=SAME)
    assert state.map.probability == pytest.approx(kept.max(), abs=SAME)
    assert not state.map.values[frames:].any()
    state.measure_curves()
    state.wait()
    made: dict = {}
    exec(state.code(), made)
    np.testing.assert_allclose(made["maps"][0].values, state.map.values, atol=SAME)
    np.testing.assert_allclose(made["faithfulness"].table["mean"], state.curves.table["mean"], atol=SAME)
    curves = state.curves.table
    whole = curves[(curves["curve"] == "deletion") & (curves["share"] == 0)]["mean"]
    np.testing.assert_allclose(whole, [kept.max()] * len(whole), atol=SAME)


def test_own_sound_is_counted_as_a_clip_of_its_length(run, uneven, short):
    clip, _, frames, _ = short
    source = ClipSource(uneven)
    path = Path(uneven.table["path"][find_row(uneven, clip)])
    name = source.add_own("a short sound.wav", path.read_bytes())
    try:
        assert source.count_frames(name, run) == source.count_frames(clip, run) == frames
    finally:
        source.delete_own(name)


def test_commands_ask_about_the_clip_without_its_padding(run, short, tmp_path):
    clip, _, frames, kept = short

    def call(*words: object) -> str:
        result = CliRunner().invoke(app, [*map(str, words), "--out", str(tmp_path)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    found = json.loads(call("explain", run.path, clip, "--json"))
    assert found["probability"] == pytest.approx(kept.max(), abs=SAME)
    call("attend", run.path, clip)
    heard = pd.read_csv(tmp_path / "attention.csv")["time_s"]
    assert heard.max() <= run.build_feature().time_s(frames)[-1]
    true = run.config.class_names.index(clip.split("/")[0])
    told = call("sensitivity", run.path, "--clip", clip, "--slots", 2, "--ranges", 1)
    assert f"score {kept[true]:.2f} without noise" in told
