"""Time each method of attribution for one clip of 5 s, CNN10 at full width.

By itself: `python -m benchmarks.attribution`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch

from esclab.analysis.attribution import METHODS, attribute
from esclab.models import build_model

FRAMES, BANDS, CLASSES = 251, 40, 10


def bench_attribution(repeats: int) -> list[dict[str, object]]:
    """Time one map of one clip; slow methods three times only. The base is one pass through the network."""
    from benchmarks.__main__ import describe, time_in_turn

    torch.manual_seed(0)
    models = {name: build_model(name, classes=CLASSES, bands=BANDS).eval() for name in ("cnn10", "ts-cnn10")}
    features = torch.randn(1, 1, FRAMES, BANDS)

    def score() -> None:
        with torch.inference_mode():
            models["cnn10"](features)

    fast: dict[str, Callable[[], object]] = {"one pass, scores only": score}
    slow: dict[str, Callable[[], object]] = {}
    for name, entry in METHODS.items():
        model = models["ts-cnn10" if entry.needs_gates else "cnn10"]
        (slow if entry.slow else fast)[name] = partial(attribute, model, features, method=name, target=0)
    seconds = {**time_in_turn(fast, repeats), **time_in_turn(slow, min(repeats, 3))}
    base = sorted(seconds["one pass, scores only"])[repeats // 2]
    return [describe(f"attribution: {name}", values, per=1, base=base) for name, values in seconds.items()]


if __name__ == "__main__":
    print(pd.DataFrame(bench_attribution(9)).to_string(index=False))
