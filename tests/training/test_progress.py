from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from esclab.training.crossval import CrossValidationReport
from esclab.training.loop import EpochReport
from esclab.training.progress import watch, watch_cross_validation


def report_epoch(epoch: int, accuracy: float = math.nan) -> EpochReport:
    return EpochReport(epoch, 5 * epoch, 20, 1.25, 0.5, 2.0, accuracy, 0.1, 1.0 * epoch, 4.0 - epoch)


def test_watch_passes_reports_on_as_they_come(capsys):
    reports = [report_epoch(1), report_epoch(2, 0.25), report_epoch(3)]
    seen = list(watch(iter(reports), label="cnn10"))
    assert all(got is given for got, given in zip(seen, reports, strict=True))
    shown = capsys.readouterr().out
    assert "cnn10" in shown
    assert "15/20" in shown
    assert "loss 1.25, held-out accuracy 25 %" in shown  # the last one that was measured


def test_watch_asks_for_no_report_before_it_is_wanted():
    asked = []

    def train():
        for epoch in (1, 2, 3):
            asked.append(epoch)
            yield report_epoch(epoch)

    bar = watch(train())
    assert asked == []
    next(bar)
    assert asked == [1]
    bar.close()
    assert asked == [1]


def test_watch_of_a_finished_run_yields_nothing():
    assert list(watch(())) == []


def test_watch_lets_an_error_through():
    def fail():
        yield report_epoch(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(watch(fail()))


def test_watch_cross_validation_passes_reports_on_and_counts_runs(capsys):
    run = SimpleNamespace(label="cnn10 fold 1 seed 0", path=Path("run"))
    reports = [
        CrossValidationReport(run, 1, 4, None),
        CrossValidationReport(run, 2, 4, report_epoch(2)),
        CrossValidationReport(run, 2, 4, report_epoch(4)),
    ]
    seen = list(watch_cross_validation(iter(reports)))
    assert all(got is given for got, given in zip(seen, reports, strict=True))
    out, shown = capsys.readouterr()
    assert out == ""  # left to tables and JSON
    assert "cnn10 fold 1 seed 0" in shown
    assert "1.5/4 runs" in shown
    assert "2.0/4 runs" in shown
