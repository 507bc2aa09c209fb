"""Where things lie on an axis: edges of cells, bands of equal height with true Hz labels, and the range of colours."""

from __future__ import annotations

from typing import Any

import numpy as np

from esclab.errors import OptionError
from esclab.results import TimeFrequencyMap

AXIS_TITLES = {"frequency": "Frequency (Hz)", "coefficient": "Coefficient", "row": "Row"}
_AXIS_COLUMNS = {"frequency": "frequency_hz", "coefficient": "coefficient", "row": "band_row"}


def find_edges(centres: np.ndarray) -> np.ndarray:
    """Return the borders between cells, given their centres.

    Parameters
    ----------
    centres : ndarray of shape (cell,)
        Rising. A single cell is taken to be 1 wide.

    Returns
    -------
    edges : ndarray of shape (cell + 1,)
        Midway between neighbours; the outer two lie half a cell outside.
    """
    centres = np.asarray(centres, dtype=float)
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[:-1] + centres[1:]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def fit_edges(centres: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the borders between cells that together fill `low` to `high`, e.g. a layer's frames under the input's."""
    edges = find_edges(centres)
    edges[0], edges[-1] = low, high
    return np.clip(edges, low, high)


def locate_bands(frequency_hz: np.ndarray | float, bands_hz: np.ndarray) -> np.ndarray:
    """Return where frequencies lie on an axis that gives each band the same height.

    Parameters
    ----------
    frequency_hz : float or ndarray
        The frequencies to place, in Hz.
    bands_hz : ndarray of shape (band,)
        Centres of the bands, in Hz, rising; band `b` lies at position `b`.

    Returns
    -------
    position : ndarray
        Interpolated between band centres, and cut at -0.5 and band - 0.5, the axis's ends.
    """
    bands_hz = np.asarray(bands_hz, dtype=float)
    if len(bands_hz) == 1:
        bands_hz = bands_hz[0] * np.array([0.5, 1.5])
        return np.asarray(np.interp(frequency_hz, bands_hz, [-0.5, 0.5]))
    edges_hz = find_edges(bands_hz)[[0, -1]]
    positions = np.concatenate([[-0.5], np.arange(len(bands_hz)), [len(bands_hz) - 0.5]])
    known_hz = np.concatenate([edges_hz[:1], bands_hz, edges_hz[1:]])
    return np.asarray(np.interp(frequency_hz, known_hz, positions))


def place_frequency_ticks(bands_hz: np.ndarray, *, gap: float = 0.07) -> tuple[np.ndarray, list[str]]:
    """Return positions and labels of round frequencies on an axis of equally high bands.

    Parameters
    ----------
    bands_hz : ndarray of shape (band,)
        Centres of the bands, in Hz, rising.
    gap : float
        Least distance of two ticks, as a share of the axis; the lower one of a pair too close is left out.

    Returns
    -------
    positions : ndarray of shape (tick,)
        On the band axis (see `locate_bands`), rising.
    labels : list of str
        In Hz, thousands as "k": "500", "1k", "2.5k".
    """
    bands_hz = np.asarray(bands_hz, dtype=float)
    kept: list[tuple[float, float]] = []
    for hz in sorted(_find_round_frequencies(bands_hz), reverse=True):
        position = float(locate_bands(hz, bands_hz))
        if not kept or kept[-1][0] - position >= gap * len(bands_hz):
            kept.append((position, hz))
    kept.reverse()
    return np.array([position for position, _ in kept]), [_label_frequency(hz) for _, hz in kept]


def place_band_ticks(tfmap: TimeFrequencyMap, *, gap: float = 0.07) -> tuple[np.ndarray, list[str]]:
    """Return positions and labels of the ticks of a map's band axis, in Hz or, where it has none, whole numbers.

    For `gap` and what is returned see `place_frequency_ticks`.
    """
    positions, labels = place_frequency_ticks(tfmap.frequency_hz, gap=gap)
    if tfmap.axis == "frequency":
        return positions, labels
    whole = [place for place, label in enumerate(labels) if "." not in label]
    return positions[whole], [labels[place] for place in whole]


def locate_range(tfmap: TimeFrequencyMap, low_hz: Any, high_hz: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return where ranges of frequency lie on a map's band axis: the full height where that has no frequencies.

    Parameters
    ----------
    tfmap : TimeFrequencyMap
    low_hz, high_hz : float or ndarray
        Ends of the ranges, in Hz; infinity for open ones.

    Returns
    -------
    bottom, top : ndarray
        As `locate_bands`.
    """
    if tfmap.axis == "frequency":
        return locate_bands(low_hz, tfmap.frequency_hz), locate_bands(high_hz, tfmap.frequency_hz)
    return np.full(np.shape(low_hz), -0.5), np.full(np.shape(high_hz), len(tfmap.frequency_hz) - 0.5)


def title_bands(tfmap: TimeFrequencyMap) -> str:
    """Return the title of a map's band axis, e.g. "Frequency (Hz)"."""
    return AXIS_TITLES[tfmap.axis]


def name_band_column(tfmap: TimeFrequencyMap) -> str:
    """Return what a table calls a map's band axis, e.g. "frequency_hz"."""
    return _AXIS_COLUMNS[tfmap.axis]


def write_band(tfmap: TimeFrequencyMap, value: str = "%{customdata:.0f}") -> str:
    """Return a band in words, e.g. "440 Hz" or "coefficient 3"; `value` may be a template of plotly's."""
    return f"{value} Hz" if tfmap.axis == "frequency" else f"{tfmap.axis} {value}"


def _find_round_frequencies(bands_hz: np.ndarray) -> np.ndarray:
    low, high = bands_hz[0], bands_hz[-1]
    steps = np.diff(bands_hz)
    decades = np.array([m * 10.0**e for e in range(1, 6) for m in (1, 2, 5)])
    inside = decades[(decades >= low) & (decades <= high)]
    evenly = len(steps) > 1 and np.allclose(steps, steps[0], rtol=1e-3)
    if len(inside) >= 3 and not evenly:
        return inside
    if high <= low:
        return np.array([low])
    step = min((m * 10.0**e for e in range(-1, 6) for m in (1, 2, 5)), key=lambda s: abs((high - low) / s - 4.5))
    # Adding 0 turns -0 into 0.
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step + 0.0


def _label_frequency(hz: float) -> str:
    return f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"


def check_map(tfmap: TimeFrequencyMap) -> None:
    """Raise `OptionError` unless the map has one value for each frame and band, at least one of both, a known axis."""
    if tfmap.axis not in AXIS_TITLES:
        raise OptionError(
            "TimeFrequencyMap.axis", f"{tfmap.axis!r} is not known", f"choose one of {', '.join(AXIS_TITLES)}"
        )
    expected = (len(tfmap.time_s), len(tfmap.frequency_hz))
    if tfmap.values.shape != expected or 0 in expected:
        raise OptionError(
            "TimeFrequencyMap.values",
            f"shape {tfmap.values.shape} does not fit {expected[0]} frames and {expected[1]} bands",
            "give values of shape (frame, band), with a time for each frame and a frequency for each band",
        )


def pick_scale_values(tfmap: TimeFrequencyMap) -> np.ndarray:
    """Return the values over which a map's own colour scale spans.

    Cepstral coefficient 0, the level, is left out, and of rows of several front ends the outermost 2 % at each end:
    they are far from all others and would hide their differences. Such cells take the colour at their end of the scale.
    """
    values = np.asarray(tfmap.values)
    if tfmap.axis == "coefficient" and tfmap.frequency_hz[0] == 0 and len(tfmap.frequency_hz) > 1:
        return values[:, 1:]
    if tfmap.axis == "row" and np.isfinite(values).any():
        return np.clip(values, *np.percentile(values[np.isfinite(values)], [2, 98]))
    return values


def choose_color_range(values: np.ndarray, color_range: tuple[float, float] | None) -> tuple[float, float]:
    """Return the lowest and highest value of the colour scale.

    Parameters
    ----------
    values : ndarray
        Any shape; values that are not finite (silence at -inf dB) do not count.
    color_range : (float, float) or None
        The answer, where the caller compares figures; None takes the values' own range.

    Raises
    ------
    OptionError
        When the range does not rise.
    """
    if color_range is not None:
        low, high = (float(bound) for bound in color_range)
        if not (np.isfinite([low, high]).all() and low < high):
            raise OptionError("color_range", f"({low:g}, {high:g}) does not rise", "give (lowest, highest)")
        return low, high
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = 0 if low < high else max(0.5, 0.05 * abs(low))
    return low - room, high + room


def widen_range(color_range: tuple[float, float], values: np.ndarray) -> tuple[float, float]:
    """Return a colour range with room above for values, by whole quarters: what changes a little keeps its colours.

    Parameters
    ----------
    color_range : (float, float)
        Rising.
    values : ndarray
        Any shape; values that are not finite do not count.
    """
    low, high = color_range
    finite = values[np.isfinite(values)]
    quarter = (high - low) / 4
    quarters = np.ceil((finite.max() - low) / quarter - 1e-6) if finite.size else 4
    return low, low + quarter * max(4, int(quarters))
