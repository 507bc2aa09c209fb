"""SpectroMaskNet: one branch hears the whole spectrogram, the other one with blocks masked out.

Source: Chen et al., "A lightweight dual branch masking network for environmental sound classification"
(SpectroMaskNet), section "Methods".
"""

from __future__ import annotations

from functools import partial
from typing import Literal, cast, get_args

from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.base import initialise_weights
from esclab.models.lengths import VariableLengthClassifier, blank_padding
from esclab.models.masks import BlockMask, Masking, Start
from esclab.models.spectromasknet_attention import Fusion
from esclab.models.spectromasknet_branches import CHANNELS, Attention, Branch, GlobalModule, LocalModule

Masked = Literal["local", "global", "both"]
WIDTHS = (0.25, 0.5, 1.0)
STAGES = ("stage1", "stage2", "stage3", "stage4")


class SpectroMaskNet(VariableLengthClassifier):
    """Global and local branch over a spectrogram, their 64 numbers mixed by a learned lambda, and a linear layer.

    2.7 million parameters are printed. As the text describes it, the network has 1.01 million for 50 classes (global
    branch 0.81, local branch 0.19), and 1.92 million with two convolutions a global module.

    Parameters
    ----------
    classes, bands : int
    width : {0.25, 0.5, 1}
        Share of the paper's channels (16, 32, 48, 64).
    masking : {"learned", "random", "grid", "high-energy", "none"}
        How blocks are masked in training; see `BlockMask`.
    block, ratio : float
        Frames and bands of a block, and share that is blanked; where masking is learned, they matter only with
        `mask_start="given"`.
    mask_start : {"random", "given"}
        Where learned numbers begin: drawn (the paper), or at `block` and `ratio`.
    mask_at_test : bool
        Mask in evaluation too (our reading: not), each clip by a draw of its own that does not change.
    masked : {"local", "global", "both"}
        Which branch gets the masked spectrogram (Table 4).
    attention : {"global-local", "se", "none"}
        Each branch's own attention, squeeze-and-excitation in both, or none (Table 4).
    convolutions : {1, 2}
        7x7 convolutions in a module of the global branch (the paper leaves it open).
    pull : float
        Weight of (lambda - 0.5) ** 2 in the loss; not in the paper.
    """

    logs_steps = True
    cam_layers = tuple(f"{branch}.{stage}" for branch in ("local", "global") for stage in STAGES)

    def __init__(
        self,
        classes: int,
        bands: int = 80,
        *,
        width: float = 1.0,
        masking: Masking = "learned",
        block: float = 10.0,
        ratio: float = 0.5,
        mask_start: Start = "random",
        mask_at_test: bool = False,
        masked: Masked = "local",
        attention: Attention = "global-local",
        convolutions: int = 1,
        pull: float = 1.0,
    ) -> None:
        super().__init__(bands)
        _check_settings(width=width, masked=masked, attention=attention, convolutions=convolutions, pull=pull)
        self.masked, self.pull = masked, pull
        channels = tuple(round(width * count) for count in CHANNELS)
        self.mask = BlockMask(masking, block=block, ratio=ratio, start=mask_start, at_test=mask_at_test)
        self.add_module("local", Branch(partial(LocalModule, attention=attention), channels))
        build = partial(GlobalModule, attention=attention, convolutions=convolutions)
        self.add_module("global", Branch(build, channels))
        self.fusion = Fusion()
        self.classifier = nn.Linear(channels[-1], classes)
        initialise_weights(self)

    def represent_clips(self, features: Tensor, lengths: Tensor | None) -> Tensor:
        """Return F = lambda F_G + (1 - lambda) F_L of standardised features, shape (clip, 64)."""
        features = blank_padding(features, lengths)
        masked = features
        if self.mask.is_active:
            masked = self.mask(features, lengths, energy=features * self.input_std + self.input_mean)
        local = self.get_submodule("local")(masked if self.masked in ("local", "both") else features, lengths)
        overall = self.get_submodule("global")(masked if self.masked in ("global", "both") else features, lengths)
        return cast(Tensor, self.fusion(overall, local))

    def compute_loss(
        self, features: Tensor, targets: Tensor, *, label_smoothing: float = 0.0, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return cross-entropy plus `pull` (lambda - 0.5) ** 2, and the logits; see `SoundClassifier`."""
        loss, logits = super().compute_loss(features, targets, label_smoothing=label_smoothing, lengths=lengths)
        return loss + self.pull * self.fusion.penalise(), logits


def _check_settings(*, width: float, masked: str, attention: str, convolutions: int, pull: float) -> None:
    if width not in WIDTHS:
        raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")
    for name, value, kind in (("masked", masked, Masked), ("attention", attention, Attention)):
        if value not in get_args(kind):
            raise OptionError(f"{name} {value}", "is not known", f"choose one of {', '.join(get_args(kind))}")
    if convolutions not in (1, 2):
        raise OptionError(f"convolutions {convolutions}", "is not offered", "choose 1 or 2")
    if not isinstance(pull, int | float) or not 0 <= pull < float("inf"):
        raise OptionError(f"pull {pull}", "is out of range", "give a finite number of at least 0")
