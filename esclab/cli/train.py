"""Commands that train: train, resume, cv."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.data import JSON
from esclab.cli.records import to_records
from esclab.errors import OptionError

if TYPE_CHECKING:
    from esclab.analysis.comparison import Comparison
    from esclab.training.recipe import Recipe
    from esclab.training.run import Run

DATASET = Annotated[str, typer.Option("--dataset", "-d", help="As in `esclab datasets`; synth10:80 is a small one.")]
RECIPE = Annotated[
    str,
    typer.Option("--recipe", "-r", help="quick (a minute a fold on two cores), or a paper's: ts-cnn, spsm-quick ..."),
]
FEATURE = Annotated[
    str,
    typer.Option("--feature", help="Another front end than the recipe's: logmel, cqt, gammatone, mfcc, stack ..."),
]
SET = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Change settings, e.g. width=1/2 iterations=100; several may follow."
    ),
]
WEIGHTS = Annotated[
    str,
    typer.Option(
        "--weights",
        help="First weights: a .safetensors or .pth file (PANNs' CNN10, torchvision's ResNet-50), or a finished run.",
    ),
]
RESULTS = Annotated[
    Path, typer.Option(help="Folder whose runs.csv gets one row a finished run; means.csv one a model, of cv.")
]
RUNS = Annotated[Path, typer.Option(help="Folder of all runs.")]


def train(
    model: Annotated[str, typer.Argument(help="As in `esclab models`, e.g. ts-cnn10.")],
    dataset: DATASET = "synth10",
    fold: Annotated[int, typer.Option(help="The test fold.")] = 1,
    recipe: RECIPE = "quick",
    feature: FEATURE = "",
    changes: SET = None,
    seed: Annotated[int, typer.Option(help="Decides weights, batches and augmentation.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/DATASET/RECIPE/MODEL/... by default.")
    ] = None,
    validation_fold: Annotated[
        int,
        typer.Option(help="A training fold to score in place of the test fold, which stays unseen; 0 for none."),
    ] = 0,
    keep_epochs: Annotated[bool, typer.Option(help="Keep predictions and embeddings per epoch.")] = False,
    weights: WEIGHTS = "",
    compile_model: Annotated[bool, typer.Option("--compile", help="Fuse the network with torch.compile.")] = False,
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Train one model on one fold. The same command again resumes a training that was stopped."""
    from esclab.clips import load_dataset
    from esclab.training.recipe import change_recipe

    pairs = parse_changes(changes, feature=feature)
    base = check_names([model], dataset=dataset, recipe=recipe)
    chosen = change_recipe(base, model, pairs)  # told before a dataset is made
    from esclab.training.crossval import run_folder
    from esclab.training.start import create_run

    clips = load_dataset(dataset)
    folder = out or run_folder(
        "runs", model, dataset=clips, recipe=chosen, fold=fold, validation_fold=validation_fold, seed=seed,
        weights=weights or None,
    )  # fmt: skip
    run = create_run(
        model, clips, chosen, folder=folder, fold=fold, validation_fold=validation_fold, seed=seed,
        keep_epochs=keep_epochs, weights=weights or None,
    )  # fmt: skip
    if not as_json:
        _tell_weights(run)
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
    feature: FEATURE = "",
    changes: SET = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeatable; 0 by default.", min=0)] = None,
    folds: Annotated[str, typer.Option(help="E.g. 1,3; all by default.")] = "",
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Score validation folds cut from the training folds; test folds stay unseen."),
    ] = False,
    keep_epochs: Annotated[bool, typer.Option(help="Keep predictions and embeddings per epoch.")] = False,
    weights: WEIGHTS = "",
    runs: RUNS = Path("runs"),
    results: RESULTS = Path("results"),
    as_json: JSON = False,
) -> None:
    """Cross-validate models over a dataset's folds and compare them; run it again to go on after a stop."""
    from esclab.clips import load_dataset
    from esclab.training.recipe import change_recipe

    pairs = parse_changes(changes, feature=feature)
    chosen_folds = parse_folds(folds)
    base = check_names(models, dataset=dataset, recipe=recipe)
    recipes = [change_recipe(base, model, pairs) for model in models]
    from esclab.analysis.comparison import compare_runs
    from esclab.training.crossval import cross_validate
    from esclab.training.means import enter_means
    from esclab.training.progress import watch_cross_validation

    reports = cross_validate(
        models, load_dataset(dataset), recipes[0], root=runs, seeds=seed or (0,), folds=chosen_folds,
        validate=validate, keep_epochs=keep_epochs, weights=weights or None,
    )  # fmt: skip
    finished: dict[Path, Run] = {}
    rows: list[dict[str, Any]] = []
    told: set[str] = set()
    for report in watch_cross_validation(reports):
        if not as_json and report.run.config.model not in told:
            told.add(report.run.config.model)
            _tell_weights(report.run)
        if report.run.is_finished and report.run.path not in finished:
            finished[report.run.path] = report.run
            rows.append(enter_run(report.run, results))
    comparison = compare_runs(list(finished.values()))
    enter_means(results, comparison.accuracy, rows)
    _print_comparison(comparison, as_json=as_json)


def check_names(models: list[str], *, dataset: str, recipe: str) -> Recipe:
    """Return the recipe; a name of which nothing is known is told here, before torch is loaded, which takes seconds."""
    from esclab.clips import check_spec
    from esclab.models import find_model
    from esclab.papers import find_recipe

    for model in models:
        find_model(model)
    check_spec(dataset)
    return find_recipe(recipe)


def parse_changes(changes: list[str] | None, *, feature: str = "") -> dict[str, str]:
    """Return {"width": "1/4"} for ["width=1/4"], and the name of a front end where one is given."""
    pairs = {"feature.name": feature} if feature else {}
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


def enter_run(run: Run, results: Path) -> dict[str, Any]:
    """Add the run's row to the ledger; return it."""
    from esclab.analysis.scores import score_predictions
    from esclab.training.ledger import SCORES, append_result, describe_run

    scores = score_predictions(run.read_predictions())
    row = describe_run(run, {name: getattr(scores, name) for name in SCORES})
    append_result(results / "runs.csv", row)
    return row


def _tell_weights(run: Run) -> None:
    """Print which first weights fitted and which did not, of a run that did not begin from scratch."""
    from esclab.training.initial import REPORT, describe_report

    if run.config.initial_weights:
        report = json.loads((run.path / REPORT).read_text("utf-8"))
        typer.echo(f"{run.config.model} begins with {run.config.initial_from}: " + "\n  ".join(describe_report(report)))


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
    enter_run(run, results)
    if as_json:
        typer.echo(json.dumps({"run": str(run.path), **run.summary}, indent=2))
    else:
        typer.echo(f"accuracy {100 * run.summary['accuracy']:.1f} % on fold {run.config.held_out} -> {run.path}")


def _print_comparison(comparison: Comparison, *, as_json: bool) -> None:
    from esclab.analysis.tables import format_table

    if as_json:
        content = {
            "accuracy": to_records(comparison.accuracy.table),
            "seconds": comparison.seconds,
            "pairs": to_records(comparison.pairs),
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"{comparison.accuracy.label}; intervals: {comparison.accuracy.interval}\n")
    typer.echo(format_table(comparison.table, "markdown"))
    if len(comparison.pairs):
        typer.echo("\nMcNemar's test on the same clips, Holm's correction:\n")
        typer.echo(format_table(comparison.pairs.round(4), "markdown"))


COMMANDS = (train, resume, cv)
