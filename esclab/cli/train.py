"""Commands that train: train, resume, cv."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esclab.cli.data import JSON
from esclab.errors import OptionError

if TYPE_CHECKING:
    from esclab.training.run import Run

DATASET = Annotated[str, typer.Option("--dataset", "-d", help="As in `esclab datasets`; synth10:80 is a small one.")]
RECIPE = Annotated[
    str, typer.Option("--recipe", "-r", help="quick (a minute a fold on two cores) or ts-cnn (the paper's).")
]
SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, e.g. width=1/2 or iterations=100; repeatable."),
]
RESULTS = Annotated[Path, typer.Option(help="Folder whose runs.csv gets one row a finished run.")]
RUNS = Annotated[Path, typer.Option(help="Folder of all runs.")]


def train(
    model: Annotated[str, typer.Argument(help="As in `esclab models`, e.g. ts-cnn10.")],
    dataset: DATASET = "synth10",
    fold: Annotated[int, typer.Option(help="The test fold.")] = 1,
    recipe: RECIPE = "quick",
    changes: SET = None,
    seed: Annotated[int, typer.Option(help="Decides weights, batches and augmentation.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/DATASET/RECIPE/MODEL/... by default.")
    ] = None,
    validation_fold: Annotated[
        int,
        typer.Option(help="A training fold to score in place of the test fold, which stays unseen; 0 for none."),
    ] = 0,
    keep_epochs: Annotated[bool, typer.Option(help="Keep predictions and embeddings per epoch.")] = False,
    compile_model: Annotated[bool, typer.Option("--compile", help="Fuse the network with torch.compile.")] = False,
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Train one model on one fold. The same command again resumes a training that was stopped."""
    from esclab.clips import load_dataset
    from esclab.papers import find_recipe
    from esclab.training.crossval import run_folder
    from esclab.training.recipe import change_recipe
    from esclab.training.start import create_run

    chosen = change_recipe(find_recipe(recipe), model, parse_changes(changes))  # told before a dataset is made
    clips = load_dataset(dataset)
    folder = out or run_folder(
        "runs", model, dataset=clips, recipe=chosen, fold=fold, validation_fold=validation_fold, seed=seed
    )
    run = create_run(
        model, clips, chosen, folder=folder, fold=fold, validation_fold=validation_fold, seed=seed,
        keep_epochs=keep_epochs,
    )  # fmt: skip
    _train(run, results, compile_model=compile_model, as_json=as_json)


def resume(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Go on with a training that was stopped; it ends with the weights that it would have had."""
    from esclab.training.run import open_run

    _train(open_run(run), results, compile_model=False, as_json=as_json)


def cv(
    models: Annotated[list[str], typer.Argument(help="Models to compare, e.g. cnn10 ts-cnn10.")],
    dataset: DATASET = "synth10",
    recipe: RECIPE = "quick",
    changes: SET = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeatable; 0 by default.")] = None,
    folds: Annotated[str, typer.Option(help="E.g. 1,3; all by default.")] = "",
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Score validation folds cut from the training folds; test folds stay unseen."),
    ] = False,
    keep_epochs: Annotated[bool, typer.Option(help="Keep predictions and embeddings per epoch.")] = False,
    runs: RUNS = Path("runs"),
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Cross-validate models over a dataset's folds and compare them; run it again to go on after a stop."""
    from esclab.clips import load_dataset
    from esclab.papers import find_recipe
    from esclab.training.crossval import cross_validate
    from esclab.training.progress import watch_cross_validation
    from esclab.training.recipe import change_recipe

    recipes = [change_recipe(find_recipe(recipe), model, parse_changes(changes)) for model in models]
    chosen_folds = parse_folds(folds)
    reports = cross_validate(
        models, load_dataset(dataset), recipes[0], root=runs, seeds=seed or (0,), folds=chosen_folds,
        validate=validate, keep_epochs=keep_epochs,
    )  # fmt: skip
    finished: dict[Path, Run] = {}
    for report in watch_cross_validation(reports):
        if report.run.is_finished and report.run.path not in finished:
            finished[report.run.path] = report.run
            _enter(report.run, results)
    _print_comparison(list(finished.values()), as_json=as_json)


def parse_changes(changes: list[str] | None) -> dict[str, str]:
    """Return {"width": "1/4"} for ["width=1/4"]."""
    pairs = {}
    for change in changes or []:
        name, equals, value = change.partition("=")
        if not (name and equals and value):
            raise OptionError(f"--set {change}", "is not NAME=VALUE", "write e.g. --set width=1/2")
        pairs[name] = value
    return pairs


def parse_folds(text: str) -> tuple[int, ...] | None:
    """Return (1, 3) for "1,3", None for an empty text."""
    try:
        return tuple(int(part) for part in text.split(",")) if text else None
    except ValueError as error:
        raise OptionError(f"--folds {text}", "is no list of numbers", "write e.g. --folds 1,3") from error


def _train(run: Run, results: Path, *, compile_model: bool, as_json: bool) -> None:
    from tqdm import tqdm

    from esclab.training.loop import train as train_run
    from esclab.training.progress import watch

    def show_features(done: int, count: int) -> None:
        if done == count or done % 20 == 0:
            tqdm.write(f"features: {done} of {count} clips", nolock=True)

    reports = train_run(run, compile_model=compile_model, progress=None if as_json else show_features)
    for _ in reports if as_json else watch(reports, label=run.config.model):
        pass
    _enter(run, results)
    if as_json:
        typer.echo(json.dumps({"run": str(run.path), **run.summary}, indent=2))
    else:
        typer.echo(f"accuracy {100 * run.summary['accuracy']:.1f} % on fold {run.config.held_out} -> {run.path}")


def _enter(run: Run, results: Path) -> None:
    """Add the run's row to the ledger."""
    from esclab.analysis.scores import score_predictions
    from esclab.training.ledger import SCORES, append_result, describe_run

    scores = score_predictions(run.read_predictions())
    append_result(results / "runs.csv", describe_run(run, {name: getattr(scores, name) for name in SCORES}))


def _print_comparison(runs: list[Run], *, as_json: bool) -> None:
    from esclab.analysis.comparison import compare_runs
    from esclab.analysis.tables import format_table

    comparison = compare_runs(runs)
    if as_json:
        content = {
            "accuracy": comparison.accuracy.table.to_dict("records"),
            "seconds": comparison.seconds,
            "pairs": comparison.pairs.to_dict("records"),
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"{comparison.accuracy.label}; intervals: {comparison.accuracy.interval}\n")
    typer.echo(format_table(comparison.table, "markdown"))
    if len(comparison.pairs):
        typer.echo("\nMcNemar's test on the same clips, Holm's correction:\n")
        typer.echo(format_table(comparison.pairs.round(4), "markdown"))


COMMANDS = (train, resume, cv)
