"""FreqCNN: local features of parts of the spectrum beside global ones, and attention of the first on the second.

Wu, Mao and Yi, "Audio classification using attention-augmented convolutional neural network", Knowledge-Based Systems
161, 2018, doi 10.1016/j.knosys.2018.07.033.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier, initialise_weights
from esclab.models.dropout import ByteDropout
from esclab.models.freqcnn_blocks import ACTIVATIONS, AttentionKind, Axis, FreqBlock, PartAttention, build_layer

Task = Literal["speaker", "accent", "emotion"]
SMALLEST = 16  # four poolings by two leave one cell
MOST_ATTENTION = 3
WIDTHS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class BlockPlan:
    """One block and the convolution and pooling after it.

    Attributes
    ----------
    channels : int
    kernels : (int, int)
        Of the local and the global convolutions.
    pool_channels, pool_kernel : int
        Of the convolution before the pooling by two; none after the last block.
    dropout : float
    hidden : tuple of int
        Units of the attention's fully connected layers before the last.
    """

    channels: int
    kernels: tuple[int, int]
    pool_channels: int = 0
    pool_kernel: int = 0
    dropout: float = 0.0
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One of the paper's configurations.

    Attributes
    ----------
    activations : (str, str)
        f and g: of the local and of the global convolutions.
    blocks : tuple of BlockPlan
    tail : tuple of int
        Channels of the last convolutions, 5x5 with stride 2 and tanh each.
    units : int
        Of the fully connected layer.
    """

    activations: tuple[str, str]
    blocks: tuple[BlockPlan, ...]
    tail: tuple[int, ...]
    units: int


PLANS: dict[str, Plan] = {
    "accent": Plan(
        ("sigmoid", "tanh"),
        (
            BlockPlan(64, (5, 5), 64, 7),
            BlockPlan(64, (5, 5), 96, 7),
            BlockPlan(96, (5, 5), 128, 7, 0.2, hidden=(512, 256)),
            BlockPlan(128, (5, 3), 256, 5, 0.2, hidden=(512, 256)),
            BlockPlan(256, (3, 3), hidden=(256,)),
        ),
        (256, 512),
        512,
    ),
    "speaker": Plan(
        ("sigmoid", "sigmoid"),
        (
            BlockPlan(32, (5, 5), 32, 7),
            BlockPlan(32, (5, 5), 32, 7),
            BlockPlan(64, (5, 5), 64, 7, 0.2, hidden=(256, 128)),
            BlockPlan(96, (5, 3), 256, 5, 0.2, hidden=(256, 128)),
            BlockPlan(128, (3, 3), hidden=(128,)),
        ),
        (256,),
        128,
    ),
    "emotion": Plan(
        ("sigmoid", "tanh"),
        (
            BlockPlan(64, (5, 5), 96, 7),
            BlockPlan(96, (5, 5), 128, 7),
            BlockPlan(128, (5, 5), 128, 7, 0.2, hidden=(256, 128)),
            BlockPlan(256, (5, 3), 256, 5, 0.2, hidden=(256, 128)),
            BlockPlan(256, (5, 3), hidden=(256,)),
        ),
        (512, 512),
        512,
    ),
}
"""Tables 2, 7 and 10. Attention in block 3 is not in them; it has block 4's layers (our reading)."""


class FreqCNN(SoundClassifier):
    """Five blocks of local and global features with pooling between them, global pooling, one fully connected layer.

    A "conv. and pool" layer has no activation, as none is printed. The paper's pictures are squares; others are taken
    too (see `PartAttention`).

    Parameters
    ----------
    classes : int
    bands : int
        Bands of the input, at least 16, as many as the frames of a square picture.
    task : {"speaker", "accent", "emotion"}
        The configuration: Table 7, 2 or 10.
    parts : int
        Parts n of the spectrum; the paper tries 0 (the global feature alone), 2, 4 and 8. A block has at most as many
        as the side of its square maps, along either axis.
    local_only : bool
        Blocks without a global feature.
    axis : {"frequency", "time"}
        Along which the parts lie: frequency-distributed or time-distributed.
    attention : {"feature", "spatial"}
        Whether the local features weigh the maps or the cells of the global feature.
    attention_blocks : int
        Number of blocks with attention, the last ones: 0 to 3.
    activations : (str, str), optional
        f and g, of the local and of the global convolutions: sigmoid, tanh or relu. The configuration's by default.
    width : {0.25, 0.5, 1}
        Share of the paper's channels and units.
    """

    cam_layers = ("block1", "block2", "block3", "block4", "block5")

    def __init__(
        self,
        classes: int,
        bands: int = 224,
        *,
        task: Task = "speaker",
        parts: int = 2,
        local_only: bool = False,
        axis: Axis = "frequency",
        attention: AttentionKind = "feature",
        attention_blocks: int = 2,
        activations: tuple[str, ...] = (),
        width: float = 1.0,
    ) -> None:
        super().__init__(bands)
        for name, value, known in (
            ("task", task, Task), ("axis", axis, Axis), ("attention", attention, AttentionKind),
        ):  # fmt: skip
            if value not in get_args(known):
                raise OptionError(f"{name} {value}", "is not known", f"choose one of {', '.join(get_args(known))}")
        _check_numbers(bands, parts, attention_blocks, width)
        if attention_blocks and (local_only or not parts):
            cause = "need local features that weigh a global one"
            raise OptionError(f"{attention_blocks} attention blocks", cause, "set attention_blocks to 0")
        if local_only and not parts:
            raise OptionError("local_only", "leaves nothing of a block without parts", "set parts to 2, 4 or 8")
        plan = PLANS[task]
        functions = _check_activations(activations or plan.activations)
        channels, side = 1, bands
        for number, block in enumerate(plan.blocks, start=1):
            count = min(parts, side)
            outputs, hidden = round(width * block.channels), tuple(round(width * units) for units in block.hidden)
            gate = None
            if number > len(plan.blocks) - attention_blocks:
                gate = PartAttention(outputs, side, parts=count, axis=axis, kind=attention, hidden=hidden)
            freq_block = FreqBlock(
                channels, outputs, parts=count, axis=axis, kernels=block.kernels, activations=functions,
                local_only=local_only, attention=gate,
            )  # fmt: skip
            self.add_module(f"block{number}", freq_block)
            channels = outputs
            if block.pool_channels:
                channels, side = round(width * block.pool_channels), side // 2
                layer = build_layer(outputs, channels, kernel=block.pool_kernel)
                self.add_module(f"pool{number}", nn.Sequential(*layer, nn.MaxPool2d(2), ByteDropout(block.dropout)))
        tail = [channels, *(round(width * count) for count in plan.tail)]
        self.tail = nn.Sequential(
            *(build_layer(a, b, kernel=5, activation="tanh", stride=2) for a, b in pairwise(tail))
        )
        units = round(width * plan.units)
        self.dropouts = nn.ModuleList(ByteDropout(0.5) for _ in range(2))
        self.fc = nn.Linear(tail[-1], units)
        self.activation = nn.ReLU()
        self.classifier = nn.Linear(units, classes)
        initialise_weights(self)

    def encode(self, features: Tensor) -> Tensor:
        """Return the maps of the last convolution, shape (clip, channel, frame / 32, band / 32), rounded up.

        Two convolutions, of accent and emotion, leave a half of that.
        """
        if features.shape[2] < SMALLEST:
            cause = "vanish in four poolings by two"
            raise OptionError(f"{features.shape[2]} frames", cause, f"give at least {SMALLEST} frames")
        x = features
        for name in self.cam_layers:
            x = self.get_submodule(name)(x)
            if name != self.cam_layers[-1]:
                x = self.get_submodule(name.replace("block", "pool"))(x)
        return self.tail(x)

    def pool_maps(self, maps: Tensor) -> Tensor:
        """Return the mean over frames and bands."""
        return maps.float().mean((2, 3))

    def project(self, pooled: Tensor) -> Tensor:
        """Return the output of the fully connected layer, with dropout before and after it."""
        return self.dropouts[1](self.activation(self.fc(self.dropouts[0](pooled))))


def _check_numbers(bands: int, parts: int, attention_blocks: int, width: float) -> None:
    if bands < SMALLEST:
        raise OptionError(f"{bands} bands", "vanish in four poolings by two", f"give at least {SMALLEST} bands")
    if not isinstance(parts, int) or parts < 0:
        raise OptionError(f"parts {parts}", "is no number of parts", "choose e.g. 0, 2, 4 or 8")
    if attention_blocks not in range(MOST_ATTENTION + 1):
        raise OptionError(f"attention_blocks {attention_blocks}", "is not offered", "choose 0, 1, 2 or 3")
    if width not in WIDTHS:
        raise OptionError(f"width {width}", "is not offered", "choose 1/4, 1/2 or 1")


def _check_activations(activations: tuple[str, ...]) -> tuple[str, str]:
    unknown = not isinstance(activations, tuple | list) or not set(activations) <= set(ACTIVATIONS)
    if unknown or len(activations) != 2:
        fix = f"give two of {', '.join(ACTIVATIONS)}: of the local and of the global convolutions"
        raise OptionError(f"activations {activations}", "are not f and g", fix)
    return activations[0], activations[1]
