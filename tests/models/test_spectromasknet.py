from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from esclab.errors import OptionError
from esclab.models import build_model
from esclab.models.recording import read_mixtures, record_attention
from esclab.models.spectromasknet_attention import CellGate, ChannelAttention, Fusion, ProductAttention
from esclab.models.spectromasknet_branches import GlobalModule, LocalModule

ATTENTIONS = ("global-local", "se", "none")


def make_model(*, seed: int = 0, bands: int = 20, **settings: object):
    torch.manual_seed(seed)
    return build_model("spectromasknet", classes=5, bands=bands, **{"width": 0.25, **settings}).eval()


def make_features(clips: int = 2, frames: int = 50, bands: int = 20) -> Tensor:
    return torch.randn(clips, 1, frames, bands, generator=torch.Generator().manual_seed(3))


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("attention", ATTENTIONS)
@torch.no_grad()
def test_padded_clip_has_the_scores_of_the_unpadded_one(attention):
    model = make_model(attention=attention, width=0.5)
    model.standardise_by(torch.linspace(-3, 3, 20), torch.linspace(0.5, 2, 20))
    features, lengths = make_features(3, 61), torch.tensor([61, 30, 9])
    logits = model(features, lengths)
    for clip, length in enumerate(lengths):
        alone = model(features[clip : clip + 1, :, :length])
        torch.testing.assert_close(logits[clip : clip + 1], alone, atol=1e-5, rtol=0)
    assert (model(features)[2] - logits[2]).abs().max() > 1e-4  # without lengths the padding counts
    assert torch.equal(model(features, torch.full((3,), 61)), model(features))


@torch.no_grad()
def test_padding_changes_neither_scores_nor_embedding():
    model = make_model()
    features = make_features(1, 40)
    padded = F.pad(features, (0, 0, 0, 23), value=-15.9)
    for plain, hidden in zip(model.answer(features), model.answer(padded, torch.tensor([40])), strict=True):
        torch.testing.assert_close(plain, hidden, atol=1e-5, rtol=0)


@torch.no_grad()
def test_product_attention_is_the_product_of_three_weights_by_hand():
    gate = ProductAttention(8)
    for parameter in gate.parameters():
        parameter.zero_()
    # Channel: squeeze channel 0's mean, and give sigmoid of twice it to channel 1; frames and bands alike with 1 and 3.
    gate.channels.squeeze.weight[0, 0] = 1.0
    gate.channels.excite.weight[1, 0] = 2.0
    for line, factor in ((gate.frames, 1.0), (gate.bands, 3.0)):
        line.squeeze.weight[0, 0] = 1.0
        line.excite.weight[0, 0, 3] = factor  # the middle of 7: each place by itself
    x = torch.ones(1, 8, 3, 2)
    x[0, 0] = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    frames, bands = torch.tensor([0.5, 2.5, 4.5]), torch.tensor([2.0, 3.0])
    channels = torch.full((8,), 0.5)
    channels[1] = torch.sigmoid(torch.tensor(2 * 2.5))
    cells = torch.sigmoid(frames)[:, None] * torch.sigmoid(3 * bands)[None, :]
    torch.testing.assert_close(gate(x)[0], x[0] * channels[:, None, None] * cells)


@torch.no_grad()
def test_channel_attention_and_cell_gate_by_hand():
    gate = ChannelAttention(8)
    torch.nn.init.constant_(gate.squeeze.weight, 0.25)
    torch.nn.init.zeros_(gate.squeeze.bias)
    torch.nn.init.constant_(gate.excite.weight, -1.0)
    torch.nn.init.zeros_(gate.excite.bias)
    x = torch.ones(1, 8, 2, 2)
    torch.testing.assert_close(gate(x), x * torch.sigmoid(torch.tensor(-2.0)))
    cells = CellGate(8)
    torch.nn.init.eye_(cells.conv.weight[:, :, 0, 0])
    torch.nn.init.constant_(cells.conv.bias, 1.0)
    torch.testing.assert_close(cells(3 * x), 3 * x * torch.sigmoid(torch.tensor(4.0)))


def test_local_module_by_hand():
    torch.manual_seed(0)
    module, x = LocalModule(8, 8, attention="global-local").eval(), torch.randn(2, 8, 6, 5)
    weights = {name: value.detach() for name, value in module.named_parameters()}

    def convolve(y: Tensor, name: str, *, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.weight"]
        return F.conv2d(y, kernel, weights[f"{name}.bias"], padding=kernel.shape[2] // 2, groups=groups)

    y = F.group_norm(x, 8, weights["norm.weight"], weights["norm.bias"], eps=1e-5)
    y = convolve(convolve(y, "depthwise", groups=8), "pointwise")
    squeeze, excite = (
        (weights[f"channels.{name}.weight"], weights[f"channels.{name}.bias"]) for name in ("squeeze", "excite")
    )
    y = y * F.conv1d(F.relu(F.conv1d(y.mean((2, 3))[..., None], *squeeze)), *excite).sigmoid()[..., None]
    y = convolve(F.relu(convolve(convolve(y, "expand"), "enhance", groups=16)), "restore")
    expected = x + y * convolve(y, "gate.conv").sigmoid()
    torch.testing.assert_close(module(x), expected, atol=1e-5, rtol=1e-5)


def test_global_module_by_hand():
    torch.manual_seed(0)
    module, x = GlobalModule(8, 16, stride=2, attention="none").eval(), torch.randn(2, 8, 6, 5)
    y = F.conv2d(x, module.convs[0].weight, stride=2, padding=3)
    y = F.relu(F.group_norm(y, 8, module.norms[0].weight, module.norms[0].bias, eps=1e-5))
    expected = y + F.conv2d(x, module.shortcut.weight, module.shortcut.bias)[:, :, ::2, ::2]
    torch.testing.assert_close(module(x), expected, atol=1e-5, rtol=1e-5)


def test_global_module_weighs_before_it_adds_its_input():
    torch.manual_seed(0)
    module, x = GlobalModule(8, 8, attention="global-local").eval(), torch.randn(2, 8, 6, 5)
    y = F.relu(F.group_norm(F.conv2d(x, module.convs[0].weight, padding=3), 8, *module.norms[0].parameters(), eps=1e-5))
    torch.testing.assert_close(module(x), x + module.attention(y), atol=1e-5, rtol=1e-5)


def test_fusion_and_its_penalty_by_hand():
    fusion = Fusion()
    assert fusion.mixture == {"lambda": 0.5}
    assert fusion.penalise().item() == 0
    with torch.no_grad():
        fusion.weight.fill_(0.7)
    mixed = fusion(torch.tensor([[10.0, 0.0]]), torch.tensor([[0.0, 5.0]]))
    torch.testing.assert_close(mixed, torch.tensor([[7.0, 1.5]]))
    fusion.penalise().backward()
    assert fusion.weight.grad.item() == pytest.approx(2 * 0.2)


def test_loss_is_cross_entropy_plus_the_pull_on_lambda():
    model, targets = make_model(pull=3.0), F.one_hot(torch.tensor([1, 4]), 5).float()
    with torch.no_grad():
        model.fusion.weight.fill_(0.9)
    loss, logits = model.compute_loss(make_features(), targets, label_smoothing=0.1)
    expected = F.cross_entropy(logits, targets, label_smoothing=0.1) + 3.0 * 0.4**2
    torch.testing.assert_close(loss, expected)


@torch.no_grad()
def test_lambda_of_1_leaves_the_global_branch_alone():
    model = make_model()
    model.fusion.weight.fill_(1.0)
    before = model(make_features())
    for parameter in model.get_submodule("local").parameters():
        parameter.mul_(2)
    torch.testing.assert_close(model(make_features()), before)


def test_training_moves_lambda_ratio_and_block_size():
    model = make_model(mask_start="given").train()
    before = read_mixtures(model)
    assert before == {"mask": pytest.approx({"ratio": 0.5, "block": 10.0}), "fusion": {"lambda": 0.5}}
    targets = F.one_hot(torch.tensor([1, 4]), 5).float()
    model.compute_loss(make_features(), targets)[0].backward()
    assert model.mask.ratio_logit.grad != 0
    assert model.mask.block_logit.grad != 0
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= parameter.grad
    after = read_mixtures(model)
    for layer, name in (("mask", "ratio"), ("mask", "block"), ("fusion", "lambda")):
        assert after[layer][name] != before[layer][name]


@pytest.mark.parametrize("masked", ["local", "global", "both"])
@torch.no_grad()
def test_only_the_named_branch_gets_the_masked_input(masked):
    model = make_model(masking="random", masked=masked)
    seen: dict[str, Tensor] = {}
    for branch in ("local", "global"):
        model.get_submodule(branch).register_forward_pre_hook(
            lambda _, inputs, branch=branch: seen.update({branch: inputs[0]})
        )
    model.train()(make_features())
    for branch, features in seen.items():
        assert torch.equal(features, make_features()) is (masked not in (branch, "both"))
    model.eval()(make_features())
    assert all(torch.equal(features, make_features()) for features in seen.values())


@torch.no_grad()
def test_loudest_blocks_are_those_of_the_features_as_they_came():
    # Standardised, band 0 is the higher one; as it came, the upper half of the bands is.
    model = make_model(masking="high-energy", block=10, ratio=0.5)
    features = torch.zeros(1, 1, 20, 20)
    features[..., 10:] = 50.0
    model.standardise_by(torch.cat([torch.full((10,), -9.0), torch.full((10,), 100.0)]), torch.ones(20))
    seen: list[Tensor] = []
    model.get_submodule("local").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.train()(features)
    assert seen[0][..., 10:].eq(0).all()
    assert seen[0][..., :10].eq(9).all()


def test_attention_options_have_the_gates_that_they_name():
    kinds = {}
    for attention in ATTENTIONS:
        with torch.no_grad(), record_attention(model := make_model(attention=attention)) as maps:
            model(make_features())
        kinds[attention] = {
            branch: {
                kind
                for name, layer in maps.items()
                if name.startswith(branch)
                for kind in ("temporal", "spectral", "spatial", "channel")
                if getattr(layer, kind) is not None
            }
            for branch in ("global", "local")
        }
    assert kinds["global-local"] == {"global": {"temporal", "spectral", "channel"}, "local": {"spatial", "channel"}}
    assert kinds["se"] == {"global": {"channel"}, "local": {"channel"}}
    assert kinds["none"] == {"global": set(), "local": set()}


def test_parameters_are_as_many_as_the_documentation_says():
    model = make_model(width=1.0, bands=80)
    model.classifier = torch.nn.Linear(64, 50)
    assert count(model) == 1_005_613
    assert count(model.get_submodule("global")) == 807_766
    assert count(model.get_submodule("local")) == 194_594
    twice = make_model(width=1.0, bands=80, convolutions=2)
    twice.classifier = torch.nn.Linear(64, 50)
    assert count(twice) == 1_922_125


@torch.no_grad()
def test_stages_have_the_channels_and_sizes_of_the_paper():
    model = make_model(width=1.0, bands=80)
    shapes: dict[str, tuple[int, ...]] = {}
    for name in model.cam_layers:
        model.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[1:])})
        )
    assert model.embed(make_features(1, 21, 80)).shape == (1, 64)
    sizes = [(16, 21, 80), (32, 11, 40), (48, 6, 20), (64, 6, 20)]
    for branch in ("global", "local"):
        assert [shapes[f"{branch}.stage{number}"] for number in range(1, 5)] == sizes
        assert [len(model.get_submodule(f"{branch}.stage{number}")) for number in range(1, 5)] == [2, 3, 3, 2]


def test_channels_last_training_of_a_narrow_network_stays_in_its_memory():
    model = make_model(bands=80).train().to(memory_format=torch.channels_last)
    targets = F.one_hot(torch.tensor([1, 4]), 5).float()
    for _ in range(2):
        model.compute_loss(make_features(2, 120, 80), targets)[0].backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0.3}, r"width 0\.3: is not offered"),
        ({"masked": "none"}, "masked none: is not known; choose one of local, global, both"),
        ({"attention": "cbam"}, "attention cbam: is not known; choose one of global-local, se, none"),
        ({"convolutions": 3}, "convolutions 3: is not offered"),
        ({"pull": -1.0}, r"pull -1\.0: is out of range"),
    ],
)
def test_spectromasknet_refuses_a_setting_without_sense(settings, message):
    with pytest.raises(OptionError, match=message):
        make_model(**settings)
