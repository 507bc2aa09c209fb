"""What was typed: options that take several values at once, as in `--snr 20 10 0`, and the command as a line."""

from __future__ import annotations

import shlex
from contextvars import ContextVar
from typing import Any

from typer.core import TyperCommand

_typed: ContextVar[str] = ContextVar("typed")
NUMBERS = ("--snr", "--seed")
PAIRS = ("--set",)
WORDS = ("--kind", "--method", "--methods", "--layer", "--region")


class ManyValuesCommand(TyperCommand):
    """A command whose repeatable options may also be given once, with all their values after it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Spread the values, then parse as usual."""
        _typed.set(shlex.join(["esclab", str(ctx.info_name), *args]))
        repeatable = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        return super().parse_args(ctx, spread_values(args, repeatable))


def typed_command() -> str:
    """Return the running command as it was typed, which a figure's record keeps."""
    return _typed.get()


def spread_values(args: list[str], repeatable: set[str]) -> list[str]:
    """Return `--snr 20 --snr 10` for `--snr 20 10`; what follows must fit.

    Numbers follow an option of numbers, NAME=VALUE one of pairs, any word one of words.
    """
    spread: list[str] = []
    option, values = "", 0
    for word in args:
        if word.startswith("-") and not _is_number(word):
            option, values = (word if word in repeatable and word in NUMBERS + PAIRS + WORDS else ""), 0
        else:
            if values and _fits(option, word):
                spread.append(option)
            elif values:
                option = ""
            values += 1
        spread.append(word)
    return spread


def _fits(option: str, word: str) -> bool:
    if option in NUMBERS:
        return _is_number(word)
    return option in WORDS or (option in PAIRS and "=" in word)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
