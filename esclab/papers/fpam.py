"""FPAM: feature pyramid attention on ResNet-50.

Zhou et al., "Feature Pyramid Attention based Residual Neural Network for Environmental Sound Classification", arXiv
2205.14411.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.errors import EsclabError, OptionError
from esclab.figures.text import class_words
from esclab.papers.figures import LeftOut, PaperFigure
from esclab.results import (
    ConfusionResult,
    ConfusionSeriesResult,
    EmbeddingResult,
    GridResult,
    GridRow,
    LearningResult,
    TimeFrequencyMap,
)
from esclab.training.recipe import QUICK, Recipe

if TYPE_CHECKING:
    from esclab.clips.dataset import ClipDataset
    from esclab.training.run import Run

RECIPE = Recipe(
    name="fpam",
    feature={"name": "logmel", "sample_rate": 16_000, "window_s": 0.064, "hop_s": 0.025, "bands": 64},
    model={"width": 1.0},
    duration_s=5.0,
    epochs=60,
    batch_size=16,
    optimiser="sgd",
    learning_rate=0.01,
    momentum=0.9,
    schedule="exponential",
    decay=0.1,
    decay_every_epochs=20,
    weight_decay=0.0,
    evaluate_every=1,
    not_in_paper=("batch_size", "standardise"),
    source="section 4.0.2, from scratch; the paper begins with AudioSet weights (--weights). Batch size, standardised "
    "log-mels and no weight decay are ours",
)
RECIPE_MIXUP = replace(
    RECIPE,
    name="fpam-mixup",
    mixup_alpha=0.2,
    not_in_paper=(*RECIPE.not_in_paper, "mixup_alpha"),
    source=f"{RECIPE.source}; with mixup as in Table 3, whose alpha the paper does not give",
)
RECIPE_QUICK = replace(
    QUICK,
    name="fpam-quick",
    feature=RECIPE.feature,
    duration_s=5.0,
    epochs=8,
    batch_size=16,
    learning_rate=0.002,
    mixup_alpha=0.0,
    masks=0,
    evaluate_every=1,
    source="reduced: esclab's own settings on FPAM's front end, a quarter of the channels, 8 epochs (--set epochs=20)",
)

MODELS = ("resnet50", "fpam")

PRINTED_TABLE_2: dict[str, tuple[float, float | None]] = {
    "KNN": (66.7, 32.3),
    "SVM": (67.5, 39.6),
    "Random Forest": (72.7, 44.3),
    "AlexNet": (78.4, 78.7),
    "Google Net": (63.2, 67.8),
    "PiczakCNN": (80.5, 64.9),
    "SoundNet": (93.7, 79.1),
    "Multi-Stream CNN": (94.2, 84.0),
    "ACRNN": (93.7, 86.1),
    "MelFB+LGTFB+EN-CNN": (93.7, 88.1),
    "Attention Network": (94.2, 84.0),
    "Human": (95.7, 81.3),
    "TS-CNN10": (95.8, 88.6),
    "ARNN": (92.0, None),
    "MCTA-CNN": (94.5, 87.1),
    "DA-KL": (92.5, None),
    "FPAM": (99.3, 91.6),
}
"""Table 2 as printed, in %: ESC-10, ESC-50, means over 5 folds; most rows are quoted from other papers."""

PRINTED_TABLE_3: dict[tuple[str, bool], tuple[float, float]] = {
    ("resnet50", False): (97.0, 86.2),
    ("fpam", False): (99.3, 91.6),
    ("resnet50", True): (95.7, 85.9),
    ("fpam", True): (98.5, 90.5),
}
"""Table 3 as printed, in %: model and whether with mixup; ESC-10, ESC-50. The gains that section 4.1 names, 2.8 and
4.6, are those of the rows with mixup."""

FIGURE_5_CLASSES = ("clock_tick", "crying_baby", "dog", "sneezing", "helicopter", "church_bells", "rooster", "rain")
FIGURE_5_SUBSTITUTES = {"church_bells": "sea_waves"}
FIGURE_6_EPOCHS = (1, 10, 20)
FIGURE_7_EPOCHS = (1, 5, 10)
MANY_CLASSES = 50


def figure_5(run: Run, *, dataset: ClipDataset | None = None) -> GridResult:
    """Show where the network looks in one clip of each of eight classes.

    Parameters
    ----------
    run : Run
        A finished run of a model with spatial gates.
    dataset : ClipDataset, optional
        The run's dataset where it is loaded already.

    Returns
    -------
    GridResult
        Rows: the log-mel spectrogram, the mean of the levels' weights brought to its cells, and each level's weights on
        its own. The paper does not say which map it shows. Columns: the paper's classes, sea waves where there are no
        church bells; of other datasets the first eight. Each is the first held-out clip that is answered rightly, or
        the first.

    Raises
    ------
    OptionError
        When the model weighs no cells.

    Notes
    -----
    FPAM, Figure 5.
    """
    from esclab.analysis.attention import attend_clip
    from esclab.analysis.cells import spread_cells
    from esclab.clips import load_dataset
    from esclab.clips.audio import read_clip
    from esclab.clips.pick import find_row

    dataset = dataset or load_dataset(run.config.dataset)
    feature, model = run.build_feature(), run.load_model()
    rows: dict[str, list[TimeFrequencyMap]] = {}
    columns = choose_clips(run)
    for clip in columns.values():
        samples = read_clip(
            dataset, find_row(dataset, clip), sample_rate=feature.config.sample_rate, duration_s=run.config.duration_s
        )
        seen = attend_clip(model, feature, samples)
        layers = [layer for layer in seen.layers if layer.spatial is not None]
        if not layers:
            raise OptionError(run.config.model, "has no layer that weighs cells", "give a run of fpam")
        picture = seen.spectrogram
        spread = [spread_cells(np.asarray(layer.spatial)[None], *picture.values.shape)[0] for layer in layers]
        maps = {feature.name: picture}
        maps["mean of levels"] = replace(picture, values=np.mean(spread, axis=0), unit="")
        for layer in layers:
            maps[layer.name] = TimeFrequencyMap(
                np.asarray(layer.spatial), layer.time_s, layer.frequency_hz, unit="", axis=picture.axis
            )
        for name, one in maps.items():
            rows.setdefault(name, []).append(one)
    return GridResult(
        tuple(GridRow(name, tuple(maps)) for name, maps in rows.items()),
        tuple(class_words(name) for name in columns),
        (None,) * len(columns),
        f"{run.config.model} on {run.config.dataset}, fold {run.config.held_out}: where it looks",
    )


def choose_clips(run: Run) -> dict[str, str]:
    """Return Figure 5's classes, of those that the run knows, each with a held-out clip."""
    predictions = run.read_predictions()
    names = list(predictions.class_names)
    wanted = [name if name in names else FIGURE_5_SUBSTITUTES.get(name, "") for name in FIGURE_5_CLASSES]
    wanted = [name for name in wanted if name in names]
    if len(wanted) < len(FIGURE_5_CLASSES):
        wanted = names[: len(FIGURE_5_CLASSES)]
    chosen = {}
    for name in wanted:
        of_class = np.flatnonzero(predictions.true == names.index(name))
        right = of_class[predictions.correct[of_class]]
        if len(of_class):
            chosen[name] = str(predictions.clips[right[0] if len(right) else of_class[0]])
    return chosen


def choose_epochs(run: Run, *printed: Sequence[int]) -> tuple[int | str, ...]:
    """Return the last epoch and the first of the printed lists before it; else the first epoch and those at thirds."""
    from esclab.analysis.epochs import LAST, last_epoch

    last = last_epoch(run)
    for epochs in printed:
        if last > max(epochs):
            return (*epochs, LAST)
    return (*dict.fromkeys(max(1, round(share * last)) for share in (0, 1 / 3, 2 / 3)), LAST)


def figure_6(run: Run) -> EmbeddingResult:
    """Return where a run's held-out clips lie by t-SNE after epochs 1, 10, 20 and the last (FPAM, Figure 6).

    Of 20 epochs or fewer it takes those of Figure 7.

    Raises
    ------
    RunError
        When the run did not keep these epochs.
    """
    from esclab.analysis.embedding import embed_run

    return embed_run(run, epochs=choose_epochs(run, FIGURE_6_EPOCHS, FIGURE_7_EPOCHS))


def figure_7(run: Run) -> ConfusionSeriesResult:
    """Return a run's confusions after epochs 1, 5, 10 and the last (FPAM, Figure 7); errors as `figure_6`."""
    from esclab.analysis.errors import confusion_series

    return confusion_series(run, choose_epochs(run, FIGURE_7_EPOCHS))


def figure_8(runs: Sequence[Run]) -> ConfusionResult:
    """Return what the runs of one model take for what, folds and seeds pooled (FPAM, Figure 8)."""
    from esclab.analysis.scores import score_predictions

    matrices = [score_predictions(run.read_predictions()).confusion for run in runs]
    folds = sorted({run.config.held_out for run in runs})
    words = f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))}"
    label = f"{runs[0].config.model} on {runs[0].config.dataset}, {words}"
    return replace(matrices[0], counts=np.sum([matrix.counts for matrix in matrices], axis=0), label=label)


def figure_9(runs: Sequence[Run]) -> LearningResult:
    """Return accuracy and loss while learning, of the first run of each model and dataset (FPAM, Figure 9)."""
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        first.setdefault((run.config.model, run.config.dataset), run)
    histories = {f"{run.label}, {run.config.dataset}": run.read_history() for run in first.values()}
    validated = all(run.config.validation_fold for run in first.values())
    return LearningResult(histories, "validation fold" if validated else "test fold")


def build_figures(runs: Sequence[Run]) -> Iterator[PaperFigure | LeftOut]:
    """Make Figures 5 to 9 of runs, one after the other.

    Parameters
    ----------
    runs : sequence of Run
        Finished runs. Figures 5 to 8 are of the first run's model: 5 to 7 of one run a dataset, if possible of one that
        kept its epochs, 8 of all runs of a dataset with 50 classes. Figure 9 has all models.

    Yields
    ------
    figure : PaperFigure or LeftOut
        What to draw, or why a figure cannot be.
    """
    from esclab.analysis.epochs import list_epochs

    model = runs[0].config.model
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.config.model == model:
            groups.setdefault(run.config.dataset, []).append(run)
    for dataset, group in groups.items():
        suffix = "" if len(groups) == 1 else "_" + "".join(c if c.isalnum() else "-" for c in dataset)
        run = next((run for run in group if list_epochs(run)), group[0])
        makers: dict[str, tuple[str, Callable[[Run], Any]]] = {
            "figure_5": ("grid", figure_5),
            "figure_6": ("embedding", figure_6),
            "figure_7": ("confusion_series", figure_7),
        }
        for stem, (figure, make) in makers.items():
            try:
                yield PaperFigure(stem + suffix, figure, make(run))
            except EsclabError as error:
                yield LeftOut(stem + suffix, str(error))
        classes = len(run.config.class_names)
        if classes >= MANY_CLASSES:
            yield PaperFigure("figure_8" + suffix, "confusion", figure_8(group))
        else:
            yield LeftOut("figure_8" + suffix, f"{dataset} has {classes} classes; it shows a dataset with 50.")
    yield PaperFigure("figure_9", "learning", figure_9(runs))
