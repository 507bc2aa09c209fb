"""The command cost: what models cost to run on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.cli.progress import show_progress
from esclab.cli.records import to_records
from esclab.errors import OptionError

if TYPE_CHECKING:
    from esclab.analysis.costs import CostSettings
    from esclab.results.cost import CostResult


def cost(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="As in `esclab models`, strategies included, e.g. cnn10+spsmt; all of them by default."),
    ] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="Whose front end and model settings; full width on fbank by default.")
    ] = "",
    feature: Annotated[str, typer.Option(help="A front end in place of the recipe's, e.g. logmel.")] = "",
    duration_s: Annotated[float, typer.Option("--duration-s", help="Length of a clip, in s.")] = 5.0,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 50,
    repeats: Annotated[int, typer.Option(help="Timed passes of each batch; fewer where they take over 5 s.")] = 20,
    memory: Annotated[bool, typer.Option(help="Measure memory, in a process of its own for each model.")] = True,
    onnx: Annotated[bool, typer.Option("--onnx", help="Export each and time it under onnxruntime too.")] = False,
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="Add the accuracies that the ledger has on this dataset, e.g. esc10.")
    ] = "",
    results: Annotated[Path, typer.Option(help="Folder whose runs.csv is the ledger.")] = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figure of accuracy against cost; needs --dataset.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Measure parameters, operations, memory and time of models, one after another, all on clips of the same size.

    Time is the median of the passes and depends on the machine and on what else it does: compare only what one call
    measured. A clip's time is given alone and in a batch of 32. The front end is not in it.
    """
    from esclab.analysis.costs import add_accuracies, cost_table, measure_costs, read_accuracies
    from esclab.analysis.onnx_export import HOW_TO_GET, find_missing
    from esclab.analysis.tables import format_table
    from esclab.models import MODELS

    if out is not None and not dataset:
        raise OptionError(f"--out {out}", "has no accuracies to draw", "name their dataset, e.g. --dataset esc10")
    settings = _choose_settings(
        recipe, feature, duration_s=duration_s, classes=classes, repeats=repeats, with_memory=memory, with_onnx=onnx
    )
    names = models or list(MODELS)
    # Read before the measuring, which takes long.
    known = read_accuracies(results / "runs.csv", dataset, names, recipe=recipe or None) if dataset else ({}, "")
    result = measure_costs(names, settings, keep_going=not models, progress=show_progress("models", quiet=as_json))
    result = add_accuracies(result, *known)
    paths = [] if out is None else _export(result, out)
    if as_json:
        content = {"machine": result.machine, "label": result.label, "models": to_records(result.table)}
        typer.echo(json.dumps(content | {"files": [str(path) for path in paths]}, indent=2))
        return
    typer.echo(result.machine + (f"\nAccuracy: {result.label}" if result.label else "") + "\n")
    typer.echo(format_table(cost_table(result), "markdown"))
    missing = find_missing()
    if not onnx:
        typer.echo("Times under onnxruntime: " + (HOW_TO_GET if missing else "add --onnx") + ".")
    for path in paths:
        typer.echo(str(path))


def _choose_settings(recipe: str, feature: str, *, duration_s: float, classes: int, **options: Any) -> CostSettings:
    from esclab.analysis.costs import CostSettings
    from esclab.features import build_feature
    from esclab.papers import find_recipe

    if not (0 < duration_s < 3600 and classes >= 2):
        raise OptionError("--duration-s and --classes", "must be above 0 and at least 2", "mend them")
    chosen = find_recipe(recipe) if recipe else None
    front_end = {"name": feature} if feature else dict(chosen.feature) if chosen else {"name": "fbank"}
    model = dict(chosen.model) if chosen else {}
    return CostSettings(build_feature(**front_end), duration_s=duration_s, classes=classes, model=model, **options)


def _export(result: CostResult, out: Path) -> list[Path]:
    from esclab.figures.export import export

    return export("cost", result, out / "cost", how=typed_command())


COMMANDS = (cost,)
