"""What the comparison of runs does, without a browser: which runs, their accuracy, tests, robustness and cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from esclab.clips import ClipDataset, load_dataset
from esclab.errors import OptionError
from esclab.results import AccuracyResult, RobustnessResult
from esclab.results.cost import CostResult
from esclab.storage import write_text
from esclab.training.run import Run
from esclab.widgets.compare_code import write_code
from esclab.widgets.compare_parts import summarize_costs
from esclab.widgets.gather import RunWords
from esclab.widgets.ledger_results import read_noise, summarize_rows
from esclab.widgets.run_rows import GROUP, RunRows, choose_rows, list_groups, read_rows, tell_rows
from esclab.widgets.working import Report, WorkingController

if TYPE_CHECKING:
    from esclab.analysis import Cost

COST_CLIPS, COST_REPEATS = 8, 10
ALL = -1


class CompareController(WorkingController):
    """The state of the comparison.

    Parameters
    ----------
    runs : str, Path, Run or a sequence of these
        As `esclab.widgets.run_rows.read_rows`: run folders, folders of runs, shipped runs, ledgers.
    dataset : ClipDataset or str, optional
        Where clips are read for noise; the runs' own by default.
    noise : str or Path, optional
        Ledger of robustness; by default noise.csv beside a ledger of runs, otherwise results/noise.csv.

    Attributes
    ----------
    rows : RunRows
        All runs.
    groups : dict of str to tuple
        Labels of what may be compared, with dataset, protocol, recipe and digest.
    group, models, fold, seed, words
        What is chosen: a label of `groups`, names of models (empty for all), a fold or seed (-1 for all), and words
        that must stand in a row.
    chosen : DataFrame
        Rows that are compared, of one group.
    notes : list of str
        What is compared and what is not, and why.
    accuracy : AccuracyResult or None
    pairs : DataFrame
        Of `esclab.analysis.compare_models`; empty for one model, and from ledgers.
    robustness : RobustnessResult or None
    costs : dict of str to Cost
        By model, of those that were measured.
    """

    def __init__(
        self, runs: RunWords, dataset: ClipDataset | str | None = None, *, noise: str | Path | None = None
    ) -> None:
        super().__init__()
        self.rows: RunRows = read_rows(runs)
        self.groups = list_groups(self.rows.table)
        self.group = next(iter(self.groups), "")
        self.models: tuple[str, ...] = ()
        self.fold = self.seed = ALL
        self.words = ""
        self.chosen = self.rows.table.head(0)
        self.notes: list[str] = []
        self.accuracy: AccuracyResult | None = None
        self.pairs = pd.DataFrame()
        self.robustness: RobustnessResult | None = None
        self.costs: dict[str, Cost] = {}
        self.measured = False
        self.conditions: tuple[tuple[str, ...], tuple[float, ...]] = ((), ())
        self._dataset = dataset
        self.noise_ledger = _find_noise(runs) if noise is None else Path(noise)
        self.attempt(self.select)
        if not self.groups:
            self.message = self.rows.problems[0] if self.rows.problems else "There are no runs; give the name of one."

    @property
    def chosen_runs(self) -> list[Run]:
        """The run folders of what is compared; empty where one is known from a ledger alone."""
        runs = [self.rows.runs[number] for number in self.chosen.index]
        return [run for run in runs if run is not None] if None not in runs else []

    def select(
        self, *, group: str | None = None, models: Iterable[str] | None = None, fold: int | None = None,
        seed: int | None = None, words: str | None = None,
    ) -> None:  # fmt: skip
        """Change what is compared; what is not given stays, another group begins with all of its runs.

        Raises
        ------
        OptionError
            When there is no such group.
        """
        if group is not None and group not in self.groups:
            raise OptionError(f"group {group!r}", "is not there", f"choose one of {'; '.join(self.groups) or 'none'}")
        if group is not None and group != self.group:
            self.group, self.models, self.fold, self.seed = group, (), ALL, ALL
        self.models = self.models if models is None else tuple(models)
        self.fold = self.fold if fold is None else fold
        self.seed = self.seed if seed is None else seed
        self.words = self.words if words is None else words
        self.message = ""
        self._choose()

    def shown_rows(self) -> pd.DataFrame:
        """Return the rows of all groups that have the words; those that are not compared are there, too."""
        table = self.rows.table
        text = table.astype(str).agg(" ".join, axis=1).str.casefold() if len(table) else pd.Series(dtype=str)
        kept = pd.Series(True, index=table.index)
        for word in self.words.casefold().split():
            kept &= text.str.contains(word, regex=False)
        return table[kept]

    def measure_noise(self, kinds: Sequence[str], snrs_db: Sequence[float]) -> None:
        """Test the compared runs in noise, beside the kernel's loop.

        Raises
        ------
        OptionError
            When no kind or level is given, or the runs' folders are not known.
        """
        from esclab.analysis import cross_conditions, measure_robustness

        runs = self._need_runs()
        if not kinds or not snrs_db:
            raise OptionError("noise", "has no kind or no level", "choose a kind, and levels such as 20, 10, 0")
        conditions = cross_conditions(kinds, snrs_db)
        given = self._dataset

        def work(report: Report) -> Callable[[], None]:
            dataset = load_dataset(given) if isinstance(given, str) else given
            result = measure_robustness(runs, conditions, dataset=dataset, progress=report)

            def show() -> None:
                self.robustness, self.measured, self.message = result, True, ""
                self.conditions = (tuple(kinds), tuple(snrs_db))

            return show

        self.message = ""
        self.start("testing in noise, clip", work)

    def measure_costs(self) -> None:
        """Measure parameters, operations and time of each compared model side by side, beside the kernel's loop.

        Raises
        ------
        OptionError
            When the runs' folders are not known.
        """
        first = {run.config.model: run for run in reversed(self._need_runs())}

        def work(report: Report) -> Callable[[], None]:
            found: dict[str, Cost] = {}
            for number, (model, run) in enumerate(reversed(first.items())):
                report(number, len(first))
                found[model] = measure_run(run)
            report(len(first), len(first))

            def show() -> None:
                self.costs, self.message = found, ""

            return show

        self.message = ""
        self.start("measuring cost, model", work)

    def cost(self) -> CostResult | None:
        """Return what each measured model costs and achieves; None before both are known."""
        return summarize_costs(self.costs, self.accuracy) if self.costs and self.accuracy is not None else None

    def results(self) -> dict[str, tuple[str, Any]]:
        """Return accuracy and, where they are there, robustness and cost."""
        found: dict[str, tuple[str, Any]] = {}
        if self.accuracy is not None:
            found["accuracy"] = ("accuracy", self.accuracy)
        if self.robustness is not None:
            found["robustness"] = ("robustness", self.robustness)
        if (cost := self.cost()) is not None:
            found["cost"] = ("cost", cost)
        return found

    def export(self, folder: str | Path) -> list[Path]:
        """Write figures and data, and runs and pairs as tables; see `Controller.export`."""
        paths = super().export(folder)
        for name, table in {"runs": self.chosen, "pairs": self.pairs}.items():
            if len(table):
                text = table.to_csv(index=False, lineterminator="\n")
                paths.append(write_text(Path(folder) / f"{name}.csv", text))
        return paths

    def code(self) -> str:
        """Return code for `accuracy` and, where they are there, `pairs`, `robustness`, `costs` and `cost`."""
        if self.accuracy is None:
            return ""
        return write_code(
            self.chosen_runs,
            rows=self.chosen,
            label=self.accuracy.label,
            noise=self.conditions if self.measured else None,
            noise_ledger=self.noise_ledger if self.robustness is not None and not self.measured else None,
            cost=bool(self.costs),
        )

    def in_group(self) -> pd.Series:
        """Return for each row whether it is of the chosen group."""
        table, key = self.rows.table, self.groups.get(self.group)
        same = pd.Series(key is not None, index=table.index)
        for name, value in zip(GROUP, key or (), strict=False):
            same &= table[name].astype(str) == value
        return same

    def _choose(self) -> None:
        """Find the rows to compare, and start comparing them."""
        table = self.shown_rows()
        table = table[self.in_group().reindex(table.index)]
        if self.models:
            table = table[table["model"].isin(self.models)]
        for name, value in (("fold", self.fold), ("seed", self.seed)):
            if value != ALL:
                table = table[table[name] == value]
        self.chosen, notes = choose_rows(table)
        others = len(self.groups) - 1
        if others > 0:
            noun = "group" if others == 1 else "groups"
            notes.append(f"Runs of {others} other {noun} (dataset, protocol or recipe) are listed, never mixed in.")
        self.notes = [tell_rows(self.chosen), *notes]
        self.accuracy, self.pairs, self.robustness, self.measured = None, pd.DataFrame(), None, False
        self.costs = {}
        if self.chosen.empty:
            self.stop()
            return
        self._compare()

    def _compare(self) -> None:
        runs, rows = self.chosen_runs, self.chosen
        first = rows.iloc[0]
        label = f"{first['dataset']}, {first['protocol']}, recipe {first['recipe']}"
        if not runs:
            self.notes.append("A ledger has no answers clip by clip: no intervals and no tests; give run folders.")

        def work(report: Report) -> Callable[[], None]:
            from esclab.analysis import compare_runs

            ledger = self.noise_ledger
            robustness = read_noise(ledger, rows, label=f"{label}, {ledger.name}") if ledger.exists() else None
            if runs:
                comparison = compare_runs(runs)
                accuracy, pairs = comparison.accuracy, comparison.pairs
            else:
                accuracy, pairs = summarize_rows(rows, label=label), pd.DataFrame()

            def show() -> None:
                self.accuracy, self.pairs, self.robustness = accuracy, pairs, robustness

            return show

        self.start("comparing", work)

    def _need_runs(self) -> list[Run]:
        if not self.chosen_runs:
            cause = "are known from a ledger alone" if len(self.chosen) else "are none"
            raise OptionError("runs", cause, "give run folders, such as runs/, and choose some")
        return self.chosen_runs


def measure_run(run: Run) -> Cost:
    """Return what a run's network costs on this machine, for a batch of 8 silent clips.

    Raises
    ------
    RunError
        When the run's weights are damaged.
    """
    import torch

    from esclab.analysis import measure_cost

    feature = run.build_feature()
    frames = feature.frames(round(run.config.duration_s * feature.config.sample_rate))
    batch = torch.zeros(COST_CLIPS, 1, frames, len(feature.frequency_hz))
    return measure_cost(run.load_model(), batch, repeats=COST_REPEATS)


def _find_noise(runs: RunWords) -> Path:
    """Return where the ledger of robustness lies by default."""
    listed = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    ledgers = [Path(word) for word in listed if not isinstance(word, Run) and str(word).endswith(".csv")]
    return (ledgers[0].parent if ledgers else Path("results")) / "noise.csv"
