"""Commands that explain: explain, trust."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.data import JSON
from esclab.cli.progress import show_progress
from esclab.cli.runs import RUN
from esclab.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from esclab.models.base import SoundClassifier
    from esclab.results import AttributionResult, TrustResult
    from esclab.training.run import Run

METHOD = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        "--methods",
        help="gradcam, gradcam++, layercam, eigencam, scorecam, saliency, integrated-gradients, occlusion, deeplift, "
        "gradientshap, attention, spectrogram or random; cam for all class activation maps, all for all that the "
        "network has. Several may follow.",
    ),
]


def explain(
    run: RUN,
    clip: Annotated[str, typer.Argument(help="A clip of the run's dataset, or an audio file.")],
    method: METHOD = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(help="Layers of class activation maps, e.g. block4, the last by default. Several may follow."),
    ] = None,
    target: Annotated[str, typer.Option(help="The class to explain; the predicted one by default.")] = "",
    listen: Annotated[
        bool, typer.Option("--listen", help="Also write the sound of the important cells, and of the rest, as WAV.")
    ] = False,
    share: Annotated[float, typer.Option(help="Share of the clip's energy in the kept sound, above 0 to 1.")] = 0.5,
    out: Annotated[Path, typer.Option(help="Folder for the figure, its data and the sounds.")] = Path("out/explain"),
    as_json: JSON = False,
) -> None:
    """Show, and let you hear, which moments and frequencies of a clip made a run answer as it does.

    Grad-CAM by default. No map is the truth: look at several methods, and at the maps "random" and "spectrogram",
    which know nothing of the network; `esclab trust` measures which ones deserve belief. For example: esclab explain
    ts-cnn10-synth10 1-dog-01-a --method cam saliency --listen
    """
    from esclab.analysis.attribution import explain_clip
    from esclab.clips.pick import pick_clip
    from esclab.clips.write import write_sounds
    from esclab.figures.export import export
    from esclab.training.shipped import find_run

    found = find_run(run)
    network, feature = found.load_model(), found.build_feature()
    methods = choose_methods(method or ["gradcam"], network)
    if listen and not 0 < share <= 1:
        raise OptionError(f"--share {share:g}", "is no share of the energy", "give a number above 0 and at most 1")
    samples, label = pick_clip(
        found.config.dataset, clip, sample_rate=feature.config.sample_rate, duration_s=found.config.duration_s
    )
    result = explain_clip(
        network,
        feature,
        samples,
        methods=methods,
        layers=layer or None,
        target=target or None,
        class_names=found.config.class_names,
        label=label,
        name=found.config.model,
        events=find_events(found, clip),
    )
    how = shlex.join(
        ["esclab", "explain", run, clip, "--method", *methods, *(["--layer", *layer] if layer else []),
         *(["--target", target] if target else []), *(["--listen", "--share", f"{share:g}"] if listen else [])]
    )  # fmt: skip
    sample_rate = feature.config.sample_rate
    sounds = _split_clip(result, samples, sample_rate, share=share) if listen else {}
    paths = export("attribution", result, out / "attribution", how=how)
    files = {name: out / f"{name}.wav" for name in sounds}
    if sounds:
        write_sounds({files[name]: sound for name, sound in sounds.items()}, sample_rate)
    _tell_explanation(result, paths, files, as_json=as_json)


def trust(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run folders, shipped runs, or folders with runs below them, all of one dataset."),
    ],
    method: METHOD = None,
    layer: Annotated[str, typer.Option(help="Layer of class activation maps; the last by default.")] = "",
    clips_per_class: Annotated[
        int, typer.Option(help="Held-out clips of each class; by default 10, or more where that gives less than 100.")
    ] = 0,
    steps: Annotated[int, typer.Option(help="Steps in which cells are taken away or brought back.")] = 20,
    target: Annotated[str, typer.Option(help="The class explained: true, or predicted by each model.")] = "true",
    seed: Annotated[int, typer.Option(help="Of the sample of clips, and of random weights and maps.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for figures and tables.")] = Path("out/trust"),
    as_json: JSON = False,
) -> None:
    """Measure which explanations deserve trust, on the same held-out clips for every model.

    Does a map lie on the sound itself (where the dataset knows its events, as synth10 does)? Does the answer change
    when what the map calls important is taken away, or alone is kept? Does the map change when the network forgets all
    it learned? Compare each method with "random" and "spectrogram", which know nothing of the network. All methods by
    default, which takes tens of minutes, most of it for occlusion; name a few to be quicker. Runs of one model over
    several folds are pooled. For example: esclab trust cnn10-synth10 ts-cnn10-synth10 --method
    gradcam saliency spectrogram random
    """
    from esclab.analysis.trust import measure_trust
    from esclab.figures.export import export
    from esclab.storage import write_text
    from esclab.training.shipped import find_runs

    if clips_per_class < 0:
        raise OptionError(f"--clips-per-class {clips_per_class}", "is below 1", "give a number such as 10")
    if target not in ("true", "predicted"):
        raise OptionError(f"--target {target}", "is not known", "choose true or predicted")
    found = find_runs(runs)
    result = measure_trust(
        found,
        methods=choose_methods(method, *_load_models(found)) if method else None,
        layer=layer or None,
        clips_per_class=clips_per_class or None,
        steps=steps,
        seed=seed,
        target="predicted" if target == "predicted" else "true",
        progress=show_progress("maps", quiet=as_json),
    )
    how = shlex.join(["esclab", "trust", *runs, *(["--method", *method] if method else []), "--seed", str(seed)])
    paths = export("trust", result, out / "trust", how=how)
    paths += export("faithfulness", result.curves, out / "faithfulness", how=how)
    tables = _collect_tables(result)
    joined = _join_tables(tables)
    paths.append(write_text(out / "table.csv", joined.to_csv(index=False)))
    if as_json:
        rows = json.loads(result.table.to_json(orient="records", double_precision=15))
        typer.echo(json.dumps({"label": result.label, "table": rows, "files": list(map(str, paths))}, indent=2))
        return
    _tell_trust(result, tables, paths)


def choose_methods(words: list[str], *networks: SoundClassifier) -> list[str]:
    """Return the methods that words name, each once: "cam" is every class activation map, "all" all that there are."""
    from esclab.analysis.attribution import METHODS, find_method, methods_for

    offered = list(dict.fromkeys(name for network in networks for name in methods_for(network)))
    groups = {"all": offered, "cam": [name for name in offered if METHODS[name].needs_layer]}
    for word in words:
        if word not in groups:
            find_method(word)
    return list(dict.fromkeys(name for word in words for name in groups.get(word, [word])))


def find_events(run: Run, clip: str) -> pd.DataFrame | None:
    """Return where a clip's events lie, or None for a file and where nobody knows."""
    from esclab.clips import load_dataset

    events = None if Path(clip).is_file() else load_dataset(run.config.dataset).events
    return None if events is None else events[events["clip"] == clip]


def _split_clip(
    result: AttributionResult, samples: np.ndarray, sample_rate: int, *, share: float
) -> dict[str, np.ndarray]:
    """Return the clip and what each map keeps and removes, by name, e.g. "gradcam-block4-kept"."""
    from esclab.analysis.listen import split_sound

    sounds = {"clip": samples}
    for found in result.maps:
        split = split_sound(samples, sample_rate, replace(result.spectrogram, values=found.values), share=share)
        name = "-".join(part for part in (found.method, found.layer) if part)
        sounds |= {f"{name}-kept": split.kept, f"{name}-removed": split.removed}
    return sounds


def _tell_explanation(result: AttributionResult, paths: list[Path], sounds: dict[str, Path], *, as_json: bool) -> None:
    first = result.maps[0]
    if as_json:
        content: dict[str, Any] = {
            "clip": result.spectrogram.label,
            "class_name": first.class_name,
            "probability": first.probability,
            "maps": [{"method": found.method, "layer": found.layer} for found in result.maps],
            "files": list(map(str, paths)),
            "sounds": {name: str(path) for name, path in sounds.items()},
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"{result.spectrogram.label}: {first.model} gives {first.class_name} {100 * first.probability:.0f} %\n")
    typer.echo("\n".join(map(str, [*paths, *sounds.values()])))


def _load_models(runs: list[Run]) -> list[SoundClassifier]:
    """Return one network a model."""
    return [run.load_model() for run in {run.config.model: run for run in runs}.values()]


def _collect_tables(result: TrustResult) -> dict[str, pd.DataFrame]:
    from esclab.analysis.trust import trust_table

    return {model: trust_table(result, model) for model in dict.fromkeys(result.table["model"])}


def _join_tables(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([table.assign(Model=model)[["Model", *table.columns]] for model, table in tables.items()])


def _tell_trust(result: TrustResult, tables: dict[str, pd.DataFrame], paths: list[Path]) -> None:
    from esclab.analysis.tables import format_table

    typer.echo(f"{result.label}; in brackets: {result.interval}\n")
    for model, table in tables.items():
        typer.echo(format_table(table, "markdown", caption=model))
    typer.echo("\n".join(map(str, paths)))


COMMANDS = (explain, trust)
