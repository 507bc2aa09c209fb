"""What a model takes for what: the most confused pairs, errors by parent category, confusions over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esclab.analysis.alignment import check_predictions, group_by_model
from esclab.analysis.epochs import describe_run, read_answers
from esclab.analysis.scores import score_predictions
from esclab.errors import DatasetError, OptionError
from esclab.results import ConfusionSeriesResult, Predictions

if TYPE_CHECKING:
    from esclab.training.run import Run

PAIR_COLUMNS = ["model", "true", "predicted", "count", "share", "clips"]
CATEGORY_COLUMNS = ["model", "answers", "errors", "within", "across", "within_share", "random_share"]


def confused_pairs(predictions: Predictions | Sequence[Predictions], *, top: int = 10) -> pd.DataFrame:
    """List which classes a model takes for which others, most frequent first.

    Parameters
    ----------
    predictions : Predictions or sequence of Predictions
        Folds and seeds of one or more models; each model's answers are pooled.
    top : int
        Pairs a model at most.

    Returns
    -------
    pairs : DataFrame
        One row a model and ordered pair: `model`, `true`, `predicted` (class names), `count` (answers), `share` (of
        all answers to clips of the true class, in 0..1), `clips` (tuple of names, each once: a clip that several
        seeds mistake counts several times). Ties go by share, then by the order of the classes.

    Raises
    ------
    OptionError
        When there are no predictions, `top` is less than 1, or they have different classes.
    DatasetError
        When predictions are not sound.
    """
    if top < 1:
        raise OptionError(f"top={top}", "is less than 1", "give a number such as 10")
    parts = _check_parts(predictions)
    rows = [row for model, group in group_by_model(parts).items() for row in _list_pairs(model, group)[:top]]
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def errors_by_category(predictions: Predictions | Sequence[Predictions], categories: Mapping[str, str]) -> pd.DataFrame:
    """Count how many errors stay within the true class's parent category.

    Parameters
    ----------
    predictions : Predictions or sequence of Predictions
        Folds and seeds of one or more models; each model's answers are pooled.
    categories : mapping of str to str
        Class name to parent category, e.g. `load_dataset("esc50").categories`.

    Returns
    -------
    table : DataFrame
        One row a model: `model`, `answers`, `errors`, `within` and `across` (errors), `within_share` (of the errors,
        in 0..1), `random_share`; the last two NaN for a model without errors.

    Raises
    ------
    OptionError
        When there are no predictions, or they have different classes.
    DatasetError
        When a class has no category, or predictions are not sound.

    Notes
    -----
    `random_share` is what the same errors would give if each wrong answer were drawn evenly from the other classes:
    the mean, over the errors, of (classes in the true one's category - 1) / (classes - 1). A network that confuses
    what sounds alike, and not at random, lies above it (FPAM, section 4.1, says so of ESC-50).
    """
    parts = _check_parts(predictions)
    names = parts[0].class_names
    missing = [name for name in names if name not in categories]
    if missing:
        listed = ", ".join(missing[:5])
        raise DatasetError("categories", f"{listed} have none", "give each class one, or a dataset that has them")
    groups = pd.Series([categories[name] for name in names])
    sizes = groups.map(groups.value_counts())
    chance = ((sizes - 1) / (len(names) - 1)).to_numpy()
    rows = []
    for model, group in group_by_model(parts).items():
        answers = _pool(group)
        wrong = answers[answers["true"] != answers["predicted"]]
        true, predicted = wrong["true"].to_numpy(), wrong["predicted"].to_numpy()
        within = int((groups.to_numpy()[true] == groups.to_numpy()[predicted]).sum())
        errors = len(wrong)
        shares = (within / errors, float(chance[true].mean())) if errors else (np.nan, np.nan)
        rows.append((model, len(answers), errors, within, errors - within, *shares))
    return pd.DataFrame(rows, columns=CATEGORY_COLUMNS)


def confusion_series(run: Run, epochs: str | Sequence[int | str]) -> ConfusionSeriesResult:
    """Count a run's confusions after several epochs; FPAM's Figure 7 has 1, 5, 10 and last.

    Parameters
    ----------
    run : Run
        A finished run.
    epochs : str or sequence of int or str
        As `resolve_epochs`; all but the last one must have been kept.

    Raises
    ------
    OptionError, RunError
        As `resolve_epochs`.
    """
    answers = read_answers(run, epochs)
    matrices = [replace(score_predictions(one).confusion, label=f"epoch {number}") for number, one in answers.items()]
    return ConfusionSeriesResult(tuple(answers), tuple(matrices), describe_run(run))


def _list_pairs(model: str, parts: Sequence[Predictions]) -> list[tuple[object, ...]]:
    """Return rows of `PAIR_COLUMNS`, most frequent first."""
    answers, names = _pool(parts), parts[0].class_names
    support = np.bincount(answers["true"], minlength=len(names))
    wrong = answers[answers["true"] != answers["predicted"]]
    ranked = []
    for true, predicted in wrong[["true", "predicted"]].drop_duplicates().itertuples(index=False):
        found = wrong["clip"][(wrong["true"] == true) & (wrong["predicted"] == predicted)]
        share = len(found) / int(support[true])
        row = (model, names[true], names[predicted], len(found), share, tuple(sorted(set(found))))
        ranked.append(((-len(found), -share, true, predicted), row))
    return [row for _, row in sorted(ranked)]


def _check_parts(predictions: Predictions | Sequence[Predictions]) -> list[Predictions]:
    parts = [predictions] if isinstance(predictions, Predictions) else list(predictions)
    if not parts:
        raise OptionError("predictions", "there are none", "give the predictions of at least one model")
    for part in parts:
        check_predictions(part)
        if part.class_names != parts[0].class_names:
            raise OptionError("predictions", "have different classes", "give models of one dataset")
    return parts


def _pool(parts: Sequence[Predictions]) -> pd.DataFrame:
    """Return every answer of a model: `clip`, `true` and `predicted` class index."""
    return pd.concat(
        [pd.DataFrame({"clip": part.clips, "true": part.true, "predicted": part.predicted}) for part in parts],
        ignore_index=True,
    )
