"""Commands that explain: explain, trust."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.cli.progress import Steps, show_progress
from esclab.cli.records import to_records
from esclab.cli.runs import RUN, START, find_finished
from esclab.errors import ClipError, OptionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from esclab.clips.pick import ClipPart
    from esclab.features import Feature
    from esclab.models.base import SoundClassifier
    from esclab.results import AttributionResult, TrustResult
    from esclab.training.run import Run

GROUPS = ("all", "cam")
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
    start: START = 0.0,
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
    from esclab.analysis.attribution.clip import find_class
    from esclab.clips.pick import measure_part, pick_clip
    from esclab.clips.write import write_sounds
    from esclab.figures.export import export

    # What needs no network is checked first, for torch takes seconds to load.
    found, words = find_finished(run), method or ["gradcam"]
    check_methods(words)
    find_class(target or None, found.config.class_names, 0)
    if listen and not 0 < share <= 1:
        raise OptionError(f"--share {share:g}", "is no share of the energy", "give a number above 0 and at most 1")
    length = {"duration_s": found.config.duration_s, "start_s": start}
    part = measure_part(found.config.dataset, clip, **length)

    network, feature = found.load_model(), found.build_feature()
    methods, sample_rate = choose_methods(words, network), feature.config.sample_rate
    check_layers(layer or [], methods)
    names = name_maps(network, methods, layer or None)
    samples, label = pick_clip(found.config.dataset, clip, sample_rate=sample_rate, **length)
    if listen and not samples.any():  # told before the maps, which may take minutes
        raise ClipError(label, "is silent, so there is nothing to hear", "leave --listen out, or choose another clip")
    with Steps(len(names) * (1 + listen) + 1, quiet=as_json) as steps:
        result = _explain(
            found, network, feature, samples, steps=steps, names=names, methods=methods, layers=layer or None,
            target=target or None, label=label, events=find_events(found, clip, start_s=start),
            frames=found.count_own_frames(part.heard_s),
        )  # fmt: skip
        sounds = _split_clip(result, samples, sample_rate, share=share, steps=steps) if listen else {}
        steps.begin("figure")
        paths = export("attribution", result, out / "attribution", how=typed_command())
        files = {name: out / f"{name}.wav" for name in sounds}
        if sounds:
            write_sounds({files[name]: sound for name, sound in sounds.items()}, sample_rate)
    _tell_explanation(result, part, paths, files, as_json=as_json)


def trust(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run folders, shipped runs, or folders with runs below them, all of one dataset."),
    ],
    method: METHOD = None,
    layer: Annotated[str, typer.Option(help="Layer of class activation maps; the last by default.")] = "",
    clips_per_class: Annotated[
        int | None,
        typer.Option(help="Held-out clips of each class; by default 10, or more where that gives less than 100."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps in which cells are taken away or brought back.")] = 20,
    target: Annotated[str, typer.Option(help="The class explained: true, or predicted by each model.")] = "true",
    seed: Annotated[int, typer.Option(help="Of the sample of clips, and of random weights and maps.", min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Folder for figures and tables.")] = Path("out/trust"),
    as_json: JSON = False,
) -> None:
    """Measure which explanations deserve trust, on the same held-out clips for every model.

    Does a map lie on the sound itself (where the dataset knows its events, as synth10 does)? Does the answer change
    when what the map calls important is taken away, or alone is kept? Does the map change when the network forgets all
    it learned? Compare each method with "random" and "spectrogram", which know nothing of the network. All methods by
    default, which takes tens of minutes, most of it for occlusion (after a stop the same command goes on); name a few
    to be quicker. Runs of one model over several folds are pooled. For example: esclab trust cnn10-synth10
    ts-cnn10-synth10 --method gradcam saliency spectrogram random
    """
    from esclab.analysis.trust import measure_trust
    from esclab.clips import data_home
    from esclab.figures.export import export
    from esclab.storage import write_text
    from esclab.training.shipped import find_runs

    check_methods(method or [])
    if clips_per_class is not None and clips_per_class < 1:
        raise OptionError(f"--clips-per-class {clips_per_class}", "is below 1", "give a number such as 10")
    if target not in ("true", "predicted"):
        raise OptionError(f"--target {target}", "is not known", "choose true or predicted")
    found = find_runs(runs)
    methods = choose_methods(method, *_load_models(found)) if method else None
    if layer and methods:
        check_layers([layer], methods)
    result = measure_trust(
        found,
        methods=methods,
        layer=layer or None,
        clips_per_class=clips_per_class,
        steps=steps,
        seed=seed,
        target="predicted" if target == "predicted" else "true",
        store=data_home() / "trust",
        progress=show_progress("maps", quiet=as_json),
    )
    paths = export("trust", result, out / "trust", how=typed_command())
    paths += export("faithfulness", result.curves, out / "faithfulness", how=typed_command())
    tables = _collect_tables(result)
    joined = _join_tables(tables)
    paths.append(write_text(out / "table.csv", joined.to_csv(index=False)))
    if as_json:
        content = {"label": result.label, "table": to_records(result.table), "files": list(map(str, paths))}
        typer.echo(json.dumps(content, indent=2))
        return
    _tell_trust(result, tables, paths)


def check_methods(words: list[str]) -> None:
    """Refuse words that name no method and no group of them."""
    from esclab.analysis.attribution.methods import find_method

    for word in words:
        if word not in GROUPS:
            find_method(word)


def choose_methods(words: list[str], *networks: SoundClassifier) -> list[str]:
    """Return the methods that words name, each once: "cam" is every class activation map, "all" all that there are."""
    from esclab.analysis.attribution import METHODS, methods_for

    check_methods(words)
    offered = list(dict.fromkeys(name for network in networks for name in methods_for(network)))
    groups = {"all": offered, "cam": [name for name in offered if METHODS[name].needs_layer]}
    chosen = list(dict.fromkeys(name for word in words for name in groups.get(word, [word])))
    if not chosen:
        raise OptionError(f"--method {' '.join(words)}", "this network offers none", f"choose {', '.join(offered)}")
    for name in chosen:
        if name not in offered:
            cause = f"this network has no {'attention' if METHODS[name].needs_gates else 'layers for it'}"
            raise OptionError(f"--method {name}", cause, f"choose among {', '.join(offered)}")
    return chosen


def check_layers(layers: list[str], methods: list[str]) -> None:
    """Refuse layers that no method would look at."""
    from esclab.analysis.attribution import METHODS

    if layers and not any(METHODS[name].needs_layer for name in methods):
        cause = f"{', '.join(methods)} would not look at it"
        raise OptionError(f"--layer {' '.join(layers)}", cause, "leave it out, or add a method such as gradcam")


def name_maps(network: SoundClassifier, methods: list[str], layers: list[str] | None) -> list[str]:
    """Return a name for each map that `explain_clip` makes, in its order; errors as there."""
    from esclab.analysis.attribution import METHODS
    from esclab.analysis.attribution.maps import choose_layer

    names = []
    for method in methods:
        for layer in layers if layers is not None and METHODS[method].needs_layer else (None,):
            choose_layer(network, method, layer)
            names.append(f"{method} {layer}" if layer else method)
    return names


def find_events(run: Run, clip: str, *, start_s: float = 0.0) -> pd.DataFrame | None:
    """Return where a clip's events lie, in s from `start_s`, or None for a file and where nobody knows."""
    from esclab.clips import load_dataset

    events = None if Path(clip).is_file() else load_dataset(run.config.dataset).events
    if events is None:
        return None
    own = events[events["clip"] == clip]
    moved = own.assign(onset_s=(own["onset_s"] - start_s).clip(lower=0), offset_s=own["offset_s"] - start_s)
    return moved[moved["offset_s"] > 0]


def _explain(
    run: Run, network: SoundClassifier, feature: Feature, samples: np.ndarray, *, steps: Steps, names: list[str],
    methods: list[str], **question: Any,
) -> AttributionResult:  # fmt: skip
    """Explain a clip while the bar names the map at work and, in slow methods, counts passes."""
    from esclab.analysis.attribution import METHODS, explain_clip

    def report(done: int, count: int) -> None:
        if done < count:
            steps.begin(names[done])

    steps.begin(names[0])
    slow = {name: {"progress": steps.tell} for name in methods if METHODS[name].slow}
    config = run.config
    return explain_clip(
        network, feature, samples, methods=methods, class_names=config.class_names, name=config.model,
        progress=report, options=slow, **question,
    )  # fmt: skip


def _split_clip(
    result: AttributionResult, samples: np.ndarray, sample_rate: int, *, share: float, steps: Steps
) -> dict[str, np.ndarray]:
    """Return the clip and what each map keeps and removes, by name, e.g. "gradcam-block4-kept"."""
    from esclab.analysis.listen import split_sound

    sounds = {"clip": samples}
    for found in result.maps:
        name = "-".join(part for part in (found.method, found.layer) if part)
        steps.begin(f"sound of {name}")
        split = split_sound(samples, sample_rate, replace(result.spectrogram, values=found.values), share=share)
        sounds |= {f"{name}-kept": split.kept, f"{name}-removed": split.removed}
    return sounds


def _tell_explanation(
    result: AttributionResult, part: ClipPart, paths: list[Path], sounds: dict[str, Path], *, as_json: bool
) -> None:
    first = result.maps[0]
    if as_json:
        content: dict[str, Any] = {
            "clip": part.label,
            "onset_s": part.onset_s,
            "offset_s": part.offset_s,
            "length_s": part.length_s,
            "class_name": first.class_name,
            "probability": first.probability,
            "maps": [{"method": found.method, "layer": found.layer} for found in result.maps],
            "files": list(map(str, paths)),
            "sounds": {name: str(path) for name, path in sounds.items()},
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"{part.label}: {first.model} gives {first.class_name} {100 * first.probability:.0f} %")
    typer.echo("" if part.is_whole else f"{part.summary}\n")
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
