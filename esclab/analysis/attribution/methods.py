"""The methods of attribution by name, and which of them a network offers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from esclab.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from esclab.models.base import SoundClassifier


@dataclass(frozen=True)
class MethodEntry:
    """One method: where its function lives, loaded when first used, and what to know of it.

    Attributes
    ----------
    title : str
        As it is written in a figure, e.g. "Grad-CAM".
    summary : str
        What its values are, in a few words.
    source : str
        Authors and year; "" for what is no published method.
    module, function : str
        Relative to `esclab.analysis.attribution`.
    needs_layer : bool
        Whether it maps the activations of a layer named in `SoundClassifier.cam_layers`.
    needs_gates : bool
        Whether the network must have attention.
    signed : bool
        Whether values below 0 speak against the class.
    slow : bool
        Whether it takes tens of passes a clip or more, so that progress is worth showing.
    """

    title: str
    summary: str
    source: str
    module: str
    function: str
    needs_layer: bool = False
    needs_gates: bool = False
    signed: bool = False
    slow: bool = False

    def load(self) -> Callable[..., Tensor]:
        """Return the function from a `Question` and options to a map (clip, frame, band)."""
        function: Callable[..., Tensor] = getattr(import_module(f"{__package__}.{self.module}"), self.function)
        return function


def _cam(title: str, summary: str, source: str, function: str, **facts: bool) -> MethodEntry:
    return MethodEntry(title, summary, source, "cam", function, needs_layer=True, **facts)


METHODS: dict[str, MethodEntry] = {
    "gradcam": _cam("Grad-CAM", "channels weighed by their mean gradient", "Selvaraju et al. 2017", "map_gradcam"),
    "gradcam++": _cam(
        "Grad-CAM++",
        "channels weighed by where their gradient is positive",
        "Chattopadhay et al. 2018",
        "map_gradcam_pp",
    ),
    "layercam": _cam("LayerCAM", "each cell weighed by its own positive gradient", "Jiang et al. 2021", "map_layercam"),
    "eigencam": _cam(
        "Eigen-CAM", "first principal pattern of a layer, for no class", "Muhammad and Yeasin 2020", "map_eigencam"
    ),
    "scorecam": _cam(
        "Score-CAM",
        "channels weighed by the score of what they let through",
        "Wang et al. 2020",
        "map_scorecam",
        slow=True,
    ),
    "saliency": MethodEntry(
        "Saliency", "size of the score's gradient", "Simonyan et al. 2014", "gradients", "map_saliency"
    ),
    "integrated-gradients": MethodEntry(
        "Integrated gradients",
        "gradients summed on the way from the baseline",
        "Sundararajan et al. 2017",
        "gradients",
        "map_integrated_gradients",
        signed=True,
        slow=True,
    ),
    "occlusion": MethodEntry(
        "Occlusion",
        "loss of score when a window is set to the baseline",
        "Zeiler and Fergus 2014",
        "occlusion",
        "map_occlusion",
        signed=True,
        slow=True,
    ),
    "deeplift": MethodEntry(
        "DeepLIFT",
        "differences from the baseline, passed back",
        "Shrikumar et al. 2017",
        "gradients",
        "map_deeplift",
        signed=True,
    ),
    "gradientshap": MethodEntry(
        "GradientSHAP",
        "mean gradient at random points near the way from the baseline",
        "Lundberg and Lee 2017",
        "gradients",
        "map_gradientshap",
        signed=True,
        slow=True,
    ),
    "attention": MethodEntry(
        "Attention",
        "weights of the network's own gates",
        "Wang et al. 2020",
        "references",
        "map_attention",
        needs_gates=True,
    ),
    "spectrogram": MethodEntry("Spectrogram", "the level of the input itself", "", "references", "map_spectrogram"),
    "random": MethodEntry("Random", "smoothed noise that knows nothing", "", "references", "map_random"),
}


def find_method(name: str) -> MethodEntry:
    """Return the entry of a method, or raise OptionError with the nearest names."""
    if name in METHODS:
        return METHODS[name]
    near = get_close_matches(name, METHODS, n=2)
    hint = f"did you mean {' or '.join(near)}" if near else f"choose one of {', '.join(METHODS)}"
    raise OptionError(f"method {name}", "is not known", hint)


def method_options(name: str) -> dict[str, Any]:
    """Return the options that `attribute` passes on to this method, with their defaults, e.g. {"steps": 50}."""
    parameters = inspect.signature(find_method(name).load()).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def methods_for(model: SoundClassifier) -> tuple[str, ...]:
    """Return the methods that a network offers: no attention without gates, no activation maps without layers."""
    from esclab.analysis.attribution.references import find_gates

    missing_gates, missing_layers = not find_gates(model), not model.cam_layers
    return tuple(
        name
        for name, entry in METHODS.items()
        if not (entry.needs_gates and missing_gates) and not (entry.needs_layer and missing_layers)
    )
