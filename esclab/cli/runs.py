"""Commands about models and trained runs: models, evaluate, predict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.cli.records import to_records
from esclab.errors import ClipError, EsclabError, OptionError, RunError

if TYPE_CHECKING:
    import pandas as pd

    from esclab.analysis.size import ModelSize
    from esclab.results import Predictions
    from esclab.training.run import Run

RUN = Annotated[str, typer.Argument(help="A run folder, or a shipped run such as ts-cnn10-synth10.")]
START = Annotated[
    float,
    typer.Option("--start", help="Where to begin in the clip, in s; from there the network's own clip length is used."),
]

HIGHEST_SEED = 2**32 - 1  # of scikit-learn


def models(as_json: JSON = False) -> None:
    """List the models, the strategies that may stand around them, and the trained runs that come with esclab."""
    from esclab.models import MODELS
    from esclab.models.strategies import EXAMPLES, STRATEGIES
    from esclab.training.shipped import list_shipped

    if as_json:
        content = {name: entry.summary for name, entry in MODELS.items()}
        strategies = {name: entry.summary for name, entry in STRATEGIES.items()}
        typer.echo(json.dumps({"models": content, "strategies": strategies, "shipped": list_shipped()}, indent=2))
        return
    width = max(map(len, (*MODELS, *STRATEGIES)))
    for name, entry in MODELS.items():
        typer.echo(f"{name:<{width}} {entry.summary}")
    typer.echo(f"\nStrategies around them, e.g. {', '.join(EXAMPLES)}:")
    for name, strategy in STRATEGIES.items():
        typer.echo(f"{name:<{width}} {strategy.summary}")
    typer.echo(f"\nShipped runs: {', '.join(list_shipped()) or 'none'}")


def evaluate(
    run: RUN,
    out: Annotated[Path | None, typer.Option(help="Folder for figures (PNG, SVG, PDF, CSV).")] = None,
    as_json: JSON = False,
) -> None:
    """Score a run on its held-out clips: accuracy, macro accuracy, log loss, calibration, per class, and its size.

    Where the dataset has several recording devices (dcase2020-1a), also by device.
    """
    from esclab.analysis.calibration import measure_calibration
    from esclab.analysis.scores import score_predictions
    from esclab.analysis.tables import format_table
    from esclab.training.ledger import SCORES
    from esclab.training.shipped import find_run

    found = find_run(run)
    predictions = found.read_predictions()
    scores = score_predictions(predictions)
    values = {name: float(getattr(scores, name)) for name in SCORES}
    size = _measure_size(found)
    devices, reason = _score_devices(found, predictions)
    if out is not None:
        from dataclasses import replace

        from esclab.analysis.epochs import describe_run
        from esclab.figures.export import export
        from esclab.results import LearningResult

        held_out = "validation fold" if found.config.validation_fold else "test fold"
        label = describe_run(found)  # with the dataset, whose name tells of a leaky split
        learning = LearningResult({label: found.read_history()}, held_out)
        export("confusion", replace(scores.confusion, label=label), out / "confusion", how=typed_command())
        export(
            "calibration",
            replace(measure_calibration(predictions), label=label),
            out / "calibration",
            how=typed_command(),
        )
        export("learning", learning, out / "learning", how=typed_command())
    if as_json:
        content = {"run": str(found.path), **values, "parameters": size.parameters, "size_mib": size.mib}
        tables = {"per_class": scores.per_class, "devices": devices}
        records = {name: None if table is None else to_records(table) for name, table in tables.items()}
        typer.echo(json.dumps(content | records, indent=2))
        return
    typer.echo(f"{found.label}, {found.config.dataset}: {found.config.protocol}; {len(predictions.true)} clips\n")
    names = {
        "accuracy": "accuracy",
        "uar": "macro accuracy (UAR)",
        "log_loss": "log loss",
        "ece": "calibration error (ECE)",
    }
    for name, value in values.items():
        typer.echo(f"{names[name]:<24} " + (f"{value:.3f}" if name == "log_loss" else f"{100 * value:.1f} %"))
    typer.echo(f"{'model size':<24} {size.mib:.2f} MiB ({size.parameters:,} parameters)")
    typer.echo("\n" + format_table(scores.per_class.round(3), "markdown"))
    if devices is not None:
        typer.echo("\nBy recording device:\n")
        typer.echo(format_table(devices.round(3), "markdown"))
    elif reason:
        typer.echo(f"\nNot by recording device: {reason}")


def _measure_size(run: Run) -> ModelSize:
    import torch

    from esclab.analysis.size import measure_size

    with torch.random.fork_rng():  # the fresh weights are only counted, so drawing them should leave no trace
        return measure_size(run.build_model())


def _score_devices(run: Run, predictions: Predictions) -> tuple[pd.DataFrame | None, str]:
    """Return scores by recording device, or none and, where its dataset has several devices, why."""
    from esclab.analysis.devices import score_devices
    from esclab.clips import find_entry, load_dataset

    entry = find_entry(run.config.dataset)
    if entry is None or not entry.has_devices:
        return None, ""
    try:
        dataset = load_dataset(run.config.dataset)
        several = len(set(dataset.devices.values())) > 1
        return (score_devices(predictions, dataset) if several else None), ""
    except EsclabError as error:
        return None, str(error)


def predict(
    run: RUN,
    files: Annotated[list[Path], typer.Argument(help="Audio files of any length.")],
    out: Annotated[Path | None, typer.Option(help="CSV with one row a window.")] = None,
    hop_s: Annotated[float | None, typer.Option(help="Step between windows, in s; half a window by default.")] = None,
    as_json: JSON = False,
) -> None:
    """Say what recordings sound like to a trained run, window by window.

    Files that cannot be read are named and left out, with exit code 2. In the CSV and in JSON each class has a column;
    one called file, onset_s, offset_s, predicted or windows, as other columns are, has p_ before its name.
    """
    from esclab.analysis.prediction import average_windows, name_score, predict_files
    from esclab.storage import write_text

    if hop_s is not None and not hop_s > 0:
        raise OptionError(f"--hop-s {hop_s:g}", "is no step", "give a number of seconds above 0")
    found = find_finished(run)
    bad: list[ClipError] = []
    table = predict_files(found, files, hop_s=hop_s or 0.0, on_error=bad.append)
    if out is not None and len(table):
        write_text(out, table.to_csv(index=False))
    means = average_windows(table)
    if as_json:
        typer.echo(json.dumps(to_records(means), indent=2))
    else:
        for _, row in means.iterrows():
            share, count = 100 * row[name_score(row["predicted"])], row["windows"]
            windows = "1 window" if count == 1 else f"{count} windows"
            typer.echo(f"{row['file']}: {row['predicted']} ({share:.0f} %, {windows})")
    for error in bad:
        typer.echo(f"esclab: {error}", err=True)
    if bad:
        raise typer.Exit(2)


def attend(
    run: RUN,
    clip: Annotated[str, typer.Argument(help="A clip of the run's dataset, or an audio file.")],
    start: START = 0.0,
    out: Annotated[Path, typer.Option(help="Folder for the figure (PNG, SVG, PDF, CSV).")] = Path("out/attend"),
) -> None:
    """Picture where a run attends in one clip, over time and frequency."""
    from esclab.analysis.attention import attend_clip
    from esclab.clips.pick import measure_part, pick_clip
    from esclab.figures.export import export

    found = find_finished(run)
    length = {"duration_s": found.config.duration_s, "start_s": start}
    part = measure_part(found.config.dataset, clip, **length)  # a bad name is told before anything heavy is loaded
    feature = found.build_feature()
    samples, label = pick_clip(found.config.dataset, clip, sample_rate=feature.config.sample_rate, **length)
    frames = found.count_own_frames(part.heard_s)
    result = attend_clip(found.load_model(), feature, samples, label=label, name=found.config.model, frames=frames)
    paths = export("attention", result, out / "attention", how=typed_command())
    if not part.is_whole:
        typer.echo(f"{part.summary}\n")
    typer.echo("\n".join(str(path) for path in paths))


def find_finished(name: str) -> Run:
    """Return a run as `find_run` does, or raise RunError when it is not finished."""
    from esclab.training.shipped import find_run

    found = find_run(name)
    if not found.is_finished:
        raise RunError(found.path, "is not finished", f"finish the run with: esclab resume {found.path}")
    return found


COMMANDS = (models, evaluate, predict, attend)
