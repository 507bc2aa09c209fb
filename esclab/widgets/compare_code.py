"""The code behind a comparison of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from esclab.training.run import Run

RUNS = """from esclab.analysis import {names}
from esclab.figures import export
from esclab.training import find_runs

runs = find_runs([
{folders}])
comparison = compare_runs(runs)
accuracy, pairs = comparison.accuracy, comparison.pairs
export("accuracy", accuracy, "out/compare/accuracy")
"""
NOISE = """robustness = measure_robustness(runs, cross_conditions({kinds!r}, {snrs!r}))
export("robustness", robustness, "out/compare/robustness")
"""
COST = """costs = {model: measure_run(run) for model, run in {run.config.model: run for run in reversed(runs)}.items()}
cost = summarize_costs(costs, accuracy)
export("cost", cost, "out/compare/cost")
"""
LEDGER = """import pandas as pd

from esclab.figures import export
from esclab.widgets.ledger_results import {names}

rows = pd.DataFrame({{
{columns}}})
accuracy = summarize_rows(rows, label={label!r})
export("accuracy", accuracy, "out/compare/accuracy")
"""
ROWS = """
rows = pd.DataFrame({{
{columns}}})
"""
READ = """robustness = read_noise({path!r}, rows, label={label!r})
export("robustness", robustness, "out/compare/robustness")
"""


def write_code(
    runs: Sequence[Run],
    *,
    rows: pd.DataFrame,
    label: str,
    noise: tuple[Sequence[str], Sequence[float]] | None,
    noise_ledger: Path | None,
    cost: bool,
) -> str:
    """Return code that makes the same comparison.

    Parameters
    ----------
    runs : sequence of Run
        Empty where only a ledger knows them.
    rows : DataFrame
        The compared rows.
    label : str
    noise : (kinds, levels in dB), or None
        What was measured.
    noise_ledger : Path or None
        Where robustness was read instead.
    cost : bool
    """
    columns = "".join(f"    {name!r}: {rows[name].tolist()!r},\n" for name in rows.columns)
    if runs:
        names = ["compare_runs"] + ["cross_conditions", "measure_robustness"] * (noise is not None)
        folders = "".join(f"    {str(run.path)!r},\n" for run in runs)
        code = RUNS.format(names=", ".join(names), folders=folders)
    else:
        names = ["read_noise"] * (noise_ledger is not None) + ["summarize_rows"]
        code = LEDGER.format(names=", ".join(names), columns=columns, label=label)
    if noise is not None:
        code += NOISE.format(kinds=list(noise[0]), snrs=list(noise[1]))
    if noise_ledger is not None:
        if runs:
            code = "import pandas as pd\n\n" + code.replace(
                "\n\nruns = ", "\nfrom esclab.widgets.ledger_results import read_noise\n\nruns = "
            )
            code += ROWS.format(columns=columns)
        code += READ.format(path=str(noise_ledger), label=f"{label}, {noise_ledger.name}")
    if cost:
        code += "\nfrom esclab.widgets.compare_controller import measure_run\n"
        code += "from esclab.widgets.compare_parts import summarize_costs\n\n" + COST
    return code
