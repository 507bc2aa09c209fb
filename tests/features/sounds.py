"""Sounds with a known spectrum, for the tests of the front ends."""

from __future__ import annotations

import numpy as np
import torch


def make_tone(frequency_hz: float, *, duration_s: float = 0.5, sample_rate: int = 44_100) -> torch.Tensor:
    """Return a full-scale sine, shape (sample,)."""
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return torch.from_numpy(np.sin(2 * np.pi * frequency_hz * time_s)).float()


def make_noise(samples: int, *, spread: float = 0.1, seed: int = 0) -> torch.Tensor:
    """Return white noise, shape (sample,)."""
    return spread * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def frame_signal(samples: np.ndarray, window: int, hop: int) -> np.ndarray:
    """Return centred windows of a signal with silence beyond its ends, shape (frame, window)."""
    padded = np.pad(samples.astype(float), window // 2)
    starts = np.arange(0, len(padded) - window + 1, hop)
    return padded[starts[:, None] + np.arange(window)]
