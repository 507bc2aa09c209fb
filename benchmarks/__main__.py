"""Measure what is felt: features, the store, noise, attribution, training and the price of attention.

Ratios hold within one run only.

Run with nothing beside it: `make bench`. Results go to the screen and to `out/bench.csv`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F

from benchmarks.attribution import bench_attribution
from benchmarks.features import bench_front_ends
from benchmarks.latency import bench_latency
from benchmarks.noise import bench_noise
from esclab.clips import load_dataset, read_clip
from esclab.features import build_feature
from esclab.features.store import load_features
from esclab.models import build_model
from esclab.training.device import choose_device, choose_precision, keep_freed_memory, name_device, open_fabric
from esclab.training.loop import take_step

BATCH, FRAMES, BANDS, CLASSES = 32, 251, 40, 10


def time_in_turn(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return seconds of each call; tasks take turns, so that a slow minute of the machine hits all of them."""
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def plain_step(name: str, width: float) -> Callable[[], object]:
    """Return one training step as a first draft would write it: float32, contiguous, nothing else."""
    network = build_model(name, classes=CLASSES, bands=BANDS, width=width)
    optimiser = torch.optim.AdamW(network.parameters())
    features, targets = torch.randn(BATCH, 1, FRAMES, BANDS), torch.randint(CLASSES, (BATCH,))

    def step() -> None:
        optimiser.zero_grad()
        F.cross_entropy(network(features), targets).backward()
        optimiser.step()

    return step


def esclab_step(name: str, width: float, *, compiled: bool = False) -> Callable[[], object]:
    """Return one training step as esclab takes it on this machine."""
    device = choose_device()
    fabric = open_fabric(device, choose_precision(device))
    network = build_model(name, classes=CLASSES, bands=BANDS, width=width).to(memory_format=torch.channels_last)
    model, optimiser = fabric.setup(
        torch.compile(network) if compiled else network, torch.optim.AdamW(network.parameters())
    )
    model.mark_forward_method("compute_loss")
    features = torch.randn(BATCH, 1, FRAMES, BANDS, device=fabric.device)
    targets = torch.eye(CLASSES, device=fabric.device)[torch.randint(CLASSES, (BATCH,))]
    return lambda: take_step(fabric, model, optimiser, features=features, targets=targets)


def bench_training(repeats: int, *, compiled: bool) -> list[dict[str, object]]:
    """Compare a train step of CNN10 with a plain loop's, and TS-CNN10's with CNN10's."""
    rows = []
    for width in (1.0, 0.25):
        tasks = {"cnn10, plain float32 loop": plain_step("cnn10", width)}
        # The plain loop warms up before esclab changes how freed memory is kept.
        tasks["cnn10, plain float32 loop"]()
        keep_freed_memory()
        tasks["cnn10"] = esclab_step("cnn10", width)
        tasks["ts-cnn10"] = esclab_step("ts-cnn10", width)
        if compiled:
            tasks["cnn10, compiled"] = esclab_step("cnn10", width, compiled=True)
        seconds = time_in_turn(tasks, repeats)
        base = statistics.median(seconds["cnn10"])
        for name, values in seconds.items():
            rows.append(describe(f"train step, width {width:g}: {name}", values, per=BATCH, base=base))
    return rows


def bench_features(repeats: int) -> list[dict[str, object]]:
    """Time the log-mel front end, alone and in a batch, and the store's miss and hit."""
    dataset, feature = load_dataset("synth10:50"), build_feature()
    samples = torch.stack([torch.from_numpy(read_clip(dataset, row, sample_rate=44_100)) for row in range(32)])
    with torch.inference_mode():
        seconds = time_in_turn(
            {"one clip": lambda: feature(samples[:1]), "32 clips": lambda: feature(samples)}, repeats
        )
    rows = [
        describe("log-mel, one clip", seconds["one clip"], per=1),
        describe("log-mel, 32 clips in one call", seconds["32 clips"], per=32),
        describe(
            "read a clip (decode, mix, check)",
            time_in_turn({"read": lambda: read_clip(dataset, 0, sample_rate=44_100)}, repeats)["read"],
            per=1,
        ),
    ]
    miss, hit = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            for seconds_list in (miss, hit):
                started = time.perf_counter()
                load_features(dataset, feature, folder=folder)
                seconds_list.append(time.perf_counter() - started)
    return [*rows, describe("store, miss", miss, per=len(dataset)), describe("store, hit", hit, per=len(dataset))]


def describe(what: str, seconds: list[float], *, per: int, base: float | None = None) -> dict[str, object]:
    """Return one row: median milliseconds a clip, its quartiles, clips a second, and the ratio to the base."""
    low, middle, high = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else seconds * 3
    return {
        "what": what,
        "ms_per_clip": round(1e3 * middle / per, 3),
        "quartiles_ms": f"{1e3 * low / per:.3f}-{1e3 * high / per:.3f}",
        "clips_per_s": round(per / middle, 1),
        "times_cnn10": "" if base is None else round(middle / base, 2),
        "calls": len(seconds),
    }


def main() -> None:
    """Run all benchmarks, print and store their table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--compiled", action="store_true", help="measure torch.compile too (a minute to start)")
    options = parser.parse_args()
    device = choose_device()
    print(
        name_device(device), f"{torch.get_num_threads()} threads", choose_precision(device), torch.__version__, sep=", "
    )
    table = pd.DataFrame(
        [
            *bench_features(options.repeats * 3),
            *bench_front_ends(options.repeats),
            *bench_noise(options.repeats),
            *bench_attribution(options.repeats),
            *bench_training(options.repeats, compiled=options.compiled),
            *bench_latency(),
        ]
    )
    print(table.to_string(index=False))
    Path("out").mkdir(exist_ok=True)
    table.to_csv("out/bench.csv", index=False)


if __name__ == "__main__":
    main()
