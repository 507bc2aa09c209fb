"""The look of every figure: fonts, sizes and colours, for the screen (plotly) and for paper (matplotlib)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from esclab.errors import OptionError

Hand = Literal["plotly", "print"]

INK = "#1a1a1a"
SOFT_INK = "#5a5a5a"
GRID = "#dcdcdc"
ACCENT = "#0072B2"

# Okabe and Ito (2008), without yellow, which is too pale for a line on white. Seven colours and eight markers
# share no divisor, so 56 runs pass before a pair of the two comes again.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Pale enough for black text, and of rising lightness so that they differ in grey too.
PALE_COLOURS = ("#6fa8d6", "#f2b45a", "#d9e8a8", "#e6c3da", "#c9c9c9")
PLOTLY_MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "pentagon", "star")
PRINT_MARKERS = ("o", "s", "D", "^", "X", "v", "p", "*")

# Perceptually uniform: equal steps of the value look like equal steps of lightness, in grey as well.
MAP_COLOURS = "magma"
# Light to dark for rates; the palest end is left out, so that a small rate still differs from a blank cell.
RATE_COLOURS_FROM, RATE_COLOURS_TO = 0.95, 0.08
# Share of that scale from which white text has more contrast than black (relative luminance 0.18, WCAG 2).
WHITE_TEXT_FROM = 0.45

ONE_COLUMN_IN = 3.4
TWO_COLUMNS_IN = 7.0
PRINT_DPI = 300
PRINT_FONT_PT = 7
SCREEN_FONT_PX = 13
SCREEN_WIDTH_PX = 900
TEMPLATE = "esclab"

PRINT_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": PRINT_FONT_PT,
    "axes.titlesize": PRINT_FONT_PT + 1,
    "axes.titlelocation": "left",
    "axes.labelsize": PRINT_FONT_PT,
    "axes.linewidth": 0.6,
    "axes.edgecolor": SOFT_INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.titlesize": PRINT_FONT_PT + 1,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "legend.fontsize": PRINT_FONT_PT,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "savefig.dpi": PRINT_DPI,
    "text.color": INK,
    # Class and clip names are shown letter by letter, a dollar sign included.
    "text.parse_math": False,
    "xtick.labelsize": PRINT_FONT_PT,
    "ytick.labelsize": PRINT_FONT_PT,
    "xtick.color": SOFT_INK,
    "ytick.color": SOFT_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "esclab",
}


def choose_hand(hand: str, *, plotly: Callable[..., Any], paper: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that draws with `hand`.

    Raises
    ------
    OptionError
        When `hand` is neither "plotly" nor "print".
    """
    if hand == "plotly":
        return plotly
    if hand == "print":
        return paper
    raise OptionError("hand", f"{hand!r} is not a hand", "choose 'plotly' or 'print'")


@contextmanager
def print_style() -> Iterator[None]:
    """Apply `PRINT_STYLE` to what matplotlib draws inside the block; the reader's own settings come back after it."""
    import matplotlib as mpl

    with mpl.rc_context(PRINT_STYLE):  # type: ignore[arg-type]
        yield


def new_print_figure(width_in: float, height_in: float) -> Any:
    """Return an empty `matplotlib.figure.Figure` that pyplot does not know of, so that it is never shown or kept."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def register_template() -> str:
    """Make the plotly template "esclab" known to plotly, and return its name.

    The reader's default template stays as it is; `plotly.io.templates.default = "esclab"` makes it this one.
    """
    import plotly.graph_objects as go
    import plotly.io as pio

    if TEMPLATE in pio.templates:
        return TEMPLATE
    axis = {
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": SOFT_INK,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": SOFT_INK,
        "tickfont": {"size": SCREEN_FONT_PX},
        "title": {"font": {"size": SCREEN_FONT_PX + 1}, "standoff": 8},
        "zeroline": False,
    }
    pio.templates[TEMPLATE] = go.layout.Template(
        layout={
            "colorway": list(COLOURS),
            "font": {
                "family": "Open Sans, DejaVu Sans, Arial, sans-serif",
                "size": SCREEN_FONT_PX,
                "color": INK,
            },
            "title": {
                "x": 0.01,
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 14},
                "font": {"size": SCREEN_FONT_PX + 3},
                "subtitle": {"font": {"size": SCREEN_FONT_PX, "color": SOFT_INK}},
            },
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "hoverlabel": {"font": {"size": SCREEN_FONT_PX}, "bgcolor": "white", "align": "left"},
            "legend": {"font": {"size": SCREEN_FONT_PX}, "bgcolor": "rgba(255,255,255,0.8)"},
            "margin": {"l": 70, "r": 30, "t": 70, "b": 60},
            "xaxis": axis,
            "yaxis": axis,
        }
    )
    return TEMPLATE


def build_color_bar(title: str) -> dict[str, Any]:
    """Return the settings of plotly's colour bar; `title` has its unit and is escaped."""
    text = {"text": title, "side": "right", "font": {"size": SCREEN_FONT_PX + 1}}
    return {"title": text, "tickfont": {"size": SCREEN_FONT_PX}, "thickness": 14, "outlinewidth": 0}


def rate_colours_for_plotly() -> list[list[Any]]:
    """Return plotly's colour scale for rates, light to dark, as pairs of position (0..1) and colour."""
    from plotly.colors import sample_colorscale

    steps = 16
    span = RATE_COLOURS_TO - RATE_COLOURS_FROM
    points = [RATE_COLOURS_FROM + span * i / (steps - 1) for i in range(steps)]
    colours = sample_colorscale(MAP_COLOURS, points)
    return [[i / (steps - 1), colour] for i, colour in enumerate(colours)]


def rate_colours_for_print() -> Any:
    """Return matplotlib's colour map for rates, light to dark; a blank (NaN) is white."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.colors import ListedColormap

    colours = mpl.colormaps[MAP_COLOURS](np.linspace(RATE_COLOURS_FROM, RATE_COLOURS_TO, 256))
    return ListedColormap(colours, name="esclab_rates").with_extremes(bad="white")
