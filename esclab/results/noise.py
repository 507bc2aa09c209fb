"""What noise does to answers and to activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esclab.results.pictures import TimeFrequencyMap
from esclab.results.region import Region


@dataclass(frozen=True)
class RobustnessResult:
    """Models trained on clean clips, tested on noisy ones.

    Attributes
    ----------
    table : DataFrame
        One row a model and condition: `model`, `kind` ("clean" without noise), `snr_db` (infinite without noise),
        `region` (in words), `mean` (accuracy, mean over folds), `low`, `high` (its interval), `spread` (over folds),
        `folds`, `seeds`, `drop` (clean accuracy less this one), `drop_low`, `drop_high` (its paired interval), `ece`.
        All rates in 0..1.
    pairs : DataFrame
        One row a condition and pair of models: `kind`, `snr_db`, `region`, then the columns of `compare_models`, with
        Holm's correction over all rows; empty for one model.
    reference : {"clip", "region"}
        What the SNR refers to.
    label : str
        Dataset, protocol and recipe.
    interval : str
        How intervals were made.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    reference: str = "clip"
    label: str = ""
    interval: str = "95 % bootstrap over source recordings"


@dataclass(frozen=True)
class SensitivityResult:
    """How a model's answer suffers as a burst of noise moves over a grid of time slots and frequency ranges.

    Attributes
    ----------
    spectrogram : TimeFrequencyMap
        Of the clip, or the mean over the clips.
    slot_edges_s : ndarray of shape (slot + 1,)
        Borders of the time slots, in s, rising.
    band_edges_hz : ndarray of shape (range + 1,)
        Borders of the frequency ranges, in Hz, rising.
    score, accuracy : ndarray of shape (slot, range)
        With the burst there: mean probability of the true class, and share of clips answered rightly.
    clean_score, clean_accuracy : float
        The same without noise.
    clips : int
    model, kind, class_name : str
    snr_db : float
    label : str
    """

    spectrogram: TimeFrequencyMap
    slot_edges_s: np.ndarray
    band_edges_hz: np.ndarray
    score: np.ndarray
    accuracy: np.ndarray
    clean_score: float
    clean_accuracy: float
    clips: int
    model: str
    kind: str
    snr_db: float
    class_name: str = ""
    label: str = ""


@dataclass(frozen=True)
class ActivationShareResult:
    """Which share of a layer's activation falls into a noisy region.

    Attributes
    ----------
    table : DataFrame
        One row a model and region: `model`, `region` (in words), `mean`, `low`, `high` (share with noise, mean over
        clips, its interval), `clean` (share in the same place without noise), `even` (share of the cells that the
        region covers: what an even map would have), `clips`.
    pairs : DataFrame
        One row a region and pair of models: `region`, `model_a`, `model_b`, `difference`, `low`, `high`, `p_value`,
        `p_holm`.
    by_clip : DataFrame
        One row a model, region and clip: `model`, `region`, `clip`, `source`, `fold`, `seed`, `noisy`, `clean`.
    regions : tuple of Region
    layer, label, interval : str
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    by_clip: pd.DataFrame
    regions: tuple[Region, ...]
    layer: str = "block1"
    label: str = ""
    interval: str = "95 % bootstrap over source recordings"
