"""Third-party weights, made here in the layouts of PANNs and torchvision; and files that should be refused."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from esclab.errors import OptionError
from esclab.models import build_model
from esclab.models.base import SoundClassifier
from esclab.models.pretrained import load_weights

AUDIOSET = 527


def make_model(name: str = "cnn10", *, bands: int = 40, **settings: object) -> SoundClassifier:
    torch.manual_seed(0)
    return build_model(name, classes=10, bands=bands, width=0.25, **settings)


def make_panns(width: int = 16, *, bins: int = 64) -> dict[str, Tensor]:
    """Return a quarter of PANNs' CNN10, by PANNs' names, for 527 classes of AudioSet."""
    weights = {
        "spectrogram_extractor.stft.conv_real.weight": torch.randn(5, 1, 8),
        "logmel_extractor.melW": torch.randn(5, bins),
    }
    norms = [("bn0", bins)]
    inputs = 1
    for block in range(1, 5):
        outputs = width * 2 ** (block - 1)
        for number, channels in ((1, inputs), (2, outputs)):
            weights[f"conv_block{block}.conv{number}.weight"] = torch.randn(outputs, channels, 3, 3)
            norms.append((f"conv_block{block}.bn{number}", outputs))
        inputs = outputs
    for name, size in norms:
        weights |= {f"{name}.{part}": torch.rand(size) for part in ("weight", "bias", "running_mean", "running_var")}
        weights[f"{name}.num_batches_tracked"] = torch.tensor(7)
    for name, outputs in (("fc1", inputs), ("fc_audioset", AUDIOSET)):
        weights |= {f"{name}.weight": torch.randn(outputs, inputs), f"{name}.bias": torch.randn(outputs)}
    return weights


def save_panns(path: Path, **settings: int) -> dict[str, Tensor]:
    weights = make_panns(**settings)
    torch.save({"iteration": 600000, "model": weights}, path)
    return weights


def test_panns_cnn10_fits_but_for_its_head_and_its_mel_bands(tmp_path):
    theirs = save_panns(tmp_path / "Cnn10.pth")
    model = make_model()
    fresh = {name: value.clone() for name, value in model.state_dict().items()}
    report = load_weights(model, tmp_path / "Cnn10.pth")
    now = model.state_dict()
    assert report.layout == "panns"
    assert torch.equal(now["block3.conv2.weight"], theirs["conv_block3.conv2.weight"])
    assert torch.equal(now["block4.bn2.running_var"], theirs["conv_block4.bn2.running_var"])
    assert torch.equal(now["fc1.bias"], theirs["fc1.bias"])
    assert report.reshaped == {
        f"bn0.{part}": ((64,), (40,)) for part in ("weight", "bias", "running_mean", "running_var")
    }
    assert report.missing == ("classifier.weight", "classifier.bias")
    assert set(report.unexpected) == {
        "spectrogram_extractor.stft.conv_real.weight", "logmel_extractor.melW", "fc_audioset.weight",
        "fc_audioset.bias",
    }  # fmt: skip
    assert set(report.fitted) | set(report.missing) | set(report.reshaped) | {"input_mean", "input_std"} == set(now)
    for name in (*report.missing, *report.reshaped, "input_mean"):
        assert torch.equal(now[name], fresh[name])


def test_panns_cnn10_fits_whole_where_there_are_64_bands(tmp_path):
    theirs = save_panns(tmp_path / "Cnn10.pth")
    model = make_model(bands=64)
    report = load_weights(model, tmp_path / "Cnn10.pth")
    assert report.reshaped == {}
    assert torch.equal(model.bn0.running_mean, theirs["bn0.running_mean"])


def test_panns_weights_as_safetensors_and_from_several_devices_fit_too(tmp_path):
    theirs = make_panns()
    save_file({f"module.{name}": value for name, value in theirs.items()}, tmp_path / "cnn10.safetensors")
    model = make_model()
    assert load_weights(model, tmp_path / "cnn10.safetensors").layout == "panns"
    assert torch.equal(model.block1.conv1.weight, theirs["conv_block1.conv1.weight"])


@pytest.mark.parametrize("module", [b"numpy._core", b"numpy.core"])
def test_arrays_of_a_sampler_beside_the_weights_do_no_harm(module, tmp_path):
    # PANNs' training writes where its sampler stood, by NumPy of today or of then.
    sampler = {"indexes": np.arange(5), "pointer": np.int64(3), "queue": [1, 2], "mean": np.float64(0.5)}
    path = tmp_path / "Cnn10.pth"
    torch.save({"iteration": 6, "model": make_panns(), "sampler": sampler}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().replace(b"cnumpy._core", b"c" + module))
    assert load_weights(make_model(), path).layout == "panns"


def test_wider_panns_weights_are_listed_with_both_shapes(tmp_path):
    save_panns(tmp_path / "Cnn10.pth", width=64)
    report = load_weights(make_model(), tmp_path / "Cnn10.pth")
    assert report.reshaped["block1.conv1.weight"] == ((64, 1, 3, 3), (16, 1, 3, 3))
    assert all("num_batches_tracked" in name for name in report.fitted)


def test_panns_resnet38_does_not_fit_resnet50_and_is_listed(tmp_path):
    theirs = make_panns() | {
        "resnet.layer1.0.conv1.weight": torch.randn(64, 64, 3, 3),
        "resnet.layer1.0.bn1.weight": torch.randn(64),
    }
    torch.save({"model": theirs}, tmp_path / "ResNet38.pth")
    model = make_model("resnet50")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    report = load_weights(model, tmp_path / "ResNet38.pth")
    assert report.fitted == ()
    assert set(report.unexpected) == set(theirs)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def make_torchvision() -> Mapping[str, Tensor]:
    """Return what torchvision's ResNet-50 would hold at a quarter of its width."""
    back = {f"res{number + 1}.": f"layer{number}." for number in range(1, 5)}
    values = {name: value.clone() for name, value in make_model("resnet50", bands=64).state_dict().items()}
    named = {}
    for name, value in values.items():
        prefix = name[:5]
        if not name.startswith(("input_", "classifier")):
            named[back.get(prefix, prefix) + name[5:]] = torch.randn_like(value.float())
    named["conv1.weight"] = torch.randn(16, 3, 7, 7)
    return named | {"fc.weight": torch.randn(1000, 512), "fc.bias": torch.randn(1000)}


@pytest.mark.parametrize("name", ["resnet50", "fpam"])
def test_torchvision_resnet50_fits_the_backbone_with_its_colours_averaged(name, tmp_path):
    theirs = make_torchvision()
    torch.save(dict(theirs), tmp_path / "resnet50.pth")
    model = make_model(name, bands=64)
    report = load_weights(model, tmp_path / "resnet50.pth")
    assert report.layout == "torchvision"
    torch.testing.assert_close(model.conv1.weight[:, 0], theirs["conv1.weight"].mean(1))
    assert torch.equal(model.get_submodule("res4.5").conv3.weight, theirs["layer3.5.conv3.weight"])
    assert torch.equal(model.get_submodule("res2.0.downsample.1").bias, theirs["layer1.0.downsample.1.bias"])
    assert set(report.unexpected) == {"fc.weight", "fc.bias"}
    assert report.reshaped == {}
    own = {"resnet50": ("classifier",), "fpam": ("level3", "level4", "level5", "pyramid", "classifier")}[name]
    assert all(missing.startswith(own) for missing in report.missing)
    assert {missing.split(".")[0] for missing in report.missing} == set(own)


def test_own_weights_fit_whole_and_the_head_only_when_asked(tmp_path):
    theirs = make_model()
    with torch.no_grad():
        theirs.classifier.bias.fill_(3.0)
        theirs.fc1.bias.fill_(2.0)
    (tmp_path / "run").mkdir()
    save_file(theirs.state_dict(), tmp_path / "run" / "weights.safetensors")
    model = make_model()
    report = load_weights(model, tmp_path / "run")
    assert set(report.missing) == set(report.unexpected) == {"classifier.weight", "classifier.bias"}
    assert model.fc1.bias.eq(2).all()
    assert model.classifier.bias.eq(0).all()
    assert load_weights(model, tmp_path / "run", keep_head=True).missing == ()
    assert model.classifier.bias.eq(3).all()


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("write", ["pickle", "torch", "nested", "array"])
def test_pickle_that_would_make_a_folder_is_refused_and_makes_none(write, tmp_path):
    trap, path = tmp_path / "trap", tmp_path / "evil.pth"
    content = {"conv_block1.conv1.weight": Malicious(trap)}
    if write == "array":
        torch.save({"model": make_panns(), "sampler": np.array([Malicious(trap)], dtype=object)}, path)
    elif write == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content if write == "torch" else {"model": make_panns(), "sampler": content}, path)
    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(OptionError) as refusal:
        load_weights(model, path)
    message = str(refusal.value)
    assert not trap.exists()
    assert message.startswith(f"weights {path}: ")
    asked = "" if write == "array" else " (posix.mkdir)"
    assert f"ask for code{asked} beside tensors, so nothing of them was loaded" in message
    assert "\n" not in message
    assert message.count(". ") == 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "are neither safetensors"),
        (b"RIFF\x24\x00\x00\x00WAVE", "are neither safetensors"),
        (b"\x00" * 64, "are neither safetensors"),
        (b"\xff" * 64, "are neither safetensors"),
        (b"PK\x03\x04 no archive", "are not readable"),
        (b"\x80\x02", "are not readable"),
    ],
)
def test_file_of_another_kind_is_refused_in_one_sentence(content, said, tmp_path):
    (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(OptionError, match=said) as refusal:
        load_weights(make_model(), tmp_path / "file.pth")
    assert "\n" not in str(refusal.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"nowhere\.pth: are not there; give a \.safetensors or \.pth file, or a run"):
        load_weights(make_model(), tmp_path / "nowhere.pth")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}])
def test_checkpoint_without_tensors_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(OptionError, match="hold no tensor"):
        load_weights(make_model(), tmp_path / "file.pth")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    theirs = make_panns()
    theirs["conv_block2.conv1.weight"][0, 0, 0, 0] = float("nan")
    save_file(theirs, tmp_path / "file.safetensors")
    with pytest.raises(OptionError, match=r"are not finite in conv_block2\.conv1\.weight"):
        load_weights(make_model(), tmp_path / "file.safetensors")
