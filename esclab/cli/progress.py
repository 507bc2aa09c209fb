"""A bar on standard error for work that reports (done, count)."""

from __future__ import annotations

from collections.abc import Callable


def show_progress(unit: str, *, quiet: bool = False) -> Callable[[int, int], None]:
    """Return a callback that moves a bar; it appears with the first report, so that an error before stays one line."""
    from tqdm import tqdm

    bars: list[tqdm] = []

    def show(done: int, count: int) -> None:
        if not bars:
            bars.append(tqdm(total=count, unit=f" {unit}", disable=quiet, leave=False))
        bars[0].update(done - bars[0].n)
        if done == count:
            bars.pop().close()

    return show
