"""What an explorer shows of work in its controller's thread: a bar, words and a Stop button."""

from __future__ import annotations

import ipywidgets as widgets

from esclab.widgets.explorer import make_button
from esclab.widgets.working import WorkingController


class WorkBar:
    """A row that tells what is being done; it keeps its place while nothing is, so that nothing below it jumps.

    Parameters
    ----------
    controller : WorkingController
    """

    def __init__(self, controller: WorkingController) -> None:
        self._controller = controller
        self.bar = widgets.IntProgress(
            description="Progress", tooltip="How far it is", max=1,
            layout=widgets.Layout(flex="0 1 320px", min_width="140px"),
        )  # fmt: skip
        self.words = widgets.Label(layout=widgets.Layout(flex="0 0 auto"))  # the bar gives way, not the words
        self.stop_button = make_button("Stop", "Stop what is being computed", icon="stop")
        self.stop_button.on_click(lambda _: controller.attempt(controller.stop))
        self.row = widgets.HBox([self.stop_button, self.bar, self.words], layout=widgets.Layout(height="36px"))
        self.row.layout.visibility = "hidden"

    def refresh(self) -> None:
        """Bring the row to the controller's state."""
        busy, (done, count) = self._controller.busy, self._controller.progress
        self.row.layout.visibility = "visible" if busy else "hidden"
        self.stop_button.disabled = not busy
        self.bar.max = max(count, 1)
        self.bar.value = done
        self.words.value = f"{busy}, {done} of {count}" if busy and count else busy
