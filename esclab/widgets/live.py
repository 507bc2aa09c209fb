"""A trained network that answers at once: scores, attention and a heatmap of one clip in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from esclab.analysis.cells import spread_cells
from esclab.errors import OptionError
from esclab.models.recording import record_attention
from esclab.training.device import choose_precision
from esclab.training.run import Run
from esclab.widgets.cast_weights import cast_weights

if TYPE_CHECKING:
    from esclab.features import Feature


@dataclass(frozen=True)
class LiveAnswer:
    """What a network says of one clip.

    Attributes
    ----------
    probabilities : ndarray of shape (class,)
    target : int
        The class that the heatmap explains.
    heatmap : ndarray of shape (frame, band)
        Grad-CAM on the input's frames and bands, 0 to 1 of its own maximum.
    temporal, spectral : ndarray or None
        Attention weights of the chosen layer, one a frame or band of that layer (`LayerAttention.strips`).
    mixture : dict of str to float
        Weights of its parallel branches.
    """

    probabilities: np.ndarray
    target: int
    heatmap: np.ndarray
    temporal: np.ndarray | None = None
    spectral: np.ndarray | None = None
    mixture: dict[str, float] = field(default_factory=dict)


class LiveModel:
    """A finished run, loaded once, in the precision that this processor multiplies fastest.

    Parameters
    ----------
    run : Run

    Raises
    ------
    RunError
        When the run is unfinished, damaged or of another version.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.name = run.config.model
        self.class_names = run.config.class_names
        self.feature: Feature = run.build_feature()
        self.network = run.load_model().requires_grad_(False)
        self.precision = choose_precision("cpu")
        self._lock = Lock()
        frames = self.feature.frames(round(run.config.duration_s * self.feature.config.sample_rate))
        example = torch.zeros(1, 1, frames, len(self.feature.frequency_hz))
        with record_attention(self.network) as maps, torch.inference_mode():
            self.network(example)
        # What answers; others use the network itself, in float32.
        self._quick = cast_weights(self.network, example) if self.precision == "bf16-mixed" else self.network
        bands = len(self.network.input_mean)
        self.attention_layers = tuple(
            name
            for name, gates in maps.items()
            # Gates of a network that sees a part of the bands do not belong to the whole picture.
            if gates.cells is not None and self.network.layer_bands(name) == ((0, bands),)
        )

    def answer(
        self,
        features: np.ndarray,
        *,
        target: int | None = None,
        layer: str = "",
        attention_layer: str = "",
        frames: int | None = None,
    ) -> LiveAnswer:
        """Answer one clip.

        Parameters
        ----------
        features : ndarray of shape (frame, band)
            As the run's front end gives them.
        target : int, optional
            Class that the heatmap explains; the likeliest by default.
        layer : str
            Layer of the heatmap; the last by default.
        attention_layer : str
            Layer whose gates are told; the first with gates by default.
        frames : int, optional
            The clip's own (`Run.count_own_frames`), where the rest is padding that is hidden from the network.

        Raises
        ------
        OptionError
            When the network has no such layer.
        """
        layer = layer or self.network.cam_layers[-1]
        if layer not in self.network.cam_layers:
            raise OptionError(f"layer {layer}", "is not known", f"choose one of {', '.join(self.network.cam_layers)}")
        inputs = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))[None, None]
        with self._lock, record_attention(self._quick) as maps:
            activations, logits = self._run(inputs, layer, frames)
            probabilities = logits.detach()[0].double().softmax(0).numpy()
            chosen = int(probabilities.argmax()) if target is None else target
            (gradients,) = torch.autograd.grad(logits[0, chosen], activations)
        heatmap = (activations * gradients.mean((2, 3), keepdim=True)).sum(1).relu().detach().float().numpy()
        spread = spread_cells(heatmap, *features.shape, ranges=self.network.layer_bands(layer))[0]
        gates = maps.get(attention_layer or next(iter(self.attention_layers), ""))
        temporal, spectral = (None, None) if gates is None else gates.strips
        return LiveAnswer(
            probabilities,
            chosen,
            spread / max(float(spread.max()), 1e-12),
            None if temporal is None else temporal[0].numpy(),
            None if spectral is None else spectral[0].numpy(),
            {} if gates is None else gates.mixture,
        )

    def _run(self, inputs: Tensor, layer: str, frames: int | None) -> tuple[Tensor, Tensor]:
        """Return the layer's activations and the logits; the graph begins at the layer."""
        kept: list[Tensor] = []

        def start_here(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
            kept.append(output.detach().requires_grad_())
            # What follows may compute in place; the record must stay as it is.
            return kept[-1].clone()

        hidden = {} if frames is None else {"lengths": torch.tensor([frames])}
        handle = self._quick.get_submodule(layer).register_forward_hook(start_here)
        try:
            with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16-mixed"):
                logits = self._quick(inputs, **hidden)
        finally:
            handle.remove()
        return kept[-1], logits.float()
