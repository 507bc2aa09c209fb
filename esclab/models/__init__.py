"""Networks from features `(clip, 1, frame, band)` to logits `(clip, class)`.

To add one, write its file (a subclass of `SoundClassifier`) and name it in `MODELS`. Strategies stand around any
network that fits them, by name: see `esclab.models.strategies`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from esclab.errors import OptionError
from esclab.models.strategies import STRATEGIES
from esclab.models.strategies.names import (
    find_builder,
    fits_network,
    list_options,
    qualify_options,
    sort_settings,
    split_name,
    wrap_network,
)

if TYPE_CHECKING:
    from esclab.models.base import SoundClassifier


@dataclass(frozen=True)
class ModelEntry:
    """Where a network lives, loaded when first used, and the settings that make this variant of it."""

    summary: str
    module: str
    builder: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def _cnn10(summary: str, **settings: Any) -> ModelEntry:
    return ModelEntry(summary, "esclab.models.cnn10", "CNN10", settings)


def _baseline(summary: str, module: str, builder: str, **settings: Any) -> ModelEntry:
    return ModelEntry(summary, f"esclab.models.baselines.{module}", builder, settings)


MODELS: dict[str, ModelEntry] = {
    "cnn10": _cnn10("CNN10 of PANNs, the baseline"),
    "t-cnn10": _cnn10("temporal attention in every block", arrangement="temporal"),
    "s-cnn10": _cnn10("spectral attention in every block", arrangement="spectral"),
    "ts-cnn10": _cnn10("parallel temporal-spectral attention in every block", arrangement="parallel"),
    **{
        f"ts-cnn10-{block}": _cnn10(
            f"parallel attention in block {block} only", arrangement="parallel", blocks=(block,)
        )
        for block in (1, 2, 3, 4)
    },
    "ts-cnn10-fixed": _cnn10("parallel attention, the three branches weighed 1/3", arrangement="parallel-fixed"),
    "ts-cnn10-concat": _cnn10("temporal, then spectral attention", arrangement="temporal-spectral"),
    "st-cnn10-concat": _cnn10("spectral, then temporal attention", arrangement="spectral-temporal"),
    "resnet50": ModelEntry("ResNet-50 without max pooling, FPAM's baseline", "esclab.models.resnet50", "ResNet50"),
    "fpam": ModelEntry("ResNet-50 with feature pyramid attention", "esclab.models.fpam", "FPAM"),
    "spsm-1a": ModelEntry("SPSM's VGG-style network", "esclab.models.spsm", "SpsmNet", {"network": "1a"}),
    "spsm-1b": ModelEntry("SPSM's small network", "esclab.models.spsm", "SpsmNet", {"network": "1b"}),
    "spectromasknet": ModelEntry(
        "two branches, one of them with blocks masked out", "esclab.models.spectromasknet", "SpectroMaskNet"
    ),
    "tdnn": _baseline("x-vector time-delay network", "tdnn", "TDNN"),
    "resnet-se": _baseline("ResNet-34 with channel gates", "resnet_se", "ResNetSE"),
    "ecapa-tdnn": _baseline("time-delay network of gated Res2Net blocks", "ecapa_tdnn", "EcapaTDNN"),
    "campplus": _baseline("CAM++, densely connected time-delay network with masks", "campplus", "CAMPPlus"),
    "res2net": _baseline("Res2Net-50 at half its width", "res2net", "Res2Net"),
    "eres2net": _baseline("Res2Net with attentive fusion", "eres2net", "ERes2Net"),
    "freqcnn": ModelEntry(
        "features of parts of the spectrum weigh those of the whole", "esclab.models.freqcnn", "FreqCNN"
    ),
    "fnn": _baseline("three fully connected layers", "fnn", "FNN"),
    "cnn5": _baseline("four convolutions and a classifier", "cnn5", "CNN5"),
    "alexnet": _baseline("AlexNet", "torchvision_nets", "AlexNet"),
    "vgg11": _baseline("VGG-11", "torchvision_nets", "VGG11"),
    "resnet18": _baseline("ResNet-18", "torchvision_nets", "ResNet", depth=18),
    "resnet34": _baseline("ResNet-34", "torchvision_nets", "ResNet", depth=34),
    "resnet50-torchvision": _baseline("ResNet-50 with max pooling", "torchvision_nets", "ResNet", depth=50),
}


def find_model(name: str) -> ModelEntry:
    """Return the entry of a model, or raise OptionError with the nearest names.

    Strategies may follow a network's name, each after a plus sign ("cnn10+spsmt"); the entry is then that of the last,
    which wraps the others.
    """
    base, strategies = split_name(name)
    if base not in MODELS:
        near = get_close_matches(base, MODELS, n=2)
        hint = f"did you mean {' or '.join(near)}" if near else f"choose one of {', '.join(MODELS)}"
        raise OptionError(f"model {base}", "is not known", hint)
    if not strategies:
        return MODELS[base]
    outer = STRATEGIES[strategies[-1]]
    summary = "; ".join((MODELS[base].summary, *(STRATEGIES[strategy].summary for strategy in strategies)))
    return ModelEntry(summary, outer.module, outer.builder)


def model_options(name: str) -> dict[str, Any]:
    """Return the settings that `build_model` takes for this model, with their defaults.

    Where a network and a strategy have a setting of the same name, both are named in full: "cnn10.variant" and
    "spsmf.variant".
    """
    return {setting: default for setting, (_, _, default) in qualify_options(_list_layers(name)).items()}


def build_model(name: str, *, classes: int, bands: int, **settings: Any) -> SoundClassifier:
    """Build a network by name.

    Parameters
    ----------
    name : str
        A key of `MODELS`, perhaps with strategies around it: "cnn10+spsmt", "spsm-1a+early+spsmt".
    classes, bands : int
        Number of classes, and of bands of the input.
    **settings
        The network's and its strategies' own settings, e.g. ``width=0.25``; see `model_options`.

    Raises
    ------
    OptionError
        When the name or a setting is unknown, or a strategy does not fit the network.
    """
    layers = _list_layers(name)
    sorted_out = sort_settings(name, layers, settings)
    base, strategies = split_name(name)
    builder = find_builder(MODELS[base].module, MODELS[base].builder)

    def build(bands: int, **structure: int) -> SoundClassifier:
        shape = {keyword: value for keyword, value in structure.items() if value != 1}
        return builder(classes, bands, **{**MODELS[base].settings, **sorted_out[base], **shape})

    return wrap_network(strategies, build, settings=sorted_out)(bands)


def _list_layers(name: str) -> dict[str, dict[str, Any]]:
    """Return the options of a network and of each strategy around it, once it is clear that they fit."""
    find_model(name)
    base, strategies = split_name(name)
    builder = find_builder(MODELS[base].module, MODELS[base].builder)
    layers = {base: list_options(builder, MODELS[base].settings)}
    for strategy in strategies:
        if not fits_network(strategy, builder):
            fitting = [n for n, e in MODELS.items() if fits_network(strategy, find_builder(e.module, e.builder))]
            raise OptionError(f"model {name}", f"{strategy} does not fit {base}", f"choose among {', '.join(fitting)}")
        entry = STRATEGIES[strategy]
        layers[strategy] = list_options(find_builder(entry.module, entry.builder), {})
    return layers
