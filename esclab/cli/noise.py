"""Commands about noise: noise, sensitivity, figure4."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esclab.cli.arguments import typed_command
from esclab.cli.data import JSON
from esclab.cli.progress import show_progress
from esclab.cli.records import to_records
from esclab.cli.runs import RUN, START
from esclab.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from esclab.analysis.robustness import NoiseCondition
    from esclab.clips.pick import ClipPart
    from esclab.results import Predictions, Region, ReliabilityResult
    from esclab.training.run import Run

RUNS = Annotated[
    list[str],
    typer.Argument(help="Run folders, shipped runs, or folders with runs below them, e.g. runs/esc10/quick."),
]
CLIP = Annotated[str, typer.Option(help="A clip of the run's dataset, or an audio file.")]
KIND = Annotated[
    str, typer.Option(help="gaussian, pink, brown, hum, impulses, bus-like, tram-like, a file, or DATASET/CLIP.")
]
REFERENCE = Annotated[str, typer.Option(help="What the SNR refers to: clip, or region (what the clip holds there).")]
NOISE_SEED = Annotated[int, typer.Option("--noise-seed", help="Of the noise; clips differ, models do not.", min=0)]
MOST_MODELS = 2  # in the reliability plot: clean and noisy side by side
RANGE = re.compile(r"(\d*\.?\d+)-(\d*\.?\d+)\s*(s|hz)", re.IGNORECASE)


def noise(
    runs: RUNS,
    snr: Annotated[list[float] | None, typer.Option(help="In dB; several may follow. 20 10 0 by default.")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="gaussian (the default), pink, brown, hum, impulses, bus-like, tram-like, tau-bus, tau-tram, an audio "
            "file, or DATASET/CLIP; several may follow."
        ),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help='Where, e.g. "1-1.3s", "2000-4000Hz" or "1-1.3s,2000-4000Hz".')
    ] = None,
    reference: REFERENCE = "clip",
    noise_seed: NOISE_SEED = 0,
    out: Annotated[Path, typer.Option(help="Folder for figures and tables.")] = Path("out/noise"),
    results: Annotated[Path, typer.Option(help="Folder whose noise.csv gets one row a run and condition.")] = Path(
        "results"
    ),
    as_json: JSON = False,
) -> None:
    """Test runs, trained on clean clips, on noisy ones: accuracy by kind and level, with what it costs each model.

    Runs of one model over several folds (and seeds) are joined, so give them all: esclab noise runs/esc10/quick
    --snr 20 10 0 --kind gaussian pink
    """
    from esclab.analysis.noise_ledger import NOISE_KEY, describe_noise
    from esclab.analysis.robustness import cross_conditions, predict_noisy, summarize_robustness
    from esclab.analysis.tables import format_table
    from esclab.figures.export import export
    from esclab.noise import find_noise
    from esclab.results import WHOLE_CLIP
    from esclab.storage import write_text
    from esclab.training.ledger import append_result
    from esclab.training.shipped import find_runs

    found = find_runs(runs)
    regions = [parse_region(text) for text in region or []] or [WHOLE_CLIP]
    for word in kind or []:
        find_noise(word)  # an unknown one is told before anything heavy is loaded
    conditions = cross_conditions(kind or ["gaussian"], snr or [20.0, 10.0, 0.0], regions, reference=reference)
    answers = predict_noisy(found, conditions, seed=noise_seed, progress=show_progress("clips", quiet=as_json))
    config = found[0].config
    result = summarize_robustness(answers, label=f"{config.dataset}, {config.protocol}, recipe {config.recipe.name}")
    for row in describe_noise(found, answers, noise_seed=noise_seed):
        append_result(results / "noise.csv", row, key=NOISE_KEY)
    paths = export("robustness", result, out / "robustness", how=typed_command())
    paths.append(write_text(out / "pairs.csv", result.pairs.to_csv(index=False)))
    paths += export("reliability", _collect_reliability(answers), out / "reliability", how=typed_command())
    if as_json:
        tables = {"table": result.table, "pairs": result.pairs}
        typer.echo(json.dumps({name: to_records(table) for name, table in tables.items()}, indent=2))
        return
    typer.echo(f"{result.label}; SNR of the {result.reference}; intervals: {result.interval}\n")
    typer.echo(format_table(_tell_robustness(result.table), "markdown"))
    if len(result.pairs):
        typer.echo("\nPaired differences, Holm's correction over all rows:\n")
        typer.echo(format_table(result.pairs.round(4), "markdown"))
    typer.echo("\n" + "\n".join(map(str, paths)))


def sensitivity(
    run: RUN,
    clip: CLIP = "",
    start: START = 0.0,
    class_name: Annotated[str, typer.Option("--class", help="All held-out clips of a class, in place of one.")] = "",
    kind: KIND = "gaussian",
    snr: Annotated[float, typer.Option(help="In dB.")] = 0.0,
    slots: Annotated[int, typer.Option(help="Number of time slots.")] = 10,
    ranges: Annotated[int, typer.Option(help="Number of frequency ranges.")] = 8,
    reference: REFERENCE = "clip",
    noise_seed: NOISE_SEED = 0,
    out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path("out/sensitivity"),
) -> None:
    """Map where noise hurts: a burst moves over time and frequency, and the score of the true class is watched.

    For an audio file of your own, the class that the model hears without noise stands for the true one.
    """
    from esclab.analysis.sensitivity import measure_class_sensitivity, measure_sensitivity
    from esclab.figures.export import export
    from esclab.training.shipped import find_run

    found = find_run(run)
    progress = show_progress("clips")
    options: dict[str, Any] = {
        "kind": kind, "snr_db": snr, "slots": slots, "ranges": ranges, "reference": reference, "progress": progress,
    }  # fmt: skip
    if bool(clip) == bool(class_name):
        raise OptionError("--clip and --class", "one of the two is needed", "give --clip NAME or --class NAME")
    if class_name:
        result = measure_class_sensitivity(found, class_name, seed=noise_seed, **options)
    else:
        feature, model = found.build_feature(), found.load_model()
        samples, label, target = pick_with_class(found, clip, start_s=start)
        frames = found.count_own_frames(find_part(found, clip, start_s=start).heard_s)
        result = measure_sensitivity(
            model, feature, [samples], targets=[target], seeds=[noise_seed], name=found.config.model,
            frames=None if frames is None else [frames],
            class_name=found.config.class_names[target], label=label, **options,
        )  # fmt: skip
    worst = result.clean_score - result.score.min()
    typer.echo(f"{result.label}: score {result.clean_score:.2f} without noise, at worst {worst:.2f} lower")
    paths = export("sensitivity", result, out / "sensitivity", how=typed_command())
    typer.echo("\n".join(map(str, paths)))


def figure4(
    runs: RUNS,
    clip: CLIP = "",
    start: START = 0.0,
    snr: Annotated[float, typer.Option(help="SNR of the whole clip, in dB.")] = 10.0,
    layer: Annotated[str, typer.Option(help="Whose mean feature map is shown.")] = "block1",
    variant: Annotated[
        str, typer.Option(help="text: noise on the waveform; code: the published code's, on the log-mel.")
    ] = "text",
    share: Annotated[
        bool,
        typer.Option("--share", help="Also measure the share of activation in the noise, over all held-out clips."),
    ] = False,
    noise_seed: NOISE_SEED = 0,
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("out/figure4"),
    results: Annotated[
        Path, typer.Option(help="Folder whose activation_share.csv gets one row a run and region.")
    ] = Path("results"),
) -> None:
    """Draw Figure 4 of TS-CNN for any runs: log-mel and first feature maps, clean and under three noises.

    With --share give the runs of all folds; the picture takes the first run of each model that did not train on the
    clip.
    """
    from esclab.figures.export import export
    from esclab.papers.ts_cnn import figure_4
    from esclab.training.shipped import find_runs

    if variant not in ("text", "code"):
        raise OptionError(f"variant {variant}", "is not known", "choose text or code")
    found = find_runs(runs)
    find_part(found[0], clip, start_s=start)  # a missing or mistyped name is told as such
    chosen = choose_unseen(found, clip)
    samples, label, _ = pick_with_class(chosen[0], clip, start_s=start)
    grid = figure_4(
        chosen, samples, label=label, layer=layer, snr_db=snr, variant="code" if variant == "code" else "text",
        seed=noise_seed,
    )  # fmt: skip
    paths = export("grid", grid, out / "figure4", how=typed_command())
    if share:
        paths += _measure_share(found, out, results=results, layer=layer, snr_db=snr, seed=noise_seed)
    typer.echo("\n".join(map(str, paths)))


def parse_region(text: str) -> Region:
    """Return the region that words such as "1-1.3s,2000-4000Hz" name.

    Raises
    ------
    OptionError
        When the words are not of this form.
    """
    from esclab.results import Region

    values: dict[str, float] = {}
    for part in text.split(","):
        match = RANGE.fullmatch(part.strip())
        if match is None:
            cause = "is not a range of time or frequency"
            raise OptionError(f"--region {text}", cause, "write e.g. 1-1.3s or 2000-4000Hz or both with a comma")
        names = ("onset_s", "offset_s") if match[3].lower() == "s" else ("low_hz", "high_hz")
        if names[0] in values:
            cause = f"has two ranges of {'time' if match[3].lower() == 's' else 'frequency'}"
            raise OptionError(f"--region {text}", cause, "give one, or --region again for each")
        values |= dict(zip(names, (float(match[1]), float(match[2])), strict=True))
    return Region(**values)


def find_part(run: Run, clip: str, *, start_s: float = 0.0) -> ClipPart:
    """Return which part of a clip a run hears; a name that is missing or known nowhere is told with the nearest."""
    from esclab.clips.pick import measure_part

    if not clip:
        raise OptionError("--clip", "is missing", f"name a clip of {run.config.dataset} or an audio file")
    return measure_part(run.config.dataset, clip, duration_s=run.config.duration_s, start_s=start_s)


def pick_with_class(run: Run, clip: str, *, start_s: float = 0.0) -> tuple[np.ndarray, str, int]:
    """Return samples, label and class index of a clip; for a file, the class that the run hears.

    A label names the part where the clip is longer than what the network hears.
    """
    import torch

    from esclab.clips import load_dataset
    from esclab.clips.pick import find_row, pick_clip

    part = find_part(run, clip, start_s=start_s)
    feature = run.build_feature()
    samples, label = pick_clip(
        run.config.dataset, clip, sample_rate=feature.config.sample_rate, duration_s=run.config.duration_s,
        start_s=start_s,
    )  # fmt: skip
    label = label if part.is_whole else part.summary
    if Path(clip).is_file():
        with torch.inference_mode():
            heard = feature(torch.from_numpy(samples)[None])[:, :, : run.count_own_frames(part.heard_s)]
            target = int(run.load_model()(heard).argmax())
    else:
        table = load_dataset(run.config.dataset).table
        target = int(table["class_index"].iloc[find_row(load_dataset(run.config.dataset), clip)])
    return samples, label, target


def choose_unseen(runs: list[Run], clip: str) -> list[Run]:
    """Return the first run of each model that held the clip out; for a file, the first of each model."""
    chosen: dict[str, Run] = {}
    for run in runs:
        unseen = Path(clip).is_file() or clip in run.read_predictions().clips
        if unseen:
            chosen.setdefault(run.config.model, run)
    missing = {run.config.model for run in runs} - set(chosen)
    if missing:
        cause = f"was not held out by any run of {', '.join(sorted(missing))}"
        raise OptionError(f"clip {clip}", cause, "choose a clip of their test folds, or give the runs of all folds")
    return list(chosen.values())


def _collect_reliability(answers: dict[NoiseCondition, list[Predictions]]) -> ReliabilityResult:
    """Return calibration curves of the first models, clean and at the loudest noise; folds and seeds are merged."""
    from esclab.analysis.alignment import group_by_model, merge_seeds
    from esclab.analysis.calibration import measure_calibration
    from esclab.analysis.robustness import NoiseCondition
    from esclab.results import ReliabilityResult
    from esclab.training.crossval import join_folds

    loudest = min(answers, key=lambda condition: condition.snr_db)
    curves = []
    for condition in (NoiseCondition(), loudest):
        models = group_by_model(join_folds(answers[condition]))
        for model, seeds in list(models.items())[:MOST_MODELS]:
            curves.append(replace(measure_calibration(merge_seeds(seeds)), label=f"{model}, {condition}"))
    return ReliabilityResult(tuple(curves))


def _measure_share(runs: list[Run], out: Path, *, results: Path, snr_db: float, seed: int, layer: str) -> list[Path]:
    """Measure the share of activation in Figure 4's first two regions, print, enter and export it."""
    from esclab.analysis.activation import measure_activation_share
    from esclab.analysis.noise_ledger import SHARE_KEY, describe_shares
    from esclab.analysis.robustness import NoiseCondition
    from esclab.analysis.tables import format_table
    from esclab.figures.export import export
    from esclab.papers.ts_cnn import figure_4_regions
    from esclab.storage import write_text
    from esclab.training.ledger import append_result

    regions = list(figure_4_regions(runs[0].build_feature()).values())[:2]
    result = measure_activation_share(
        runs, regions, snr_db=snr_db, layer=layer, seed=seed, progress=show_progress("runs")
    )
    for row in describe_shares(runs, result, NoiseCondition("gaussian", snr_db), noise_seed=seed):
        append_result(results / "activation_share.csv", row, key=SHARE_KEY)
    typer.echo(f"Share of the activation of {result.layer} in the noisy region; {result.label}\n")
    typer.echo(format_table(result.table.round(4), "markdown"))
    if len(result.pairs):
        typer.echo("\n" + format_table(result.pairs.round(6), "markdown"))
    paths = export("activation_share", result, out / "activation_share", how=typed_command())
    return [*paths, write_text(out / "activation_share_clips.csv", result.by_clip.to_csv(index=False))]


def _tell_robustness(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as a person reads it: per cent, intervals in one column."""
    import pandas as pd

    def percent(values: pd.Series) -> pd.Series:
        return (100 * values).map("{:.1f}".format)

    return pd.DataFrame(
        {
            "Model": table["model"],
            "Noise": table["kind"],
            "SNR (dB)": table["snr_db"].map(lambda snr: "" if math.isinf(snr) else f"{snr:g}"),
            "Where": table["region"],
            "Accuracy (%)": percent(table["mean"]),
            "95 % interval": percent(table["low"]) + "–" + percent(table["high"]),
            "Drop (points)": percent(table["drop"]),
            "its interval": percent(table["drop_low"]) + "–" + percent(table["drop_high"]),
            "ECE (%)": percent(table["ece"]),
        }
    )


COMMANDS = (noise, sensitivity, figure4)
