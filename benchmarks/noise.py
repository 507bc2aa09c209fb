"""Time noise on the waveform, by kind and place.

By itself: `python -m benchmarks.noise`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from esclab.noise import cut_region, inject_noise
from esclab.results import Region

RATE = 44_100


def bench_noise(repeats: int) -> list[dict[str, object]]:
    """Time noise in a 5 s clip: everywhere, in a burst, in a band, in a rectangle; and cutting a rectangle out."""
    from benchmarks.__main__ import describe, time_in_turn

    clip = (0.1 * np.random.default_rng(0).standard_normal(5 * RATE)).astype(np.float32)
    places = {
        "whole clip": Region(),
        "burst of 0.3 s": Region(1.0, 1.3),
        "band": Region(low_hz=2000, high_hz=4000),
        "rectangle": Region(1.0, 2.0, 2000, 4000),
    }
    tasks = {
        f"noise: gaussian, {name}": lambda region=region: inject_noise(clip, RATE, snr_db=10.0, region=region)
        for name, region in places.items()
    }
    tasks |= {
        f"noise: {kind}, rectangle": lambda kind=kind: inject_noise(
            clip, RATE, kind=kind, snr_db=10.0, region=places["rectangle"]
        )
        for kind in ("pink", "hum", "bus-like", "tram-like")
    }
    tasks["noise: cut a rectangle out"] = lambda: cut_region(clip, RATE, places["rectangle"])
    return [describe(name, seconds, per=1) for name, seconds in time_in_turn(tasks, repeats).items()]


if __name__ == "__main__":
    print(pd.DataFrame(bench_noise(9)).to_string(index=False))
