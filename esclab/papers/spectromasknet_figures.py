"""SpectroMaskNet's Figures 5 to 10, from runs and datasets of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from esclab.errors import EsclabError, OptionError
from esclab.figures.text import class_words
from esclab.papers.figures import LeftOut, PaperFigure
from esclab.papers.spectromasknet import MODEL
from esclab.results import DurationsResult, GalleryResult, GridResult, GridRow, TimeFrequencyMap, TrajectoryResult

if TYPE_CHECKING:
    from esclab.clips import ClipDataset
    from esclab.features import Feature
    from esclab.training.run import Run

STAGES = ("stage1", "stage2", "stage3", "stage4")
REPRESENTATIONS = ("mel", "logmel", "spectrogram", "fbank", "mfcc", "cqt", "gammatone")
SAMPLE_RATE = 16_000
SHARE_UNIT = "share of maximum"


def figure_5(runs: Sequence[Run]) -> TrajectoryResult:
    """Show the branches' weights, lambda and 1 - lambda, after every step of training."""
    from esclab.analysis.trajectory import Number, trace_numbers

    panel = "Weight of the branch"
    numbers = {
        "global branch (lambda)": Number("fusion_lambda", panel),
        "local branch (1 - lambda)": Number("fusion_lambda", panel, lambda values: 1.0 - values),
    }
    return trace_numbers(runs, numbers, bounds={panel: (0.0, 1.0)}, label="Weights of both branches in training")


def figure_6(
    run: Run, samples: np.ndarray, *, label: str = "", target: str | int | None = None, frames: int | None = None
) -> GridResult:
    """Show what each stage of each branch looks at in one clip, by Grad-CAM (the paper only says CAM).

    Parameters
    ----------
    run : Run
        A finished run of spectromasknet.
    samples : ndarray of float32, shape (sample,)
        At the front end's sample rate.
    label : str
    target : str or int, optional
        Class to explain; the predicted one by default.
    frames : int, optional
        The clip's own, where its padding is hidden from the network (`Run.count_own_frames`).

    Returns
    -------
    GridResult
        Rows: the input, the global branch, the local branch (unmasked, as in evaluation). Columns: the stages. Each
        map is a share of its own maximum.

    Raises
    ------
    OptionError
        When the run is of another model, or the class is unknown.
    """
    from esclab.analysis.attention import transform_clip
    from esclab.analysis.attribution.clip import attribute_clip

    _check_model(run)
    feature, model = run.build_feature(), run.load_model()
    heard = transform_clip(samples, feature)
    rows = [GridRow(feature.name, (heard,) * len(STAGES))]
    for branch in ("global", "local"):
        maps = []
        for stage in STAGES:
            found = attribute_clip(
                model, feature, samples, method="gradcam", class_names=run.config.class_names, target=target,
                layer=f"{branch}.{stage}", frames=frames,
            )  # fmt: skip
            values = found.values / max(float(found.values.max()), np.finfo(np.float32).tiny)
            maps.append(TimeFrequencyMap(values, heard.time_s, heard.frequency_hz, unit=SHARE_UNIT, axis=heard.axis))
        rows.append(GridRow(f"{branch} branch", tuple(maps)))
    titles = tuple(f"stage {number}" for number in range(1, len(STAGES) + 1))
    return GridResult(tuple(rows), titles, (None,) * len(STAGES), f"Grad-CAM: {label}" if label else "Grad-CAM")


def figure_7(dataset: ClipDataset, *, limit_s: float | None = None) -> DurationsResult:
    """Show how many clips of each class are shorter than a limit; the paper's is 1 s, on Speech Commands."""
    from esclab.analysis.durations import count_durations

    return count_durations(dataset, limit_s=limit_s)


def figure_8(dataset: ClipDataset, clip: str, *, names: Sequence[str] = REPRESENTATIONS) -> GalleryResult:
    """Show one clip in several representations at 16 kHz; draw it with `own_scales`.

    Parameters
    ----------
    dataset : ClipDataset
    clip : str
        A clip's name; the paper's is "1-16568-A-3" of ESC-50.
    names : sequence of str
        Keys of `FEATURES`; those of Table 1 and the others that have one axis by default.

    Raises
    ------
    OptionError
        When the clip or a representation is unknown.
    """
    from esclab.analysis.attention import transform_clip
    from esclab.clips.audio import read_clip
    from esclab.clips.pick import find_row
    from esclab.features import build_feature, suit_rate

    row = find_row(dataset, clip)
    samples = read_clip(dataset, row, sample_rate=SAMPLE_RATE)
    features = [build_feature(name, **suit_rate(name, SAMPLE_RATE)) for name in names]
    label = f"{class_words(dataset.table['class_name'].iloc[row])} ({clip}) in {len(features)} representations"
    maps = tuple(transform_clip(samples, feature, label=name) for name, feature in zip(names, features, strict=True))
    return GalleryResult(maps, label)


def figure_9(
    feature: Feature, samples: np.ndarray, *, block: int = 10, ratio: float = 0.5, label: str = "", seed: int = 0
) -> GalleryResult:
    """Show one clip as it is, and under random, grid and high-energy masks; masked cells take the lowest value.

    Parameters
    ----------
    feature : Feature
    samples : ndarray of float32, shape (sample,)
    block : int
        Frames and bands of a block.
    ratio : float
        Share of the cells that is masked.
    label : str
    seed : int
        Of the draws.
    """
    import torch

    from esclab.analysis.attention import transform_clip
    from esclab.models.masks import mask_grid, mask_loudest, mask_random

    heard = transform_clip(samples, feature, label="original")
    values = torch.from_numpy(np.asarray(heard.values, dtype=np.float32))
    lengths, shape = torch.tensor([values.shape[0]]), (values.shape[0], values.shape[1])
    draws = [torch.Generator().manual_seed(seed) for _ in range(2)]
    masks = {
        "random": mask_random(lengths, shape, block=block, ratio=ratio, generator=draws[0]),
        "grid": mask_grid(lengths, shape, block=block, ratio=ratio, generator=draws[1]),
        "high-energy": mask_loudest(values[None, None], lengths, block=block, ratio=ratio),
    }
    maps = [heard]
    for name, keep in masks.items():
        masked = np.where(keep[0, 0].numpy() > 0, heard.values, heard.values.min())
        maps.append(
            TimeFrequencyMap(masked, heard.time_s, heard.frequency_hz, f"{name} masking", heard.unit, heard.axis)
        )
    words = f"Blocks of {block} x {block} cells, {100 * ratio:g} % masked"
    return GalleryResult(tuple(maps), f"{words}: {label}" if label else words)


def figure_10(runs: Sequence[Run]) -> TrajectoryResult:
    """Show the learned masking ratio and block size after every step of training."""
    from esclab.analysis.trajectory import Number, trace_numbers
    from esclab.models.masks import BLOCKS, RATIOS

    ratio, block = "Masking ratio", "Block size (cells)"
    numbers = {"ratio": Number("mask_ratio", ratio), "block size": Number("mask_block", block)}
    return trace_numbers(runs, numbers, bounds={ratio: RATIOS, block: BLOCKS}, label="Learned masking in training")


def build_figures(runs: Sequence[Run]) -> Iterator[PaperFigure | LeftOut]:
    """Make Figures 5 to 10 of runs of spectromasknet, one after the other.

    Parameters
    ----------
    runs : sequence of Run
        Finished. Figures 6, 8 and 9 show the first held-out clip of the first run, Figure 7 its dataset.

    Yields
    ------
    figure : PaperFigure or LeftOut
        What to draw, or why a figure cannot be.

    Raises
    ------
    OptionError
        When a run is of another model.
    """
    from esclab.clips import load_dataset
    from esclab.clips.pick import measure_part, pick_clip

    for run in runs:
        _check_model(run)
    config, feature = runs[0].config, runs[0].build_feature()
    dataset, clip = load_dataset(config.dataset), str(runs[0].read_predictions().clips[0])
    samples, label = pick_clip(
        config.dataset, clip, sample_rate=feature.config.sample_rate, duration_s=config.duration_s
    )
    frames = runs[0].count_own_frames(measure_part(config.dataset, clip, duration_s=config.duration_s).heard_s)
    makers: dict[str, tuple[str, Callable[[], Any], dict[str, Any]]] = {
        "figure_5": ("trajectory", lambda: figure_5(runs), {}),
        "figure_6": ("grid", lambda: figure_6(runs[0], samples, label=label, frames=frames), {}),
        "figure_7": ("durations", lambda: figure_7(dataset), {}),
        "figure_8": ("gallery", lambda: figure_8(dataset, clip), {"own_scales": True, "columns": 4}),
        "figure_9": ("gallery", lambda: figure_9(feature, samples, label=label), {"columns": 4}),
        "figure_10": ("trajectory", lambda: figure_10(runs), {}),
    }
    for stem, (figure, make, options) in makers.items():
        try:
            yield PaperFigure(stem, figure, make(), options)
        except EsclabError as error:
            yield LeftOut(stem, str(error))


def _check_model(run: Run) -> None:
    if run.config.model != MODEL:
        raise OptionError(f"run {run.path}", f"is of {run.config.model}", f"give runs of {MODEL}")
