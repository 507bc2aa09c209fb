"""Bars on standard error: for work that reports (done, count), and for steps with names."""

from __future__ import annotations

from collections.abc import Callable

# Without a time left: steps differ too much.
STEPS_BAR = "{desc} {percentage:3.0f}%|{bar}| step {n_fmt} of {total_fmt} [{elapsed} gone{postfix}]"


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


class Steps:
    """A bar that names the step at work; as a context it is there at once, and gone at the end.

    Parameters
    ----------
    count : int
        Steps in all.
    quiet : bool
        Whether nothing is shown.
    """

    def __init__(self, count: int, *, quiet: bool = False) -> None:
        from tqdm import tqdm

        self.begun = 0
        self.bar = tqdm(total=count, desc="starting", bar_format=STEPS_BAR, disable=quiet, leave=False)

    def __enter__(self) -> Steps:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.bar.close()

    def begin(self, name: str) -> None:
        """Name the step that begins; the one before is done."""
        self.bar.set_postfix_str("", refresh=False)
        self.bar.set_description_str(name, refresh=False)
        self.bar.n = self.begun
        self.bar.refresh()
        self.begun += 1

    def tell(self, done: int, count: int) -> None:
        """Tell where the step at work stands."""
        self.bar.set_postfix_str(f"{done} of {count} passes")
