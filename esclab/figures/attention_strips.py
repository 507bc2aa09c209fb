"""What both hands of the attention figure share: which strip stands where, its steps, its scale and its words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esclab.figures.scale import find_edges, fit_edges, locate_bands
from esclab.figures.text import number_text, shorten
from esclab.results import AttentionLayer, AttentionResult

SMALLEST_SPAN = 0.01
TEMPORAL_TITLE, SPECTRAL_TITLE, MIXTURE_TITLE = "Weight of each frame", "Weight of each band", "Weight of each branch"
SPATIAL_TITLE = "Weight of each cell"
NO_TEMPORAL = "no weights over time"
BRANCHES_PER_LINE = 3
NARROWEST_LETTER = 0.08
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "lambda": "λ"}


@dataclass(frozen=True)
class StripPlan:
    """What stands where.

    Attributes
    ----------
    rows : list of AttentionLayer
        Layers with a strip above the spectrogram, because they have temporal weights or a mixture.
    pictures : list of AttentionLayer
        Layers with a picture between strips and spectrogram, because they weigh each cell.
    columns : list of AttentionLayer
        Layers with a strip beside it, because they have spectral weights.
    widths : list of float
        Share of the width of the spectrogram and of each column beside it. Mixtures need a place beside it too.
    bar_share : float
        Share of the mixture's place that its bar takes; its numbers take the rest.
    """

    rows: list[AttentionLayer]
    pictures: list[AttentionLayer]
    columns: list[AttentionLayer]
    widths: list[float]
    bar_share: float


def plan_strips(layers: list[AttentionLayer]) -> StripPlan:
    """Return where the strips of `layers` stand."""
    rows = [layer for layer in layers if layer.temporal is not None or layer.mixture]
    pictures = [layer for layer in layers if layer.spatial is not None]
    columns = [layer for layer in layers if layer.spectral is not None]
    mixes = any(layer.mixture for layer in layers)
    beside = max(len(columns), int(mixes))
    share = {0: 0.0, 1: 0.36 if mixes else 0.2, 2: 0.4}.get(beside, 0.48)
    return StripPlan(
        rows, pictures, columns, [1 - share] + [share / max(beside, 1)] * beside, 0.52 if beside > 2 else 0.4
    )


def scale_strip(weights: np.ndarray) -> tuple[list[float], list[str], list[float]]:
    """Return ticks, labels and limits of a strip.

    The two ticks are the lowest and the highest weight, or the ends of `SMALLEST_SPAN` around weights that are closer.
    """
    low, high = float(np.nanmin(weights)), float(np.nanmax(weights))
    half, middle = max(high - low, SMALLEST_SPAN) / 2, (low + high) / 2
    ticks = [middle - half, middle + half] if high - low < SMALLEST_SPAN else [low, high]
    return ticks, [number_text(tick, 2 * half) for tick in ticks], [middle - 1.15 * half, middle + 1.15 * half]


def scale_picture(weights: np.ndarray) -> tuple[str, tuple[float, float]]:
    """Return the range of a picture in words, and of its colours, which never span less than `SMALLEST_SPAN`."""
    low, high = float(np.nanmin(weights)), float(np.nanmax(weights))
    half, middle = max(high - low, SMALLEST_SPAN) / 2, (low + high) / 2
    words = f"{number_text(low, 2 * half)} to {number_text(high, 2 * half)}"
    return words, (middle - half, middle + half)


def step_frames(layer: AttentionLayer, result: AttentionResult) -> np.ndarray:
    """Return the borders of the layer's frames, in s, shape (frame + 1,)."""
    edges_s = find_edges(result.spectrogram.time_s)
    return fit_edges(layer.time_s, edges_s[0], edges_s[-1])


def step_bands(layer: AttentionLayer, result: AttentionResult) -> np.ndarray:
    """Return the borders of the layer's bands on the spectrogram's band axis, shape (band + 1,)."""
    bands_hz = result.spectrogram.frequency_hz
    return fit_edges(locate_bands(layer.frequency_hz, bands_hz), -0.5, len(bands_hz) - 0.5)


def letter_branch(branch: str) -> str:
    """Return the Greek letter of a branch that is named after one, otherwise its shortened name."""
    return _GREEK.get(branch, shorten(branch, 10))


def write_mixture(mixture: dict[str, float]) -> list[str]:
    """Return the weights in words, a few to a line."""
    words = [f"{letter_branch(branch)} {weight:.2f}" for branch, weight in mixture.items()]
    return [", ".join(words[i : i + BRANCHES_PER_LINE]) for i in range(0, len(words), BRANCHES_PER_LINE)]


def title_attention(result: AttentionResult) -> str:
    """Return the figure's title: the model and the clip."""
    return " · ".join(part for part in (shorten(result.model, 40), shorten(result.spectrogram.label, 40)) if part)
