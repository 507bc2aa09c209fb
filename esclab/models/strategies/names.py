"""Names such as "spsm-1a+early+spsmt": a network, then strategies from the innermost to the outermost."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from esclab.errors import OptionError
from esclab.models.strategies import STRATEGIES

STRUCTURE = ("channels", "joined")
"""Keywords by which a strategy shapes the network inside; no settings for a person."""


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the network's name and those of the strategies around it, innermost first.

    Raises
    ------
    OptionError
        When a strategy is unknown, named twice, or cannot wrap what stands before it.
    """
    base, *strategies = name.split("+")
    for number, strategy in enumerate(strategies):
        if strategy not in STRATEGIES:
            near = get_close_matches(strategy, STRATEGIES, n=1)
            hint = f"did you mean {near[0]}" if near else f"choose one of {', '.join(STRATEGIES)}"
            raise OptionError(f"model {name}, strategy {strategy or 'of no name'}", "is not known", hint)
        inside, wraps = strategies[:number], STRATEGIES[strategy].wraps
        wrong = [one for one in inside if one not in wraps]
        if strategy in inside or wrong:
            cause = "is named twice" if strategy in inside else f"cannot wrap {wrong[0]}"
            fitting = " or ".join(("a network", *wraps))
            raise OptionError(f"model {name}, strategy {strategy}", cause, f"let it wrap {fitting}")
    return base, tuple(strategies)


def find_builder(module: str, builder: str) -> Callable[..., Any]:
    """Return a class or function by its module and name."""
    return getattr(import_module(module), builder)


def list_options(builder: Callable[..., Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword-only parameters of a builder that a person may set, with their defaults."""
    parameters = inspect.signature(builder).parameters.values()
    taken = (*fixed, *STRUCTURE)
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in taken}


def qualify_options(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str, Any]]:
    """Return what each setting of a whole model means.

    Parameters
    ----------
    layers : mapping of str to mapping
        Options, with defaults, of the network and of each strategy, by name.

    Returns
    -------
    options : dict
        (layer, option, default) by the setting's name: the option's own, or "spsmf.variant" where several layers have
        an option of that name.
    """
    counts = Counter(option for options in layers.values() for option in options)
    return {
        option if counts[option] == 1 else f"{layer}.{option}": (layer, option, default)
        for layer, options in layers.items()
        for option, default in options.items()
    }


def sort_settings(
    name: str, layers: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the settings of each layer.

    Raises
    ------
    OptionError
        When a setting is unknown, or belongs to several layers.
    """
    known = qualify_options(layers)
    sorted_out: dict[str, dict[str, Any]] = {layer: {} for layer in layers}
    for setting, value in settings.items():
        if setting not in known:
            owners = [full for full in known if full.endswith(f".{setting}")]
            if owners:
                raise OptionError(f"model {name}", f"has several settings {setting}", f"choose {' or '.join(owners)}")
            hint = f"choose among {', '.join(known)}" if known else "leave it out"
            raise OptionError(f"model {name}", f"has no setting {setting}", hint)
        layer, option, _ = known[setting]
        sorted_out[layer][option] = value
    return sorted_out


def wrap_network(
    strategies: tuple[str, ...],
    build: Callable[..., Any],
    *,
    settings: Mapping[str, Mapping[str, Any]],
) -> Callable[..., Any]:
    """Return the builder of the outermost strategy around the builder of a network.

    Parameters
    ----------
    strategies : tuple of str
        Innermost first.
    build : callable
        `build(bands, *, channels, joined)` makes the network.
    settings : mapping of str to mapping
        Of each strategy.
    """
    for strategy in strategies:
        entry = STRATEGIES[strategy]
        build = _wrap(find_builder(entry.module, entry.builder), build, settings[strategy])
    return build


def fits_network(strategy: str, builder: Callable[..., Any]) -> bool:
    """Return whether a strategy fits the networks that a class or function builds."""
    from esclab.models.base import SoundClassifier

    parameters = inspect.signature(builder).parameters
    needs = STRATEGIES[strategy].needs
    if needs == "maps":
        return getattr(builder, "encode", SoundClassifier.encode) is not SoundClassifier.encode
    if needs == "stem":
        return hasattr(builder, "stem") and "joined" in parameters
    return needs in parameters if needs else True


def _wrap(strategy: Callable[..., Any], build: Callable[..., Any], settings: Mapping[str, Any]) -> Callable[..., Any]:
    def wrapped(bands: int, **structure: int) -> Any:
        return strategy(build, bands, **{keyword: n for keyword, n in structure.items() if n != 1}, **settings)

    return wrapped
