"""Commands about datasets: datasets, get, check."""

from __future__ import annotations

import json
from typing import Annotated

import typer

NAME = Annotated[
    str,
    typer.Argument(
        help="A dataset: esc10, esc10@leaky, synth10:80, fsdd:digits, folder:/path, csv:/path/table.csv ..."
    ),
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def datasets(as_json: JSON = False) -> None:
    """List the datasets, and which are on this machine.

    NAME@leaky is the same clips in random folds that leak, to show what leakage is worth.
    """
    from esclab.clips import DATASETS, load_dataset
    from esclab.errors import EsclabError

    rows = []
    for name, entry in DATASETS.items():
        state = "give a path"
        if name not in ("folder", "csv"):
            try:
                state = "here" if name == "synth10" or load_dataset(name) is not None else ""
            except EsclabError:
                state = f"esclab get {name}"
        if name == "synth10":
            state = "made at first use"
        facts = {"size": entry.size, "licence": entry.licence, "summary": entry.summary}
        rows.append({"name": name, "state": state, **facts})
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    name_width, state_width = (max(len(row[key]) for row in rows) for key in ("name", "state"))
    for row in rows:
        about = f"{row['summary']} ({row['size']}; {row['licence']})"
        typer.echo(f"{row['name']:<{name_width}}  {row['state']:<{state_width}}  {about}")


def get(name: NAME) -> None:
    """Download or make a dataset; a broken-off download goes on where it stopped."""
    from esclab.clips import get_dataset, load_dataset

    get_dataset(name)
    dataset = load_dataset(name)
    typer.echo(f"{name}: {len(dataset)} clips, {len(dataset.class_names)} classes. Licence: {dataset.licence}")


def check(name: NAME, as_json: JSON = False) -> None:
    """Check that every clip is readable and that nothing leaks between folds; exit code 1 when something is wrong."""
    from esclab.clips import check_dataset, count_shared, load_dataset
    from esclab.clips.leaky import describe_shared

    dataset = load_dataset(name)
    report = check_dataset(dataset)
    if as_json:
        from dataclasses import asdict

        facts = {"protocol": dataset.protocol, "test_clips_with_sibling": count_shared(dataset).to_dict("records")}
        typer.echo(json.dumps({**asdict(report), "ok": report.ok, **facts}, indent=2))
    else:
        typer.echo(f"{dataset.name}, {dataset.protocol}: {describe_shared(dataset)}")
        typer.echo(report.summary)
    if not report.ok:
        raise typer.Exit(1)


COMMANDS = (datasets, get, check)
