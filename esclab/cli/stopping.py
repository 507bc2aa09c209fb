"""Ctrl-C: a command ends with one sentence that says what is kept."""

from __future__ import annotations

from typing import Any

from esclab.cli.arguments import ManyValuesCommand

_CHECKPOINT = "run the same command again to go on from the last checkpoint"
KEPT = {
    **dict.fromkeys(("train", "resume", "cv", "tables"), _CHECKPOINT),
    "demo": "what was trained so far is kept in {out}/runs, run the same command again to go on",
    "trust": "what was measured so far is kept, run the same command again to go on",
    "get": "what was downloaded so far is kept, run the same command again to go on",
}
ANEW = "run the same command again to start it anew"


class Stopped(Exception):
    """A command that was interrupted; its text says what is kept and how to go on, as a clause without a full stop."""


class StoppableCommand(ManyValuesCommand):
    """A command that turns Ctrl-C into `Stopped`; typer alone would end it without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Stopped(KEPT.get(self.name or "", ANEW).format(**ctx.params)) from None
