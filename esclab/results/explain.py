"""Why a network answered so: maps of importance, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esclab.results.pictures import TimeFrequencyMap


@dataclass(frozen=True)
class AttributionMap:
    """How much each frame and band of one clip counted for one class.

    Attributes
    ----------
    values : ndarray of shape (frame, band)
        On the frames and bands of the spectrogram; larger is more important, below 0 speaks against the class.
    method : str
        A key of `esclab.analysis.attribution.METHODS`.
    layer : str
        Layer of a class activation map; "" for methods that look at the input.
    model : str
    class_name : str
        The class that is explained.
    probability : float
        What the model gave to this class, in 0..1.
    """

    values: np.ndarray
    method: str
    layer: str
    model: str
    class_name: str
    probability: float

    @property
    def importance(self) -> np.ndarray:
        """The evidence for the class alone: values below 0 become 0."""
        return np.maximum(self.values, 0.0)


@dataclass(frozen=True)
class AttributionResult:
    """One clip explained by several methods, layers or models.

    Attributes
    ----------
    spectrogram : TimeFrequencyMap
        What the model heard; every map lies on its frames and bands.
    maps : tuple of AttributionMap
    events : DataFrame or None
        Where the true events lie, if known: `onset_s`, `offset_s`, `low_hz`, `high_hz`.
    """

    spectrogram: TimeFrequencyMap
    maps: tuple[AttributionMap, ...]
    events: pd.DataFrame | None = None


@dataclass(frozen=True)
class FaithfulnessResult:
    """How the score of a class changes as cells are taken away, or brought back, in order of importance.

    Attributes
    ----------
    table : DataFrame
        One row a model, method, curve and step: `model`, `method`, `curve` ("deletion" or "insertion"), `share` (of
        cells, 0..1), `mean` (probability of the class over clips), `low`, `high` (interval; NaN for one clip).
    label : str
    """

    table: pd.DataFrame
    label: str = ""


@dataclass(frozen=True)
class TrustResult:
    """Which explanation deserves trust: methods x models x measures.

    Attributes
    ----------
    table : DataFrame
        One row a model, method and measure: `model`, `method`, `measure`, `mean`, `low`, `high`, `clips`.
    measures : DataFrame
        One row a measure: `measure`, `title` (with its unit), `better` ("higher", "lower", or "zero": near it).
    curves : FaithfulnessResult
    label : str
        Dataset, runs, layer.
    interval : str
    """

    table: pd.DataFrame
    measures: pd.DataFrame
    curves: FaithfulnessResult
    label: str = ""
    interval: str = "95 % bootstrap over source recordings"
