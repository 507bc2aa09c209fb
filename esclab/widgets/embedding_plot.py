"""One model's points in a plotly widget: painted in place, moved from epoch to epoch, picked by mouse."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np
import pandas as pd

from esclab.figures.embedding import WRONG, find_limits, title_axes, write_quality
from esclab.figures.text import class_words, plotly_text
from esclab.figures.theme import COLOURS, INK, PLOTLY_MARKERS
from esclab.results import EmbeddingResult
from esclab.widgets.embedding_own import OwnPlace
from esclab.widgets.plotly_figure import new_figure

SIZE_PX, SIDE_PX, AXIS_PX = 380, 40, 34  # of the plot, and of what stands beside and below its frame
ENTRY_PX, ENTRY_HEIGHT_PX, LONGEST_ENTRY = 170, 20, 18
MOVE_MS = 500
FAINT = 0.2
Groups = tuple[list[str], np.ndarray]


class EmbeddingPlot:
    """Points of one model; trace 0 has them all, trace 1 rings the clip that is heard, the others are the legend.

    Parameters
    ----------
    clicked : callable
        Gets the name of a clip whose point was clicked.
    selected : callable
        Gets the names of clips inside a lasso or box; none when it is taken away.
    """

    def __init__(self, clicked: Callable[[str], None], selected: Callable[[Sequence[str]], None]) -> None:
        import plotly.graph_objects as go

        # On white in a dark theme too, for black is one of the colours. The size is told: a plot made before its place
        # is there would keep the size that plotly takes for a page.
        self.figure = new_figure(width=SIZE_PX, height=SIZE_PX)
        self.figure.add_class("esclab-points")
        self.caption = widgets.HTML()
        self.view = widgets.VBox([self.caption, self.figure], layout=widgets.Layout(display="none"))
        look = {"size": 22, "symbol": "circle-open", "color": INK, "line": {"width": 3}}
        points = {"mode": "markers", "showlegend": False, "unselected": {"marker": {"opacity": FAINT}}}
        points["hovertemplate"] = (
            "%{customdata[0]}<br>true %{customdata[1]}<br>predicted %{customdata[2]}<br>fold %{customdata[3]}"
            "<extra></extra>"
        )
        ring = {"mode": "markers", "showlegend": False, "hoverinfo": "skip", "marker": look}
        ring["unselected"] = {"marker": {"opacity": 1}}
        self.figure.add_traces([go.Scatter(**points), go.Scatter(**ring)])
        self._names: list[str] = []
        self._epoch: int | None = None
        self._marked: list[int] | None = None
        self._legend: list[tuple[str, str, str]] = []
        self.figure.data[0].on_click(lambda trace, found, state: self._pass(clicked, found.point_inds))
        self.figure.data[0].on_selection(lambda trace, found, selector: self._take(selected, found.point_inds))
        self.figure.data[0].on_deselect(lambda trace, found: selected([]))

    def show(
        self,
        result: EmbeddingResult,
        points: pd.DataFrame,
        *,
        groups: Groups,
        title: str,
        chosen: str = "",
        selected: Sequence[str] = (),
        size_px: int = SIZE_PX,
        own: OwnPlace | None = None,
    ) -> None:
        """Paint points; those of another epoch glide there.

        Parameters
        ----------
        result : EmbeddingResult
            Gives limits, axes and quality.
        points : DataFrame
            Rows of its table at one epoch.
        groups : (list of str, ndarray of int)
            Names of groups, and the group of each row.
        title : str
            The model.
        chosen : str
            The clip that is heard.
        selected : sequence of str
        size_px : int
            Width of the plot.
        own : OwnPlace, optional
            A sound that is in no dataset; a star marks it, at the epoch for which its place is known.
        """
        names, epoch = points["clip"].astype(str).tolist(), int(points["epoch"].iloc[0])
        x, y = points["x"].to_numpy(float), points["y"].to_numpy(float)
        at = names.index(chosen) if chosen in names else None
        ring = ([], []) if at is None else ([x[at]], [y[at]])
        if own is not None and own.epoch == epoch:
            ring = ([own.x], [own.y])
        glides = names == self._names and epoch != self._epoch
        self._names, self._epoch = names, epoch
        if glides:
            with self.figure.batch_animate(duration=MOVE_MS, easing="cubic-in-out"):
                self.figure.data[0].x, self.figure.data[0].y = x, y
                self.figure.data[1].x, self.figure.data[1].y = ring
        with self.figure.batch_update():
            if not glides:
                self.figure.data[0].x, self.figure.data[0].y = x, y
                self.figure.data[1].x, self.figure.data[1].y = ring
            self._style(points, groups[1], set(selected))
            self._lay_out(result, size_px, entries=len(groups[0]) + 1)
        symbol = "star-open" if own is not None else "circle-open"
        if self.figure.data[1].marker.symbol != symbol:  # with the other changes, it would reset the points' own
            self.figure.data[1].marker.symbol = symbol
        self._show_legend(groups[0])
        words = [", ".join(write_quality(result, epoch))]
        if own is not None:
            words.append(str(own) if own.epoch == epoch else f"your own sound is placed at epoch {own.epoch} only")
        self.caption.value = (
            f"<div style='line-height:1.4'><b>{html.escape(title)}, epoch {epoch}</b><br>"
            f"<span style='color:var(--jp-ui-font-color2,#5a5a5a)'>{'<br>'.join(map(html.escape, words))}</span></div>"
        )
        self.view.layout.display = ""

    def clear(self) -> None:
        """Hide the plot."""
        self._epoch = None
        self.view.layout.display = "none"

    def _pass(self, clicked: Callable[[str], None], places: Sequence[int]) -> None:
        if places:
            clicked(self._names[places[0]])

    def _take(self, selected: Callable[[Sequence[str]], None], places: Sequence[int]) -> None:
        # The outline would select anew whenever points move, and plotly fails at that in the middle of a movement.
        self.figure.plotly_relayout({"selections": []})
        if places:
            selected([self._names[place] for place in places])
            return
        # Plotly says "nothing" too when the outline goes; what was selected stays, and is painted again.
        trace = self.figure.data[0]
        trace.selectedpoints = []
        trace.selectedpoints = self._marked

    def _style(self, points: pd.DataFrame, groups: np.ndarray, selected: set[str]) -> None:
        trace, wrong = self.figure.data[0], ~points["correct"].to_numpy(bool)
        words = [points["clip"], points["class_name"].map(class_words), points["predicted"].map(class_words)]
        texts = [column.map(plotly_text).to_numpy(object) for column in words]
        trace.customdata = np.column_stack([*texts, points["fold"].to_numpy(object)])
        trace.marker = {
            "size": 11 if len(points) <= 400 else 8,
            "color": [COLOURS[group % len(COLOURS)] for group in groups],
            "symbol": [PLOTLY_MARKERS[group % len(PLOTLY_MARKERS)] for group in groups],
            "line": {"color": np.where(wrong, INK, "white").tolist(), "width": np.where(wrong, 2.2, 0.6).tolist()},
        }
        self._marked = [n for n, name in enumerate(self._names) if name in selected] if selected else None
        trace.selectedpoints = self._marked

    def _lay_out(self, result: EmbeddingResult, size_px: int, *, entries: int) -> None:
        (x_title, y_title), (x_limits, y_limits) = title_axes(result), find_limits(result)
        bare = {"showticklabels": False, "ticks": "", "showgrid": False, "mirror": True, "automargin": False}
        rows = -(-entries // max(1, (size_px - 10) // ENTRY_PX))
        area_px, legend_px = size_px - SIDE_PX, rows * ENTRY_HEIGHT_PX + 10
        self.figure.update_layout(
            width=size_px,
            height=area_px + AXIS_PX + legend_px,
            margin={"l": SIDE_PX - 10, "r": 10, "t": 5, "b": AXIS_PX + legend_px - 5},
            xaxis={"title": {"text": x_title}, "range": x_limits, **bare},
            yaxis={"title": {"text": y_title}, "range": y_limits, **bare},
            legend={
                "itemclick": False, "itemdoubleclick": False, "orientation": "h", "x": 0, "xref": "container",
                "y": 0, "yref": "container", "yanchor": "bottom", "entrywidth": ENTRY_PX - 45,
                "entrywidthmode": "pixels", "font": {"size": 12},
            },
            paper_bgcolor="white",
            dragmode="lasso",
            hovermode="closest",
        )  # fmt: skip

    def _show_legend(self, names: Sequence[str]) -> None:
        """Have one trace without points for each group, and one for the rim of a wrong answer."""
        import plotly.graph_objects as go

        legend = [
            (plotly_text(name, LONGEST_ENTRY), COLOURS[n % len(COLOURS)], PLOTLY_MARKERS[n % len(PLOTLY_MARKERS)])
            for n, name in enumerate(names)
        ]
        if legend == self._legend:
            return
        self._legend = legend
        rim = {"size": 11, "color": "rgba(0,0,0,0)", "line": {"color": INK, "width": 2.2}}
        looks = [(name, {"size": 10, "color": colour, "symbol": symbol}) for name, colour, symbol in legend]
        self.figure.data = self.figure.data[:2]
        self.figure.add_traces(
            [
                go.Scatter(x=[None], y=[None], mode="markers", name=name, marker=look, showlegend=True)
                for name, look in [*looks, (f"rim: {WRONG}", rim)]
            ]
        )


def group_points(
    points: pd.DataFrame, colour_by: str, *, classes: Sequence[str], sides: Sequence[str], other: pd.DataFrame | None
) -> Groups:
    """Sort points into groups that share a colour and a marker.

    Parameters
    ----------
    points : DataFrame
        One row a clip, as `EmbeddingResult.table` has them.
    colour_by : {"class_name", "fold", "correct", "model", "agreement"}
        "agreement" is which of the two models has the clip right.
    classes : sequence of str
        All classes, so that each keeps its colour.
    sides : sequence of str
        Names of this model and of the other one, if there is one.
    other : DataFrame or None
        The other model's points.

    Returns
    -------
    names : list of str
    groups : ndarray of int, shape (row,)
        Places in `names`.
    """
    right = points["correct"].to_numpy(bool)
    if colour_by == "class_name":
        names = [class_words(name) for name in classes]
        return names, points["class_name"].map({name: n for n, name in enumerate(classes)}).to_numpy(int)
    if colour_by == "fold":
        folds = sorted(set(points["fold"].tolist()))
        return [f"fold {fold}" for fold in folds], np.searchsorted(folds, points["fold"])
    if colour_by == "model":
        return list(dict.fromkeys(sides)), np.full(len(points), list(dict.fromkeys(sides)).index(sides[0]))
    if colour_by == "agreement" and other is not None:
        theirs = points["clip"].map(other.set_index("clip")["correct"])
        known, also = theirs.notna().to_numpy(), theirs.fillna(value=False).to_numpy(bool)
        names = ["both right", f"only {sides[0]} right", f"only {sides[1]} right", "both wrong", "one model only"]
        return names, np.where(known, 2 * (~right).astype(int) + (~also).astype(int), 4)
    return ["right answer", WRONG], (~right).astype(int)
