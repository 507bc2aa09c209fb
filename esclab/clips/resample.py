"""Changing the sample rate of a whole signal, or of one that arrives in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import ceil, gcd
from typing import Any

import numpy as np

KERNEL_LIMIT = 4_000_000  # numbers; torchaudio's table of phases would need gigabytes at rates such as 11024 -> 44100
HALF_WIDTH = 12  # samples of the slower rate; both filters reach less far


def resample(samples: np.ndarray, source_hz: int, target_hz: int) -> np.ndarray:
    """Return a signal at another sample rate.

    Parameters
    ----------
    samples : ndarray of float32, shape (samples,)
    source_hz, target_hz : int
        Rates in Hz.

    Returns
    -------
    ndarray of float32, shape (ceil(samples * target_hz / source_hz),)
        Band-limited interpolation: `torchaudio.functional.resample` (Hann-windowed sinc, 6 zero crossings),
        or `scipy.signal.resample_poly` for pairs of rates with so small a common divisor that the first needs
        gigabytes.
    """
    if source_hz == target_hz:
        return samples
    down, up = _ratio(source_hz, target_hz)
    if up * down > KERNEL_LIMIT:
        from scipy.signal import resample_poly

        return np.asarray(resample_poly(samples, up, down), dtype=np.float32)
    import torch

    with torch.inference_mode():
        signal = torch.tensor(samples, dtype=torch.float32)
        return _resampler(down, up)(signal).numpy()


def resample_blocks(blocks: Iterable[np.ndarray], source_hz: int, target_hz: int) -> Iterator[np.ndarray]:
    """Change the rate of a signal that arrives in blocks; joined, the result is `resample` of the whole.

    Every block is resampled together with the neighbouring samples that the filter reaches, cut at whole
    multiples of the ratio, so that no seam can be heard or measured.
    """
    if source_hz == target_hz:
        yield from blocks
        return
    down, up = _ratio(source_hz, target_hz)
    margin = down * ceil(HALF_WIDTH * max(1.0, down / up) / down)
    pending = np.zeros(0, dtype=np.float32)
    done = 0  # samples at the start of `pending` that are only context
    for block in blocks:
        pending = np.concatenate([pending, block])
        ready = (len(pending) - margin) // down * down
        if ready <= done:
            continue
        output = resample(pending[: ready + margin], source_hz, target_hz)
        yield output[done * up // down : ready * up // down]
        kept = max(0, ready - margin)
        pending, done = pending[kept:], ready - kept
    if len(pending) > done:
        yield resample(pending, source_hz, target_hz)[done * up // down :]


def _ratio(source_hz: int, target_hz: int) -> tuple[int, int]:
    divisor = gcd(source_hz, target_hz)
    return source_hz // divisor, target_hz // divisor


@lru_cache(maxsize=8)
def _resampler(source_hz: int, target_hz: int) -> Any:
    from torchaudio.transforms import Resample

    return Resample(source_hz, target_hz)
