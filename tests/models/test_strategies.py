"""What every strategy keeps to, and what each one computes, worked out by hand on networks small enough."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from esclab.analysis.attribution import attribute
from esclab.analysis.size import measure_size
from esclab.errors import OptionError
from esclab.models import MODELS, build_model, find_model, model_options
from esclab.models.base import SoundClassifier
from esclab.models.recording import record_attention
from esclab.models.strategies import EXAMPLES, STRATEGIES
from esclab.models.strategies.base import average_scores
from esclab.models.strategies.early import EarlyFusion
from esclab.models.strategies.late import LateFusion
from esclab.models.strategies.middle import MiddleFusion
from esclab.models.strategies.spsmf import BandVotes, cut_bands
from esclab.models.strategies.spsmt import FrameVotes

CLASSES = 7
# Bands and settings of each; 160 bands are four representations of 40.
CASES = {
    "cnn10+spsmt": (40, {}),
    "cnn10+spsmf": (40, {"spsmf.variant": "code"}),
    "spsm-1a+spsmt": (40, {"variant": "code"}),
    "spsm-1a+spsmf": (40, {"loss": "vote"}),
    "spsm-1b+early": (160, {}),
    "ts-cnn10+early+spsmt": (160, {}),
    "spsm-1a+middle": (160, {}),
    "ts-cnn10+middle+spsmt": (160, {"loss": "vote"}),
    "ts-cnn10+late": (160, {}),
    "spsm-1a+late+spsmt": (160, {}),
    "ts-cnn10+spsmt+spsmf": (40, {}),
    "spsm-1b+spsmt+spsmf+early": (80, {"early.parts": 2, "whole": False}),
}


def make_model(name: str, *, seed: int = 0) -> SoundClassifier:
    """Build a small network that has seen one batch, so that its logits tell inputs apart, in evaluation mode."""
    torch.manual_seed(seed)
    bands, settings = CASES[name]
    model = build_model(name, classes=CLASSES, bands=bands, width=0.25, **settings)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(4, 1, 64, bands))
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()


make_once = cache(make_model)


def make_features(bands: int, frames: int = 96) -> Tensor:
    return torch.randn(2, 1, frames, bands, generator=torch.Generator().manual_seed(5))


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> SoundClassifier:
    return copy.deepcopy(make_once(name))


@pytest.fixture
def features(name: str) -> Tensor:
    return make_features(CASES[name][0])


@torch.no_grad()
def logits_of(model: SoundClassifier, features: Tensor) -> Tensor:
    return model(features)


def test_strategy_maps_a_batch_to_finite_logits(model, features):
    logits = logits_of(model, features)
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()
    assert not torch.allclose(logits[0], logits[1])


def test_strategy_answers_do_not_depend_on_the_batch_and_leave_the_input(model, features):
    before = features.clone()
    torch.testing.assert_close(logits_of(model, features)[:1], logits_of(model, features[:1]), atol=1e-5, rtol=1e-5)
    assert torch.equal(features, before)


def test_strategy_embeds_what_it_answers_with(model, features):
    with torch.no_grad():
        logits, embedding = model.answer(features)
        torch.testing.assert_close(model.embed(features), embedding)
    torch.testing.assert_close(logits, logits_of(model, features))
    assert embedding.ndim == 2
    assert model.classifier.out_features == CLASSES


def test_strategy_gradient_reaches_every_parameter(model, features):
    model.train()
    torch.manual_seed(1)
    targets = torch.eye(CLASSES)[[0, 3]]
    loss, logits = model.compute_loss(features, targets, label_smoothing=0.1)
    loss.backward()
    assert logits.shape == (2, CLASSES)
    gradients = {key: parameter.grad for key, parameter in model.named_parameters()}
    assert [key for key, gradient in gradients.items() if gradient is None or not gradient.any()] == []


def test_strategy_saved_and_loaded_gives_identical_logits(name, model, features, tmp_path):
    bands = features.shape[3]
    model.standardise_by(torch.linspace(-1, 1, bands), torch.linspace(0.5, 2, bands))
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other = make_model(name, seed=99)
    assert not torch.equal(logits_of(other, features), logits_of(model, features))
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"), strict=True)
    assert torch.equal(logits_of(other, features), logits_of(model, features))


def test_strategy_standardises_each_band_once(model, features):
    bands = features.shape[3]
    mean, std = torch.linspace(-30, -10, bands), torch.linspace(2, 9, bands)
    expected = logits_of(model, features)
    model.standardise_by(mean, std)
    torch.testing.assert_close(logits_of(model, features * std + mean), expected, atol=1e-4, rtol=1e-4)


def test_strategy_names_layers_that_are_maps_on_bands_that_exist(model, features):
    shapes = {}
    hooks = [
        model.get_submodule(layer).register_forward_hook(lambda _, __, out, n=layer: shapes.update({n: out.shape}))
        for layer in model.cam_layers
    ]
    logits_of(model, features)
    for hook in hooks:
        hook.remove()
    assert set(shapes) == set(model.cam_layers)
    for layer, shape in shapes.items():
        assert len(shape) == 4
        ranges = model.layer_bands(layer)
        assert all(0 <= first < last <= features.shape[3] for first, last in ranges)
        assert len({last - first for first, last in ranges}) == 1
        assert shape[3] <= ranges[0][1] - ranges[0][0]


@pytest.mark.parametrize("method", ["gradcam", "scorecam", "deeplift"])
def test_strategy_can_be_explained(model, features, method):
    maps = attribute(model, features[:1], method=method, **({"channels": 4} if method == "scorecam" else {}))
    assert maps.shape == (1, 96, features.shape[3])


def test_strategy_records_the_gates_inside_it(name, model, features):
    with record_attention(model) as maps:
        logits_of(model, features)
    assert bool(maps) is name.startswith("ts-")
    for layer in maps.values():
        assert layer.temporal is not None
        assert layer.temporal.shape[0] == 2


@pytest.mark.parametrize("frames", [33, 101])
def test_strategy_takes_odd_numbers_of_frames(model, features, frames):
    assert logits_of(model, make_features(features.shape[3], frames)).isfinite().all()


def test_strategy_under_bfloat16_stays_near(model, features):
    expected = logits_of(model, features).softmax(1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = logits_of(model, features)
    torch.testing.assert_close(logits.float().softmax(1), expected, atol=0.1, rtol=0.1)


def test_strategy_votes_are_scores_whose_mean_is_the_answer(name, model, features):
    with torch.no_grad():
        answer = model(features).softmax(1)
        frames, parts = model.score_frames(features), model.score_parts(features)
    assert (frames is not None) is ("spsmt" in name)
    assert (parts is not None) is name.endswith("spsmf")
    for votes in (frames, parts):
        if votes is not None:
            torch.testing.assert_close(votes.sum(2), torch.ones(votes.shape[:2]))
            if "code" not in CASES[name][1].values():  # whose answer is the mean of logits
                torch.testing.assert_close(votes.mean(1), answer)


class Linear(SoundClassifier):
    """A network that one can compute by hand: its maps are its input, its two classes the first two channels' means."""

    cam_layers = ("encoder",)
    stem = ("encoder",)

    def __init__(self, bands: int, *, channels: int = 1, joined: int = 1) -> None:
        super().__init__(bands)
        self.encoder = nn.Identity()
        self.classifier = nn.Linear(channels * joined, 2, bias=False)
        weight = torch.zeros(2, channels * joined)
        weight[0, 0], weight[1, -1] = 1, -1
        self.classifier.weight = nn.Parameter(weight)

    def encode(self, features: Tensor) -> Tensor:
        return self.finish(self.encoder(features))

    def finish(self, maps: Tensor) -> Tensor:
        return maps

    def pool_maps(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3))


def test_spsmt_answers_with_the_mean_of_the_frames_scores():
    features = torch.tensor([[[[1.0, 3.0], [0.0, 0.0], [-1.0, -1.0]]]])
    model = FrameVotes(Linear, 2).eval()
    # Means over bands: 2, 0, -1; logits (m, -m), so the first class has the sigmoid of 2 m.
    expected = torch.sigmoid(torch.tensor([4.0, 0.0, -2.0]))
    torch.testing.assert_close(model.score_frames(features)[0, :, 0], expected)
    torch.testing.assert_close(model(features).softmax(1)[0, 0], expected.mean())
    assert model.embed(features).item() == pytest.approx(1 / 3)


def test_spsmt_of_the_published_code_averages_logits():
    features = torch.tensor([[[[1.0, 3.0], [0.0, 0.0], [-1.0, -1.0]]]])
    model = FrameVotes(Linear, 2, variant="code").eval()
    torch.testing.assert_close(model(features), torch.tensor([[1 / 3, -1 / 3]]))


def test_spsmt_trains_each_frame_or_the_vote():
    features = torch.tensor([[[[2.0], [0.0]]]])
    targets = torch.tensor([[0.75, 0.25]])
    scores = torch.sigmoid(torch.tensor([4.0, 0.0]))
    local = -(0.75 * scores.log() + 0.25 * (1 - scores).log()).mean()
    vote = -(0.75 * scores.mean().log() + 0.25 * (1 - scores.mean()).log())
    torch.testing.assert_close(FrameVotes(Linear, 1).compute_loss(features, targets)[0], local)
    torch.testing.assert_close(FrameVotes(Linear, 1, loss="vote").compute_loss(features, targets)[0], vote)


def test_spsmt_adds_no_parameters():
    sizes = [measure_size(build_model(n, classes=10, bands=40)).parameters for n in ("spsm-1a", "spsm-1a+spsmt")]
    assert sizes[0] == sizes[1]


def test_spsmf_answers_with_the_mean_of_its_parts_scores():
    features = torch.tensor([[[[4.0, 0.0, 1.0, 1.0]]]])
    model = BandVotes(Linear, 4, parts=2, overlap=0.0).eval()
    assert model.part_bands == ((0, 2), (2, 4), (0, 4))
    expected = torch.sigmoid(2 * torch.tensor([2.0, 1.0, 1.5]))
    torch.testing.assert_close(model.score_parts(features)[0, :, 0], expected)
    torch.testing.assert_close(model(features).softmax(1)[0, 0], expected.mean())
    assert model.embed(features).tolist() == [[2.0, 1.0, 1.5]]


def test_vote_of_voters_that_are_sure_of_others_stays_finite():
    logits = torch.tensor([[[300.0, 0.0], [0.0, 300.0]], [[300.0, 0.0], [300.0, 0.0]]], requires_grad=True)
    vote = average_scores(logits)
    torch.testing.assert_close(vote, torch.tensor([[0.5, 0.5], [1.0, 0.0]]).log().clamp_min(-300))
    vote.sum().backward()
    assert logits.grad.isfinite().all()


def test_spsmf_trains_its_parts_or_the_vote():
    features = torch.tensor([[[[4.0, 0.0]]]])
    scores = torch.sigmoid(2 * torch.tensor([4.0, 0.0]))
    targets = torch.tensor([[1.0, 0.0]])
    for loss, expected in (("local", -scores.log().mean()), ("vote", -scores.mean().log())):
        model = BandVotes(Linear, 2, parts=2, overlap=0.0, whole=False, loss=loss)
        torch.testing.assert_close(model.compute_loss(features, targets)[0], expected)


def test_spsmf_of_the_published_code_cuts_16_bands_at_every_8th_and_averages_logits():
    assert BandVotes(Linear, 40, variant="code").part_bands == ((0, 16), (8, 24), (16, 32), (24, 40))
    assert len(BandVotes(Linear, 64, variant="code").parts) == 7
    features = torch.cat([torch.ones(1, 1, 1, 16), torch.zeros(1, 1, 1, 8)], dim=3)
    torch.testing.assert_close(BandVotes(Linear, 24, variant="code")(features), torch.tensor([[0.75, -0.75]]))


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ((40, 4, 0.5), ((0, 16), (8, 24), (16, 32), (24, 40))),
        ((40, 4, 0.0), ((0, 10), (10, 20), (20, 30), (30, 40))),
        ((64, 4, 0.5), ((0, 26), (13, 38), (26, 51), (38, 64))),
        ((9, 1, 0.5), ((0, 9),)),
    ],
)
def test_spsmf_cuts_all_bands_evenly(cut, expected):
    assert cut_bands(*cut) == expected


@pytest.mark.parametrize(
    ("name", "bands", "printed"),
    [
        ("spsm-1a+spsmf", 40, 94.4),
        ("spsm-1a+early", 256, 18.9),
        ("spsm-1a+middle", 256, 20.2),
        ("spsm-1a+late", 256, 72.5),
    ],
)
def test_strategy_has_the_printed_size(name, bands, printed):
    assert measure_size(build_model(name, classes=10, bands=bands)).mib == pytest.approx(printed, rel=0.005)


def test_early_fusion_of_three_in_1b_is_near_the_printed_size():
    size = measure_size(build_model("spsm-1b+early+spsmt", classes=3, bands=192, parts=3))
    assert size.kib == pytest.approx(491, rel=0.04)
    assert size.kib == pytest.approx(485, abs=0.5)


def test_fusions_give_each_network_its_own_representation():
    features = torch.tensor([[[[1.0, 1.0, 10.0, 30.0]]]])
    early, middle, late = (
        EarlyFusion(Linear, 4, parts=2),
        MiddleFusion(Linear, 4, parts=2),
        LateFusion(Linear, 4, parts=2),
    )
    # Two channels: the first class weighs the first one (1), the second class the last one (20).
    assert early(features).tolist() == [[1.0, -20.0]]
    assert middle(features).tolist() == [[1.0, -20.0]]
    # Late fusion adds the pooled vectors: 1 + 20.
    assert late(features).tolist() == [[21.0, -21.0]]
    assert [len(list(m.parameters())) for m in (early, middle, late)] == [1, 1, 1]


def test_layers_of_parts_lie_on_their_bands():
    middle, late = make_once("spsm-1a+middle"), make_once("ts-cnn10+late")
    quarters = ((0, 40), (40, 80), (80, 120), (120, 160))
    assert make_once("spsm-1a+spsmf").layer_bands("parts.1.block4") == ((8, 24),)
    assert make_once("spsm-1a+spsmf").layer_bands("parts.4.block1") == ((0, 40),)
    assert middle.layer_bands("stems.2.block1") == (quarters[2],)
    assert middle.layer_bands("base.block2") == quarters
    assert late.layer_bands("parts.3.block4") == (quarters[3],)
    assert make_once("ts-cnn10+early+spsmt").layer_bands("base.base.block4") == quarters
    nested = make_once("spsm-1b+spsmt+spsmf+early").layer_bands("base.parts.1.base.block2")
    assert nested == ((8, 24), (48, 64))


def test_cam_of_a_part_is_drawn_on_its_bands_alone():
    model, features = make_once("ts-cnn10+spsmt+spsmf"), make_features(40)
    maps = attribute(model, features, method="layercam", layer="parts.1.base.block2")
    assert (maps[:, :, 8:24] > 0).any()
    assert (maps[:, :, :8] == 0).all()
    assert (maps[:, :, 24:] == 0).all()


def test_cam_of_early_fusion_is_drawn_on_every_representation():
    maps = attribute(make_once("spsm-1b+early"), make_features(160), method="layercam")
    assert maps.any()
    for first in (40, 80, 120):
        assert (maps[:, :, first : first + 40] == maps[:, :, :40]).all()


@pytest.mark.parametrize("name", ["tdnn", "resnet50"])
def test_votes_of_frames_fit_other_networks(name):
    model = build_model(f"{name}+spsmt", classes=3, bands=64, width=0.25).eval()
    with torch.no_grad():
        assert model(make_features(64, 32)).shape == (2, 3)
        assert model.score_frames(make_features(64, 32)).shape[1] == {"tdnn": 32, "resnet50": 2}[name]


def test_late_fusion_keeps_one_head_of_any_network():
    alone = build_model("tdnn", classes=3, bands=64, width=0.25)
    late = build_model("tdnn+late", classes=3, bands=128, width=0.25, parts=2)
    head = sum(p.numel() for key, p in alone.named_parameters() if key.startswith(("fc.", "norm.", "classifier.")))
    assert measure_size(late).parameters == 2 * measure_size(alone).parameters - head
    late(make_features(128)).sum().backward()
    assert all(parameter.grad is not None for parameter in late.parameters())


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_models(example):
    assert find_model(example).summary.startswith(MODELS[example.partition("+")[0]].summary)
    assert STRATEGIES[example.rpartition("+")[2]].summary in find_model(example).summary


def test_options_of_all_layers_are_told_and_named_in_full_where_they_clash():
    assert model_options("spsm-1a+spsmt") == {"width": 1.0, "loss": "local", "variant": "text"}
    options = model_options("cnn10+spsmf")
    assert options["cnn10.variant"] == options["spsmf.variant"] == "text"
    assert "variant" not in options
    assert (options["parts"], options["overlap"], options["whole"]) == (4, 0.5, True)
    assert not {"channels", "joined"} & set(options)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("cnn10+spsmx", {}, "strategy spsmx: is not known; did you mean spsm"),
        ("cnn10+", {}, "strategy of no name: is not known; choose one of spsmt, spsmf, early"),
        ("cnn11+spsmt", {}, "model cnn11: is not known; did you mean .*cnn10"),
        ("cnn10+spsmt+spsmt", {}, "strategy spsmt: is named twice"),
        ("cnn10+early+spsmf", {}, "spsmf: cannot wrap early; let it wrap a network or spsmt"),
        ("cnn10+spsmt+middle", {}, "middle: cannot wrap spsmt; let it wrap a network"),
        ("tdnn+early", {}, r"model tdnn\+early: early does not fit tdnn; choose among cnn10, .*spsm-1a"),
        ("tdnn+middle", {}, r"middle does not fit tdnn; choose among cnn10, .*spsm-1b"),
        ("cnn10+spsmf", {"variant": "code"}, "several settings variant; choose cnn10.variant or spsmf.variant"),
        ("cnn10+spsmt", {"parts": 3}, "has no setting parts; choose among width, "),
        ("cnn10+spsmt", {"channels": 3}, "has no setting channels"),
        ("cnn10+spsmt", {"loss": "none"}, "loss none: is not known; choose local or vote"),
        ("spsm-1a+spsmf", {"variant": "texts"}, "variant texts: is not known; choose text or code"),
        ("spsm-1a+spsmf", {"parts": 0}, "parts 0: do not fit 40 bands"),
        ("spsm-1a+spsmf", {"overlap": 1.0}, "overlap 1.0: is no share"),
        ("spsm-1a+early", {"parts": 3}, "parts 3: does not divide 40 bands evenly"),
        ("spsm-1a+late", {"parts": 1}, "parts 1: is no number of representations"),
        ("cnn10+spsmf", {"overlap": 0.0}, "10 bands: vanish in four poolings"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(name, settings, message):
    with pytest.raises(OptionError, match=message):
        build_model(name, classes=2, bands=40, **settings)
