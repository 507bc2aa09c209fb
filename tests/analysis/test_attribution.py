"""What holds for every method: shape, state, batches, errors, one clip."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from esclab.analysis.attribution import METHODS, attribute, attribute_clip, explain_clip, method_options, methods_for
from esclab.analysis.attribution.clip import find_class
from esclab.errors import OptionError
from esclab.features import build_feature
from esclab.models import build_model
from esclab.models.base import SoundClassifier

FRAMES, BANDS, CLASSES = 32, 16, 3
QUICK = {"integrated-gradients": {"steps": 12}, "gradientshap": {"samples": 10}, "scorecam": {"channels": 12}}


def make_model(name: str) -> SoundClassifier:
    torch.manual_seed(0)
    model = build_model(name, classes=CLASSES, bands=BANDS, width=0.25).eval()
    model.standardise_by(torch.linspace(-50, -30, BANDS), torch.linspace(10, 14, BANDS))
    return model


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(3, 1, FRAMES, BANDS, generator=torch.Generator().manual_seed(1)) * 12 - 40


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["cnn10", "ts-cnn10", "t-cnn10"])
def test_every_method_maps_every_model(name, method, features):
    model = make_model(name)
    if method not in methods_for(model):
        with pytest.raises(OptionError, match="no layer with attention"):
            attribute(model, features, method=method)
        return
    entry = METHODS[method]
    layer = "block2" if entry.needs_layer else None
    maps = attribute(model, features[:2], method=method, layer=layer, **QUICK.get(method, {}))
    assert maps.shape == (2, FRAMES, BANDS)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert (np.ptp(maps, axis=(1, 2)) > 0).all()
    assert entry.signed or maps.min() >= 0


@pytest.mark.parametrize("method", METHODS)
def test_batch_of_clips_equals_batches_of_one(method, features):
    model = make_model("ts-cnn10")
    together = attribute(model, features, method=method, target=1, **QUICK.get(method, {}))
    alone = [attribute(model, clip[None], method=method, target=1, **QUICK.get(method, {}))[0] for clip in features]
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-5 * np.abs(together).max())


def describe_state(model: SoundClassifier) -> list[object]:
    return [
        *((name, p.requires_grad, p.grad is None, p.sum().item()) for name, p in model.named_parameters()),
        *((name, buffer.sum().item()) for name, buffer in model.named_buffers()),
        *(
            (name, m.training, getattr(m, "inplace", None), sorted(vars(m)), len(m._forward_hooks))
            for name, m in model.named_modules()
        ),
        *((len(m._forward_pre_hooks), len(m._backward_hooks), len(m._backward_pre_hooks)) for m in model.modules()),
        torch.get_rng_state().sum().item(),
        float(np.random.get_state()[1].sum()),  # noqa: NPY002
    ]


@pytest.mark.parametrize("method", METHODS)
def test_network_and_generators_are_left_as_they_were(method, features):
    model = make_model("ts-cnn10").train()
    model.block2.eval()
    model.fc1.weight.requires_grad_(False)
    before, clips = describe_state(model), features.clone()
    attribute(model, features, method=method, **QUICK.get(method, {}))
    assert describe_state(model) == before
    assert torch.equal(features, clips)
    assert not features.requires_grad


def test_network_is_left_as_it_was_after_an_error(features):
    model = make_model("cnn10").train()
    before = describe_state(model)

    def stop(done: int, count: int) -> None:
        raise KeyboardInterrupt

    for method in ("integrated-gradients", "scorecam"):
        with pytest.raises(KeyboardInterrupt):
            attribute(model, features, method=method, progress=stop)
    model.fc1.register_forward_hook(lambda *_: 1 / 0)
    before = describe_state(model)
    for method in ("deeplift", "gradcam", "gradcam++"):
        with pytest.raises(ZeroDivisionError):
            attribute(model, features, method=method, target=0)
        assert describe_state(model) == before


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gradients_are_there_where_others_are_off(context, features):
    model = make_model("cnn10")
    expected = attribute(model, features, method="saliency", target=0)
    with context():
        inside = features * 1
        maps = [attribute(model, clips, method="saliency", target=0) for clips in (features, inside)]
    np.testing.assert_array_equal(maps[0], expected)
    np.testing.assert_array_equal(maps[1], expected)


def test_seed_decides_random_draws(features):
    model = make_model("cnn10")
    first, again, other = (
        attribute(model, features[:1], method="gradientshap", samples=4, target=0, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "attention"])
def test_progress_rises_to_its_count(method, features):
    seen: list[tuple[int, int]] = []
    attribute(
        make_model("cnn10"),
        features[:2],
        method=method,
        target=0,
        progress=lambda done, count: seen.append((done, count)),
        **QUICK.get(method, {}),
    )
    done = [number for number, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1] == max(count for _, count in seen)
    assert (len(seen) > 2) == METHODS[method].slow


def test_no_clips_give_no_maps():
    assert attribute(make_model("cnn10"), torch.zeros(0, 1, FRAMES, BANDS), method="gradcam", target=0).shape[0] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "grad-cam"}, "did you mean gradcam"),
        ({"method": "zzz"}, "choose one of gradcam"),
        ({"method": "gradcam", "layer": "block9"}, "block1 or block2 or block3 or block4"),
        ({"method": "saliency", "layer": "block1"}, "looks at the input alone"),
        ({"method": "attention"}, "no layer with attention"),
        ({"method": "gradcam", "target": 3}, "target 3: is not one of the network's 3 classes"),
        ({"method": "gradcam", "target": [0, 1, -1]}, "target -1"),
        ({"method": "gradcam", "target": [0, 1]}, "one for each of 3 clips"),
        ({"method": "gradcam", "target": 0.5}, "is not a class index"),
        ({"method": "gradcam", "steps": 3}, "has no option steps; leave it out"),
        ({"method": "integrated-gradients", "step": 3}, "choose among steps"),
        ({"method": "occlusion", "window": (2, 2), "stride": (3, 1)}, "leave cells out"),
        ({"method": "occlusion", "window": (0, 2)}, "give sizes of 1 and more"),
        ({"method": "random", "smooth": -1}, "below 0"),
        ({"method": "gradcam", "baseline": "zero"}, "choose mean or silence"),
    ],
)
def test_wrong_setting_is_an_option_error_with_a_way_out(settings, message, features):
    with pytest.raises(OptionError, match=message):
        attribute(make_model("cnn10"), features, **settings)


def test_attention_of_a_layer_without_gates_names_those_with_them(features):
    with pytest.raises(OptionError, match="choose block3"):
        attribute(make_model("ts-cnn10-3"), features, method="attention", layer="block1")


def test_features_of_another_shape_are_an_option_error(features):
    for wrong in (features[0], features[..., :9], features.expand(3, 2, FRAMES, BANDS)):
        with pytest.raises(OptionError, match="16 bands"):
            attribute(make_model("cnn10"), wrong, method="gradcam")


def test_method_options_names_them_with_their_defaults():
    assert method_options("integrated-gradients") == {"steps": 50}
    assert method_options("gradcam") == {}


@pytest.fixture
def clip() -> tuple[SoundClassifier, object, np.ndarray]:
    feature = build_feature("logmel", sample_rate=8000, bands=BANDS)
    return make_model("cnn10"), feature, np.random.default_rng(0).normal(0, 0.1, 31 * 160).astype(np.float32)


def test_attribute_clip_names_class_layer_and_probability(clip):
    model, feature, samples = clip
    features = feature(torch.from_numpy(samples)[None])
    with torch.no_grad():
        probabilities = model(features).softmax(1)[0]
    predicted = int(probabilities.argmax())
    result = attribute_clip(model, feature, samples, method="gradcam", class_names="abc", name="cnn10, fold 1")
    assert (result.class_name, result.layer, result.model) == ("abc"[predicted], "block4", "cnn10, fold 1")
    assert result.probability == pytest.approx(float(probabilities[predicted]), rel=1e-5)
    for target in ("c", 2):
        result = attribute_clip(
            model, feature, samples, method="integrated-gradients", class_names="abc", target=target, steps=4
        )
        assert (result.class_name, result.method, result.layer) == ("c", "integrated-gradients", "")
        np.testing.assert_allclose(
            result.values, attribute(model, features, method="integrated-gradients", target=2, steps=4)[0], rtol=1e-5
        )


def test_explain_clip_gives_cams_by_layer_and_others_once(clip):
    events, seen = pd.DataFrame({"onset_s": [0.1]}), []
    result = explain_clip(
        *clip,
        class_names="abc",
        methods=("layercam", "integrated-gradients", "gradcam"),
        layers=("block1", "block3"),
        target="b",
        label="owl",
        events=events,
        options={"integrated-gradients": {"steps": 2}},
        progress=lambda done, count: seen.append((done, count)),
    )
    assert [(m.method, m.layer) for m in result.maps] == [
        ("layercam", "block1"),
        ("layercam", "block3"),
        ("integrated-gradients", ""),
        ("gradcam", "block1"),
        ("gradcam", "block3"),
    ]
    assert {m.class_name for m in result.maps} == {"b"}
    assert {m.values.shape for m in result.maps} == {result.spectrogram.values.shape} == {(FRAMES, BANDS)}
    assert result.spectrogram.label == "owl"
    assert result.events is events
    assert seen == [(n, 5) for n in range(1, 6)]


def test_explain_clip_checks_names_before_it_works(clip):
    seen = []
    with pytest.raises(OptionError, match="gradcamm"):
        explain_clip(*clip, class_names="abc", methods=("saliency", "gradcamm"), progress=lambda *n: seen.append(n))
    with pytest.raises(OptionError, match="block7"):
        explain_clip(*clip, class_names="abc", layers=("block1", "block7"), progress=lambda *n: seen.append(n))
    with pytest.raises(OptionError, match="3 classes"):
        explain_clip(*clip, class_names="ab")
    assert seen == []


def test_find_class_knows_names_and_indices():
    assert [find_class(target, ("owl", "dog"), 1) for target in (None, "owl", 1, np.int64(0))] == [1, 0, 1, 0]
    for target in ("cat", 2, -1):
        with pytest.raises(OptionError, match="choose one of owl, dog"):
            find_class(target, ("owl", "dog"), 0)


def test_maximum_of_a_random_map_is_as_likely_at_the_border_as_elsewhere():
    clips = torch.randn(400, 1, FRAMES, BANDS, generator=torch.Generator().manual_seed(2))
    maps = attribute(make_model("cnn10"), clips, method="random", target=0)
    rows, bands = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    border = (rows == 0) | (rows == maps.shape[1] - 1) | (bands == 0) | (bands == maps.shape[2] - 1)
    share = 1 - (maps.shape[1] - 2) * (maps.shape[2] - 2) / maps[0].size
    assert abs(border.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(maps))
