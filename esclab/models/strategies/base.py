"""What every strategy offers beside a classifier: where its layers lie, and who voted for what."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from esclab.errors import OptionError
from esclab.models.base import Ranges, SoundClassifier


class Build(Protocol):
    """Builds the network inside a strategy, with fresh weights."""

    def __call__(self, bands: int, *, channels: int = 1, joined: int = 1) -> SoundClassifier:
        """Return it for so many bands, channels of the input, and first blocks joined before the second."""
        ...


class Strategy(SoundClassifier):
    """Base of the wrappers. Networks inside see standardised features, so theirs stay unstandardised."""

    @property
    def part_bands(self) -> Ranges:
        """First band of each voting part, and the band after its last; none where parts do not vote."""
        return ()

    def score_frames(self, features: Tensor) -> Tensor | None:
        """Return each frame's scores of the classes, (clip, frame, class), rows sum to 1; None if frames do not vote.

        Parameters
        ----------
        features : Tensor of shape (clip, 1, frame, band)
            As the front end gives them. The frames that vote are those that the poolings leave.
        """
        return None

    def score_parts(self, features: Tensor) -> Tensor | None:
        """Return each sub-band's scores of the classes, (clip, part, class), rows sum to 1; None without sub-bands."""
        return None


def shift_ranges(ranges: Ranges, first: int) -> Ranges:
    """Return ranges of bands of a part that begins at band `first`."""
    return tuple((low + first, high + first) for low, high in ranges)


def name_layers(inside: str, network: SoundClassifier) -> tuple[str, ...]:
    """Return a network's layers for activation maps by their names inside a strategy, e.g. "base.block1"."""
    return tuple(f"{inside}.{layer}" for layer in network.cam_layers)


def average_scores(scores: Tensor, *, logits: bool = False) -> Tensor:
    """Return logits (clip, class) of the mean vote, given each voter's logits (clip, voter, class).

    Parameters
    ----------
    scores : Tensor
    logits : bool
        Average logits, as the published code does, in place of scores after the softmax (equations 3 to 5). The
        softmax of what is returned is the vote.
    """
    if logits:
        return scores.mean(1)
    shares = scores.log_softmax(2)
    highest = shares.amax(1, keepdim=True).detach()  # taken out, so that no class's mean comes to 0
    return (shares - highest).exp().mean(1).log() + highest.squeeze(1)


def cut_representations(features: Tensor, parts: int) -> Tensor:
    """Cut (clip, 1, frame, parts x band) into representations, (clip, part, frame, band)."""
    return features.unflatten(3, (parts, -1)).squeeze(1).movedim(2, 1)


def count_bands(bands: int, parts: int) -> int:
    """Return the bands of each of `parts` representations that are stacked along the bands.

    Raises
    ------
    OptionError
        When they do not divide evenly.
    """
    if not isinstance(parts, int) or parts < 2:
        raise OptionError(f"parts {parts}", "is no number of representations", "give a whole number of at least 2")
    if bands % parts:
        raise OptionError(
            f"parts {parts}",
            f"does not divide {bands} bands evenly",
            "use the feature stack with so many representations, e.g. --feature stack",
        )
    return bands // parts


def check_choice(option: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise OptionError where an option's value is none of `choices`."""
    if value not in choices:
        raise OptionError(f"{option} {value}", "is not known", f"choose {' or '.join(choices)}")
