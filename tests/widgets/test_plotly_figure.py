"""Figures of plotly share one script, and tell what is drawn now."""

from __future__ import annotations

import gzip

from esclab.widgets import plotly_figure
from esclab.widgets.plotly_figure import PlotlyLibrary, new_figure


def test_figures_share_one_script(monkeypatch):
    monkeypatch.setattr(plotly_figure, "_libraries", [])
    first, second = new_figure(width=300), new_figure()
    (library,) = plotly_figure._libraries
    assert isinstance(library, PlotlyLibrary)
    assert first.library == second.library == library.model_id
    assert b"newPlot" in gzip.decompress(library.source)
    assert len(str(first.get_state()["_esm"])) < 10_000  # plotly's own is 5 MB
    assert first.layout.width == 300


def test_a_closed_script_is_made_anew(monkeypatch):
    monkeypatch.setattr(plotly_figure, "_libraries", [])
    first = new_figure()
    plotly_figure._libraries[0].close()
    second = new_figure()
    assert second.library != first.library


def test_state_holds_what_is_drawn_now():
    figure = new_figure()
    figure.add_scatter(x=[1, 2], y=[3, 4])
    figure.layout.width = 420
    state = figure.get_state()
    assert list(state["_widget_data"][0]["y"]) == [3, 4]
    assert state["_widget_layout"]["width"] == 420
