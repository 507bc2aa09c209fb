"""SPSMF: a network of its own for each sub-band, and the mean of their scores."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from esclab.errors import OptionError
from esclab.models.base import SoundClassifier
from esclab.models.strategies.base import (
    Build,
    Ranges,
    Strategy,
    average_scores,
    check_choice,
    name_layers,
    shift_ranges,
)

CODE_BANDS, CODE_STRIDE = 16, 8


class BandVotes(Strategy):
    """Let networks that each see a range of bands vote (equation 4).

    The printed sizes (94.4 MB, five networks of 18.9) say that the whole band votes beside four sub-bands. Their widths
    are not in the paper: half-overlapping sub-bands of 40 bands are those of the published code, 16 bands each.

    Source: SPSM, section 2.3.

    Parameters
    ----------
    build : callable
        Of each network.
    bands, channels : int
        Of the input.
    parts : int
        Number of sub-bands.
    overlap : float
        Share of a sub-band that it has in common with the next, from 0 to below 1. Not in the paper.
    whole : bool
        Whether a network that sees all bands votes too.
    loss : {"local", "vote"}
        What is trained: the mean of the networks' own losses ("train several classifiers"; the published code's), or
        the cross-entropy of the vote.
    variant : {"text", "code"}
        The published code cuts 16 bands at every 8th, whatever `parts`, `overlap` and `whole` are, without a network
        for the whole band, and averages logits in place of scores.
    """

    def __init__(
        self,
        build: Build,
        bands: int,
        *,
        channels: int = 1,
        parts: int = 4,
        overlap: float = 0.5,
        whole: bool = True,
        loss: Literal["local", "vote"] = "local",
        variant: Literal["text", "code"] = "text",
    ) -> None:
        super().__init__(bands)
        check_choice("loss", loss, ("local", "vote"))
        check_choice("variant", variant, ("text", "code"))
        self.loss, self.variant = loss, variant
        if variant == "code":
            self.ranges = cut_windows(bands)
        else:
            self.ranges = (*cut_bands(bands, parts, overlap), *([(0, bands)] if whole else []))
        self.parts = nn.ModuleList(build(last - first, channels=channels) for first, last in self.ranges)

    @property
    def part_bands(self) -> Ranges:
        """First band of each part and the band after its last; the whole band comes last."""
        return self.ranges

    @property
    def classifier(self) -> nn.Module:  # type: ignore[override]
        """The last part's last layer: each part has its own."""
        return self._list_parts()[-1].classifier

    @property
    def cam_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of all parts, shallow to deep; the last is the whole band's."""
        names = [name_layers(f"parts.{number}", part) for number, part in enumerate(self._list_parts())]
        return tuple(name for level in zip(*names, strict=True) for name in level)

    def layer_bands(self, layer: str) -> Ranges:
        """Return the bands that a layer of a part covers."""
        number, _, inner = layer.removeprefix("parts.").partition(".")
        return shift_ranges(self._list_parts()[int(number)].layer_bands(inner), self.ranges[int(number)][0])

    def represent(self, features: Tensor) -> Tensor:
        """Return the parts' representations one after the other."""
        return torch.cat([part.represent(x) for part, x in self._pair_parts(features)], dim=1)

    def answer(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the vote, and the parts' representations one after the other."""
        answers = [part.answer(x) for part, x in self._pair_parts(self.standardise(features))]
        return self._vote([logits for logits, _ in answers]), torch.cat([embedding for _, embedding in answers], dim=1)

    def score_parts(self, features: Tensor) -> Tensor:
        """Return each part's scores, shape (clip, part, class)."""
        scores = [part(x).float().softmax(1) for part, x in self._pair_parts(self.standardise(features))]
        return torch.stack(scores, dim=1)

    def score_frames(self, features: Tensor) -> Tensor | None:
        """Return the mean over parts of their frames' scores, (clip, frame, class); None where frames do not vote."""
        found = [
            part.score_frames(x) if isinstance(part, Strategy) else None
            for part, x in self._pair_parts(self.standardise(features))
        ]
        scores = [one for one in found if one is not None]
        return torch.stack(scores).mean(0) if scores else None

    def compute_loss(self, features: Tensor, targets: Tensor, *, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the loss and the logits; see `loss`."""
        if self.loss == "vote":
            return super().compute_loss(features, targets, label_smoothing=label_smoothing)
        answers = [
            part.compute_loss(x, targets, label_smoothing=label_smoothing)
            for part, x in self._pair_parts(self.standardise(features))
        ]
        return torch.stack([loss for loss, _ in answers]).mean(), self._vote([logits for _, logits in answers])

    def _list_parts(self) -> list[SoundClassifier]:
        return list(self.parts)  # type: ignore[arg-type]

    def _pair_parts(self, features: Tensor) -> list[tuple[SoundClassifier, Tensor]]:
        """Return each part with the bands that it sees."""
        slices = [features[..., first:last] for first, last in self.ranges]
        return list(zip(self._list_parts(), slices, strict=True))

    def _vote(self, logits: list[Tensor]) -> Tensor:
        return average_scores(torch.stack(logits, dim=1).float(), logits=self.variant == "code")


def cut_bands(bands: int, parts: int, overlap: float) -> Ranges:
    """Return `parts` ranges of equal width (to within a band) that together cover all bands.

    Parameters
    ----------
    bands, parts : int
    overlap : float
        Share of a range that it has in common with the next.

    Raises
    ------
    OptionError
        When there is no such cut.
    """
    if not isinstance(parts, int) or not 1 <= parts <= bands:
        raise OptionError(f"parts {parts}", f"do not fit {bands} bands", f"give a whole number from 1 to {bands}")
    if not 0 <= overlap < 1:
        raise OptionError(f"overlap {overlap}", "is no share of a sub-band", "give a number from 0 to below 1")
    width = bands / (parts - (parts - 1) * overlap)
    starts = [number * width * (1 - overlap) for number in range(parts)]
    return tuple((round(start), round(start + width)) for start in starts)


def cut_windows(bands: int) -> Ranges:
    """Return the published code's ranges: 16 bands, beginning at every 8th."""
    if bands < CODE_BANDS:
        raise OptionError(f"{bands} bands", "are less than the published code's 16", "give 16 or more, or variant=text")
    starts = range(0, bands - CODE_BANDS + 1, CODE_STRIDE)
    return tuple((start, start + CODE_BANDS) for start in starts)
