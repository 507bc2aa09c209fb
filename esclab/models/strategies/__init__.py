"""Strategies of SPSM around any network that fits them, by name: "cnn10+spsmt", "spsm-1a+early+spsmt".

A strategy builds the network that it wraps, once or several times, and is a `SoundClassifier` itself. What a network
offers decides what fits it: `encode` and `pool_maps` for votes of frames and late fusion; a keyword `channels` of its
builder for early fusion; for middle fusion `stem` (names of its first modules, one after the other), `finish` (the rest
of `encode`) and a keyword `joined`. To add a strategy, write its file (a subclass of `Strategy`) and name it in
`STRATEGIES`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StrategyEntry:
    """Where a strategy lives, loaded when first used.

    Attributes
    ----------
    summary : str
    module, builder : str
    wraps : tuple of str
        The other strategies that it may wrap, beside a network itself.
    needs : {"", "maps", "channels", "stem"}
        What a network must offer.
    """

    summary: str
    module: str
    builder: str
    wraps: tuple[str, ...] = ()
    needs: str = ""


STRATEGIES: dict[str, StrategyEntry] = {
    "spsmt": StrategyEntry(
        "every frame votes", "esclab.models.strategies.spsmt", "FrameVotes", ("early", "middle", "late"), "maps"
    ),
    "spsmf": StrategyEntry(
        "a network for each sub-band, which vote", "esclab.models.strategies.spsmf", "BandVotes", ("spsmt",)
    ),
    "early": StrategyEntry(
        "several representations as channels",
        "esclab.models.strategies.early", "EarlyFusion", ("spsmt", "spsmf"), "channels",
    ),
    "middle": StrategyEntry(
        "first blocks of several representations, joined", "esclab.models.strategies.middle", "MiddleFusion", (), "stem"
    ),
    "late": StrategyEntry(
        "an encoder for each of several representations, pooled and added",
        "esclab.models.strategies.late", "LateFusion", (), "maps",
    ),
}  # fmt: skip

EXAMPLES = ("cnn10+spsmt", "cnn10+spsmf", "spsm-1a+spsmt", "spsm-1a+spsmf", "spsm-1a+early", "spsm-1b+early+spsmt")
"""Some names of many, for lists that people choose from."""
