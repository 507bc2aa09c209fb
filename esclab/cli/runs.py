"""Commands about models and trained runs: models, evaluate, predict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from esclab.cli.data import JSON

RUN = Annotated[str, typer.Argument(help="A run folder, or a shipped run such as ts-cnn10-synth10.")]


def models(as_json: JSON = False) -> None:
    """List the models, and the trained runs that come with esclab."""
    from esclab.models import MODELS
    from esclab.training.shipped import list_shipped

    if as_json:
        content = {name: entry.summary for name, entry in MODELS.items()}
        typer.echo(json.dumps({"models": content, "shipped": list_shipped()}, indent=2))
        return
    for name, entry in MODELS.items():
        typer.echo(f"{name:<17} {entry.summary}")
    typer.echo(f"\nShipped runs: {', '.join(list_shipped()) or 'none'}")


def evaluate(
    run: RUN,
    out: Annotated[Path | None, typer.Option(help="Folder for figures (PNG, SVG, PDF, CSV).")] = None,
    as_json: JSON = False,
) -> None:
    """Score a run on its held-out clips: accuracy, macro recall, log loss, calibration, per class."""
    from esclab.analysis.calibration import measure_calibration
    from esclab.analysis.scores import score_predictions
    from esclab.analysis.tables import format_table
    from esclab.training.ledger import SCORES
    from esclab.training.shipped import find_run

    found = find_run(run)
    predictions = found.read_predictions()
    scores = score_predictions(predictions)
    values = {name: float(getattr(scores, name)) for name in SCORES}
    if out is not None:
        from esclab.figures.export import export
        from esclab.results import LearningResult

        how = f"esclab evaluate {run} --out {out}"
        held_out = "validation fold" if found.config.validation_fold else "test fold"
        learning = LearningResult({found.label: found.read_history()}, held_out)
        export("confusion", scores.confusion, out / "confusion", how=how)
        export("calibration", measure_calibration(predictions), out / "calibration", how=how)
        export("learning", learning, out / "learning", how=how)
    if as_json:
        per_class = scores.per_class.to_dict("records")
        typer.echo(json.dumps({"run": str(found.path), **values, "per_class": per_class}, indent=2))
        return
    typer.echo(f"{found.label}, {found.config.dataset}: {found.config.protocol}; {len(predictions.true)} clips\n")
    names = {
        "accuracy": "accuracy",
        "uar": "macro recall (UAR)",
        "log_loss": "log loss",
        "ece": "calibration error (ECE)",
    }
    for name, value in values.items():
        typer.echo(f"{names[name]:<24} " + (f"{value:.3f}" if name == "log_loss" else f"{100 * value:.1f} %"))
    typer.echo("\n" + format_table(scores.per_class.round(3), "markdown"))


def predict(
    run: RUN,
    files: Annotated[list[Path], typer.Argument(help="Audio files of any length.")],
    out: Annotated[Path | None, typer.Option(help="CSV with one row a window.")] = None,
    hop_s: Annotated[float, typer.Option(help="Step between windows, in s; half a window by default.")] = 0.0,
    as_json: JSON = False,
) -> None:
    """Say what recordings sound like to a trained run, window by window."""
    from esclab.analysis.prediction import average_windows, predict_files
    from esclab.storage import write_text
    from esclab.training.shipped import find_run

    table = predict_files(find_run(run), files, hop_s=hop_s)
    if out is not None:
        write_text(out, table.to_csv(index=False))
    means = average_windows(table)
    if as_json:
        typer.echo(json.dumps(means.to_dict("records"), indent=2))
        return
    for _, row in means.iterrows():
        typer.echo(f"{row['file']}: {row['predicted']} ({100 * row[row['predicted']]:.0f} %, {row['windows']} windows)")


def attend(
    run: RUN,
    clip: Annotated[str, typer.Argument(help="A clip of the run's dataset, or an audio file.")],
    out: Annotated[Path, typer.Option(help="Folder for the figure (PNG, SVG, PDF, CSV).")] = Path("out/attend"),
) -> None:
    """Picture where a run attends in one clip, over time and frequency."""
    from esclab.analysis.attention import attend_clip
    from esclab.clips.pick import pick_clip
    from esclab.figures.export import export
    from esclab.training.shipped import find_run

    found = find_run(run)
    feature = found.build_feature()
    samples, label = pick_clip(
        found.config.dataset,
        clip,
        sample_rate=feature.config.sample_rate,
        duration_s=found.config.duration_s,
    )
    result = attend_clip(found.load_model(), feature, samples, label=label, name=found.config.model)
    paths = export("attention", result, out / "attention", how=f"esclab attend {run} {clip} --out {out}")
    typer.echo("\n".join(str(path) for path in paths))


COMMANDS = (models, evaluate, predict, attend)
