"""Where a layer's coarse cells lie on the input, and maps brought from the one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from esclab.models.base import Ranges


def count_pooled(length: int, length_here: int) -> int:
    """Return the power of 2 by which poolings by 2 (each drops an odd end) shortened `length` to `length_here`."""
    return 1 << (length // length_here).bit_length() - 1


def locate_cells(length: int, length_here: int, *, padded: bool = False) -> np.ndarray:
    """Return the centre of each of a layer's cells along one axis, in positions of the input.

    Poolings by 2 that drop an odd end (251 -> 125 -> 62) give cells of 2 ** n positions; convolutions of stride 2
    with padding (251 -> 126 -> 63) give cells around every 2 ** n-th position, from 0 on. Any other length is taken
    for an even division. A cell that is alone on its axis stands for all of it.

    Parameters
    ----------
    length, length_here : int
        Positions of the input and cells of the layer.
    padded : bool
        What to take for lengths that both rules fit, such as 40 -> 20: pooling, or padded convolutions if true.

    Returns
    -------
    centres : ndarray of float64, shape (length_here,)
        Position 0 is the middle of the input's first frame or band.
    """
    numbers = np.arange(length_here)
    size = count_pooled(length, length_here)
    pools = length // size == length_here
    strides = [f for f in (size, 2 * size) if f > 1 and length_here > 1 and -(-length // f) == length_here]
    if strides and (padded or not pools):
        return numbers * float(strides[0])
    if pools:
        return (numbers + 0.5) * size - 0.5
    return (numbers + 0.5) * length / length_here - 0.5


def weigh_cells(length: int, length_here: int, *, padded: bool = False) -> np.ndarray:
    """Return how much each cell gives to each position by linear interpolation, shape (length, length_here).

    Positions beyond the outer centres take the outer cell's value; each row sums to 1. For the parameters see
    `locate_cells`.
    """
    centres = locate_cells(length, length_here, padded=padded)
    positions = np.arange(length)
    columns = [np.interp(positions, centres, cell) for cell in np.eye(length_here)]
    return np.stack(columns, axis=1)


def weigh_map(frames: int, bands: int, shape_here: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of `weigh_cells` for both axes of a map.

    One axis that only padded convolutions explain (251 -> 126) tells that the other (40 -> 20) is theirs too.

    Parameters
    ----------
    frames, bands : int
        Of the input.
    shape_here : (int, int)
        Frames and bands of the layer.
    """
    pairs = ((frames, shape_here[0]), (bands, shape_here[1]))
    padded = any(needs_padding(length, here) for length, here in pairs)
    along_time, along_frequency = (weigh_cells(length, here, padded=padded) for length, here in pairs)
    return along_time, along_frequency


def spread_cells(maps: np.ndarray, frames: int, bands: int, *, ranges: Ranges | None = None) -> np.ndarray:
    """Bring maps on a layer's cells to the input's frames and bands.

    Parameters
    ----------
    maps : ndarray of shape (clip, t, b)
    frames, bands : int
        Of the input.
    ranges : tuple of (int, int), optional
        Bands that the maps cover, see `SoundClassifier.layer_bands`; all by default. Several get the same maps.

    Returns
    -------
    maps : ndarray of float32, shape (clip, frames, bands)
        Linear between the centres of cells (`locate_cells`), held beyond the outer ones; 0 outside of the ranges.
    """
    spread = np.zeros((len(maps), frames, bands), dtype=np.float32)
    for first, last in ranges or ((0, bands),):
        along_time, along_frequency = weigh_map(frames, last - first, (maps.shape[1], maps.shape[2]))
        spread[:, :, first:last] = along_time @ maps @ along_frequency.T
    return spread


def needs_padding(length: int, length_here: int) -> bool:
    """Return whether `length_here` cells of `length` come of padded convolutions and cannot come of poolings."""
    size = count_pooled(length, length_here)
    return length // size != length_here and any(-(-length // f) == length_here for f in (size, 2 * size))
