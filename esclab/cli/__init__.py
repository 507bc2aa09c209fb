"""The command line. Heavy libraries load inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import logging
import sys

import typer

from esclab import __version__
from esclab.cli import baselines, cost, data, demo, embed, explain, noise, papers, runs, tables, train, votes
from esclab.cli.stopping import StoppableCommand, Stopped
from esclab.errors import EsclabError

app = typer.Typer(
    name="esclab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "See, hear and measure what a neural network does with a sound.\n\n"
        "A first round: `esclab demo` trains two networks on made sounds and compares them. Then: "
        "`esclab train ts-cnn10 --dataset synth10`, `esclab evaluate RUN`, `esclab predict RUN sound.wav`. "
        "With real recordings: `esclab get esc50`, `esclab cv cnn10 ts-cnn10 --dataset esc10`."
    ),
)

for module in (demo, data, train, tables, baselines, cost, runs, noise, explain, embed, votes, papers):
    for command in module.COMMANDS:
        app.command(cls=StoppableCommand)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"esclab {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; bad input ends with one sentence and exit code 2, Ctrl-C with one and exit code 130."""
    logging.basicConfig(format="esclab: %(message)s", level=logging.WARNING)
    try:
        app()
    except EsclabError as error:
        print(f"esclab: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stop:
        print(f"esclab: stopped; {stop}.", file=sys.stderr)
        sys.exit(130)
