"""Maps over time and frequency, alone and side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esclab.results.region import Region


@dataclass(frozen=True)
class TimeFrequencyMap:
    """A picture of one clip over time and frequency.

    Attributes
    ----------
    values : ndarray of shape (frame, band)
        The map itself, in `unit`.
    time_s : ndarray of shape (frame,)
        Centre of each frame, in s.
    frequency_hz : ndarray of shape (band,)
        Place of each band, rising: its centre in Hz where `axis` is "frequency", perhaps unevenly spaced (mel,
        constant-Q), otherwise its number.
    label : str
        What the map shows, e.g. a clip's class or a layer's name.
    unit : str
        Unit of `values`, e.g. "dB" for a log-mel spectrogram or "" for a weight.
    axis : {"frequency", "coefficient", "row"}
        What the bands are: frequencies, cepstral coefficients, or rows of several front ends one after the other.
    """

    values: np.ndarray
    time_s: np.ndarray
    frequency_hz: np.ndarray
    label: str = ""
    unit: str = "dB"
    axis: str = "frequency"


@dataclass(frozen=True)
class GalleryResult:
    """Several maps to be seen side by side; each map's own label is its title."""

    maps: tuple[TimeFrequencyMap, ...]
    label: str = ""


@dataclass(frozen=True)
class GridRow:
    """One row of a grid: the same kind of map under each column's condition."""

    label: str
    maps: tuple[TimeFrequencyMap, ...]


@dataclass(frozen=True)
class GridResult:
    """Maps in rows (what is shown) and columns (under which condition).

    Attributes
    ----------
    rows : tuple of GridRow
        Rows whose maps have the same unit share one colour scale.
    columns : tuple of str
        Titles of the columns.
    regions : tuple of Region or None
        What to outline in every map of a column; None for nothing.
    label : str
    """

    rows: tuple[GridRow, ...]
    columns: tuple[str, ...]
    regions: tuple[Region | None, ...]
    label: str = ""
