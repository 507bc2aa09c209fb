"""Is one model better than another on the same clips, or could it be luck?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from esclab.analysis.alignment import align_predictions, group_by_model, merge_seeds
from esclab.analysis.intervals import paired_difference
from esclab.errors import OptionError
from esclab.results import Predictions

EXACT_BELOW = 25  # discordant clips under which the chi-square approximation is poor


def compare_models(predictions: Sequence[Predictions], *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Compare every pair of models on the same clips.

    Parameters
    ----------
    predictions : sequence of Predictions
        One a model and seed, of two models at least.
    resamples, seed : int
        Of the bootstrap behind `low` and `high`.

    Returns
    -------
    table : DataFrame
        One row a pair: `model_a`, `model_b`, `difference` (mean over folds and seeds of accuracy of a less
        that of b), `low` and `high` (95 % bootstrap over source recordings), `only_a` and `only_b` (clips
        that only one of them answers rightly), `p_value` (McNemar) and `p_holm` (the same, corrected for the
        number of pairs after Holm).

    Raises
    ------
    OptionError
        When there are fewer than two models, or one model and seed comes twice.
    DatasetError
        When the predictions are not all on the same clips.

    Notes
    -----
    With several seeds, `difference` and its bounds are about the average seed, as in `summarize_accuracy`.
    The other columns need one answer a clip: the class of highest mean probability over a model's seeds, of
    which both models give the same number (the lowest ones), since a vote of many seeds beats a single one.
    Pooling the discordant clips of all seeds instead would count each clip several times as if it were new.

    McNemar's test takes clips as independent. Clips cut from one recording are not, which makes its p values
    too small where sources have several clips; `low` and `high` respect the sources, so trust them where they
    disagree with the p value. Neither covers another training of the same model. The test is the exact
    binomial one below 25 discordant clips, else chi-square with continuity correction (none when both counts
    are equal, where p is 1). McNemar (1947), Psychometrika 12; Holm (1979), Scandinavian Journal of
    Statistics 6.
    """
    from statsmodels.stats.multitest import multipletests

    groups = group_by_model(align_predictions(predictions))
    if len(groups) < 2:
        raise OptionError(
            "predictions", f"are of one model, {next(iter(groups))!r}", "give those of two or more models"
        )
    table = pd.DataFrame([_compare_pair(a, b, resamples, seed) for a, b in combinations(groups.values(), 2)])
    table["p_holm"] = multipletests(table["p_value"], method="holm")[1]
    return table


def _compare_pair(a: list[Predictions], b: list[Predictions], resamples: int, seed: int) -> dict[str, str | float]:
    """Compare two models, each given by its aligned seeds."""
    difference = paired_difference(a, b, resamples=resamples, seed=seed)
    seeds = min(len(a), len(b))
    right_a, right_b = merge_seeds(a[:seeds]).correct, merge_seeds(b[:seeds]).correct
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    return {
        "model_a": a[0].model,
        "model_b": b[0].model,
        "difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "only_a": only_a,
        "only_b": only_b,
        "p_value": _test_mcnemar(only_a, only_b),
    }


def _test_mcnemar(only_a: int, only_b: int) -> float:
    from statsmodels.stats.contingency_tables import mcnemar

    exact = only_a + only_b < EXACT_BELOW
    # The clips on which both agree do not enter the test, so the diagonal may hold anything.
    result = mcnemar([[0, only_a], [only_b, 0]], exact=exact, correction=only_a != only_b)
    return float(result.pvalue)
