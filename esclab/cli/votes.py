"""Commands about votes: vote, voters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.cli.records import to_records
from esclab.cli.runs import RUN, START, find_finished


def vote(
    runs: Annotated[
        list[str], typer.Argument(help="Run folders, shipped runs, or folders with runs below them, of one dataset.")
    ],
    name: Annotated[str, typer.Option(help="What the vote is called, e.g. SPSMR.")] = "vote",
    out: Annotated[Path | None, typer.Option(help="Folder for the accuracy figure (PNG, SVG, PDF, CSV).")] = None,
    as_json: JSON = False,
) -> None:
    """Average the class scores of several trained networks, and hold the vote against each of them.

    Runs of one model and recipe are one voter, joined over their folds. SPSM's SPSMR is the vote of networks that saw
    different representations: train them by esclab cv spsm-1a --recipe spsm-quick --feature cqt (and logmel, gammatone,
    mfcc), then: esclab vote runs/synth10/spsm-quick*/spsm-1a --name SPSMR
    """
    from esclab.analysis.tables import format_table
    from esclab.analysis.votes import compare_vote
    from esclab.training.shipped import find_runs

    comparison = compare_vote(find_runs(runs), name=name)
    if out is not None:
        from esclab.figures.export import export

        export("accuracy", comparison.accuracy, out / "accuracy", how=typed_command())
    if as_json:
        content = {
            "label": comparison.accuracy.label,
            "interval": comparison.accuracy.interval,
            "accuracy": to_records(comparison.accuracy.table),
            "scores": to_records(comparison.scores),
            "size_mib": comparison.sizes_mib,
            "pairs": to_records(comparison.pairs),
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"{comparison.accuracy.label}; intervals: {comparison.accuracy.interval}\n")
    typer.echo(format_table(comparison.table, "markdown"))
    typer.echo("\nThe vote against each voter, McNemar's test on the same clips, Holm's correction:\n")
    typer.echo(format_table(comparison.pairs.round(4), "markdown"))


def voters(
    run: RUN,
    clip: Annotated[str, typer.Argument(help="A clip of the run's dataset, or an audio file.")],
    start: START = 0.0,
    out: Annotated[Path, typer.Option(help="Folder for the figure (PNG, SVG, PDF, CSV).")] = Path("out/voters"),
    as_json: JSON = False,
) -> None:
    """Picture which frames and sub-bands of one clip vote for which class, of a model with +spsmt or +spsmf."""
    from esclab.analysis.votes import vote_clip
    from esclab.clips.pick import measure_part, pick_clip
    from esclab.figures.export import export

    found = find_finished(run)
    config = found.config
    length = {"duration_s": config.duration_s, "start_s": start}
    part = measure_part(config.dataset, clip, **length)
    feature = found.build_feature()
    samples, label = pick_clip(config.dataset, clip, sample_rate=feature.config.sample_rate, **length)
    result = vote_clip(
        found.load_model(), feature, samples, class_names=config.class_names, label=label, name=config.model
    )
    paths = export("votes", result, out / "votes", how=typed_command())
    scores = dict(zip(result.class_names, map(float, result.scores), strict=True))
    if as_json:
        count = {"frames": result.frames, "parts": result.parts}
        content = {"clip": label, "scores": scores, "files": list(map(str, paths))}
        typer.echo(json.dumps(content | {k: 0 if v is None else len(v) for k, v in count.items()}, indent=2))
        return
    best = max(scores, key=lambda class_name: scores[class_name])
    typer.echo(f"{label if part.is_whole else part.summary}: {best} ({100 * scores[best]:.0f} %)")
    typer.echo("\n".join(map(str, paths)))


COMMANDS = (vote, voters)
