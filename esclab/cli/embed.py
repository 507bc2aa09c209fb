"""Commands that look at what a network learned and where it errs: embed, errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.cli.records import to_records
from esclab.cli.runs import HIGHEST_SEED, RUN
from esclab.errors import EsclabError, OptionError

if TYPE_CHECKING:
    import pandas as pd

    from esclab.results import ConfusionSeriesResult, Predictions
    from esclab.training.run import Run

RUNS = Annotated[
    list[str],
    typer.Argument(help="Run folders, shipped runs, or folders with runs below them, e.g. runs/esc10/quick."),
]


def embed(
    run: RUN,
    method: Annotated[
        str,
        typer.Option(help="tsne or umap keep neighbourhoods, pca keeps the two directions of most variance."),
    ] = "tsne",
    epochs: Annotated[
        str,
        typer.Option(help="E.g. 1,10,20,last; or all. Earlier ones need a run trained with --keep-epochs."),
    ] = "last",
    layer: Annotated[
        str, typer.Option(help="embedding (the last layer's input), or block1 ... block4 (last epoch only).")
    ] = "embedding",
    seed: Annotated[
        int, typer.Option(help="Of the projection; the same one gives the same picture.", min=0, max=HIGHEST_SEED)
    ] = 0,
    perplexity: Annotated[float, typer.Option(help="Of t-SNE: about how many neighbours shape a clip's place.")] = 30.0,
    neighbours: Annotated[int, typer.Option(help="Of UMAP: how many neighbours shape a clip's place.")] = 15,
    out: Annotated[Path, typer.Option(help="Folder for the figure (PNG, SVG, PDF, CSV).")] = Path("out/embed"),
    as_json: JSON = False,
) -> None:
    """Picture how a network groups the held-out clips, and watch the groups form over its epochs.

    Each point is a clip that the network was not trained on. The table measures the groups in the network's own space,
    not in the picture: silhouette (-1 to 1: how much nearer a clip is to its own class than to the next), purity
    (share of a clip's 5 nearest neighbours with its class) and accuracy. In a t-SNE or UMAP picture, who is next to
    whom means something; sizes of groups and the distances between them do not.
    """
    from esclab.analysis.embedding import embed_run
    from esclab.analysis.tables import format_table
    from esclab.figures.export import export
    from esclab.training.shipped import find_run

    result = embed_run(
        find_run(run), method=method, epochs=epochs, layer=layer, seed=seed, perplexity=perplexity,
        neighbours=neighbours,
    )  # fmt: skip
    paths = export("embedding", result, out / "embedding", how=typed_command())
    if as_json:
        facts = {"model": result.model, "layer": result.layer, "method": result.method, "label": result.label}
        content = facts | {"quality": to_records(result.quality), "files": [str(path) for path in paths]}
        typer.echo(json.dumps(content, indent=2))
        return
    clips = result.table["clip"].nunique()
    typer.echo(f"{result.label}; {clips} held-out clips, layer {result.layer}, measured in its own space\n")
    typer.echo(format_table(result.quality, "markdown"))
    typer.echo("\n".join(str(path) for path in paths))


def errors(
    runs: RUNS,
    top: Annotated[int, typer.Option(help="Pairs of classes to list for each model.")] = 10,
    epochs: Annotated[
        str,
        typer.Option(help="Of one run, also how its confusions changed, e.g. 1,5,10,last; see esclab train --help."),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for figures and tables; none are written without.")] = None,
    as_json: JSON = False,
) -> None:
    """Show what models mistake for what: the most confused pairs of classes, and whether mistakes are near misses.

    Runs of one model over several folds and seeds are pooled. Where the dataset has parent categories (esc10, esc50,
    synth10), the second table compares the share of mistakes that stay within the true class's category with what
    random mistakes would give: a network that confuses what sounds alike lies above it.
    """
    from esclab.analysis.errors import confused_pairs, confusion_series, errors_by_category
    from esclab.training.shipped import find_runs

    found = find_runs(runs)
    _check_one_dataset(found)
    if epochs and len(found) > 1:
        raise OptionError(f"--epochs {epochs}", f"looks into one run, {len(found)} were given", "give one run")
    series = confusion_series(found[0], epochs) if epochs else None
    predictions = [run.read_predictions() for run in found]
    pairs = confused_pairs(predictions, top=top)
    categories, reason = _find_categories(found[0])
    by_category = errors_by_category(predictions, categories) if categories else None
    paths = []
    if out is not None:
        paths = _export_errors(predictions, pairs, by_category, series, dataset=found[0].config.dataset, out=out)
    if as_json:
        content = {
            "pairs": to_records(pairs),
            "categories": None if by_category is None else to_records(by_category),
            "epochs": None if series is None else to_records(_tell_series(series)),
            "files": [str(path) for path in paths],
        }
        typer.echo(json.dumps(content, indent=2))
        return
    _print_errors(pairs, by_category, reason, series)
    if paths:
        typer.echo("\n" + "\n".join(str(path) for path in paths))


def _check_one_dataset(runs: list[Run]) -> None:
    datasets = sorted({run.config.dataset for run in runs})
    if len(datasets) > 1:
        raise OptionError("runs", f"are of {', '.join(datasets)}", "give runs of one dataset")


def _find_categories(run: Run) -> tuple[dict[str, str], str]:
    """Return the categories of a run's dataset, or none and why; errors can be counted without the recordings."""
    from esclab.clips import load_dataset

    try:
        categories = dict(load_dataset(run.config.dataset).categories)
    except EsclabError as error:
        return {}, str(error)
    return categories, "" if categories else f"{run.config.dataset} has no parent categories."


def _tell_series(series: ConfusionSeriesResult) -> pd.DataFrame:
    """Return one row an epoch: clips, errors, accuracy and the most frequent mistake."""
    import numpy as np
    import pandas as pd

    rows = []
    for epoch, matrix in zip(series.epochs, series.matrices, strict=True):
        wrong = matrix.counts - np.diag(matrix.counts.diagonal())
        true, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
        worst = (
            f"{matrix.class_names[true]} as {matrix.class_names[predicted]} ({wrong.max()})" if wrong.any() else None
        )
        clips, errors = int(matrix.counts.sum()), int(wrong.sum())
        rows.append((epoch, clips, errors, 1 - errors / clips, worst))
    return pd.DataFrame(rows, columns=["epoch", "clips", "errors", "accuracy", "most_frequent"])


def _print_errors(
    pairs: pd.DataFrame, by_category: pd.DataFrame | None, reason: str, series: ConfusionSeriesResult | None
) -> None:
    from esclab.analysis.tables import format_table

    if len(pairs):
        typer.echo("Most confused, with the share of the true class's answers:\n")
        typer.echo(format_table(pairs.assign(clips=pairs["clips"].map(_shorten)), "markdown"))
    else:
        typer.echo("No errors.\n")
    if by_category is None:
        typer.echo(f"Errors by parent category are left out: {reason}")
    else:
        typer.echo("Errors within the true class's parent category; random_share if mistakes were random:\n")
        typer.echo(format_table(by_category, "markdown"))
    if series is not None:
        typer.echo(f"\n{series.label}:\n")
        typer.echo(format_table(_tell_series(series), "markdown"))


def _export_errors(
    predictions: list[Predictions],
    pairs: pd.DataFrame,
    by_category: pd.DataFrame | None,
    series: ConfusionSeriesResult | None,
    *,
    dataset: str,
    out: Path,
) -> list[Path]:
    """Write the tables, each model's confusions over all its runs, and those over epochs."""
    from dataclasses import replace

    import numpy as np

    from esclab.analysis.alignment import group_by_model
    from esclab.analysis.scores import score_predictions
    from esclab.figures.export import export
    from esclab.storage import write_text

    table = pairs.assign(clips=pairs["clips"].map(" ".join))
    paths = [write_text(out / "confused_pairs.csv", table.to_csv(index=False))]
    if by_category is not None:
        paths.append(write_text(out / "errors_by_category.csv", by_category.to_csv(index=False)))
    for model, parts in group_by_model(predictions).items():
        matrices = [score_predictions(part).confusion for part in parts]
        counts = np.sum([matrix.counts for matrix in matrices], axis=0)
        pooled = replace(matrices[0], counts=counts, label=f"{model} on {dataset}")
        paths += export("confusion", pooled, out / f"confusion_{model}", how=typed_command())
    if series is not None:
        paths += export("confusion_series", series, out / "confusion_series", how=typed_command())
    return paths


def _shorten(clips: tuple[str, ...]) -> str:
    return ", ".join(clips[:3]) + (f" and {len(clips) - 3} more" if len(clips) > 3 else "")


COMMANDS = (embed, errors)
